"""The Squidstat library in the vendor's shape, over a twin: classes, signatures, signals, codes.

Names and meanings are those of the headers of AdmiralSquidstatAPI v1.10.3.0 (AisDeviceTracker,
AisInstrumentHandler, AisErrorCode, AisExperiment, AisDataPoints, builder elements). There is no global state:
a library object stands where a program has the imported module, one for each bench.
"""

# ruff: noqa: N802, N803, N815 - the names are the vendor's.

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, ClassVar, Protocol

from sim.twins.squidstat_channel import Element, Limits, Nodes


class ErrorCode(IntEnum):
    """What a call may answer, as far as the twin's calls go."""

    Success = 0
    ConnectionFailed = 1
    InvalidChannel = 10
    BusyChannel = 11
    DeviceNotFound = 13
    ExperimentNotUploaded = 52
    ExperimentIsEmpty = 53
    InvalidParameters = 54
    FailedToStopExperiment = 105


MESSAGES: Mapping[ErrorCode, str] = {
    ErrorCode.Success: "Success",
    ErrorCode.ConnectionFailed: "Failed to connect to the device on this port",
    ErrorCode.InvalidChannel: "The given channel number is not valid",
    ErrorCode.BusyChannel: "The channel is busy",
    ErrorCode.DeviceNotFound: "No device was detected to be connected",
    ErrorCode.ExperimentNotUploaded: "No experiment has been uploaded to the channel",
    ErrorCode.ExperimentIsEmpty: "The experiment has no elements",
    ErrorCode.InvalidParameters: "A given parameter is out of the allowed range",
    ErrorCode.FailedToStopExperiment: "There is no experiment running on the channel",
}
"""Words of ours: the headers give the codes and their meaning, not the texts."""


class AisErrorCode:
    """The answer of a call: `value()` is the code, `message()` says it in words."""

    Success: ClassVar[int] = ErrorCode.Success
    ConnectionFailed: ClassVar[int] = ErrorCode.ConnectionFailed
    InvalidChannel: ClassVar[int] = ErrorCode.InvalidChannel
    BusyChannel: ClassVar[int] = ErrorCode.BusyChannel
    DeviceNotFound: ClassVar[int] = ErrorCode.DeviceNotFound
    ExperimentNotUploaded: ClassVar[int] = ErrorCode.ExperimentNotUploaded
    ExperimentIsEmpty: ClassVar[int] = ErrorCode.ExperimentIsEmpty
    InvalidParameters: ClassVar[int] = ErrorCode.InvalidParameters
    FailedToStopExperiment: ClassVar[int] = ErrorCode.FailedToStopExperiment

    def __init__(self, code: ErrorCode = ErrorCode.Success) -> None:
        self._code = code

    def value(self) -> int:
        """Return the code."""
        return int(self._code)

    def message(self) -> str:
        """Return the code in words."""
        return MESSAGES[self._code]


@dataclass(frozen=True)
class AisDCData:
    """One row: timestamp [s] since the experiment began, V, V, A, degC."""

    timestamp: float
    workingElectrodeVoltage: float
    counterElectrodeVoltage: float
    current: float
    temperature: float


@dataclass(frozen=True)
class AisExperimentNode:
    """Which element begins. That the numbers count from 1 is not yet seen on hardware."""

    stepName: str
    stepNumber: int
    substepNumber: int
    cycle: int


