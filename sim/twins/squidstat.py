"""Twin of an Admiral Squidstat: channels with cells on their clips, behind a library of the vendor's shape.

It has no wire: programs talk to `library`. The bench advances it; what the instrument has to say is delivered
by `deliver()` once the bench stands at its new time.
"""

from __future__ import annotations

from sim.twins.squidstat_channel import (
    SLACK,
    Accuracy,
    Began,
    CellUnderTest,
    Channel,
    Limits,
    Nodes,
    Reading,
    leaves,
)
from sim.twins.squidstat_library import (
    AisDCData,
    AisExperimentNode,
    ErrorCode,
    SignalQueue,
    SquidstatLibrary,
)

PLUS = Accuracy()
"""A Squidstat of the Plus class."""


class SquidstatTwin:
    """The instrument: `channels` channels, one port.

    `log` is its black box: time [s], what happened, in words. `charges` are the charges [C] that truly passed
    in each finished experiment, with their channel. Which cell is on which channel is the bench's to say, by
    `wire_cell`.
    """

    def __init__(
        self,
        *,
        device_name: str = "Plus2000",
        port: str = "/dev/ttyACM0",
        channels: int = 4,
        accuracy: Accuracy = PLUS,
        seed: int = 0,
    ) -> None:
        self.device_name, self.port = device_name, port
        self.log: list[tuple[float, str, str]] = []
        self.charges: list[tuple[int, float]] = []
        self._now = 0.0
        self._channels = [Channel(number, accuracy, seed, self) for number in range(channels)]
        self._accuracy = accuracy
        self._queue = SignalQueue()
        self.library = SquidstatLibrary(self, self._queue)

    def wire_cell(self, channel: int, cell: CellUnderTest | None) -> None:
        """Put a cell on a channel's clips, or take it off (None); what was there keeps its state of now."""
        self._channels[channel].wire(cell, self._now)
        self._note(self._now, channel, "wired" if cell is not None else "unwired", "cell")

    def settle(self) -> None:
        """Write into every wired cell what it is now, to be saved; what runs goes on undisturbed."""
        for channel in self._channels:
            channel.settle(self._now)

    def next_event(self) -> float | None:
        """Return when [s] the next element ends, or None when nothing runs."""
        return min((e for each in self._channels if (e := each.next_event) is not None), default=None)

    def fire_event(self, now: float) -> None:
        """End the elements that are due by `now`, each at its own instant."""
        for channel in self._channels:
            event = channel.next_event
            if event is not None and event <= now + SLACK:
                channel.fire()

    def advance(self, now: float) -> None:
        """Go to `now`: end what ends on the way, take the rows due."""
        while (event := self.next_event()) is not None and event <= now + SLACK:
            self.fire_event(event)
        self._now = max(self._now, now)
        for channel in self._channels:
            channel.advance(self._now)

    def deliver(self) -> None:
        """Emit the signals made since the last time."""
        self._queue.deliver()

    # What the library asks of the instrument.

    @property
    def channel_count(self) -> int:
        """How many channels it has."""
        return len(self._channels)

    def attach(self, port: str) -> str | None:
        """Return the device's name when `port` is where it is plugged in."""
        return self.device_name if port == self.port else None

    def busy(self, channel: int) -> bool:
        """Return whether an experiment runs."""
        return self._channels[channel].busy

    def upload(self, channel: int, nodes: Nodes) -> ErrorCode:
        """Take an experiment, to be started once."""
        target = self._channels[channel]
        if target.busy:
            return ErrorCode.BusyChannel
        elements = list(leaves(nodes))
        if not elements:
            return ErrorCode.ExperimentIsEmpty
        if not all(each.is_sound(self._accuracy) for each in elements) or target.contradicts(nodes):
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
        target.start(self._now)
        target.advance(self._now)
        return ErrorCode.Success

    def stop(self, channel: int) -> ErrorCode:
        """Open the cell."""
        if not self._channels[channel].busy:
            return ErrorCode.FailedToStopExperiment
        self._channels[channel].stop(self._now)
        return ErrorCode.Success

    def limits(self, channel: int) -> Limits:
        """Return the channel's limits."""
        return self._channels[channel].limits

    def set_limits(self, channel: int, limits: Limits) -> None:
        """Change the channel's limits; a running element keeps those it began with."""
        self._channels[channel].limits = limits
        self._note(self._now, channel, "limits", str(limits))

    # What the channels report.

    def began(self, channel: int, time: float, what: Began) -> None:
        """Log and announce an element."""
        self._note(time, channel, "element", what.element.name)
        node = AisExperimentNode(what.element.name, what.number, 1, what.repetition)
        self._queue.post(self.library.handler.experimentNewElementStarting, channel, node)

    def measured(self, channel: int, reading: Reading) -> None:
        """Announce a row; of two clips the counter electrode is the reference, at zero by definition."""
        data = AisDCData(reading.time, reading.voltage, 0.0, reading.current, reading.temperature)
        self._queue.post(self.library.handler.activeDCDataReady, channel, data)

    def failed(self, channel: int, time: float, text: str) -> None:
        """Log and announce an error."""
        self._note(time, channel, "error", text)
        self._queue.post(self.library.handler.deviceError, channel, text)

    def stopped(self, channel: int, time: float, reason: str, charge: float) -> None:
        """Log and announce the end."""
        self._note(time, channel, "stopped", reason)
        self.charges.append((channel, charge))
        self._queue.post(self.library.handler.experimentStopped, channel, reason)

    def _note(self, time: float, channel: int, event: str, text: str) -> None:
        self.log.append((time, event, f"channel {channel}: {text}"))
