import json

import pytest

from sim.materials.targets import LITHIUM
from sim.physics.evaporation.source import (
    BOAT,
    ELECTRON_BEAM,
    Source,
    SourceState,
    mass_rate,
    power_at,
    step,
    temperature_at,
)

FULL = SourceState(300.0, 1e-3)


@pytest.mark.parametrize("source", [BOAT, ELECTRON_BEAM])
@pytest.mark.parametrize("temperature", [600.0, 800.0, 950.0])
def test_power_and_temperature_are_each_others_inverse(source: Source, temperature: float) -> None:
    power = power_at(source, LITHIUM, temperature)
    assert temperature_at(source, LITHIUM, power) == pytest.approx(temperature, rel=1e-9)


def test_a_power_that_leads_nowhere_is_refused() -> None:
    assert temperature_at(BOAT, LITHIUM, 0.0) == pytest.approx(300.0)
    for power in (-1.0, 1e4):
        with pytest.raises(ValueError, match=r"power = .* W is outside \[0, "):
            temperature_at(BOAT, LITHIUM, power)


def test_a_source_warms_with_its_lag_and_loses_what_evaporates() -> None:
    power = power_at(BOAT, LITHIUM, 850.0)
    one_lag = step(BOAT, LITHIUM, FULL, power, BOAT.lag)
    assert one_lag.temperature == pytest.approx(300.0 + 550.0 * 0.632, abs=0.5)
    hot = SourceState(850.0, 1e-3)
    after = step(BOAT, LITHIUM, hot, power, 60.0)
    assert hot.charge - after.charge == pytest.approx(60.0 * mass_rate(BOAT, LITHIUM, hot), rel=1e-9, abs=0.0)


def test_an_empty_source_gives_nothing() -> None:
    empty = SourceState(900.0, 0.0)
    assert mass_rate(BOAT, LITHIUM, empty) == 0.0
    assert step(BOAT, LITHIUM, SourceState(900.0, 1e-9), 100.0, 60.0).charge == 0.0


def test_a_source_survives_a_file() -> None:
    assert SourceState.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL
