"""The Squidstat library in the vendor's shape, over a twin: what a program has in place of the imported module.

Names and meanings are those of the headers of AdmiralSquidstatAPI v1.10.3.0. There is no global state: a library
object stands where a program has the module, one for each bench.
"""

# ruff: noqa: N802, N803 - the names are the vendor's.

from __future__ import annotations

from typing import Protocol

from sim.twins import squidstat_builder as builder
from sim.twins.squidstat_codes import AisErrorCode, ErrorCode
from sim.twins.squidstat_handler import (
    AisACData,
    AisDCData,
    AisExperimentNode,
    AisInstrumentHandler,
    Instrument,
)
from sim.twins.squidstat_signals import Signal, SignalQueue


class Plugged(Instrument, Protocol):
    """What the tracker asks besides: what is plugged in where."""

    @property
    def ports(self) -> list[str]:
        """The ports on which an instrument is plugged in."""

    def attach(self, port: str) -> str | None:
        """Connect a program by port; return the device's name, or None when nothing is on that port."""

    def recall(self) -> None:
        """Say what was kept while there was no link."""


class AisDeviceTracker:
    """Connects programs to devices. `Instance()` gives the bench's one, as the vendor's gives its own."""

    def __init__(self, instrument: Plugged, handler: AisInstrumentHandler, queue: SignalQueue) -> None:
        self._instrument, self._handler, self._queue = instrument, handler, queue
        self._name: str | None = None
        self.newDeviceConnected = Signal()
        self.deviceDisconnected = Signal()
        self.firmwareUpdateNotification = Signal()

    def Instance(self) -> AisDeviceTracker:
        """Return the tracker."""
        return self

    def connectToDeviceOnComPort(self, comPort: str) -> AisErrorCode:
        """Connect; newDeviceConnected(name) follows. ConnectionFailed when nothing is on that port."""
        name = self._instrument.attach(comPort)
        if name is None:
            return AisErrorCode(ErrorCode.ConnectionFailed)
        self._name = name
        self._queue.post(self.newDeviceConnected, name)
        self._instrument.recall()
        return AisErrorCode()

    def connectAllPluggedInDevices(self) -> int:
        """Connect what is plugged in and not yet connected; return how many those were."""
        if self.getConnectedDevices():
            return 0
        return sum(
            self.connectToDeviceOnComPort(port).value() == ErrorCode.Success
            for port in self._instrument.ports
        )

    def getConnectedDevices(self) -> list[str]:
        """Return the names of the connected devices."""
        return [self._name] if self._name is not None and self._instrument.is_linked else []

    def getInstrumentHandler(self, deviceName: str) -> AisInstrumentHandler:
        """Return the handler of a connected device; one whose every call fails for any other name."""
        return self._handler if deviceName == self._name else AisInstrumentHandler(None)

    def saveLogToFile(self, save: bool) -> None:
        """Write no file: the twin's black box has it all."""

    def setLogFilePath(self, path: str) -> None:
        """Write no file: the twin's black box has it all."""


class SquidstatLibrary:
    """Stands where a program has the imported module: its attributes are the vendor's names."""

    AisErrorCode = AisErrorCode
    AisInstrumentHandler = AisInstrumentHandler
    AisDCData = AisDCData
    AisACData = AisACData
    AisExperimentNode = AisExperimentNode
    AisExperiment = builder.AisExperiment
    AisConstantCurrentElement = builder.AisConstantCurrentElement
    AisConstantPotElement = builder.AisConstantPotElement
    AisOpenCircuitElement = builder.AisOpenCircuitElement
    AisConstantPowerElement = builder.AisConstantPowerElement
    AisConstantResistanceElement = builder.AisConstantResistanceElement
    AisDCPotentialSweepElement = builder.AisDCPotentialSweepElement
    AisDCCurrentSweepElement = builder.AisDCCurrentSweepElement
    AisEISPotentiostaticElement = builder.AisEISPotentiostaticElement
    AisEISGalvanostaticElement = builder.AisEISGalvanostaticElement

    def __init__(self, instrument: Plugged, queue: SignalQueue) -> None:
        self.handler = AisInstrumentHandler(instrument)
        self.AisDeviceTracker = AisDeviceTracker(instrument, self.handler, queue)
