"""To PyBaMM's strings and back: the same steps in the same cycles; where PyBaMM is installed, it is asked."""

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.sequence import Part
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.errors import ProgramError
from labctl.language.parser import parse
from labctl.language.pybamm import MOST_STEPS, breaks_off, from_pybamm, show_pybamm, to_pybamm

LIMITS = CellLimits(-1.0, 5.0, 2.0)
CELL = CellSize(1e-5, 3600.0)
"""1 Ah, so that PyBaMM's C-rates are amperes."""

QUICK = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

STRINGS = (
    "Discharge at 1C for 0.5 hours",
    "Discharge at C/20 for 0.5 hours",
    "Charge at 0.5 C for 45 minutes",
    "Discharge at 1 A for 0.5 hours",
    "Charge at 200 mA for 45 minutes",
    "Discharge at 1W for 0.5 hours",
    "Charge at 200mW for 45 minutes",
    "Rest for 10 minutes",
    "Hold at 1V for 20 seconds",
    "Charge at 1 C until 4.1V",
    "Hold at 4.1 V until 50mA",
    "Hold at 3V until C/50",
    "Discharge at C/3 for 2 hours or until 2.5 V",
    "Discharge at 2 Ohm for 1 hr or until 3 V",
    "Charge at 1 A until > 4.1 V (5 minute period)",
    "Hold at 3 V until 50 mA (30 second period)",
    "Rest for 5 m",
    "Discharge at 10 mW for 20 sec",
)
"""PyBaMM's own examples, and what else its grammar takes."""


@st.composite
def carried(draw, drawn):
    """A program that PyBaMM has words for."""
    step = drawn.steps(
        numbers=drawn.short,
        kinds=("rest", "charge", "discharge", "hold", "power", "load"),
        allowed=(),
        tags=False,
        temperature=False,
        record=Record(60.0),
    ).filter(lambda each: each.until.energy is None and each.until.voltage_rate_below is None)
    steps = st.lists(step, min_size=1, max_size=3).map(tuple)
    times = st.integers(1, 4)
    cycle = st.builds(Loop, steps, times, st.just(True))
    group = st.builds(Loop, st.lists(step | cycle, min_size=1, max_size=2).map(tuple), times, st.just(False))
    nodes = draw(st.lists(step | cycle | group, min_size=1, max_size=3).map(tuple))
    return Program("p", nodes, LIMITS)


def walked(program):
    return [(turn.step, turn.opens) for turn in Part(program.steps, 0).walk()]


@QUICK
@given(st.data())
def test_the_same_steps_run_in_the_same_cycles_after_a_round_trip(drawn, data):
    program = data.draw(carried(drawn))
    back = from_pybamm(to_pybamm(program), name="p", limits=LIMITS)
    assert walked(back) == walked(program)


@QUICK
@given(st.data())
def test_any_program_is_exported_or_refused_by_name(drawn, data):
    said = "PyBaMM"
    try:
        to_pybamm(data.draw(drawn.programs()))
    except ProgramError as error:
        said = str(error)
    assert "PyBaMM" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rest until 0.1 mV/min", "step 0: .* voltage_rate_below"),
        ("Rest for 1 h\nCharge at 1 A until 10 uAh", "step 1: .* charge"),
        ("Charge at 1 A until 4 V or 50 mA", "step 0: .* more than one end"),
        ("Hold at 4 V for 1 h or until above 1 A", "step 0: .* current_above"),
        ("Sweep from 3 V to 4 V at 1 mV/s", "step 0: .* voltage_ramp"),
        ("Impedance from 1 kHz to 1 Hz, 10 mV", "step 0: .* potentiostatic_impedance"),
        ("Rest for 1 h at 25 oC", "step 0: .* temperature"),
        ("Rest for 1 h recording every 5 mV", "step 0: .* rows by a change"),
        ("a: Rest for 1 h", "step 0: .* tag 'a'"),
        ("(Rest for 1 h) until retention below 80 %", "loop at step 0: .* condition"),
        ("(Rest for 1 h; (Rest for 2 h) * 2) * 3", "loop at step 1: .* cycle within a cycle"),
        ("a: (Rest for 1 h)\ngo to a", "loop's tag 'a'"),
        ("[Rest for 1 h]\nb: Rest for 1 h\ngo to b", "tag 'b'|jump"),
    ],
)
def test_what_pybamm_has_no_words_for_is_refused_by_name(text, words):
    program = parse(text).program("p", LIMITS)
    with pytest.raises(ProgramError, match=words):
        to_pybamm(program)


