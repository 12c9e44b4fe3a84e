"""Rates that hide in noise are refused, and what is said of those that do not."""

from __future__ import annotations

import pytest

from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantVoltage, OpenCircuit, PotentiostaticImpedance, Until
from devices.errors import LimitError
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.checks import check_ranges, looks, unseen

LIMITS = CellLimits(3.0, 4.3, 1e-3)


def hold(rate: float, lasts: float | None = 600.0) -> Step:
    return Step(ConstantVoltage(4.1), Until(duration=lasts, current_rate_below=rate))


def rest(rate: float, lasts: float | None = None) -> Step:
    return Step(OpenCircuit(), Until(duration=lasts, voltage_rate_below=rate))


@pytest.mark.parametrize(("step", "words"), [(rest(1e-7), "voltage_rate"), (hold(1e-14), "current_rate")])
def test_a_rate_that_cannot_be_told_from_noise_is_refused(step: Step, words: str) -> None:
    with pytest.raises(LimitError, match=words):
        check_ranges(Program("p", (step,), LIMITS), EMSTAT4_HR, "emstat")


@pytest.mark.parametrize("step", [rest(1e-4 / 60.0), hold(1e-11)])
def test_one_that_can_is_not(step: Step) -> None:
    check_ranges(Program("p", (step,), LIMITS), EMSTAT4_HR, "emstat")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (rest(1e-4 / 60.0), "over 138 s or more"),
        (rest(1e-4 / 60.0, 120.0), "longer than the 120 s of its step, which never ends by it"),
        (hold(1e-9), "0.046 s at least, and 4.6 s for each uA that flows: above 0.00013 A"),
    ],
)
def test_the_time_a_rate_is_averaged_over_is_said(step: Step, words: str) -> None:
    (said,) = looks(step, EMSTAT4_HR)
    assert words in said


def test_what_the_charge_of_a_spectrum_may_be_off_by_is_said() -> None:
    (said,) = unseen(Step(PotentiostaticImpedance(1e3, 1.0, 0.01, bias=4.0)), LIMITS)
    assert "off by 0.001 C" in said
    assert not list(unseen(Step(PotentiostaticImpedance(1e3, 1.0, 0.01)), LIMITS))
