"""Measured against predicted: too much and too little stop the train alike, each pulse by its own prediction."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InterlockError
from devices.lamp.parameters import LampParameters
from devices.lamp.residual import Residual
from devices.limits import LampLimits

LIMITS = LampLimits(1000.0, 10e-3, 10_000, 1.0, 1e4, energy_residual=0.15, base_residual=60.0)
BUILT = LampParameters(1e-4, 0.8, 5.6e-3, 35.0)
ENERGY = 2e5 * 1e-4 / 0.8
"""J that a meter of this aperture and calibration shows of 20 J/cm2."""


def residual() -> Any:
    compared: list[tuple[Any, ...]] = []
    log: Any = SimpleNamespace(compare=lambda *said: compared.append(said))
    made: Any = Residual(log, LIMITS, BUILT)
    made.compared = compared
    made.expect({"exposure": 2e5, "base_temperature": [300.0, 400.0, 500.0]})
    return made


@pytest.mark.parametrize("share", [0.84, 1.16])
def test_an_energy_too_low_or_too_high_stops_the_train(share: float) -> None:
    made = residual()
    for within in (0.86, 1.0, 1.14):
        made.energy(1, within * ENERGY)
    with pytest.raises(InterlockError, match="more than 15% apart"):
        made.energy(2, share * ENERGY)
    assert len(made.compared) == 4


@pytest.mark.parametrize("apart", [-61.0, 61.0])
def test_a_base_too_cold_or_too_hot_stops_the_train(apart: float) -> None:
    made = residual()
    for within in (-59.0, 0.0, 59.0):
        made.base(2, 400.0 + within)
    with pytest.raises(InterlockError, match="more than 60 K apart"):
        made.base(2, 400.0 + apart)


def test_every_pulse_is_held_against_its_own_prediction_also_after_a_gap() -> None:
    made = residual()
    for number, base in ((1, 300.0), (2, 400.0), (3, 500.0), (4, 900.0)):
        made.base(number, base)
    made.expect({"base_temperature": [350.0, 450.0]}, first=11)
    made.base(10, 900.0)
    made.base(11, 350.0)
    made.base(12, 450.0)
    with pytest.raises(InterlockError):
        made.base(11, 450.0)


def test_what_was_not_predicted_or_not_measured_is_not_compared() -> None:
    made = residual()
    made.energy(1, math.nan)
    made.base(1, math.nan)
    made.expect(None)
    made.energy(1, 1e3)
    made.base(1, 1e3)
    assert made.compared == []
