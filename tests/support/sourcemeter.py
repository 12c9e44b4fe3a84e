"""A SourceMeter's driver on its twin with a cell on it, on a clock that goes as fast as it can."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from devices.cycling.cycler import Job, RunStopped
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.errors import WireError
from devices.instruments.keithley_2450 import Keithley2450
from devices.ports import FaultyPort, TwinPort
from devices.wire import Wire
from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters, CellState
from sim.physics.cell.diffusion import graded_edges
from sim.twins.keithley_2450 import Keithley2450Twin

CURRENT = 8.6e-5  # A, about 1C of the film below
LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-3)
LONGEST = 86400.0


def make_cell() -> Cell:
    """Return a cell of 1.2 um LiCoO2 on 1 cm2."""
    return Cell(
        CellParameters(
            area=1e-4,
            edges=tuple(graded_edges(1.2e-6, 20, 5.0).tolist()),
            diffusivity=(5e-15,) * 20,
            active_share=(0.985,) * 20,
            site_charge=cathode.SITE_CHARGE,
            cathode_exchange_current=50.0,
            anode_exchange_current=50.0,
            electrolyte_resistance=5e-3,
            contact_resistance=0.0,
            anode_lithium=1e4,
            as_made_lithium=cathode.AS_MADE_LITHIUM,
            ocp=cathode.LITHIUM_COBALT_OXIDE,
        )
    )


CELL = make_cell()
HALF = CELL.current_step(CELL.fresh(), CURRENT, 1500.0).state


@dataclass
class Foil:
    """What hangs on the leads."""

    cell: Cell = CELL
    state: CellState = HALF


@dataclass
class Spawned:
    """A poller on the clock."""

    poller: Any
    on_error: Callable[[Exception], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class LaneClock:
    """Time passes when somebody sleeps or the test says so; pollers run when they are due."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.due: list[tuple[float, int, Spawned]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.moment

    def time(self) -> float:
        return 1.75e9 + self.moment

    def sleep(self, dt: float, lane: str | None = None) -> None:
        self.moment += dt

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def spawn(self, lane: str, poller: Any, on_error: Callable[[Exception], None]) -> Spawned:
        spawned = Spawned(poller, on_error)
        heapq.heappush(self.due, (self.moment, next(self._count), spawned))
        return spawned

    def run_until(self, moment: float) -> None:
        while self.due and self.due[0][0] <= moment:
            at, _, spawned = heapq.heappop(self.due)
            self.moment = max(self.moment, at)
            if spawned.cancelled:
                continue
            try:
                delay = next(spawned.poller)
            except StopIteration:
                continue
            except Exception as error:  # noqa: BLE001 - a clock hands whatever it is to the owner
                spawned.on_error(error)
                continue
            heapq.heappush(self.due, (self.moment + delay, next(self._count), spawned))
        self.moment = max(self.moment, moment)


@dataclass
class Cable:
    """Touches the twin as a bench does; a cut cable loses what is sent."""

    twin: Keithley2450Twin
    clock: LaneClock
    cut: bool = False

    def exchange(self, data: bytes) -> bytes:
        self.twin.advance(self.clock.now())
        return b"" if self.cut else self.twin.receive(data, self.clock.now())


@dataclass
class Bench:
    """A driver on a twin with a cell on it."""

    faults: Any = None
    noise: float = 0.0
    foil: Foil | None = field(default_factory=Foil)
    clock: LaneClock = field(default_factory=LaneClock)

    def __post_init__(self) -> None:
        self.twin = Keithley2450Twin(noise=self.noise, seed=3)
        self.twin.wire_cell(self.foil, 0.0)
        self.cable = Cable(self.twin, self.clock)
        self.heard: list[Any] = []
        self.device = self.connect(self.faults)

    def connect(self, faults: Any = None) -> Keithley2450:
        port: Any = TwinPort(self.cable, self.clock, "smu")  # type: ignore[arg-type]
        if faults is not None:
            port = FaultyPort(port, self.clock, faults)  # type: ignore[arg-type]
        wire = Wire(port, self.clock, name="smu", lane="smu", sync=Keithley2450.sync)  # type: ignore[arg-type]
        return Keithley2450(wire, self.clock, name="smu")  # type: ignore[arg-type]

    def begin(self, *steps: Step | Loop, limits: CellLimits = LIMITS, longest: float = LONGEST) -> None:
        program = Program("t", steps, limits)
        self.device.check(program)
        self.device.upload(Job("t", steps, limits, "t1", longest))
        assert self.device.start("t1") == 1

    def listen(self) -> list[Any]:
        page = self.device.records(len(self.heard) + 1, 100_000)
        self.heard += page.records
        return self.heard

    def fly(self, *steps: Step | Loop, until: float = 2e4, **options: Any) -> list[Any]:
        self.begin(*steps, **options)
        self.wait_until(until)
        return self.listen()

    def wait_until(self, moment: float) -> None:
        """Let time pass, asking for rows as a station does, until the job is over."""
        while self.clock.now() < moment and not (self.heard and isinstance(self.heard[-1], RunStopped)):
            self.clock.run_until(min(self.clock.now() + Keithley2450.haste, moment))
            with suppress(WireError):
                self.listen()
        self.clock.run_until(moment)

    def happened(self, event: str) -> list[tuple[float, str]]:
        return [(time, words) for time, what, words in self.twin.log if what == event]
