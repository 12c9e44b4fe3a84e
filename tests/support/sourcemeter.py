"""A SourceMeter's driver on its twin with a cell on it, on a clock that goes as fast as it can."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from devices.cycling.cycler import Job, RunStopped
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.errors import WireError
from devices.instruments.keithley_2450 import Keithley2450
from devices.ports import FaultyPort, TwinPort
from devices.wire import Wire
from sim.twins.keithley_2450 import Keithley2450Twin
from tests.support.cells import HALF, Foil
from tests.support.lane_clock import LaneClock

LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-3)
LONGEST = 86400.0


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
    foil: Foil | None = field(default_factory=lambda: Foil(state=HALF))
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