class Signal:
    """A signal as programs use it: `connect` a slot; what the instrument says comes later, in order."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., Any]] = []

    def connect(self, slot: Callable[..., Any]) -> None:
        """Call `slot` at each emission."""
        self._slots.append(slot)

    def emit(self, *arguments: Any) -> None:
        """Call every slot now."""
        for slot in tuple(self._slots):
            slot(*arguments)


class SignalQueue:
    """Signals made while the twin is advanced; delivered afterwards, so that slots may call the library."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Signal, tuple[Any, ...]]] = deque()
        self._delivering = False

    def post(self, signal: Signal, *arguments: Any) -> None:
        """Emit later."""
        self._waiting.append((signal, arguments))

    def deliver(self) -> None:
        """Emit what is waiting, and what the slots cause meanwhile."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                signal, arguments = self._waiting.popleft()
                signal.emit(*arguments)
        finally:
            self._delivering = False


class AisAbstractElement:
    """What an experiment is built of."""

    element: Element


class AisConstantCurrentElement(AisAbstractElement):
    """Hold a current until a duration or a voltage."""

    def __init__(self, current: float, samplingInterval: float, duration: float) -> None:
        self.element = Element("Constant Current, Advanced", current, samplingInterval, duration)

    def setMaxVoltage(self, maxVoltage: float) -> None:
        """End when the voltage [V] reaches this from below."""
        self.element = replace(self.element, voltage_max=maxVoltage)

    def setMinVoltage(self, minVoltage: float) -> None:
        """End when the voltage [V] reaches this from above."""
        self.element = replace(self.element, voltage_min=minVoltage)

    def setMinSamplingVoltageDifference(self, minVoltageDifference: float) -> None:
        """Report by voltage difference [V]; this overrides the sampling interval."""
        self.element = replace(self.element, voltage_difference=minVoltageDifference)

    def setApproxMaxCurrent(self, approxMaxCurrent: float) -> None:
        """Fix the current range by the largest current [A] expected."""
        self.element = replace(self.element, expected_current=approxMaxCurrent)


class AisOpenCircuitElement(AisAbstractElement):
    """Watch the cell without current until a duration or a voltage."""

    def __init__(self, duration: float, samplingInterval: float) -> None:
        self.element = Element("Open Circuit Potential", None, samplingInterval, duration)

    def setMaxVoltage(self, maxVoltage: float) -> None:
        """End when the voltage [V] reaches this from below."""
        self.element = replace(self.element, voltage_max=maxVoltage)

    def setMinVoltage(self, minVoltage: float) -> None:
        """End when the voltage [V] reaches this from above."""
        self.element = replace(self.element, voltage_min=minVoltage)


MOST_REPEATS = 65535


class AisExperiment:
    """A list of elements and sub-experiments; appending copies what they are at that moment."""

    def __init__(self) -> None:
        self.nodes: Nodes = ()

    def appendElement(self, element: AisAbstractElement, repeat: int = 1) -> bool:
        """Append an element; False when repeat is below 1, clamped above 65535, as the header says."""
        return self._append(element.element, repeat)

    def appendSubExperiment(self, subExp: AisExperiment, repeat: int = 1) -> bool:
        """Append a sub-experiment; False when repeat is below 1, clamped above 65535, as the header says."""
        return self._append(subExp.nodes, repeat)

    def _append(self, node: Element | Nodes, repeat: int) -> bool:
        if repeat < 1:
            return False
        self.nodes = (*self.nodes, (node, min(repeat, MOST_REPEATS)))
        return True


class Instrument(Protocol):
    """What a handler asks of the twin it stands for; a channel that does not exist is refused."""

    @property
    def channel_count(self) -> int:
        """How many channels it has."""

    def busy(self, channel: int) -> bool:
        """Return whether an experiment runs."""

    def upload(self, channel: int, nodes: Nodes) -> ErrorCode:
        """Take an experiment."""

    def start(self, channel: int) -> ErrorCode:
        """Begin it."""

    def stop(self, channel: int) -> ErrorCode:
        """Open the cell."""

    def limits(self, channel: int) -> Limits:
        """Return the channel's limits."""

    def set_limits(self, channel: int, limits: Limits) -> None:
        """Change the channel's limits."""

    def attach(self, port: str) -> str | None:
        """Connect a program by port; return the device's name, or None when nothing is on that port."""


