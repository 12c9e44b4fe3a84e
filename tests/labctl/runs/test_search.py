"""Runs are found by what they were, with units as people type them."""

from datetime import datetime

import pytest

from devices.errors import DataError
from labctl.runs.briefs import find_run
from labctl.runs.conditions import condition
from labctl.runs.remarks import mark_run
from labctl.runs.search import Search, moment, search

DEVICES = {
    "lamp": {"role": "FlashLamp", "real": False},
    "potentiostat": {"role": "Potentiostat", "real": True},
}


def found(kept, **asked):
    asked["where"] = tuple(condition(text) for text in asked.get("where", ()))
    return [each.uid for each in search(kept.folder, Search(**asked))]


@pytest.fixture
def three(kept):
    hot = {"recipe": {"name": "hot", "hash": "h2", "body": {"voltage": 900.0, "rate": 0.4}}}
    return [
        kept.anneal("s1", devices=DEVICES, plan_args={"lamp": "lamp"}),
        kept.cycle("s1", devices=DEVICES, plan_args={"potentiostat": "potentiostat"}),
        kept.anneal("s2", **hot),
    ]


def test_by_sample_plan_device_and_number(kept, three):
    first, second, third = three
    assert found(kept) == three
    assert found(kept, sample="s1") == [first, second]
    assert found(kept, sample="s1", plan="cycle") == [second]
    assert found(kept, device="FlashLamp") == found(kept, device="lamp") == [first]
    assert found(kept, limit=2) == [second, third]


@pytest.mark.parametrize(
    ("where", "which"),
    [
        ("recipe.voltage > 880 V", [2]),
        ("voltage > 0.88 kV", [2]),
        ("recipe.voltage = 850 V", [0]),
        ("recipe.voltage != 850 V", [2]),
        ("recipe.voltage >= 850 V", [0, 2]),
        ("recipe.rate = 0.4 Hz", [0, 2]),
        ("foil_peak > 600 degC", [0, 2]),
        ("foil_peak < 600 degC", []),
        ("result.end_reason = completed", [0, 2]),
        ("result.best_discharge > 6.5 uAh", [1]),
        ("pulses >= 3", [0, 2]),
        ("recipe.pulse_duration = 1.8 ms", [0]),
    ],
)
def test_by_values_with_units(kept, three, where, which):
    assert found(kept, where=[where]) == [three[index] for index in which]


FILM = {
    "material": "LiPON",
    "pressure": 0.4,
    "strike": {"pressure": 3.0},
    "guns": [{"target": "Li3PO4", "power_density": 5.9e4, "ramp": 1 / 3}],
    "gases": [{"gas": "N2", "flow": 24 * 7.4358e-7}],
    "presputter": 900.0,
    "thickness": 1e-6,
}
LITHIUM = {"material": "Li", "rate": 3e-10, "ramp": 1.0, "base_pressure": 1e-4, "soak": 60.0}


@pytest.fixture
def films(kept):
    return [
        kept.anneal("f", plan=plan, recipe={"name": "x", "hash": "h", "body": body})
        for plan, body in (("deposit", FILM), ("evaporate", LITHIUM))
    ] + [kept.anneal("f")]


@pytest.mark.parametrize(
    ("where", "which"),
    [
        ("recipe.pressure = 0.4 Pa", [0]),
        ("recipe.pressure = 4 ubar", [0]),
        ("recipe.pressure != 0.4 Pa", []),
        ("recipe.pressure != 1 Pa", [0]),
        ("recipe.pressure < 1 Pa", [0]),
        ("recipe.material != LiPON", [1]),
        ("recipe.guns.power_density > 4 W/cm^2", [0]),
        ("recipe.gases.flow >= 24 sccm", [0]),
        ("recipe.presputter = 15 min", [0]),
        ("recipe.base_pressure <= 1e-6 mbar", [1]),
        ("recipe.ramp > 10 W/min", [0, 1]),
        ("recipe.rate > 0.2 nm/s", [1]),
        ("recipe.rate > 0.3 Hz", [2]),
    ],
)
def test_recipes_of_films_are_searched_as_people_type_them(kept, films, where, which):
    assert found(kept, where=[where]) == [films[index] for index in which]


