"""To aurora-unicycler's JSON and back: the same program, or a refusal that names the step."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Record, Until
from devices.errors import ConfigError, ProgramError
from devices.recipes import to_json
from labctl.language.parser import parse
from labctl.language.unicycler import from_unicycler, load, to_unicycler

LIMITS = CellLimits(-1.0, 5.0, 2.0)
QUICK = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

EXAMPLE = {
    "unicycler": {"version": "0.3.2"},
    "sample": {"name": "test_sample", "capacity_mAh": "10"},
    "record": {"current_mA": "0.1", "voltage_V": "0.1", "time_s": "10"},
    "safety": {
        "max_voltage_V": "5",
        "min_voltage_V": "-0.1",
        "max_current_mA": "10",
        "min_current_mA": "-10",
    },
    "method": [
        {"step": "open_circuit_voltage", "until_time_s": "3600"},
        {"step": "tag", "tag": "longterm"},
        {"step": "constant_current", "rate_C": "C/10", "current_mA": None, "until_voltage_V": "4.9"},
        {"step": "constant_voltage", "voltage_V": "4.9", "until_time_s": "21600", "until_rate_C": "0.05"},
        {"step": "constant_current", "rate_C": "D/2", "until_time_s": "", "until_voltage_V": "3.5"},
        {"step": "loop", "loop_to": "longterm", "cycle_count": 3},
        {"step": "constant_current", "current_mA": -5, "until_time_s": 60},
        {"step": "loop", "loop_to": 2, "cycle_count": 4},
    ],
}
"""As unicycler's own examples are written: numbers as text, C-rates as fractions, a loop around a loop."""


def with_(*entries, **parts):
    return {"record": {"time_s": 10}, "safety": EXAMPLE["safety"], "method": list(entries), **parts}


REST = {"step": "open_circuit_voltage", "until_time_s": 60}


@st.composite
def carried(draw, drawn):
    """A program that unicycler has fields for."""
    record = draw(st.sampled_from([Record(), Record(10.0, 0.005, 1e-6)]))
    step = drawn.steps(
        numbers=drawn.short,
        kinds=("rest", "charge", "discharge", "hold", "sweep", "peis", "geis"),
        allowed=(),
        tags=False,
        temperature=False,
        record=record,
    ).filter(can_stand)
    nodes = draw(st.lists(drawn.bodies(step), min_size=1, max_size=4).map(tuple))
    tagged = iter(("first", "cycle-2", "x", "repeat-1"))
    nodes = tuple(
        type(node)(**{**vars_of(node), "tags": (next(tagged),)}) if draw(st.booleans()) else node
        for node in nodes
    )
    return Program("p", nodes, LIMITS)


def vars_of(node):
    return {name: getattr(node, name) for name in node.__dataclass_fields__}


def can_stand(step):
    """Tell whether unicycler has fields for it: no end at 0 V, no bias, a rest with a duration."""
    ends = step.until.named()
    if isinstance(step.run, OpenCircuit) and "duration" not in ends:
        return False
    biased = getattr(step.run, "bias", None)
    return not biased and 0.0 not in ends.values() and "voltage_rate_below" not in ends


@QUICK
@given(st.data())
def test_a_program_comes_back_the_same(drawn, data):
    program = data.draw(carried(drawn))
    text = json.dumps(to_unicycler(program))
    assert from_unicycler(load(text, "p.json"), name="p") == program


@QUICK
@given(st.data())
def test_any_program_is_exported_or_refused_by_name(drawn, data):
    said = "unicycler"
    try:
        to_unicycler(data.draw(drawn.programs()))
    except ProgramError as error:
        said = str(error)
    assert "unicycler" in said


@pytest.mark.filterwarnings("ignore:Voltage mismatch")
@QUICK
@given(st.data())
def test_unicycler_takes_what_is_exported(drawn, data):
    unicycler = pytest.importorskip("aurora_unicycler")
    body = to_unicycler(data.draw(carried(drawn)))
    assert len(unicycler.CyclingProtocol.from_dict(body).method) == len(body["method"])


def test_charge_is_positive_on_both_sides():
    program = from_unicycler(EXAMPLE, name="p")
    currents = [step.run.current for step in program.leaves() if isinstance(step.run, ConstantCurrent)]
    assert currents == pytest.approx([1e-3, -5e-3, -5e-3])
    back = [entry["current_mA"] for entry in to_unicycler(program)["method"] if "current_mA" in entry]
    assert back == pytest.approx([1.0, -5.0, -5.0])


def test_a_file_of_unicyclers_own_is_read():
    rest, outer = from_unicycler(EXAMPLE, name="p").steps
    inner, last = outer.body
    assert rest == Step(OpenCircuit(), Until(duration=3600.0), Record(10.0, 0.1, 1e-4))
    assert (outer.times, inner.times) == (4, 3)
    assert inner.counts_cycles
    assert inner.tags == ("longterm",)
    assert inner.body[1].run == ConstantVoltage(4.9)
    assert inner.body[1].until.named() == pytest.approx({"duration": 21600.0, "current_below": 5e-4})
    assert last.until == Until(duration=60.0)


def test_c_rates_use_the_files_capacity_before_the_cells():
    cell = CellSize(1e-5, 3.6)
    step = {"step": "constant_current", "rate_C": 1, "until_time_s": 60}
    assert from_unicycler(with_(step), name="p", cell=cell).leaves()[0].run.current == pytest.approx(1e-3)
    own = with_(step, sample={"capacity_mAh": 2})
    assert from_unicycler(own, name="p", cell=cell).leaves()[0].run.current == pytest.approx(2e-3)
    with pytest.raises(ProgramError, match=r"method\[0\].*capacity"):
        from_unicycler(with_(step), name="p")


