import pytest

from sim.materials.targets import TARGETS
from sim.physics.growth.yields import BohdanskyYield, PowerYield

METALS = ("Ti", "V", "Mo", "Co")


@pytest.mark.parametrize("name", METALS)
def test_a_yield_begins_at_its_threshold_and_rises_from_there(name: str) -> None:
    law = TARGETS[name].sputter_yield
    assert isinstance(law, BohdanskyYield)
    assert law(law.threshold) == law(0.0) == 0.0
    energies = [law.threshold + step for step in range(1, 1000 - round(law.threshold), 10)]
    values = [law(energy) for energy in energies]
    assert values == sorted(values)
    assert law(500.0) == pytest.approx(law.anchor, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(("name", "handbook"), [("Ti", 0.33), ("V", 0.41), ("Mo", 0.58), ("Co", 0.81)])
def test_yields_at_300_volt_are_near_the_handbooks(name: str, handbook: float) -> None:
    assert TARGETS[name].sputter_yield(300.0) == pytest.approx(handbook, rel=0.12)


def test_a_compounds_yield_is_a_power_of_the_energy() -> None:
    law = PowerYield(0.145)
    assert law(200.0) == 0.145
    assert law(400.0) == pytest.approx(0.145 * 2.0**0.8)
    assert law(0.0) == law(-1.0) == 0.0