def test_how_thick_a_film_came_to_be_can_be_searched(kept):
    journal = kept.begin("f", plan="deposit", recipe={"name": "x", "hash": "h", "body": FILM})
    kept.rows(journal, "layers", {"material": ["LiPON"], "thickness": [4e-7]})
    whole = kept.end(journal)
    assert found(kept, where=["result.thickness < 0.5 um"]) == [whole]
    assert found(kept, where=["result.thickness > 0.5 um"]) == []


@pytest.mark.parametrize("sign", ["=", "!=", "<"])
@pytest.mark.parametrize("typed", ["0.4", "0.4 V", "low"])
def test_a_text_is_not_compared_with_numbers_whatever_the_sign(kept, films, sign, typed):
    with pytest.raises(DataError, match=r"cannot be compared with recipe.*pressure; give e.g. '3 Pa'"):
        found(kept, where=[f"recipe.pressure {sign} {typed}"])


def test_conditions_all_hold_together(kept, three):
    assert found(kept, where=["voltage > 840 V", "voltage < 860 V"]) == three[:1]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("recipe.voltage > 5 s", "cannot be compared with recipe.voltage"),
        ("recipe.voltage > 880", "cannot be compared"),
        ("nothing > 3", "no run has a value called 'nothing'"),
        ("recipe.voltage", "is no condition"),
        ("recipe.voltage > 1 V; DROP TABLE runs", "cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_said(kept, three, where, said):
    with pytest.raises(DataError, match=said):
        found(kept, where=[where])


def test_by_time_of_beginning(kept, three):
    began = [each.time for each in search(kept.folder, Search())]
    assert found(kept, since=began[1]) == three[1:]
    assert found(kept, until=began[1]) == three[:1]


def test_ages_and_days_are_moments():
    assert moment("2d", 1.8e9) == 1.8e9 - 2 * 86400.0
    assert moment("90 min", 1.8e9) == 1.8e9 - 5400.0
    day = datetime.fromisoformat("2026-11-01").astimezone().timestamp()
    assert moment("2026-11-01", 0.0) == day
    assert moment("2026-11-01", 0.0, end=True) >= day + 23 * 3600.0
    for wrong in ("soon", "", "2026-13-01", "-2d", "999999-01-01"):
        with pytest.raises(DataError, match="is no time"):
            moment(wrong, 0.0)


def test_marked_runs_are_there_with_their_mark(kept, three):
    (bad,) = [each for each in search(kept.folder, Search()) if each.uid == three[0]]
    mark_run(bad.path, "bad", "the lamp flickered", time=1.8e9, who="me")
    (bad,) = search(kept.folder, Search(bad=True))
    assert (bad.uid, bad.mark, bad.why) == (three[0], "bad", "the lamp flickered")
    assert found(kept, bad=False) == three[1:]
    assert found(kept) == three
    mark_run(bad.path, "good", "", time=1.8e9, who="me")
    assert found(kept, bad=True) == []


def test_by_status(kept, three):
    kept.begin().close()
    running = kept.begin()
    assert [each.status for each in search(kept.folder, Search(status="died"))] == ["died"]
    assert found(kept, status="running") == [running.uid]
    assert found(kept, status="success", limit=1) == three[2:]
    running.close()


def test_what_was_derived_is_shown_when_asked_for_and_is_never_the_last_run(kept, three):
    journal = kept.begin("s2", plan="derive", purpose="derived")
    derived = kept.end(journal)
    assert found(kept) == three
    assert found(kept, derived=True) == [*three, derived]
    assert found(kept, plan="derive") == [derived]
    assert find_run(kept.folder, "last").stem == three[-1]
    assert find_run(kept.folder, derived[:8]).stem == derived
