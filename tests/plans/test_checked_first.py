"""Plans of films refuse before the first message what they would refuse after the first film."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from devices.errors import LabError, LimitError
from devices.recipes import canonical_hash, to_json
from devices.roles.films import FilmSoFar
from labctl.config.folder import Config
from plans.calibrate_rate import calibrate_rate
from plans.calibrate_tooling import calibrate_tooling
from plans.finish_deposition import agreed_to_finish, rest_of
from plans.line import full_stack, line
from plans.targets import condition_target, pre_sputter
from tests.support import quick_films

FILM, BOAT, FOIL = quick_films.film(), quick_films.evaporation(), quick_films.foil()
LIPON, TWO = quick_films.film("sputter-lipon-1um"), (quick_films.foil("a"), quick_films.foil("b"))
OVEN = Config(quick_films.ROOT / "config").furnace("furnace-520C-15min")


class Station(SimpleNamespace):
    """A station that refuses what it is told to refuse."""

    def check(self, asked, **how):
        self.how = how
        if self.refuses:
            raise LimitError(self.name, 2.0, "1", 0.0, 1.0)


def station(name, refuses=False, **more):
    deeds = dict.fromkeys(("vent", "target_life", "prepare"))
    return Station(name=name, refuses=refuses, load_lock=True, **{**deeds, **more})


@pytest.mark.parametrize("refusing", ["sputter", "evaporator", "potentiostat", "furnace"])
def test_a_line_asks_every_station_first(refusing):
    there = {name: station(name, name == refusing) for name in ("sputter", "evaporator", "potentiostat")}
    plan = line(
        **there,
        sample=FOIL,
        cathode=FILM,
        recipe=OVEN,
        electrolyte=LIPON,
        anode=BOAT,
        program=None,
        furnace=station("furnace", refusing == "furnace"),
    )
    with pytest.raises(LimitError, match=refusing):
        next(plan)


@pytest.mark.parametrize("refusing", ["sputter", "evaporator", "furnace"])
def test_a_stack_asks_every_station_first(refusing):
    sputter, evaporator, furnace = (station(n, n == refusing) for n in ("sputter", "evaporator", "furnace"))
    with pytest.raises(LimitError, match=refusing):
        next(full_stack(sputter, evaporator, FOIL, FILM, LIPON, BOAT, furnace, OVEN))


def test_a_stack_that_is_to_be_heated_needs_a_furnace():
    with pytest.raises(LabError, match="no furnace; nothing was done"):
        next(full_stack(station("sputter"), station("evaporator"), FOIL, FILM, LIPON, BOAT, None, OVEN))


def test_a_rate_is_calibrated_of_one_gun_on_spots_of_their_own():
    with pytest.raises(LimitError, match="one is calibrated at a time"):
        next(calibrate_rate(station("sputter"), None, None, TWO, LIPON, (80.0, 120.0)))
    with pytest.raises(ValueError, match="id of its own"):
        next(calibrate_rate(station("sputter"), None, None, (FOIL, FOIL), FILM, (80.0, 120.0)))


def test_a_tooling_is_calibrated_only_where_the_evaporator_would_do_it():
    evaporator = station("evaporator", True)
    # It would be vented for the first witness otherwise.
    evaporator.load_lock, evaporator.is_vented = False, lambda: False
    with pytest.raises(LimitError, match="evaporator"):
        next(calibrate_tooling(evaporator, None, None, TWO, BOAT))


@pytest.mark.parametrize("plan", [pre_sputter, condition_target])
def test_targets_that_burn_without_a_film_are_checked_without_one(plan):
    sputter = station("sputter", True)
    with pytest.raises(LimitError):
        next(plan(sputter, FILM))
    assert sputter.how == {"film": False}


def so_far(**changes):
    return FilmSoFar(**{
        "first": "1", "last": "1", "recipe": "another", "thickness": 0.0, "open_time": 75.0, "doubts": "", **changes,
    })  # fmt: skip


def test_the_rest_of_a_film_by_time_is_as_thick_as_its_share_of_the_time():
    by_time = replace(FILM, thickness=100e-9, end="time", duration=300.0)
    rest = rest_of(so_far(), FOIL, by_time)
    assert (rest.duration, rest.thickness) == pytest.approx((225.0, 75e-9), rel=1e-6, abs=0.0)


@pytest.mark.parametrize(
    ("left", "is_its_own"),
    [
        (SimpleNamespace(sample=FOIL.id, recipe=canonical_hash(to_json(FILM))), True),
        (SimpleNamespace(sample=FOIL.id, recipe="another"), True),
        (SimpleNamespace(sample=FOIL.id, recipe="a third"), False),
        (SimpleNamespace(sample="other", recipe=canonical_hash(to_json(FILM))), False),
        (None, False),
    ],
)
def test_a_chamber_takes_note_of_its_own_film_alone(monkeypatch, left, is_its_own):
    told = []
    chamber = SimpleNamespace(
        name="sputter",
        unfinished=left,
        require_ready=lambda sample, goes_on: told.append(goes_on),
        accounted=lambda: told.append("accounted"),
    )
    monkeypatch.setattr("plans.finish_deposition.agreed", lambda *_: iter(()))
    assert list(agreed_to_finish(chamber, None, FOIL, FILM, so_far())) == []
    assert told == ([True, "accounted"] if is_its_own else [False])
