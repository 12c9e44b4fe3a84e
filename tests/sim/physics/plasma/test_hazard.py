import pytest

from sim.physics.plasma.hazard import Hazard, chance, drawn, spent


def test_steps_of_any_length_bring_the_same_events() -> None:
    whole, events = spent(drawn(7), 50.0)
    luck, count = drawn(7), 0
    for _ in range(5000):
        luck, more = spent(luck, 0.01)
        count += more
    assert count == events > 30
    assert luck.left == pytest.approx(whole.left, abs=1e-9)


def test_events_come_as_often_as_the_hazard_says() -> None:
    _, events = spent(drawn(3), 10000.0)
    assert events == pytest.approx(10000, rel=0.04)


def test_the_same_seed_gives_the_same_luck_and_looking_draws_nothing() -> None:
    assert drawn(5) == drawn(5) != drawn(6)
    assert chance(5, 2) == chance(5, 2) != chance(5, 3)
    assert spent(drawn(5), 0.0) == (drawn(5), 0)


def test_luck_survives_a_file() -> None:
    luck, _ = spent(drawn(1), 2.5)
    assert Hazard.from_dict(luck.to_dict()) == luck
