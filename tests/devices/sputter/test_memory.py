"""What a chamber remembers of its targets and its throttle."""

import json
import math

import pytest

from devices.errors import InterlockError
from devices.sputter.memory import MOST, ChamberMemory, Remembered
from devices.sputter.unfinished import UnfinishedFilm


@pytest.mark.parametrize("what", ["biases", "strikes", "rates"])
def test_what_a_target_did_outlives_the_session_and_not_the_target(what):
    memory, later = ChamberMemory("sputter"), ChamberMemory("sputter")
    getattr(memory, what).learn("gun1", 21.0, 5e6)
    later.recalled({"kept": json.loads(json.dumps(memory.told()))}, died=False)
    known = getattr(later, what)
    assert known.of("gun1", 5.5e6) == 21.0
    assert math.isnan(known.of("gun1", 1e6))
    assert math.isnan(known.of("gun2", 5.5e6))
    known.forget("gun1", 5.5e6)
    assert math.isnan(known.of("gun1", 5.5e6))


def test_where_the_throttle_stood_outlives_the_session():
    memory, later = ChamberMemory("sputter"), ChamberMemory("sputter")
    memory.places.learn("3 Pa Ar 24", 0.36)
    later.recalled({"kept": json.loads(json.dumps(memory.told()))}, died=False)
    assert later.places.of("3 Pa Ar 24") == 0.36
    assert math.isnan(later.places.of("3 Pa Ar 25"))


def test_what_is_stated_counts_until_more_is_known():
    known = Remembered()
    assert known.of("gun1", 5e6, stated=110.0) == 110.0
    known.learn("gun1", 104.0, 5e6)
    assert known.of("gun1", 5e6, stated=110.0) == known.of("gun1", 6e6) == 104.0


def test_what_was_forgotten_is_not_stated_either_in_this_session_and_the_next():
    known, later = Remembered(), Remembered()
    known.forget("gun1", 5e6)
    later.recalled(json.loads(json.dumps(known.told(), allow_nan=False)))
    for each in (known, later):
        assert math.isnan(each.of("gun1", 5e6, stated=110.0))
        each.learn("gun1", 104.0, 5.1e6)
        assert each.of("gun1", 5.2e6, stated=110.0) == 104.0


@pytest.mark.parametrize("forgotten", [False, True])
def test_of_a_new_target_counts_what_is_stated_again(forgotten):
    """It has had less energy than the old one."""
    known = Remembered()
    known.learn("gun1", 104.0, 5e6)
    if forgotten:
        known.forget("gun1", 5e6)
    assert known.of("gun1", 10.0, stated=110.0) == 110.0
    assert math.isnan(known.of("gun1", 10.0))


def test_what_one_target_showed_is_forgotten_under_all_conditions_and_not_what_others_did():
    known = Remembered()
    for conditions in (
        "gun1 of gun1, 3 Pa",
        "gun1 of gun1+gun2, 0.4 Pa",
        "gun2 of gun1+gun2, 0.4 Pa",
        "gun11 of gun11",
    ):
        known.learn(conditions, 104.0, 5e6)
    known.forget_all("gun1 of ")
    assert list(known) == ["gun2 of gun1+gun2, 0.4 Pa", "gun11 of gun11"]
    assert known.of("gun2 of gun1+gun2, 0.4 Pa", 5e6) == 104.0


def test_what_was_forgotten_of_the_throttle_is_forgotten_for_good():
    """No target is part of it."""
    memory, later = ChamberMemory("sputter"), ChamberMemory("sputter")
    memory.places.learn("3 Pa Ar 24", 0.36)
    memory.places.forget("3 Pa Ar 24")
    later.recalled({"kept": json.loads(json.dumps(memory.told(), allow_nan=False))}, died=False)
    assert math.isnan(later.places.of("3 Pa Ar 24", stated=0.3588))


def test_only_so_many_biases_are_kept():
    memory = ChamberMemory("sputter")
    for number in range(MOST + 5):
        memory.biases.learn(str(number), 21.0, 0.0)
    assert list(memory.biases) == [str(number) for number in range(5, MOST + 5)]


@pytest.mark.parametrize(
    ("state", "open_time", "is_doubtful"),
    [("deposit", 0.0, True), ("plasma", 30.0, True), ("plasma", 0.0, False)],
)
def test_a_film_is_unaccounted_where_its_host_died_after_the_shutter_was_open_at_any_time(
    state, open_time, is_doubtful
):
    film = UnfinishedFilm("s1", "h", "LiCoO2", 20, 2, 2e-9, open_time, 0.0)
    memory = ChamberMemory("sputter")
    assert "the host died" in memory.recalled({"state": state, "film": film.told()}, died=True)
    if not is_doubtful:
        memory.require_known()
        assert memory.unfinished is None
        return
    with pytest.raises(InterlockError, match="was cut off"):
        memory.require_known()
    assert memory.doubts_of("s1", "LiCoO2")


@pytest.mark.parametrize("state", ["pumping", "base", "gas", "plasma"])
def test_a_film_whose_shutter_never_opened_stands_in_nobodys_way(state):
    film = UnfinishedFilm("s1", "h", "LiCoO2", 20, 0, None, 0.0, 0.0)
    memory = ChamberMemory("sputter")
    memory.recalled({"state": state, "film": film.told()}, died=True)
    memory.require_known()
    assert memory.unfinished is None


@pytest.mark.parametrize("state", ["pumping", "gas", "plasma"])
def test_a_film_that_was_doubted_before_its_shutter_opened_wants_a_word(state):
    film = UnfinishedFilm("s1", "h", "LiCoO2", 20, 0, None, 0.0, 0.0, doubts=("its shutter was open",))
    memory = ChamberMemory("sputter")
    memory.recalled({"state": state, "film": film.told()}, died=True)
    with pytest.raises(InterlockError, match="was cut off"):
        memory.require_known()


def test_a_film_of_a_host_that_went_in_good_order_is_remembered():
    film = UnfinishedFilm("s1", "h", "LiCoO2", 20, 0, None, 0.0, 0.0)
    memory = ChamberMemory("sputter")
    memory.recalled({"state": "pumping", "film": film.told()}, died=False)
    assert memory.unfinished == film
