"""Programs of every kind, drawn by hypothesis. Strategies are kept: to make and check one takes longer than a draw."""

from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step, When
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)

LIMITS = CellLimits(voltage_min=-1.0, voltage_max=5.0, current_max=2.0, charge_max=1e5)
TAGS = ("a", "1.5", "x-y.z_", "repeat", "C", "go", "cycle-1", "2e3", "until")
ANY = 1e-300
"""The least positive number drawn: what is smaller has fewer digits than a float."""


@cache
def exactly(low, high):
    """Any float between."""
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


@cache
def short(low, high):
    """A decimal of at most nine digits between, as people type it."""
    return (
        st.floats(low, high, allow_nan=False)
        .map(lambda value: float(f"{value:.9g}"))
        .filter(lambda value: low <= value <= high)
    )


@cache
def voltages(numbers):
    return numbers(LIMITS.voltage_min, LIMITS.voltage_max)


@cache
def records(numbers):
    change = st.none() | numbers(1e-9, 1.0)
    return st.just(Record()) | st.builds(Record, numbers(1e-3, 86400.0), change, change)


@cache
def untils(numbers, needed, allowed):
    """Ends among those allowed, at least one of those needed."""
    values = {
        "voltage_above": voltages(numbers),
        "voltage_below": voltages(numbers),
        "current_above": numbers(ANY, LIMITS.current_max),
        "current_below": numbers(ANY, LIMITS.current_max),
        "charge": numbers(ANY, 1e7),
        "energy": numbers(ANY, 1e8),
        "duration": numbers(ANY, 3.2e7),
        "voltage_rate_below": numbers(ANY, 1e4),
        "current_rate_below": numbers(ANY, 1e3),
    }

    @st.composite
    def build(draw):
        names = {draw(st.sampled_from(needed))} if needed else set()
        names |= set(draw(st.lists(st.sampled_from(allowed), max_size=3))) if allowed else set()
        return Until(**{name: draw(values[name]) for name in names})

    return build()


EVERY = tuple(Until().__dataclass_fields__)


@cache
def drives(numbers):
    """Techniques with the ends they need."""
    ramp = numbers(1e-12, 1e3)
    frequency = numbers(1e-5, 1e7)
    return {
        "rest": (st.just(OpenCircuit()), ("duration", "voltage_rate_below")),
        "charge": (st.builds(ConstantCurrent, numbers(1e-12, 2.0)), ("voltage_above", "duration")),
        "discharge": (
            st.builds(ConstantCurrent, numbers(1e-12, 2.0).map(lambda value: -value)),
            ("voltage_below", "duration"),
        ),
        "hold": (st.builds(ConstantVoltage, voltages(numbers)), ("current_below", "duration")),
        "nothing": (st.just(ConstantCurrent(0.0)), ("duration", "voltage_rate_below")),
        "power": (
            st.builds(ConstantPower, numbers(1e-9, 1.0) | numbers(1e-9, 1.0).map(lambda value: -value)),
            ("duration", "energy"),
        ),
        "load": (st.builds(ConstantResistance, numbers(1e-3, 1e12)), ("voltage_below", "duration")),
        "sweep": (
            st.tuples(voltages(numbers), voltages(numbers), ramp)
            .filter(lambda each: each[0] != each[1])
            .map(lambda each: VoltageRamp(*each)),
            (),
        ),
        "current_sweep": (
            st.tuples(numbers(-2.0, 2.0), numbers(-2.0, 2.0), ramp)
            .filter(lambda each: each[0] != each[1])
            .map(lambda each: CurrentRamp(*each)),
            (),
        ),
        "peis": (
            st.builds(
                PotentiostaticImpedance,
                frequency,
                frequency,
                numbers(1e-4, 1.0),
                st.integers(1, 100),
                st.none() | numbers(0.5, 3.5),
            ),
            None,
        ),
        "geis": (
            st.builds(
                GalvanostaticImpedance,
                frequency,
                frequency,
                numbers(1e-9, 0.5),
                st.integers(1, 100),
                st.just(0.0) | numbers(-1.0, 1.0),
            ),
            None,
        ),
    }


@cache
def steps(**options):
    return _steps(**options)


@st.composite
def _steps(draw, numbers=exactly, kinds=None, allowed=EVERY, record=None, tags=True, temperature=True):
    known = drives(numbers)
    run, needed = known[draw(st.sampled_from(kinds or sorted(known)))]
    until = Until() if needed is None else draw(untils(numbers, needed, allowed))
    return Step(
        draw(run),
        until,
        draw(records(numbers)) if record is None else record,
        draw(st.lists(st.sampled_from(TAGS), max_size=2).map(tuple)) if tags else (),
        draw(st.none() | numbers(150.0, 700.0)) if temperature else None,
    )


@cache
def conditions(numbers=exactly):
    part = st.none() | numbers(1e-6, 2.0)
    return (
        st.builds(
            lambda *parts: parts,
            st.none() | st.sampled_from(EndReason),
            st.none() | voltages(numbers),
            st.none() | voltages(numbers),
            part,
            part,
            part,
            st.none() | st.integers(1, 99999),
        )
        .filter(lambda parts: any(each is not None for each in parts))
        .map(lambda parts: When(*parts))
    )


@cache
def bodies(step):
    """Steps and loops of steps, a few deep."""
    times = st.integers(1, 100_000)
    return st.recursive(
        step,
        lambda inner: st.builds(
            Loop, st.lists(inner, min_size=1, max_size=3).map(tuple), times, st.booleans()
        ),
        max_leaves=4,
    )


@cache
def frames(numbers, step):
    """What a program is made of besides its steps: nodes, a condition or none, times, jumps."""
    maybe, times = st.none() | conditions(numbers), st.integers(1, 999)
    jump = st.builds(Jump, st.just("target"), maybe, times)
    return st.lists(bodies(step), min_size=1, max_size=4), maybe, times, st.lists(jump, max_size=2)


@st.composite
def programs(draw, numbers=exactly, **options):
    """Any program: loops with conditions, jumps, tags."""
    step = steps(numbers=numbers, **options)
    many, maybe, times, jumps = frames(numbers, step)
    nodes = draw(many)
    nodes.append(Loop((draw(step),), draw(times), draw(st.booleans()), draw(maybe), ("target",)))
    nodes += draw(jumps)
    policy = draw(st.sampled_from(["keep", "open"]))
    return Program(draw(st.sampled_from(TAGS)), tuple(nodes), LIMITS, policy)


@pytest.fixture(scope="session")
def drawn():
    """The strategies, by name."""
    return SimpleNamespace(
        programs=programs, steps=steps, bodies=bodies, exactly=exactly, short=short, limits=LIMITS, tags=TAGS
    )
