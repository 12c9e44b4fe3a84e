"""The same fault ends a step for the same reason on every potentiostat, however the step would have ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    OpenCircuit,
    Record,
    Until,
    VoltageRamp,
)
from devices.errors import Incomplete
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run, described
from sim.twins.methodscript.electronics import Electronics, Reading

SAMPLE = described(
    SampleRef(
        id="faulty",
        layers=(Layer("Al", 100e-6), Layer("LiMn2O4", 0.3e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
)
EVERY = Record(interval=5.0)
FILL = Step(ConstantCurrent(4e-6), Until(duration=60.0), EVERY)
FAILS_AFTER = 90.0

Act = Callable[[Any, Any, pytest.MonkeyPatch], None]


def lead_off(twins: Any, now: float, patch: pytest.MonkeyPatch) -> None:
    """Take the cell off its leads."""
    if hasattr(twins, "squidstat"):
        twins.squidstat.wire_cell(0, None)
    else:
        (twins.smu if hasattr(twins, "smu") else twins.emstat).wire_cell(None, now)


def readings_fail(twins: Any, now: float, patch: pytest.MonkeyPatch) -> None:
    """Let no reading be a number from now on."""
    if hasattr(twins, "squidstat"):
        twins.squidstat.fail_readings(0, 1000)
    elif hasattr(twins, "smu"):
        twins.smu.sense_open = True
    else:
        samples = Electronics.samples

        def failed(self: Electronics, *arguments: Any, **named: Any) -> list[Reading]:
            return [each._replace(current=math.nan) for each in samples(self, *arguments, **named)]

        patch.setattr(Electronics, "samples", failed)


@dataclass(frozen=True)
class Fault:
    """Steps, of which the last one is to end for a reason; what happens in the middle of it.

    clamped: why it ends where a source rides its current limit, which is then no fault.
    """

    steps: tuple[Step, ...]
    reason: str
    act: Act | None = None
    voltage_max: float = 4.4
    current_max: float = 1e-3
    charge_max: float | None = None
    clamped: str | None = None


def of_current(current: float, **until: float) -> Step:
    return Step(ConstantCurrent(current), Until(**until), EVERY)


def hold(voltage: float, **until: float) -> Step:
    return Step(ConstantVoltage(voltage), Until(**until), EVERY)


REST = Step(OpenCircuit(), Until(duration=200.0), EVERY)
SWEEP = Step(VoltageRamp(4.0, 4.1, 1e-3), Until(), EVERY)

FAULTS = {
    "a lead off at rest": Fault((FILL, REST), "open_circuit", lead_off),
    "a lead off in a charge": Fault(
        (FILL, of_current(1e-6, duration=200.0, voltage_above=4.3)), "open_circuit", lead_off
    ),
    "a lead off in a discharge": Fault(
        (FILL, of_current(-1e-6, duration=100.0, voltage_below=3.2)), "open_circuit", lead_off
    ),
    "a lead off in a hold until a current": Fault(
        (FILL, hold(4.05, current_below=1e-6, duration=200.0)), "open_circuit", lead_off
    ),
    "a lead off in a hold for a time": Fault((FILL, hold(4.05, duration=200.0)), "open_circuit", lead_off),
    "a lead off in a sweep": Fault((FILL, SWEEP), "open_circuit", lead_off),
    "too much current until a current": Fault(
        (FILL, hold(4.2, current_below=1e-6, duration=300.0)),
        "safety_current",
        current_max=5e-5,
        clamped="current_below",
    ),
    "too much current until a rate": Fault(
        (FILL, hold(4.2, current_rate_below=1e-7, duration=300.0)),
        "safety_current",
        current_max=5e-5,
        clamped="current_rate_below",
    ),
    "too much current for a time": Fault(
        (FILL, hold(4.2, duration=60.0)), "safety_current", current_max=5e-5, clamped="duration"
    ),
    "too much voltage until a charge": Fault(
        (FILL, of_current(4e-6, charge=9e-3)), "safety_voltage_max", voltage_max=4.05
    ),
    "too much charge until a voltage": Fault(
        (FILL, of_current(4e-6, duration=900.0, voltage_above=4.35)), "safety_charge", charge_max=4e-4
    ),
    "too much charge until a current": Fault(
        (FILL, hold(4.1, current_below=1e-6)), "safety_charge", charge_max=4e-4
    ),
    "too much charge until a rate": Fault(
        (FILL, hold(4.1, current_rate_below=1e-9)), "safety_charge", charge_max=4e-4
    ),
    "an empty cell for a time": Fault((of_current(-2e-6, duration=100.0),), "safety_voltage_min"),
    "an empty cell until a voltage": Fault((of_current(-2e-6, voltage_below=3.5),), "voltage_below"),
    "no readings": Fault((FILL, of_current(1e-6, duration=200.0)), "instrument_error", readings_fail),
}


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_a_step_for_the_same_reason_on_every_instrument(
    open_lab: Any, monkeypatch: pytest.MonkeyPatch, bench: str, name: str
) -> None:
    fault = FAULTS[name]
    lab = open_lab(bench)
    lab.wait(lab.hands.set(Assemble(SAMPLE)))

    def fail() -> Any:
        yield FAILS_AFTER
        lab.twins.touch("potentiostat")
        assert fault.act is not None
        fault.act(lab.twins.station("potentiostat"), lab.clock.now(), monkeypatch)

    if fault.act is not None:
        lab.clock.spawn("potentiostat", fail(), lambda error: pytest.fail(str(error)))
    limits = CellLimits(3.0, fault.voltage_max, fault.current_max, fault.charge_max)
    with suppress(Incomplete):
        lab.RE(lab.plans.cycle(lab.potentiostat, SAMPLE, Program("p", fault.steps, limits)))
    run = Run("last", lab.data)
    rides = bench == "keithley" and fault.clamped is not None
    expected = fault.clamped if rides else fault.reason
    assert list(run.table("steps")["end_reason"])[len(fault.steps) - 1 :] == [expected]
    is_own = rides or expected == "voltage_below"
    assert run.stop["exit_status"] == ("success" if is_own else "fail")


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
@pytest.mark.parametrize("change", [None, 5e-3], ids=["rows by time", "rows by voltage"])
def test_a_voltage_that_collapses_is_no_fault_on_any_instrument(
    open_lab: Any, bench: str, change: float | None
) -> None:
    lab = open_lab(bench)
    lab.wait(lab.hands.set(Assemble(SAMPLE)))
    record = Record(interval=30.0, voltage_change=change)
    cycles = tuple(
        Loop(
            (
                Step(ConstantCurrent(current), Until(voltage_above=4.25), record),
                Step(ConstantCurrent(-current), Until(voltage_below=3.0), record),
            ),
            3,
            counts_cycles=True,
        )
        for current in (7.5e-5, 3e-4)
    )
    limits = CellLimits(2.95, 4.3, 3.3e-4)
    lab.RE(lab.plans.cycle(lab.potentiostat, SAMPLE, Program("p", cycles, limits)))
    run = Run("last", lab.data)
    steps = run.table("steps")
    assert list(steps["end_reason"]) == ["voltage_above", "voltage_below"] * 6
    assert (steps["t_end"] - steps["t_start"] < record.interval)[6:].all()
    assert run.stop["exit_status"] == "success"
