"""AisInstrumentHandler in the vendor's shape: control of one instrument, and its signals.

Names, arguments and codes are those of AisInstrumentHandler.h of AdmiralSquidstatAPI v1.10.3.0. Compensation,
fans and firmware are not there.
"""

# ruff: noqa: N802, N803, N815 - the names are the vendor's.

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sim.twins.squidstat_builder import AisExperiment
from sim.twins.squidstat_codes import AisErrorCode, ErrorCode
from sim.twins.squidstat_elements import Accuracy, Element, Hold, Limits, Nodes
from sim.twins.squidstat_signals import Signal

NO_CHANNEL = -1
"""What linking answers where channels cannot be linked, as the header says of setBipolarLinkedChannels."""


@dataclass
class AisDCData:
    """One row: timestamp [s] since the experiment began, V, V, A, degC."""

    timestamp: float
    workingElectrodeVoltage: float
    counterElectrodeVoltage: float
    current: float
    temperature: float


@dataclass
class AisACData:
    """One frequency of a spectrum: s, Hz, ohm, ohm, ohm, degrees, percent, periods, V, A, A, V."""

    timestamp: float
    frequency: float
    absoluteImpedance: float
    realImpedance: float
    imagImpedance: float
    phaseAngle: float
    totalHarmonicDistortion: float
    numberOfCycles: float
    workingElectrodeDCVoltage: float
    DCCurrent: float
    currentAmplitude: float
    voltageAmplitude: float


@dataclass(frozen=True)
class AisExperimentNode:
    """Which element begins. That the numbers count from 1 is not yet seen on hardware."""

    stepName: str
    stepNumber: int
    substepNumber: int
    cycle: int


class Instrument(Protocol):
    """What a handler asks of the twin it stands for; a channel that does not exist is refused before."""

    @property
    def channel_count(self) -> int:
        """How many channels it has."""

    @property
    def is_linked(self) -> bool:
        """Whether the library and the instrument hear one another."""

    @property
    def accuracy(self) -> Accuracy:
        """What its channels can."""

    def busy(self, channel: int) -> bool:
        """Return whether an experiment runs or is paused."""

    def paused(self, channel: int) -> bool:
        """Return whether one is paused."""

    def began(self, channel: int) -> float:
        """Return when the last experiment began, in seconds since the epoch."""

    def upload(self, channel: int, nodes: Nodes) -> ErrorCode:
        """Take an experiment."""

    def start(self, channel: int) -> ErrorCode:
        """Begin it."""

    def stop(self, channel: int) -> ErrorCode:
        """Open the cell."""

    def pause(self, channel: int) -> ErrorCode:
        """Open the cell for a while."""

    def resume(self, channel: int) -> ErrorCode:
        """Go on."""

    def skip(self, channel: int) -> ErrorCode:
        """Go on with the next element."""

    def sample_idle(self, channel: int) -> ErrorCode:
        """Take samples while nothing runs."""

    def start_manual(self, channel: int) -> ErrorCode:
        """Begin a manual experiment."""

    def change_manual(self, channel: int, change: Callable[[Element], Element]) -> ErrorCode:
        """Drive something else in a manual experiment, or sample otherwise."""

    def limits(self, channel: int) -> Limits:
        """Return the channel's limits."""

    def set_limits(self, channel: int, limits: Limits) -> None:
        """Change the channel's limits."""

    def erase_memory(self) -> ErrorCode:
        """Forget what was kept while the link was lost."""


