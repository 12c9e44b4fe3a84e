"""Potentiostats of the bench: twins with cells on their channels, one class for each make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.bench import Bench, Twin, TwinStation
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.sputter.faults import Fault, FaultBook
from sim.station_faults import lead_faults, untold

if TYPE_CHECKING:
    from sim.twins.clips import CellUnderTest

Answer = Callable[[bytes], bytes]


LEAST_CHANNELS = 4
"""Channels of a twin Squidstat, more where a bench names a higher one; as a Squidstat of the Cycler class has."""


class SquidstatTwins:
    """A Squidstat with cells on its channels; programs reach it through the bridge that `attach` is given."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        # A bench without one does not wait for its packages, here as below.
        from sim.twins.squidstat import SquidstatTwin

        channel = int(parts["channels"].parameters.get("channel", 0))
        self._count = max(LEAST_CHANNELS, channel + 1)
        self.squidstat = SquidstatTwin(seed=bench.seed_of(name)[1] ^ bench.seed, channels=self._count)
        self.twins: Sequence[Twin] = (self.squidstat,)
        self.parts: Mapping[str, Twin] = dict.fromkeys(parts, self.squidstat)
        self._channels: dict[str, int] = {}
        self._cells: dict[str, CellUnderTest] = {}
        numbers = [str(number) for number in range(self._count)]
        self.faults = FaultBook(
            {
                **lead_faults(numbers, self._lead_off, self._lead_on),
                "usb_unplugged": Fault(
                    ("",),
                    lambda of, value, now: self.squidstat.unplug(),
                    lambda of, now: self.squidstat.replug(),
                ),
            },
            (),
            untold,
        )
        self._answer: Answer | None = None

    def power_cycle(self, part: str, now: float) -> None:
        """Open every cell and forget what ran; the library loses the instrument and may connect again."""
        self.squidstat.lose_power()

    @property
    def library(self) -> Any:
        """What stands where a program has the vendor's module."""
        return self.squidstat.library

    def attach(self, answer: Answer) -> None:
        """Put the bridge in between: bytes of the wire go to it."""
        self._answer = answer

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to the bridge."""
        if self._answer is None:
            raise RuntimeError("no bridge was attached to the Squidstat's library")
        return self._answer(data)

    def deliver(self) -> None:
        """Let the library emit its signals."""
        self.squidstat.deliver()

    def settle(self) -> None:
        """Write the present state into the wired cells."""
        self.squidstat.settle()

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError for a foil that is no cell, and a channel that is taken or not there."""
        channel = _channel_of(place)
        foil.as_cell()
        if channel not in range(self._count):
            raise FoilError(f"{place}: there are channels 0 to {self._count - 1}")
        staying = set(self._channels) - {each.id for each in aside}
        if channel in [self._channels[each] for each in staying]:
            raise FoilError(f"channel {channel} is taken")

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Wire a cell to the channel that `place` ends with."""
        self.check_put(foil, place)
        channel, wired = _channel_of(place), foil.as_cell()
        self._channels[foil.id], self._cells[str(channel)] = channel, wired
        self.squidstat.wire_cell(channel, wired)

    def check_take(self, foil: Foil) -> None:
        """It may be unwired at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Unwire it."""
        channel = self._channels.pop(foil.id)
        del self._cells[str(channel)]
        self.squidstat.wire_cell(channel, None)

    def _lead_off(self, channel: str, now: float) -> None:
        self.squidstat.wire_cell(int(channel), None)

    def _lead_on(self, channel: str, now: float) -> None:
        self.squidstat.wire_cell(int(channel), self._cells.get(channel))


class Keithley2450Twins:
    """A SourceMeter with at most one cell on its leads."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        from sim.twins.keithley_2450 import Keithley2450Twin

        ((self._part, part),) = parts.items()
        seed = bench.seed_of(name)[1] ^ bench.seed
        self.smu = Keithley2450Twin(seed=seed, **part.taken("model", "power_line"))
        self._wired: str | None = None
        self._cell: CellUnderTest | None = None
        self.faults = FaultBook(
            lead_faults(
                ("",),
                lambda of, now: self.smu.wire_cell(None, now),
                lambda of, now: self.smu.wire_cell(self._cell, now),
            ),
            (),
            untold,
        )

    @property
    def twins(self) -> Sequence[Twin]:
        """The instrument."""
        return (self.smu,)

    @property
    def parts(self) -> Mapping[str, Twin]:
        """The instrument, as the station's one part."""
        return {self._part: self.smu}

    def power_cycle(self, part: str, now: float) -> None:
        """Switch it off and on; the cell stays on its leads."""
        self.smu.power_cycle(now)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to the instrument."""
        return self.smu.receive(data, now)

    def deliver(self) -> None:
        """Say nothing: it speaks when it is asked."""

    def settle(self) -> None:
        """Write the present state into the wired cell."""
        self.smu.settle()

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a cell hangs on the leads already, and for a foil that is none."""
        if self._wired is not None and self._wired not in [each.id for each in aside]:
            raise FoilError(f"{place}: a cell hangs on the leads already")
        foil.as_cell()

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Wire a cell to the leads."""
        self.check_put(foil, place)
        wired = foil.as_cell()
        self._wired, self._cell = foil.id, wired
        self.smu.wire_cell(wired, now)

    def check_take(self, foil: Foil) -> None:
        """It may be unwired at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Unwire it."""
        self._wired = self._cell = None
        self.smu.wire_cell(None, now)


class EmStat4Twins:
    """An EmStat4 HR with at most one cell on its leads."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        from sim.twins.palmsens_emstat4 import EmStat4Twin

        (self._part,) = parts
        self.emstat = EmStat4Twin(seed=bench.seed_of(name)[1] ^ bench.seed)
        self._wired: str | None = None
        self._cell: CellUnderTest | None = None
        self.faults = FaultBook(
            lead_faults(
                ("",),
                lambda of, now: self.emstat.wire_cell(None, now),
                lambda of, now: self.emstat.wire_cell(self._cell, now),
            ),
            (),
            untold,
        )

    @property
    def twins(self) -> Sequence[Twin]:
        """The instrument."""
        return (self.emstat,)

    @property
    def parts(self) -> Mapping[str, Twin]:
        """The instrument, as the station's one part."""
        return {self._part: self.emstat}

    def power_cycle(self, part: str, now: float) -> None:
        """Take its power away and give it back; the cell stays on its leads."""
        self.emstat.power_cycle(now)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to the instrument, none to hear what it has sent meanwhile."""
        return self.emstat.receive(data, now)

    def deliver(self) -> None:
        """Say nothing: what it streams waits in its buffer until the wire is read."""

    def settle(self) -> None:
        """Write the present state into the wired cell."""
        self.emstat.settle()

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a cell hangs on the leads already, and for a foil that is none."""
        if self._wired is not None and self._wired not in [each.id for each in aside]:
            raise FoilError(f"{place}: a cell hangs on the leads already")
        foil.as_cell()

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Wire a cell to the leads."""
        self.check_put(foil, place)
        wired = foil.as_cell()
        self._wired, self._cell = foil.id, wired
        self.emstat.wire_cell(wired, now)

    def check_take(self, foil: Foil) -> None:
        """It may be unwired at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Unwire it."""
        self._wired = self._cell = None
        self.emstat.wire_cell(None, now)


def _channel_of(place: str) -> int:
    """Return the channel of a place; FoilError for one that is no number."""
    channel = place.partition("/")[2] or "0"
    if not channel.isdecimal():
        raise FoilError(f"{place}: {channel} is no channel")
    return int(channel)


Built = Callable[[Bench, str, Mapping[str, TwinPart], Mapping[str, float]], TwinStation]

MAKES: Mapping[str, Built] = {
    "squidstat": SquidstatTwins,
    "keithley_2450": Keithley2450Twins,
    "palmsens_emstat4": EmStat4Twins,
}
"""The twins of each make, by the stem of its driver."""


def potentiostat_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
) -> TwinStation:
    """Return the twins of a potentiostat, of the make that its one part says."""
    stems = [each.stem for each in parts.values()]
    if len(stems) != 1 or stems[0] not in MAKES:
        raise ValueError(f"{name}: a twin potentiostat is one of {sorted(MAKES)}, not {stems}")
    return MAKES[stems[0]](bench, name, parts, built)
