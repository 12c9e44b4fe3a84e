"""Two witnesses of the base temperature, and what a pulse must do to both."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InterlockError
from devices.lamp.temperatures import Base, Witnesses
from devices.limits import LampLimits

LIMITS = LampLimits(1000.0, 10e-3, 10_000, 1.0, 1e4)


def witnesses(pyrometer: float | None = None, **couples: float) -> Any:
    clock: Any = SimpleNamespace(moment=0.0)
    clock.now = lambda: clock.moment
    made: Any = Witnesses(
        clock,
        LIMITS,
        None if pyrometer is None else SimpleNamespace(read_temperature=lambda: pyrometer),  # type: ignore[arg-type]
        SimpleNamespace(read_temperatures=lambda: couples) if couples else None,  # type: ignore[arg-type]
    )
    made.clock = clock
    return made


def test_without_instruments_nothing_is_seen_and_nothing_refused() -> None:
    seen = witnesses()
    assert not seen.there
    assert seen.age() is None
    assert math.isnan(seen.judged_look().base)


def test_the_pyrometer_is_the_base_and_the_couple_on_the_foil_its_second_witness() -> None:
    seen = witnesses(400.0, foil=410.0, chuck=300.0).judged_look()
    assert (seen.base, seen.second, seen.chuck) == (400.0, 410.0, 300.0)
    alone = witnesses(foil=410.0, chuck=300.0).judged_look()
    assert alone.base == 410.0
    assert math.isnan(alone.second)


def test_a_look_ages() -> None:
    seen = witnesses(400.0)
    assert seen.age() == math.inf
    seen.look()
    seen.clock.moment = 0.7
    assert seen.age() == pytest.approx(0.7)


@pytest.mark.parametrize("value", [math.nan, 9.9e37, 20.0])
def test_a_couple_that_reads_no_temperature_is_open(value: float) -> None:
    with pytest.raises(InterlockError, match=r"'foil' reads .* it is open"):
        witnesses(400.0, foil=value, chuck=300.0).look()


@pytest.mark.parametrize("apart", [51.0, -51.0])
def test_witnesses_that_are_too_far_apart_are_refused(apart: float) -> None:
    witnesses(400.0, foil=400.0 + 49.0).judged_look()
    with pytest.raises(InterlockError, match="51 K apart, above 50 K"):
        witnesses(400.0, foil=400.0 + apart).judged_look()


@pytest.mark.parametrize("couples", [{}, {"foil": 790.0}])
def test_too_hot_a_base_is_refused_whoever_sees_it(couples: dict[str, float]) -> None:
    with pytest.raises(InterlockError, match=r"above 500 degC"):
        witnesses(780.0, **couples).judged_look()


@pytest.mark.parametrize(("pyrometer", "foil"), [(780.0, 760.0), (760.0, 780.0)])
def test_the_hotter_of_two_witnesses_decides(pyrometer: float, foil: float) -> None:
    with pytest.raises(InterlockError, match=r"it is 507 degC, above 500 degC"):
        witnesses(pyrometer, foil=foil, chuck=300.0).judged_look()


COLD = Base(0.0, base=300.0, second=300.0, chuck=298.0)
HOT = Base(0.5, base=700.0, second=690.0, chuck=299.0)


@pytest.mark.parametrize(
    ("after", "permissive"),
    [
        (HOT, None),
        (replace(HOT, base=300.5), "pyrometer"),
        (replace(HOT, second=299.0, chuck=690.0), "thermocouple"),
        (replace(HOT, second=150.0), "thermocouple"),
        (replace(HOT, second=310.0, chuck=690.0), "thermocouple"),
    ],
)
def test_a_pulse_moves_what_it_must_move(after: Base, permissive: str | None) -> None:
    seen = witnesses(300.0, foil=300.0, chuck=298.0)
    if permissive is None:
        seen.hold_against(COLD, after)
        return
    with pytest.raises(InterlockError) as refused:
        seen.hold_against(COLD, after)
    assert refused.value.permissive == permissive


def test_a_couple_alone_must_feel_the_pulse() -> None:
    seen = witnesses(foil=300.0)
    with pytest.raises(InterlockError, match="swapped"):
        seen.hold_against(Base(0.0, base=300.0), Base(0.5, base=301.0))
    seen.hold_against(Base(0.0, base=300.0), Base(0.5, base=303.0))