class AisInstrumentHandler:
    """Control of one instrument, and its signals."""

    def __init__(self, instrument: Instrument | None) -> None:
        self._instrument = instrument
        self.activeDCDataReady = Signal()
        self.experimentNewElementStarting = Signal()
        self.experimentStopped = Signal()
        self.deviceError = Signal()
        self.deviceDisconnected = Signal()

    def uploadExperimentToChannel(self, channel: int, experiment: AisExperiment) -> AisErrorCode:
        """Upload; InvalidChannel, BusyChannel, ExperimentIsEmpty, InvalidParameters, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.upload(channel, experiment.nodes))

    def startUploadedExperiment(self, channel: int) -> AisErrorCode:
        """Start; InvalidChannel, BusyChannel, ExperimentNotUploaded, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.start(channel))

    def stopExperiment(self, channel: int) -> AisErrorCode:
        """Stop and open the cell; InvalidChannel, FailedToStopExperiment when none runs, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.stop(channel))

    def isChannelBusy(self, channel: int) -> bool:
        """Return whether an experiment runs on a valid channel."""
        instrument = self._instrument
        return instrument is not None and 0 <= channel < instrument.channel_count and instrument.busy(channel)

    def getNumberOfChannels(self) -> int:
        """Return how many channels there are, -1 without a device."""
        return -1 if self._instrument is None else self._instrument.channel_count

    def setChannelMaximumVoltage(self, channel: int, Vmax: float) -> AisErrorCode:
        """Stop any experiment above this voltage [V]."""
        return self._limit(channel, voltage_max=Vmax)

    def setChannelMinimumVoltage(self, channel: int, Vmin: float) -> AisErrorCode:
        """Stop any experiment below this voltage [V]."""
        return self._limit(channel, voltage_min=Vmin)

    def setChannelMaximumCurrent(self, channel: int, Imax: float) -> AisErrorCode:
        """Stop any experiment above this current [A]."""
        return self._limit(channel, current_max=Imax)

    def setChannelMinimumCurrent(self, channel: int, Imin: float) -> AisErrorCode:
        """Stop any experiment below this current [A]."""
        return self._limit(channel, current_min=Imin)

    def resetChannelLimits(self, channel: int) -> AisErrorCode:
        """Forget all limits of the channel."""

        def reset(instrument: Instrument) -> ErrorCode:
            instrument.set_limits(channel, Limits())
            return ErrorCode.Success

        return self._ask(channel, reset)

    def _limit(self, channel: int, **change: float) -> AisErrorCode:
        def change_limits(instrument: Instrument) -> ErrorCode:
            if not all(math.isfinite(value) for value in change.values()):
                return ErrorCode.InvalidParameters
            instrument.set_limits(channel, replace(instrument.limits(channel), **change))
            return ErrorCode.Success

        return self._ask(channel, change_limits)

    def _ask(self, channel: int, call: Callable[[Instrument], ErrorCode]) -> AisErrorCode:
        if self._instrument is None:
            return AisErrorCode(ErrorCode.DeviceNotFound)
        if not 0 <= channel < self._instrument.channel_count:
            return AisErrorCode(ErrorCode.InvalidChannel)
        return AisErrorCode(call(self._instrument))


class AisDeviceTracker:
    """Connects programs to devices. `Instance()` gives the bench's one, as the vendor's gives its own."""

    def __init__(self, instrument: Instrument, handler: AisInstrumentHandler, queue: SignalQueue) -> None:
        self._instrument, self._handler, self._queue = instrument, handler, queue
        self._name: str | None = None
        self.newDeviceConnected = Signal()

    def Instance(self) -> AisDeviceTracker:
        """Return the tracker."""
        return self

    def connectToDeviceOnComPort(self, comPort: str) -> AisErrorCode:
        """Connect; newDeviceConnected(name) follows. ConnectionFailed when nothing is on that port."""
        self._name = self._instrument.attach(comPort)
        if self._name is None:
            return AisErrorCode(ErrorCode.ConnectionFailed)
        self._queue.post(self.newDeviceConnected, self._name)
        return AisErrorCode()

    def getInstrumentHandler(self, deviceName: str) -> AisInstrumentHandler:
        """Return the handler of a connected device; one whose every call fails for any other name."""
        return self._handler if deviceName == self._name else AisInstrumentHandler(None)


class SquidstatLibrary:
    """Stands where a program has the imported module: its attributes are the vendor's names."""

    AisErrorCode = AisErrorCode
    AisExperiment = AisExperiment
    AisConstantCurrentElement = AisConstantCurrentElement
    AisOpenCircuitElement = AisOpenCircuitElement

    def __init__(self, instrument: Instrument, queue: SignalQueue) -> None:
        self.handler = AisInstrumentHandler(instrument)
        self.AisDeviceTracker = AisDeviceTracker(instrument, self.handler, queue)