def test_a_loop_that_would_fill_the_page_is_refused():
    rest = Step(OpenCircuit(), Until(duration=1.0))
    with pytest.raises(ProgramError, match=str(MOST_STEPS)):
        to_pybamm(Program("p", (Loop((rest,), MOST_STEPS + 1),), LIMITS))


def test_charge_is_charge_on_both_sides():
    steps = (
        Step(ConstantCurrent(1e-6), Until(duration=1.0)),
        Step(ConstantCurrent(-1e-6), Until(duration=1.0)),
    )
    charge, discharge = to_pybamm(Program("p", steps, LIMITS))
    assert charge.startswith("Charge at 0.001 mA")
    assert discharge.startswith("Discharge at 0.001 mA")


def test_what_is_shown_is_python_and_our_own_language():
    program = parse('("Charge at 1 A until 4 V", "Rest for 1 hour") * 3 + "Rest for 2 hours"').program(
        "p", LIMITS
    )
    shown = show_pybamm(to_pybamm(program))
    assert parse(shown).program("p", LIMITS) == program
    tree = ast.parse(shown, mode="eval")
    assert eval(compile(tree, "shown", "eval")) == to_pybamm(program)


def test_a_string_that_is_no_step_is_refused():
    with pytest.raises(ProgramError, match="not one step"):
        from_pybamm(["Rest for 1 h; Rest for 1 h"], name="p", limits=LIMITS)


def meaning(step):
    """Return a step of ours as PyBaMM would say it: kind, value with its sign, duration, period, end."""
    run, until = step.run, step.until
    kinds = {
        "open_circuit": ("current", 0.0),
        "constant_current": ("current", -getattr(run, "current", 0.0)),
        "constant_power": ("power", -getattr(run, "power", 0.0)),
        "constant_voltage": ("voltage", getattr(run, "voltage", 0.0)),
        "constant_resistance": ("resistance", getattr(run, "resistance", 0.0)),
    }
    ends = {name: value for name, value in until.named().items() if name != "duration"}
    return (*kinds[run.technique], until.duration, ends)


def told(step):
    """Return the same of a step of PyBaMM's; voltages are met as the direction or the operator says."""
    kind = {"rest": "current", "crate": "current"}.get(
        type(step).__name__.lower(), type(step).__name__.lower()
    )
    ends = {}
    for end in step.termination:
        name = type(end).__name__
        if name == "VoltageTermination":
            side = end.operator or {"charge": ">", "discharge": "<"}[step.direction]
            ends["voltage_above" if side == ">" else "voltage_below"] = end.value
        else:
            ends["current_below"] = end.value
    return (kind, step.value, None if step.uses_default_duration else step.duration, ends)


def same(ours, theirs):
    assert ours[0] == theirs[0]
    assert ours[1] == pytest.approx(theirs[1], rel=1e-12)
    assert (ours[2] is None) == (theirs[2] is None)
    assert ours[2] is None or ours[2] == pytest.approx(theirs[2], rel=1e-12)
    assert ours[3] == pytest.approx(theirs[3], rel=1e-12)


@pytest.mark.parametrize("text", STRINGS)
def test_pybamm_gives_its_strings_the_same_meaning(text):
    pybamm = pytest.importorskip("pybamm")
    (ours,) = parse(text, CELL).nodes
    theirs = pybamm.step.string(text)
    same(meaning(ours), told(theirs))
    assert theirs.period in (None, ours.record.interval)


@QUICK
@given(st.data())
def test_pybamm_gives_our_exports_the_same_meaning(drawn, data):
    pybamm = pytest.importorskip("pybamm")
    program = data.draw(carried(drawn))
    experiment = pybamm.Experiment(to_pybamm(program))
    for (step, _), theirs in zip(walked(program), experiment.steps, strict=True):
        same(meaning(step), told(theirs))
        assert theirs.period == pytest.approx(step.record.interval, rel=1e-12)
    assert [len(cycle) for cycle in experiment.cycles] == [
        1 if isinstance(each, str) else len(each) for each in to_pybamm(program)
    ]


def test_a_step_that_pybamm_would_break_off_after_its_day_is_told():
    cell = CellSize(1.5e-5, 0.036)
    slow = parse(
        "Charge at C/30 until 4.2 V; Discharge at C/30 for 40 h or until 3 V; Charge at C/2 until 4.2 V", cell
    )
    program = slow.program("p", CellLimits(2.9, 4.3, 1e-3))
    assert breaks_off(program, cell) == [0]
    assert breaks_off(program, CellSize(1.5e-5)) == []
    shown = show_pybamm(to_pybamm(program), breaks_off(program, cell))
    assert ast.literal_eval(shown) == to_pybamm(program)
    assert "# step 0 may last longer than 24 h" in shown
