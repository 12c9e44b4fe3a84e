"""A furnace: a temperature controller on an oven, and what its course leaves on the sample in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.sputter.built import truth_from
from sim.sputter.faults import Fault, FaultBook
from sim.sputter.stations import FirmwareTwin, require_parts
from sim.sputter.warmth import Oven
from sim.twins.eurotherm_2400 import Eurotherm2400Twin
from sim.twins.icpdas_7050 import ICPDAS7050Twin

PARTS: Mapping[str, tuple[str, ...]] = {"heater": ("eurotherm_2400",), "permissives": ("icpdas_7050",)}
ROOM = 295.0
SPAN = 1300.0
"""K by which full power would heat it in the end; guess. Its lag follows from how fast it heats at first."""
APART = 0.1
"""K between two points of the course."""
MOST_APART = 60.0
"""s between two points of the course at the most."""
WARM = 330.0
"""K below which nothing happens to a film, and a furnace can be opened; guess."""


class Tube:
    """The furnace's tube as a twin: it keeps the course of the temperature while a sample lies in it."""

    def __init__(self, heating: float) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.now = 0.0
        self.oven = Oven(lambda: self.now, wall=ROOM, span=SPAN, lag=SPAN / heating)
        self.oven.told = self._note
        self.foil: Foil | None = None
        self.course: list[tuple[float, float]] = []
        self._seen = (0.0, ROOM)

    def advance(self, now: float) -> None:
        """Note the time: its temperature is known in closed form."""
        self.now = now

    def next_event(self) -> float | None:
        """Return None: it does nothing by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def tell(self, event: str, text: str = "") -> None:
        """Write into the black box."""
        self.log.append((self.now, event, text))

    def _note(self) -> None:
        """Keep a point of the course, where it is needed."""
        if self.foil is None:
            return
        seen, self._seen = self._seen, (self.now, self.oven.temperature())
        at, before = self.course[-1]
        if abs(self._seen[1] - before) >= APART or self.now - at >= MOST_APART:
            # With the one before, up to which it hardly moved.
            self._keep(seen)
            self._keep(self._seen)

    def _keep(self, point: tuple[float, float]) -> None:
        if not self.course or point[0] > self.course[-1][0]:
            self.course.append(point)

    def put(self, foil: Foil) -> None:
        """Lay a sample in."""
        self._seen = (self.now, self.oven.temperature())
        self.foil, self.course = foil, [self._seen]
        self.tell("sample", f"{foil.id} in")

    def bake(self) -> None:
        """Let the sample know what it has been through so far."""
        foil = self.foil
        if foil is None:
            return
        self._keep((self.now, self.oven.temperature()))
        course, self.course = self.course, self.course[-1:]
        peak = max(temperature for _, temperature in course)
        if len(course) < 2 or peak < WARM:
            return
        try:
            foil.bake(course, self.now)
            self.tell("baked", f"{foil.id}: up to {peak:.1f} K")
        except ValueError as error:
            self.tell("anneal refused", str(error))


class FurnaceTwins:
    """A furnace; where there is a board, its loop holds the heater's contactor.

    built: heating [K/s], how fast it heats at full power when cold.
    """

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
    ) -> None:
        require_parts(name, parts, PARTS, ("heater",))
        self.name = name
        self.tube = Tube(built.get("heating", 10.0))
        self.heater = Eurotherm2400Twin(
            self.tube.oven, terms=self.tube.oven.terms, **parts["heater"].taken("decimals")
        )
        made: dict[str, FirmwareTwin] = {"heater": self.heater}
        faults = {
            "sensor_broken": Fault(
                ("",),
                lambda of, value, now: self.heater.break_sensor(now),
                lambda of, now: self.heater.mend_sensor(now),
            ),
            "sensor_high": Fault(
                ("",),
                lambda of, value, now: self.heater.read_high(20.0 if value is None else value, now),
                lambda of, now: self.heater.mend_sensor(now),
            ),
        }
        if "permissives" in parts:
            board = self.board = made["permissives"] = ICPDAS7050Twin(
                self._on_loop, **parts["permissives"].taken("contacts")
            )
            self._on_loop(board.loop_closed, 0.0)
            faults["contact_open"] = Fault(
                board.contacts,
                lambda of, value, now: board.open_contact(of, now),
                lambda of, now: board.close_contact(of, now),
            )
        self.faults = FaultBook(faults, truth_from(bench.truth_of(name)).faults, self.tube.tell)
        self.firmware: Mapping[str, FirmwareTwin] = made
        self.parts: Mapping[str, Twin] = {"tube": self.tube, **made}
        self.twins: Sequence[Twin] = (self.tube, *made.values(), self.faults)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to one of the instruments."""
        return self.firmware[part].receive(data, now)

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one of the instruments off and on."""
        self.firmware[part].power_up(now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """Let the sample know what it has been through so far."""
        self.tube.bake()

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a sample lies already."""
        if self.tube.foil is not None and self.tube.foil not in aside:
            raise FoilError(f"{self.tube.foil.id} lies in the furnace already")

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a sample in."""
        self.check_put(foil, place)
        self.tube.put(foil)

    def check_take(self, foil: Foil) -> None:
        """Raise FoilError for a sample that is hot still."""
        if self.tube.oven.temperature() > WARM:
            raise FoilError(
                f"{foil.id} is still at {self.tube.oven.temperature():.0f} K; let {self.name} cool"
            )

    def take(self, foil: Foil, now: float) -> None:
        """Take the sample out, once it is cool."""
        self.check_take(foil)
        self.tube.bake()
        self.tube.foil = None
        self.tube.tell("sample", f"{foil.id} out")

    def kept(self) -> dict[str, Any]:
        """Return what outlives a session, as JSON values."""
        return {"temperature": self.tube.oven.temperature()}

    def restore(self, kept: Mapping[str, Any], foil: Foil | None) -> None:
        """Be as when the last session ended, with the sample that lay in it; cool enough to be opened.

        Nobody knows how long a bench was left, which a virtual clock does not count: it counts as long enough. What a
        film goes through meanwhile, after an anneal that was cut off, is left out.
        """
        self.tube.oven.be(min(float(kept["temperature"]), WARM))
        if foil is not None:
            self.tube.put(foil)

    def _on_loop(self, closed: bool, time: float) -> None:
        self.tube.oven.switch(closed)
