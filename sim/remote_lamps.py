"""A lamp tool with a recipe engine of its own, over a foil, with a board of permissives in its interlock loop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sim.apparatus import bank_from
from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.physics.lamp.bank import discharge
from sim.twins.icpdas_7050 import ICPDAS7050Twin
from sim.twins.remote_recipe import Fired, RemoteRecipeTwin


class RemoteLampTwins:
    """The tool and the board. An open loop, the board's own contact in it, is an open interlock of the tool at once."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        stems = {part: each.stem for part, each in parts.items()}
        if stems != {"tool": "remote_recipe", "permissives": "icpdas_7050"}:
            raise ValueError(f"{name}: a twin lamp tool is remote_recipe and icpdas_7050, not {stems}")
        self.bank = bank_from(built)
        self.foil: Foil | None = None
        self.tool = RemoteRecipeTwin(self._flash, **parts["tool"].taken("table"))
        self.board = ICPDAS7050Twin(self._on_loop, dead_man=True, **parts["permissives"].taken("contacts"))
        self.tool.interlock_open = not self.board.loop_closed
        self.parts: Mapping[str, RemoteRecipeTwin | ICPDAS7050Twin] = {
            "tool": self.tool,
            "permissives": self.board,
        }
        self.twins: Sequence[Twin] = tuple(self.parts.values())

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to one of the instruments."""
        return self.parts[part].receive(data, now)

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one of the instruments off and on."""
        self.parts[part].power_up(now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """A flashed foil knows its state by itself."""

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a foil lies already, or for one that does not belong under a lamp."""
        if self.foil is not None and self.foil not in aside:
            raise FoilError(f"{self.foil.id} lies under the lamp already")
        if foil.refused_by_lamp:
            raise FoilError(foil.refused_by_lamp)

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a foil under the lamp."""
        self.check_put(foil, place)
        self.foil = foil

    def check_take(self, foil: Foil) -> None:
        """It may be taken at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Take the foil away."""
        self.foil = None

    def _on_loop(self, closed: bool, time: float) -> None:
        if closed:
            self.tool.interlock_open = False
        else:
            self.tool.open_interlock(time)

    def _flash(self, time: float, fired: Fired) -> None:
        lit, start = [], 0.0
        for length, duty in fired.micro_pulses:
            lit.append((start, start + duty * length))
            start += length
        if self.foil is not None:
            self.foil.flash(time, discharge(self.bank, fired.voltage, fired.duration, tuple(lit)))
        for _ in range(max(1, len(lit))):
            self.board.count_flash()
