"""Twin of an Admiral Squidstat: channels with cells on their clips, behind a library of the vendor's shape.

It has no wire: programs talk to `library`. The bench advances it; what the instrument has to say is delivered
by `deliver()` once the bench stands at its new time. Without its link (`unplug`) it goes on by itself and keeps
its rows until a program connects again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sim.twins.clips import SLACK, CellUnderTest
from sim.twins.squidstat_channel import Channel
from sim.twins.squidstat_codes import ErrorCode
from sim.twins.squidstat_elements import Accuracy, Began, Element, Limits, Nodes, leaves
from sim.twins.squidstat_handler import AisACData, AisDCData, AisExperimentNode
from sim.twins.squidstat_library import SquidstatLibrary
from sim.twins.squidstat_memory import Memory
from sim.twins.squidstat_readings import AcReading, DcReading
from sim.twins.squidstat_signals import SignalQueue

PLUS = Accuracy()
"""A Squidstat of the Plus class."""

MOST_KEPT = 1_000_000
"""Rows the instrument keeps without its link; guess: 11 days at one a second."""


class SquidstatTwin:
    """The instrument: `channels` channels, one port.

    `log` is its black box: time [s], what happened, in words. `charges` are the charges [C] that truly passed in each
    finished experiment, with their channel; `passed` is asked for one under way. Which cell is on which channel is the
    bench's to say, by `wire_cell`. epoch [s] is what the bench's time counts from, for the time of day of a start.
    """

    def __init__(
        self,
        *,
        device_name: str = "Plus2000",
        port: str = "/dev/ttyACM0",
        channels: int = 4,
        accuracy: Accuracy = PLUS,
        seed: int = 0,
        memory: int = MOST_KEPT,
        epoch: float = 0.0,
    ) -> None:
        self.device_name, self.port, self.accuracy = device_name, port, accuracy
        self.log: list[tuple[float, str, str]] = []
        self.charges: list[tuple[int, float]] = []
        self._now, self._epoch = 0.0, epoch
        self._channels = [Channel(number, accuracy, seed, self) for number in range(channels)]
        self._queue = SignalQueue()
        self._plugged = self.is_linked = True
        self.library = SquidstatLibrary(self, self._queue)
        self._memory = Memory(self.library.handler, self._queue, memory)

    # What the world does to it.

    def wire_cell(self, channel: int, cell: CellUnderTest | None) -> None:
        """Put a cell on a channel's clips, or take it off (None); what was there keeps its state of now."""
        self._channels[channel].wire(cell, self._now)
        self._note(self._now, channel, "wired" if cell is not None else "unwired", "cell")

    def unplug(self) -> None:
        """Pull the USB cable: the library notices, the instrument goes on."""
        self._plugged = False
        if self.is_linked:
            self.is_linked = False
            self._memory.lose_link()
            self.log.append((self._now, "unplugged", "the link is lost, what runs goes on"))
            self._queue.post(self.library.handler.deviceDisconnected)
            self._queue.post(self.library.AisDeviceTracker.deviceDisconnected, self.device_name)

    def replug(self) -> None:
        """Put the USB cable back; a program must connect again to hear anything."""
        self._plugged = True
        self.log.append((self._now, "replugged", "the link may be opened again"))

    def lose_memory(self, count: int) -> None:
        """Lose the oldest rows that were kept without the link."""
        self._memory.forget(count)
        self.log.append((self._now, "memory", f"{count} rows lost"))

    def lose_power(self) -> None:
        """Cut the mains for a moment: cells open, nothing runs any more, the link is lost."""
        for channel in self._channels:
            channel.lose_power(self._now)
        self.log.append((self._now, "power", "lost; every cell is open"))
        self.unplug()
        self.replug()

    def fail_readings(self, channel: int, count: int) -> None:
        """Let a channel's next readings be none."""
        self._channels[channel].fail_readings(count)

    def passed(self, channel: int) -> float:
        """Return the charge [C] that truly passed in a channel's experiment up to its last row."""
        return self._channels[channel].passed

    def settle(self) -> None:
        """Write into every wired cell what it is now, to be saved; what runs goes on undisturbed."""
        for channel in self._channels:
            channel.settle(self._now)

    def next_event(self) -> float | None:
        """Return when [s] the next stretch of an element ends, or None when nothing runs."""
        event = min(each.event_at for each in self._channels)
        return None if math.isinf(event) else event

    def fire_event(self, now: float) -> None:
        """End the stretches that are due by `now`, each at its own instant."""
        for channel in self._channels:
            if channel.event_at <= now + SLACK:
                channel.fire()

    def advance(self, now: float) -> None:
        """Go to `now`: end what ends on the way, take the rows due."""
        while (event := self.next_event()) is not None and event <= now + SLACK:
            self.fire_event(event)
        self._now = max(self._now, now)
        for channel in self._channels:
            if channel.row_at <= self._now + SLACK:
                channel.advance(self._now)

    def deliver(self) -> None:
        """Emit the signals made since the last time."""
        self._queue.deliver()

    # What the library asks of the instrument.

    @property
    def channel_count(self) -> int:
        """How many channels it has."""
        return len(self._channels)

    @property
    def ports(self) -> list[str]:
        """The ports on which it is plugged in."""
        return [self.port] if self._plugged else []

    def attach(self, port: str) -> str | None:
        """Return the device's name when `port` is where it is plugged in."""
        return self.device_name if port in self.ports else None

    def recall(self) -> None:
        """Say what was kept while there was no link."""
        if not self.is_linked:
            self.is_linked = True
            kept = self._memory.find_link()
            self.log.append((self._now, "linked", f"{kept} signals kept without the link are said again"))

    def busy(self, channel: int) -> bool:
        """Return whether an experiment runs or is paused."""
        return self._channels[channel].busy

    def paused(self, channel: int) -> bool:
        """Return whether one is paused."""
        return self._channels[channel].paused

    def began(self, channel: int) -> float:
        """Return when the last experiment began, in seconds since the epoch."""
        return self._epoch + self._channels[channel].began

    def upload(self, channel: int, nodes: Nodes) -> ErrorCode:
        """Take an experiment, to be started once."""
        target = self._channels[channel]
        if target.busy:
            return ErrorCode.BusyChannel
        elements = list(leaves(nodes))
        if not elements:
            return ErrorCode.ExperimentIsEmpty
        if not all(each.is_sound(self.accuracy) for each in elements) or target.contradicts(nodes):
            return ErrorCode.InvalidParameters
        target.experiment = nodes
        self._note(self._now, channel, "uploaded", f"{len(elements)} elements")
        return ErrorCode.Success

    def start(self, channel: int) -> ErrorCode:
        """Begin the uploaded experiment."""
        target = self._channels[channel]
        if target.busy:
            return ErrorCode.BusyChannel
        if target.experiment is None:
            return ErrorCode.ExperimentNotUploaded
        if target.contradicts(target.experiment):
            return ErrorCode.InvalidParameters
        self._note(self._now, channel, "started", "experiment")
        self._memory.forget_channel(channel)
        target.start(self._now)
        target.advance(self._now)
        return ErrorCode.Success

    def stop(self, channel: int) -> ErrorCode:
        """Open the cell."""
        if not self._channels[channel].busy:
            return ErrorCode.FailedToStopExperiment
        self._channels[channel].stop(self._now)
        return ErrorCode.Success

    def pause(self, channel: int) -> ErrorCode:
        """Open the cell for a while."""
        target = self._channels[channel]
        if not target.busy:
            return ErrorCode.ChannelNotBusy
        if target.paused:
            return ErrorCode.ExperimentAlreadyPaused
        target.pause(self._now)
        self._note(self._now, channel, "paused", "the cell is open")
        self._queue.post(self.library.handler.experimentPaused, channel)
        return ErrorCode.Success

    def resume(self, channel: int) -> ErrorCode:
        """Go on where it was paused."""
        target = self._channels[channel]
        if not target.busy:
            return ErrorCode.ChannelNotBusy
        if not target.paused:
            return ErrorCode.FailedToResumeExperiment
        self._note(self._now, channel, "resumed", "experiment")
        self._queue.post(self.library.handler.experimentResumed, channel)
        target.resume(self._now)
        return ErrorCode.Success

    def skip(self, channel: int) -> ErrorCode:
        """Go on with the next element."""
        target = self._channels[channel]
        if not target.busy or target.manual:
            return ErrorCode.ChannelNotBusy
        self._note(self._now, channel, "skipped", "element")
        target.skip(self._now)
        return ErrorCode.Success

    def sample_idle(self, channel: int) -> ErrorCode:
        """Take a few samples while nothing runs."""
        target = self._channels[channel]
        if target.busy:
            return ErrorCode.BusyChannel
        if target.experiment is not None:
            return ErrorCode.ExperimentUploaded
        target.sample_idle(self._now)
        return ErrorCode.Success

    def start_manual(self, channel: int) -> ErrorCode:
        """Begin a manual experiment, at open circuit."""
        target = self._channels[channel]
        if target.busy:
            return ErrorCode.BusyChannel
        self._note(self._now, channel, "started", "manual experiment")
        target.start_manual(self._now)
        return ErrorCode.Success

    def change_manual(self, channel: int, change: Callable[[Element], Element]) -> ErrorCode:
        """Drive something else in a manual experiment, or sample otherwise."""
        target = self._channels[channel]
        if not target.manual:
            return ErrorCode.ManualExperimentNotRunning
        element = change(target.element)
        self._note(self._now, channel, "manual", str(element.drive))
        target.drive(element, self._now)
        return ErrorCode.Success

    def limits(self, channel: int) -> Limits:
        """Return the channel's limits."""
        return self._channels[channel].limits

    def set_limits(self, channel: int, limits: Limits) -> None:
        """Change the channel's limits; a running element keeps those it began with."""
        self._channels[channel].limits = limits
        self._note(self._now, channel, "limits", str(limits))

    def erase_memory(self) -> ErrorCode:
        """Forget what was kept without the link."""
        self._memory.erase()
        self.log.append((self._now, "memory", "erased as told"))
        self._queue.post(self.library.handler.recoverDataErased, True)
        return ErrorCode.Success

    # What the channels report.

    def began_element(self, channel: int, time: float, what: Began) -> None:
        """Log and announce an element."""
        self._note(time, channel, "element", what.element.name)
        node = AisExperimentNode(what.element.name, what.number, 1, what.repetition)
        self._memory.say(self.library.handler.experimentNewElementStarting, channel, node)

    def measured(self, channel: int, reading: DcReading) -> None:
        """Announce a row; of two clips the counter electrode is the reference, at zero by definition."""
        time, voltage, current, temperature = reading
        data = AisDCData(time, voltage, 0.0, current, temperature)
        self._memory.say(self.library.handler.activeDCDataReady, channel, data)

    def spectrum(self, channel: int, reading: AcReading) -> None:
        """Announce a frequency of a spectrum."""
        data = AisACData(
            timestamp=reading.time,
            frequency=reading.frequency,
            absoluteImpedance=math.hypot(reading.real, reading.imaginary),
            realImpedance=reading.real,
            imagImpedance=reading.imaginary,
            phaseAngle=math.degrees(math.atan2(reading.imaginary, reading.real)),
            totalHarmonicDistortion=100.0 * reading.distortion,
            numberOfCycles=reading.periods,
            workingElectrodeDCVoltage=reading.voltage,
            DCCurrent=reading.current,
            currentAmplitude=reading.current_peak,
            voltageAmplitude=reading.voltage_peak,
        )
        self._memory.say(self.library.handler.activeACDataReady, channel, data)

    def idle(self, channel: int, reading: DcReading) -> None:
        """Announce a row of an idle channel; without the link nobody hears it."""
        if self.is_linked:
            time, voltage, current, temperature = reading
            data = AisDCData(time, voltage, 0.0, current, temperature)
            self._queue.post(self.library.handler.idleDCDataReady, channel, data)

    def failed(self, channel: int, time: float, text: str) -> None:
        """Log and announce an error; without the link nobody hears it."""
        self._note(time, channel, "error", text)
        if self.is_linked:
            self._queue.post(self.library.handler.deviceError, channel, text)

    def stopped(self, channel: int, time: float, reason: str, charge: float) -> None:
        """Log and announce the end; without the link nobody hears it."""
        self._note(time, channel, "stopped", reason)
        self.charges.append((channel, charge))
        if self.is_linked:
            self._queue.post(self.library.handler.experimentStopped, channel, reason)

    def _note(self, time: float, channel: int, event: str, text: str) -> None:
        self.log.append((time, event, f"channel {channel}: {text}"))