def test_a_program_says_whose_capacity_its_c_rates_are_of():
    own = CellSize(1e-5, 36.0, basis="sample.capacity_mAh in unicycler")
    program = from_unicycler(EXAMPLE, name="p", cell=CellSize(1e-5, 3.6))
    assert program.rates_on == own
    assert to_json(program)["rates_on"]["capacity"] == 36.0
    assert to_unicycler(program, CellSize(1e-5, 3.6))["sample"]["capacity_mAh"] == pytest.approx(10.0)
    plain = from_unicycler({**EXAMPLE, "sample": {}}, name="p", cell=own)
    assert plain.rates_on is None
    assert "rates_on" not in to_json(plain)
    assert plain == program


def test_limits_that_safety_leaves_open_are_taken_from_the_lab_or_asked_for():
    body = with_(REST, safety={"max_voltage_V": 4.5})
    with pytest.raises(ProgramError, match="voltage_min"):
        from_unicycler(body, name="p")
    assert from_unicycler(body, name="p", limits=LIMITS).limits == CellLimits(-1.0, 4.5, 2.0)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([REST, {"step": "loop", "loop_to": "x", "cycle_count": 2}], r"method\[1\] .*no 'x'"),
        ([REST, {"step": "loop", "loop_to": 5, "cycle_count": 2}], r"method\[1\] .*ahead"),
        (
            [REST, {"step": "tag", "tag": "a"}, {"step": "loop", "loop_to": "a", "cycle_count": 2}],
            "no step stands",
        ),
        ([{"step": "tag", "tag": "a"}, {"step": "tag", "tag": "a"}, REST], "stands twice"),
        (
            [
                REST,
                REST,
                {"step": "loop", "loop_to": 1, "cycle_count": 2},
                REST,
                {"step": "loop", "loop_to": 2, "cycle_count": 2},
            ],
            "middle of another loop",
        ),
        ([REST, *[{"step": "loop", "loop_to": 1, "cycle_count": 2}] * 5000], "deeper"),
        ([{"step": "constant_current", "current_mA": 0, "until_time_s": 1}], "needs rate_C or current_mA"),
        ([{"step": "constant_current", "current_mA": 1}], "needs an end"),
        ([{"step": "constant_current", "current_mA": 100, "until_time_s": 1}], "exceeds limits.current_max"),
        (
            [{"step": "impedance_spectroscopy", "start_frequency_Hz": 10, "end_frequency_Hz": 1}],
            "one of amplitude_V",
        ),
        (
            [
                {
                    "step": "impedance_spectroscopy",
                    "amplitude_V": 0.01,
                    "start_frequency_Hz": 10,
                    "end_frequency_Hz": 1,
                    "measures_per_point": 3,
                }
            ],
            "measures_per_point",
        ),
    ],
)
def test_what_has_no_meaning_here_is_refused_with_its_place(entries, words):
    with pytest.raises(ProgramError, match=words):
        from_unicycler(with_(*entries), name="p")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"method": [REST]}, "record"),
        (with_({"step": "dance"}), "method[0].step"),
        (with_({"step": "open_circuit_voltage"}), "method[0].until_time_s"),
        (with_({"step": "open_circuit_voltage", "until_time_s": "soon"}), "method[0].until_time_s"),
        (with_({**REST, "colour": 1}), "method[0].colour"),
        (with_(), "method"),
    ],
)
def test_a_file_of_another_form_is_told_with_its_keys(body, key):
    with pytest.raises(ConfigError) as caught:
        from_unicycler(body, name="p")
    assert key in {mistake.key for mistake in caught.value.mistakes}


@pytest.mark.parametrize("text", ["", "[1]", "{", "nul", "[" * 100_000, "1" * 5000, '{"record": NaN}', "3"])
def test_what_is_no_json_of_a_protocol_is_refused(text):
    with pytest.raises(ConfigError):
        from_unicycler(load(text, "p.json"), name="p")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rest until 0.1 mV/min", "step 0: .*rest without a duration"),
        ("Rest for 1 h\nCharge at 1 A until 10 uAh", "step 1: .*charge"),
        ("Rest for 1 h at 25 oC", "step 0: .*temperature"),
        ("Charge at 1 mW until 4 V", "step 0: .*constant_power"),
        ("Rest for 1 h\nRest for 1 h recording every 1 s", "step 1: unicycler records all steps alike"),
        ("Impedance from 1 kHz to 1 Hz, 10 mV, around 3 V", "step 0: .*bias"),
        ("(Rest for 1 h) until cycle 3", "loop at step 0: .*condition"),
        ("a: Rest for 1 h\ngo to a", "jump"),
        ("a: Rest for 1 h\na: Rest for 1 h", "every tag once"),
        ("Discharge at 1 A until 0 V", "step 0: .*0 V"),
        ("Sweep from 3 V to 4 V at 1 mV/s for 1 h", "step 0: .*duration"),
    ],
)
def test_what_unicycler_has_no_field_for_is_refused_by_name(text, words):
    with pytest.raises(ProgramError, match=words):
        to_unicycler(parse(text).program("p", LIMITS))


def test_a_loop_says_in_its_tag_whether_it_counts():
    rest = Step(OpenCircuit(), Until(duration=1.0))
    body = to_unicycler(Program("p", (Loop((rest,), 2, True), Loop((rest,), 2, False)), LIMITS))
    assert [entry["tag"] for entry in body["method"] if entry["step"] == "tag"] == ["cycle-1", "repeat-2"]