class AisInstrumentHandler:
    """Control of one instrument, and its signals; every call of one without an instrument fails."""

    def __init__(self, instrument: Instrument | None) -> None:
        self._instrument = instrument
        self.deviceDisconnected = Signal()
        self.groundFloatStateChanged = Signal()
        self.experimentNewElementStarting = Signal()
        self.activeDCDataReady = Signal()
        self.idleDCDataReady = Signal()
        self.recoveryDCDataReady = Signal()
        self.activeACDataReady = Signal()
        self.recoveryACDataReady = Signal()
        self.experimentStopped = Signal()
        self.experimentPaused = Signal()
        self.experimentResumed = Signal()
        self.recoverDataErased = Signal()
        self.deviceError = Signal()

    def uploadExperimentToChannel(self, channel: int, experiment: AisExperiment) -> AisErrorCode:
        """Upload; InvalidChannel, BusyChannel, ExperimentIsEmpty, InvalidParameters, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.upload(channel, experiment.nodes))

    def startUploadedExperiment(self, channel: int) -> AisErrorCode:
        """Start; InvalidChannel, BusyChannel, ExperimentNotUploaded, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.start(channel))

    def startIdleSampling(self, channel: int) -> AisErrorCode:
        """Take samples of an idle channel; ExperimentUploaded, BusyChannel, InvalidChannel, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.sample_idle(channel))

    def skipExperimentStep(self, channel: int) -> AisErrorCode:
        """Go on with the next element; ChannelNotBusy, InvalidChannel, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.skip(channel))

    def pauseExperiment(self, channel: int) -> AisErrorCode:
        """Open the cell for a while; ChannelNotBusy, ExperimentAlreadyPaused, InvalidChannel, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.pause(channel))

    def resumeExperiment(self, channel: int) -> AisErrorCode:
        """Go on; ChannelNotBusy, FailedToResumeExperiment when not paused, InvalidChannel, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.resume(channel))

    def stopExperiment(self, channel: int) -> AisErrorCode:
        """Stop and open the cell; InvalidChannel, FailedToStopExperiment when none runs, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.stop(channel))

    def getExperimentUTCStartTime(self, channel: int) -> float:
        """Return when the last experiment of the channel began, in seconds since the epoch."""
        instrument = self._linked(channel)
        return 0.0 if instrument is None else instrument.began(channel)

    def isChannelBusy(self, channel: int) -> bool:
        """Return whether an experiment runs or is paused on a valid channel."""
        instrument = self._linked(channel)
        return instrument is not None and instrument.busy(channel)

    def isChannelPaused(self, channel: int) -> bool:
        """Return whether an experiment is paused on a valid channel."""
        instrument = self._linked(channel)
        return instrument is not None and instrument.paused(channel)

    def getFreeChannels(self) -> list[int]:
        """Return the channels on which nothing runs."""
        return [each for each in range(max(self.getNumberOfChannels(), 0)) if not self.isChannelBusy(each)]

    def getNumberOfChannels(self) -> int:
        """Return how many channels there are, -1 without a device."""
        instrument = self._linked(0)
        return -1 if instrument is None else instrument.channel_count

    def setLinkedChannels(self, channels: Sequence[int]) -> int:
        """Return -1: only the vendor's cyclers link channels, and this is none."""
        return NO_CHANNEL

    def setBipolarLinkedChannels(self, channels: Sequence[int]) -> int:
        """Return -1: only the vendor's cyclers link channels, and this is none."""
        return NO_CHANNEL

    def hasBipolarMode(self, channel: int) -> bool:
        """Return False: only the vendor's cyclers link channels."""
        return False

    def getLinkedChannels(self, channel: int) -> list[int]:
        """Return no channels: only the vendor's cyclers link any."""
        return []

    def eraseRecoverData(self) -> AisErrorCode:
        """Forget what was kept while the link was lost; recoverDataErased(True) follows."""
        return self._ask(0, lambda instrument: instrument.erase_memory())

    def startManualExperiment(self, channel: int) -> AisErrorCode:
        """Begin a manual experiment at open circuit; BusyChannel, InvalidChannel, DeviceNotFound."""
        return self._ask(channel, lambda instrument: instrument.start_manual(channel))

    def setManualModeOCP(self, channel: int) -> AisErrorCode:
        """Open the cell; ManualExperimentNotRunning, InvalidChannel, DeviceNotFound."""
        return self._ask(
            channel, lambda instrument: instrument.change_manual(channel, _driving(Hold("rest")))
        )

    def setManualModeConstantVoltage(self, channel: int, value: float) -> AisErrorCode:
        """Hold a voltage [V]; ManualExperimentNotRunning, FailedToSetManualModeConstantVoltage and the usual."""
        hold = Hold("voltage", float(value))
        return self._drive(channel, hold, ErrorCode.FailedToSetManualModeConstantVoltage)

    def setManualModeConstantCurrent(self, channel: int, value: float) -> AisErrorCode:
        """Hold a current [A]; ManualExperimentNotRunning, FailedToSetManualModeConstantCurrent and the usual."""
        hold = Hold("current", float(value))
        return self._drive(channel, hold, ErrorCode.FailedToSetManualModeConstantCurrent)

    def setManualModeSamplingInterval(self, channel: int, value: float) -> AisErrorCode:
        """Sample every so many seconds; ManualExperimentNotRunning and the usual."""
        if not 0.0 < value < math.inf:
            return AisErrorCode(ErrorCode.FailedToSetManualModeSamplingInterval)

        def change(element: Element) -> Element:
            return replace(element, interval=float(value))

        return self._ask(channel, lambda instrument: instrument.change_manual(channel, change))

    def setManualModeCurrentRange(self, channel: int, currentRangeIndex: int) -> AisErrorCode:
        """Fix the current range by its place in the list; FailedToSetManualModeCurrentRange and the usual."""

        def change(instrument: Instrument) -> ErrorCode:
            ranges = instrument.accuracy.current_ranges
            if not 0 <= currentRangeIndex < len(ranges):
                return ErrorCode.FailedToSetManualModeCurrentRange
            return instrument.change_manual(channel, _ranging(ranges[currentRangeIndex]))

        return self._ask(channel, change)

    def setManualModeCurrentAutorange(self, channel: int) -> AisErrorCode:
        """Let the channel choose its range; ManualExperimentNotRunning and the usual."""
        return self._ask(channel, lambda instrument: instrument.change_manual(channel, _ranging(math.inf)))

    def getManualModeCurrentRangeList(self, channel: int) -> list[tuple[float, float]]:
        """Return the smallest and largest current [A] of each range."""
        instrument = self._linked(channel)
        return [] if instrument is None else [(-each, each) for each in instrument.accuracy.current_ranges]

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

    def setChannelMaximumTemperature(self, channel: int, MaxTemperature: float) -> AisErrorCode:
        """Stop any experiment above this temperature [degC]."""
        return self._limit(channel, temperature_max=MaxTemperature)

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

    def _drive(self, channel: int, hold: Hold, failure: ErrorCode) -> AisErrorCode:
        def change(instrument: Instrument) -> ErrorCode:
            if not hold.is_sound(instrument.accuracy):
                return failure
            return instrument.change_manual(channel, _driving(hold))

        return self._ask(channel, change)

    def _linked(self, channel: int) -> Instrument | None:
        instrument = self._instrument
        if instrument is None or not instrument.is_linked:
            return None
        return instrument if 0 <= channel < instrument.channel_count else None

    def _ask(self, channel: int, call: Callable[[Instrument], ErrorCode]) -> AisErrorCode:
        if self._instrument is None or not self._instrument.is_linked:
            return AisErrorCode(ErrorCode.DeviceNotFound)
        instrument = self._linked(channel)
        return AisErrorCode(ErrorCode.InvalidChannel if instrument is None else call(instrument))


def _driving(hold: Hold) -> Callable[[Element], Element]:
    return lambda element: replace(element, drive=hold)


def _ranging(expected: float) -> Callable[[Element], Element]:
    return lambda element: replace(element, expected_current=expected)
