"""What a lamp's limits refuse: each at its own bound, the mean power by what a pulse draws, bursts by the generator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.errors import LimitError
from devices.lamp.checks import check_recipe, electrical_energy, fastest_rate
from devices.lamp.parameters import LampParameters
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe, MicroPulse

WIDE = LampLimits(1000.0, 10e-3, 10_000, 1.0, 1e4)
BUILT = LampParameters(1e-4, 1.0, 5.6e-3, 35.0)
RECIPE = AnnealRecipe("r", 900.0, 1.8e-3, 43, 0.4)


def burst(duty: float, count: int = 6) -> AnnealRecipe:
    """Return a recipe whose pulse is made of so many alike micro-pulses."""
    return replace(RECIPE, micro_pulses=(MicroPulse(RECIPE.pulse_duration / count, duty),) * count)


def check(recipe: AnnealRecipe, limits: LampLimits = WIDE, *, bursts: bool = True) -> None:
    check_recipe("lamp", recipe, limits, BUILT, bursts=bursts)


@pytest.mark.parametrize(
    ("field", "at", "below"),
    [
        ("bank_voltage", 900.0, 899.0),
        ("pulse_duration", 1.8e-3, 1.79e-3),
        ("pulse_count", 43, 42),
        ("rate", 0.4, 0.39),
    ],
)
def test_each_limit_lets_pass_what_it_names_and_nothing_beyond(field: str, at: float, below: float) -> None:
    check(RECIPE, replace(WIDE, **{field: at}))
    with pytest.raises(LimitError, match=rf"lamp\.{field}"):
        check(RECIPE, replace(WIDE, **{field: below}))


def test_the_mean_power_is_what_one_pulse_draws_times_how_often_it_comes() -> None:
    power = electrical_energy(RECIPE, BUILT) * 0.4
    check(RECIPE, replace(WIDE, average_power=power))
    with pytest.raises(LimitError, match=r"lamp\.average_power"):
        check(RECIPE, replace(WIDE, average_power=0.999 * power))
    with pytest.raises(LimitError, match=r"lamp\.average_power"):
        check(replace(RECIPE, rate=0.41), replace(WIDE, average_power=power))


def test_a_pulse_draws_what_the_bank_loses_by_the_lamps_own_law() -> None:
    """V = K0 sqrt(i) on a bank C from V0 on: V0 / (1 + V0 t / (C K0^2)) is left after t."""
    left = 900.0 / (1.0 + 900.0 * 1.8e-3 / (5.6e-3 * 35.0**2))
    assert electrical_energy(RECIPE, BUILT) == pytest.approx(0.5 * 5.6e-3 * (900.0**2 - left**2))


def test_a_burst_draws_only_while_it_burns_and_may_come_as_much_more_often() -> None:
    dark = electrical_energy(replace(RECIPE, pulse_duration=0.9e-3), BUILT)
    assert electrical_energy(burst(0.5), BUILT) == pytest.approx(dark)
    assert electrical_energy(burst(1.0), BUILT) == pytest.approx(electrical_energy(RECIPE, BUILT))
    assert fastest_rate(burst(0.5), BUILT) > fastest_rate(RECIPE, BUILT)


def test_a_generator_without_a_dead_man_gates_whole_pulses_only() -> None:
    check(burst(0.5))
    check(RECIPE, bursts=False)
    with pytest.raises(LimitError, match="dead-man in hardware"):
        check(burst(0.5), bursts=False)


@pytest.mark.parametrize("other", [MicroPulse(0.31e-3, 0.5), MicroPulse(0.3e-3, 0.6)])
def test_a_bursts_gates_are_all_alike(other: MicroPulse) -> None:
    alike = MicroPulse(0.3e-3, 0.5)
    slots = (alike, alike, other)
    recipe = replace(RECIPE, pulse_duration=sum(each.duration for each in slots), micro_pulses=slots)
    with pytest.raises(LimitError, match="gates are all alike"):
        check(recipe)
