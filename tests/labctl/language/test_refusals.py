"""An instrument tells its first refusal only; asked again and again it tells them all."""

import pytest

from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Record, Until
from devices.errors import InstrumentError, LimitError, ProgramError
from labctl.config.folder import Config
from labctl.language.refusals import MOST_REFUSALS, refusals
from labctl.program_check import stations_of

REST = Step(OpenCircuit(), Until(duration=5.0))


def charge(current):
    return Step(ConstantCurrent(current), Until(voltage_above=4.0))


def hold(volts):
    return Step(ConstantVoltage(volts), Until(duration=100.0))


def meter(program):
    """Refuses as drivers do: the limits first, then steps, then loops, the first of them only."""
    limits = program.limits
    if limits.voltage_max > 5.0:
        raise LimitError("meter limits.voltage_max", limits.voltage_max, "V", -5.0, 5.0)
    if limits.current_max > 0.1:
        raise LimitError("meter limits.current_max", limits.current_max, "A", 1e-9, 0.1)
    for index, step in enumerate(program.leaves()):
        if isinstance(step.run, ConstantCurrent) and abs(step.run.current) < 1e-6:
            raise LimitError(f"meter step {index} |current|", abs(step.run.current), "A", 1e-6, 0.1)
        if step.until.duration is not None and step.until.duration < 1.0:
            raise ProgramError(f"meter step {index}: shorter than 1 s")
    if any(isinstance(node, Loop) and node.times > 100 for node in program.steps):
        raise ProgramError(f"{program.name}: more than 100 passes")


def of(*nodes, limits=CellLimits(0.0, 5.0, 0.1)):  # noqa: B008 - a frozen value
    return refusals("meter", meter, Program("p", nodes, limits))


def test_what_is_taken_is_not_refused():
    assert of(REST, charge(1e-3)) == []


def test_limits_steps_and_loops_are_all_told_with_their_own_numbers():
    short = Step(OpenCircuit(), Until(duration=0.5))
    loop = Loop((charge(1e-9), REST, short), 200)
    told = of(REST, hold(5.5), charge(0.5), loop, limits=CellLimits(0.0, 6.0, 1.0))
    words = (
        "limits.voltage_max = 6",
        "step 1: constant_voltage of 5.5 V",
        "limits.current_max = 1 A",
        "step 2: 0.5 A exceeds",
        "step 3 |current|",
        "step 5: shorter",
        "more than 100 passes",
    )
    assert len(told) == len(words)
    for said, word in zip(told, words, strict=True):
        assert word in said
        assert said.startswith("meter")


def test_all_that_is_refused_of_one_step_is_told():
    both = Step(ConstantCurrent(-1e-9), Until(voltage_below=3.0, duration=0.5))
    slow = Step(ConstantCurrent(1e-9), Until(voltage_above=4.0, duration=0.5))
    told = of(REST, both, Loop((slow,), 200))
    assert [("|current|" in said, "shorter" in said, "passes" in said) for said in told] == [
        (True, False, False),
        (False, True, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


@pytest.mark.parametrize(("bench", "many"), [("twin", 1), ("emstat", 3), ("keithley", 3)])
def test_a_real_driver_tells_all_that_it_refuses_of_one_step(bench, many):
    config = Config()
    (station,) = stations_of(config.bench(bench), config.limits()).values()
    step = Step(ConstantCurrent(1e-13), Until(voltage_above=4.0, duration=2e-3), Record(interval=1e-3))
    told = refusals("potentiostat", station.check, Program("p", (REST, step), CellLimits(2.9, 4.2, 1e-4)))
    assert len(told) == many
    assert all("step 1" in said for said in told)


def test_jumps_still_arrive_at_a_step_that_was_refused():
    tagged = Step(ConstantCurrent(1e-9), Until(voltage_above=4.0), tags=("again",))
    assert len(of(tagged, charge(1e-9), Jump("again"))) == 2


@pytest.mark.parametrize("words", ["nobody knows why", "step 99: there is none"])
def test_what_cannot_be_mended_ends_the_questions(words):
    def check(program):
        raise InstrumentError("x", "1", words)

    assert refusals("meter", check, Program("p", (REST,), CellLimits(0.0, 5.0, 0.1))) == [
        f"meter: x answered with error 1: {words}"
    ]


def test_there_is_an_end_to_asking():
    assert len(of(*[charge(1e-9)] * 500)) == MOST_REFUSALS
