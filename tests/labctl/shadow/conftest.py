"""A cell of a test, and what a shadow tells of it when it is cycled."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from devices.limits import ShadowLimits
from labctl.shadow.cell import ShadowCell
from labctl.shadow.free import FreeCell
from labctl.shadow.watch import Measured, Shadow
from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Record, Until
from sim.physics.cell.diffusion import graded_edges

AREA = 1.5e-5
EVERY = Record(interval=60.0, voltage_change=5e-3)


@dataclass
class Told:
    """A listener that keeps everything."""

    differences: list = field(default_factory=list)
    said: list = field(default_factory=list)

    def differs(self, difference):
        self.differences.append(difference)

    def alarms(self, label, t, severity, text):
        self.said.append((t, severity, text))

    def of(self, quantity):
        return [each for each in self.differences if each.quantity == quantity]

    def off(self, quantity="voltage_V"):
        return np.array([each.measured - each.predicted for each in self.of(quantity)])

    @property
    def warnings(self):
        return [text for _, severity, text in self.said if severity == "warning"]


@pytest.fixture(scope="session")
def parameters():
    """Return a cell of 0.7 um, as fast as the FLA paper's."""
    return cathode.cell_on(graded_edges(0.7e-6), 3e-15, area=AREA)


@pytest.fixture
def make_shadow(parameters):
    """Return a shadow that believes in `parameters`, and its listener."""

    def make(unsure=0.04, expected=parameters.as_made_lithium, goes_on=False, **limits):
        cell, told = Cell(parameters), Told()
        shadow = Shadow(
            ShadowCell(parameters, cell.fresh()),
            FreeCell(cell, cell.fresh()),
            ShadowLimits(**limits),
            told,
            expected=lambda: expected,
            unsure=unsure,
            goes_on=goes_on,
        )
        return shadow, told

    return make


def cycled(parameters, densities=(0.5, 5.0), cycles=2, rest=600.0, record=EVERY, start=None, noise=1e-4):
    """Yield ("row", Measured) and ("step", row of `steps`) of a cell cycled with rests at constant currents [A/m2]."""
    cell, random = Cell(parameters), np.random.default_rng(7)
    state = start or cell.fresh()
    time = charge = energy = 0.0
    step = 0
    for cycle, density in enumerate(np.repeat(densities, cycles), 1):
        for sign, end in ((1, "voltage_above"), (0, "duration"), (-1, "voltage_below"), (0, "duration")):
            bounds = {1: {"upper": 4.25}, -1: {"lower": 3.0}, 0: {"duration": rest}}[sign]
            until = Until(**{"duration": 1e5, **bounds})
            segment = cell.step(state, Current(float(sign * density * AREA)), until, record)
            step += 1
            for t, v, i, q, e in zip(
                segment.time, segment.voltage, segment.current, segment.charge, segment.energy, strict=True
            ):
                seen = float(v + noise * random.normal())
                at = float(time + t)
                row = Measured(
                    at, at, seen, float(i), float(charge + q) / 3600, float(energy + e) / 3600, step, cycle
                )
                yield "row", row
            yield (
                "step",
                {
                    "step_count": step,
                    "cycle": cycle,
                    "technique": "constant_current" if sign else "open_circuit",
                    "end_reason": end,
                    "t_start": time,
                    "t_end": time + segment.time[-1],
                    "v_end": segment.voltage[-1],
                    "charge": segment.charge[-1] / 3600,
                },
            )
            state = segment.state
            time, charge = time + segment.time[-1], charge + segment.charge[-1]
            energy += segment.energy[-1]


def lead(shadow, rows):
    """Lead a shadow by what `cycled` yields."""
    for kind, what in rows:
        if kind == "row":
            shadow.row(what)
        else:
            shadow.step(what["t_end"], what)


@pytest.fixture
def watched(make_shadow, parameters):
    """Return what a shadow tells of a cell that is truly another than believed."""

    def watch(limits=None, unsure=0.04, **truly):
        options = {
            name: truly.pop(name) for name in ("densities", "cycles", "rest", "start") if name in truly
        }
        shadow, told = make_shadow(unsure, **(limits or {}))
        lead(shadow, cycled(replace(parameters, **truly), **options))
        return told

    return watch
