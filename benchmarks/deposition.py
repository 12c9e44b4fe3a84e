"""How long a twin day of deposition takes: through all wires, and the physics alone; of one core.

python benchmarks/deposition.py [hours]
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from labctl.clock.virtual import VirtualClock
from labctl.config import readers
from labctl.config.folder import Config
from labctl.config.models import StationEntry, World
from labctl.session import Session
from labctl.twins import make_world, set_up_twins

ROOT = Path(__file__).parents[1]
DAY = 86400.0
THROUGH_WIRES, PHYSICS = 60.0, 2.0
"""Seconds that a day may take."""


def through_wires(hours: float) -> tuple[float, float]:
    """Return seconds of the processor and of the bench for a film that takes so many hours."""
    config = Config(ROOT / "config")
    recipe = readers.deposition(config.path("recipe", "sputter-lco-3.3um"))
    recipe = replace(recipe, end="time", duration=3600.0 * hours)
    with tempfile.TemporaryDirectory() as data:
        bench, limits = config.bench("sputter"), config.limits()
        with Session(bench, limits, Path(data), handle_signals=False) as lab:
            begun, since = time.process_time(), lab.clock.now()
            lab.RE(lab.plans.deposit(lab.sputter, config.sample("lco-grown-3.3um"), recipe))
            return time.process_time() - begun, lab.clock.now() - since


def physics_alone(hours: float) -> tuple[float, float]:
    """Return the same for a chamber that is told all once and then goes on by itself."""
    config = Config(ROOT / "config")
    bench, clock = config.bench("sputter"), VirtualClock()
    entry = bench.devices["sputter"]
    assert isinstance(entry, StationEntry)
    with tempfile.TemporaryDirectory() as data:
        world = make_world(clock.now, 1, bench.world or World(), Path(data))
        set_up_twins(world, "sputter", entry, clock, "boot")
        chamber = world.station("sputter").chamber
        clock.close()
        gas, gun = chamber.gas, chamber.guns["gun1"]

        def told() -> None:
            gas.roughing, gas.rotor, gas.rotor_on = True, 1.0, True
            gas.told.update(Ar=24 * 4.478e17, O2=4.478e17)
            gas.set_point = 3.0
            gun.forward = 119.6
            for shutter in ("substrate_shutter", "gun1_shutter"):
                chamber.shutters.tell(shutter, True)

        chamber.shutters.power(True)
        chamber.change(told)
        begun = time.process_time()
        chamber.advance(3600.0 * hours)
        assert gun.lit
        return time.process_time() - begun, 3600.0 * hours


def main() -> None:
    """Measure both and say what a day would take."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    for what, measure, bound in (
        ("through all wires", through_wires, THROUGH_WIRES),
        ("physics alone", physics_alone, PHYSICS),
    ):
        spent, passed = measure(hours)
        print(
            f"{what}: {spent:.2f} s for {passed / 3600:.2f} h, {spent / passed * DAY:.1f} s a day (< {bound:g} s)"
        )


if __name__ == "__main__":
    main()
