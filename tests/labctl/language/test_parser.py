"""The language of cycling: what battery people type, what it means, and where what is wrong is shown."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.cycling.cells import CellSize
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Jump, Loop, Step, When
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
from devices.errors import ProgramError
from labctl.language.parser import DEEPEST, parse, parse_program
from labctl.language.printer import print_program

CELL = CellSize(area=2e-5, capacity=3600.0)
"""0.2 cm2 and 1 Ah: C/10 is 0.1 A, 50 uA/cm2 is 10 uA."""

HOUR = 3600.0


def one(text):
    (node,) = parse(text, CELL).nodes
    return node


def refused(text, cell=CELL):
    with pytest.raises(ProgramError) as caught:
        parse_program(text, cell, limits=CellLimits(0.0, 5.0, 2.0))
    return caught.value


@pytest.mark.parametrize(
    ("text", "run", "until"),
    [
        (
            "Discharge at C/10 for 10 hours or until 3.3 V",
            ConstantCurrent(-0.1),
            Until(duration=10 * HOUR, voltage_below=3.3),
        ),
        ("Charge at 1 A until 4.1 V", ConstantCurrent(1.0), Until(voltage_above=4.1)),
        ("Charge at 1A until 4.1V", ConstantCurrent(1.0), Until(voltage_above=4.1)),
        ("Hold at 4.1 V until 50 mA", ConstantVoltage(4.1), Until(current_below=0.05)),
        ("Hold at 3V until C/50", ConstantVoltage(3.0), Until(current_below=0.02)),
        ("Hold at 4.2V for 20 minutes", ConstantVoltage(4.2), Until(duration=1200.0)),
        ("Rest for 1 hour", OpenCircuit(), Until(duration=HOUR)),
        ("Discharge at 5 W for 0.5 hours", ConstantPower(-5.0), Until(duration=1800.0)),
        ("Discharge at 2 Ohm until 3 V", ConstantResistance(2.0), Until(voltage_below=3.0)),
        ("charge at 0.5 C for 45 minutes", ConstantCurrent(0.5), Until(duration=2700.0)),
        ("Charge at 50 uA/cm2 until 10 uAh", ConstantCurrent(1e-5), Until(charge=0.036)),
        (
            "Rest until 0.1 mV/min or for 2 h",
            OpenCircuit(),
            Until(voltage_rate_below=1e-4 / 60, duration=7200.0),
        ),
        ("Sweep from 3 V to 4.2 V at 0.1 mV/s", VoltageRamp(3.0, 4.2, 1e-4), Until()),
        ("Sweep from -1 mA to 1 mA at 1 uA/s", CurrentRamp(-1e-3, 1e-3, 1e-6), Until()),
        (
            "Charge at 1 A until > 4.1 V or below 3 V",
            ConstantCurrent(1.0),
            Until(voltage_above=4.1, voltage_below=3.0),
        ),
        (
            "Hold at 3 V until above 1 A or 1 mA/s",
            ConstantVoltage(3.0),
            Until(current_above=1.0, current_rate_below=1e-3),
        ),
        (
            "Discharge at 1 mW until 3 V or 2 uWh",
            ConstantPower(-1e-3),
            Until(voltage_below=3.0, energy=0.0072),
        ),
    ],
)
def test_a_step_means_what_it_says(text, run, until):
    step = one(text)
    assert step.run == run
    assert step.until == until
    assert step.record == Record()


def test_spectra_are_said_with_amplitude_density_and_bias():
    assert one("Impedance from 1 MHz to 0.1 Hz, 10 mV, 6 per decade").run == PotentiostaticImpedance(
        1e6, 0.1, 0.01, 6
    )
    assert one("impedance from 1 kHz to 1 Hz, 5 uA, around 10 uA").run == GalvanostaticImpedance(
        1e3, 1.0, 5e-6, 6, 1e-5
    )


def test_rows_tags_and_temperatures_are_clauses():
    assert one("Rest for 1 h recording every 10 s or 5 mV or 1 uA").record == Record(10.0, 5e-3, 1e-6)
    assert one("Rest for 1 h (1 minute period)").record == Record(60.0)
    assert one("Rest for 1 h at 25 oC").temperature == 298.15
    assert one("ocv: first.1: Rest for 1 h").tags == ("ocv", "first.1")
    assert one("Charge at 1 A at 60 oC\n until 4 V, recording every 5 s") == Step(
        ConstantCurrent(1.0), Until(voltage_above=4.0), Record(5.0), (), 333.15
    )


def test_parentheses_are_cycles_and_brackets_are_not():
    rest = Step(OpenCircuit(), Until(duration=HOUR))
    assert one('("Rest for 1 hour", "Rest for 1 hour") * 3') == Loop((rest, rest), 3, counts_cycles=True)
    assert one("repeat 3 x (Rest for 1 h; Rest for 1 h)") == Loop((rest, rest), 3, counts_cycles=True)
    assert one("repeat 3 x [Rest for 1 h]") == Loop((rest,), 3)
    assert one("['Rest for 1 h'] * 3") == Loop((rest,), 3)
    assert parse("[Rest for 1 h, Rest for 1 h]").nodes == (rest, rest)


def test_pybamms_lists_of_tuples_are_loops():
    rest = Step(OpenCircuit(), Until(duration=HOUR))
    cycle = Loop((rest,), 3, counts_cycles=True)
    assert parse('[("Rest for 1 hour",)] * 3 + ["Rest for 1 hour"]').nodes == (cycle, rest)
    assert parse('[*[("Rest for 1 hour",)] * 3,\n "Rest for 1 hour",]').nodes == (cycle, rest)


def test_a_titration_is_one_line():
    pulse = Step(ConstantCurrent(0.1), Until(duration=600.0))
    rest = Step(OpenCircuit(), Until(voltage_rate_below=1e-4 / 60))
    assert one("GITT 10 x (C/10 for 10 min, rest until 0.1 mV/min)") == Loop((pulse, rest), 10)
    out = one("GITT 10 x (discharge at C/10 for 10 min, rest until 0.1 mV/min)")
    assert out.body[0].run == ConstantCurrent(-0.1)


def test_loops_and_jumps_have_conditions():
    nodes = parse(
        "again: repeat 50 x (Rest for 1 s) until retention below 80 % or capacity below 5 uAh\n"
        "go to again when ended by current_lost or efficiency below 0.9 or cycle 7 or voltage below 3 V at most 4 times"
    ).nodes
    assert nodes[0].until == When(retention_below=0.8, discharge_capacity_below=0.018)
    assert nodes[0].tags == ("again",)
    assert nodes[1] == Jump(
        "again",
        When(ended_by=EndReason.CURRENT_LOST, efficiency_below=0.9, cycle_at_least=7, voltage_below=3.0),
        4,
    )


def test_the_frame_stands_at_the_top():
    program = parse_program(
        "program my-cell\nlimits 2.9 V to 4.3 V, 50 uA/cm2, 1 mAh\non host loss open\nrecording every 5 s\n"
        "Rest for 1 h # why not\n",
        CELL,
    )
    assert program.name == "my-cell"
    assert program.limits == CellLimits(2.9, 4.3, 1e-5, 3.6)
    assert program.on_host_loss == "open"
    assert program.leaves()[0].record == Record(5.0)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("Charge at 4.2 V until 5 V", 1, 11, "expected a current"),
        ("Rest for 1 h\nCharge at 1 A untill 4 V", 2, 15, 'expected "for", "until"'),
        ("Charge at 1 A until 4 V\nHold at 4 V", 2, 1, "needs an end"),
        ("(Rest for 1 h", 1, 14, 'expected ")"'),
        ("foo", 1, 1, "expected a step"),
        ("", 1, 1, "expected a step"),
        ("go to nowhere\nRest for 1 h", 1, 1, 'no item at the top level has the tag "nowhere"'),
        ("Charge at 5 mC for 1 h", 1, 11, "expected a current"),
        ("Rest until 4 V", 1, 12, "above"),
        ("Charge at -1 A for 1 h", 1, 11, "without sign"),
        ("Hold at 1 A for 1 h", 1, 9, "expected a voltage"),
        ("Charge at 2 Ohm for 1 h", 1, 11, "expected a current"),
        ("Hold at 4 V until < 1 A", 1, 19, "without sign"),
        ("Rest for 1 h for 2 h", 1, 18, "stands twice"),
        ("repeat 3 (Rest for 1 h)", 1, 10, 'expected "x"'),
        ("repeat 3.5 x (Rest for 1 h)", 1, 8, "whole number"),
        ("repeat 0 x (Rest for 1 h)", 1, 1, "times"),
        ("Rest for 1 h\n  Hold at 7 V for 1 h", 2, 3, "step 1: constant_voltage of 7 V is outside"),
        ("(go to a)", 1, 2, "top level"),
        ("((Rest for 1 h) until cycle 3) * 2", 1, 2, "top level"),
        ("Rest for 1 h go to a", 1, 14, "or a new line"),
        ("Sweep from 3 V to 3 V at 1 mV/s", 1, 1, "end elsewhere"),
        ("limits 4 V to 3 V, 1 A\nRest for 1 h", 1, 1, "must be below"),
        ("Rest for 1 h until ended", 1, 20, "an end, such as"),
        ("(Rest for 1 h) until ended by boredom", 1, 38, "no reason to end"),
        ("Rest for one hour", 1, 10, "expected a time"),
        ("Charge at 1 A until 4 V é", 1, 25, "expected a new line"),
    ],
)
def test_a_refusal_names_line_and_column_and_what_was_expected(text, line, column, words):
    error = refused(text)
    assert (error.line, error.column) == (line, column)
    assert words in str(error)
    assert str(error).startswith(f"line {line}, column {column}: ")


def test_the_place_is_shown_under_the_line():
    *_, shown, caret = str(refused("Rest for 1 h\nCharge at 4.2 V until 5 V")).splitlines()
    assert shown[caret.index("^") :].startswith("4.2 V")


def test_all_steps_beyond_the_limits_are_named_at_once():
    error = refused("Hold at 7 V for 1 h\nRest for 1 h\nHold at 8 V for 1 h")
    assert "step 0" in str(error)
    assert "step 2" in str(error)


def test_c_rates_without_a_capacity_are_refused_at_their_place():
    assert refused("Rest for 1 h; Charge at C/10 until 4 V", CellSize(1e-5)).column == 25
    assert refused("Charge at C/10 until 4 V", None).column == 11
    assert parse("Charge at 1 mA until 4 V", None).nodes


def test_loops_are_no_deeper_than_a_person_reads():
    assert parse("[" * DEEPEST + "Rest for 1 s" + "] * 2" * DEEPEST).nodes
    assert "nested deeper" in str(refused("(" * 5000))
    assert refused("'" * 5000).line == 1


TYPED = (
    "charge discharge hold rest sweep impedance repeat gitt go to at for until or above below recording every when"
    " most times x ( ) [ ] * , ; \" ' < > + : 3 1.5 -2 10 C C/10 V A mA uA/cm2 h min s mV/min mV/s Hz W Ohm %"
    " retention cycle ended by tag: limits program on host loss keep per decade around period efficiency capacity"
)
WORDS = (*TYPED.split(), "\n")


def judged(text):
    """Parse; a refusal must point into the text."""
    error = None
    try:
        parse_program(text, CELL, limits=CellLimits(0.0, 5.0, 2.0))
    except ProgramError as raised:
        error = raised
    if error is not None:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1


QUICK = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_either_parses_or_is_refused_with_its_place(text):
    judged(text)


@settings(QUICK, max_examples=40)
@given(st.data())
def test_a_program_with_a_typing_error_either_parses_or_is_refused_with_its_place(drawn, data):
    text = print_program(data.draw(drawn.programs()))
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 3)))
    judged(text[:at] + data.draw(st.sampled_from([*WORDS, ""])) + text[until:])
