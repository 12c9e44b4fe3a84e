"""What is put on a sample, or heated, goes with what lies on it, or a person is asked in words that say both."""

import math
from dataclasses import replace

import pytest

from devices.errors import InterlockError
from devices.recipes import AnnealRecipe, FurnaceRecipe, FurnaceSegment
from devices.roles.hands import Bring, Film, Heat
from devices.samples import Layer, SampleRef
from labctl.hands import LabHands
from labctl.runs.films import FilmPutOn
from labctl.samples.facts import Facts
from labctl.samples.next_step import OnIt

AL = (Layer("Al", 1e-4),)
LCO, LIPON, LI = Layer("LiCoO2", 0.7e-6), Layer("LiPON", 1e-6), Layer("Li", 2e-6)
LINE = SampleRef("film-1", AL, grown=(LCO, LIPON, LI))
FOIL = SampleRef("film-1", (*AL, LCO), cell_layers=(LIPON, LI))
BARE = SampleRef("witness.1", (Layer("Si", 5e-4),))
BEGAN = 1_790_000_000.0


def lies(sample, *materials, built=None):
    """Return a sample with films of these materials, an hour apart."""
    films = [
        FilmPutOn(material, 0.7e-6, 1e-8, "thickness monitor", time=BEGAN + 3600.0 * number)
        for number, material in enumerate(materials)
    ]
    return OnIt(sample, tuple(films), built)


def asked(there, material, **more):
    return there.question(Film(material, 0.7e-6, **more))


@pytest.mark.parametrize("sample", [LINE, BARE])
def test_a_stack_grown_in_its_order_asks_nobody(sample):
    there = OnIt(sample)
    for material in ("LiCoO2", "LiPON", "Li"):
        assert asked(there, material) == ""
        there = there.with_film(Film(material, 0.7e-6))


def test_a_film_that_is_there_already_is_told_with_its_thickness_and_since_when():
    said = asked(lies(LINE, "LiCoO2"), "LiCoO2")
    assert said.startswith("film-1 has 0.70 um LiCoO2 since 2026-")
    assert said.endswith("; another 0.70 um of LiCoO2 is to be put on it")


def cut_off(thickness=0.3e-6, **more):
    """Return what lies on a sample whose film was ended early."""
    broken = {
        "doubts": "ended before it was done, at 300.0 of 700.0 nm",
        "targets": "LiCoO2",
        "run": "1a2b3c4d-5e",
    }
    return FilmPutOn("LiCoO2", thickness, 1e-8, "thickness monitor", time=BEGAN, **{**broken, **more})


@pytest.mark.parametrize(("targets", "plan"), [("LiCoO2", "finish_deposition"), ("", "finish_evaporation")])
def test_more_of_a_film_that_was_cut_off_names_the_plan_that_puts_on_the_rest(targets, plan):
    said = asked(OnIt(LINE, (cut_off(targets=targets),)), "LiCoO2")
    assert "; another 0.70 um of LiCoO2 is to be put on it. If it broke off: " in said
    assert (
        f'plan = "{plan}", its sample, its recipe and run = "1a2b3c4d" puts on only what is missing' in said
    )


@pytest.mark.parametrize(
    "films",
    [
        (cut_off(doubts=""),),
        (cut_off(0.7e-6),),
        (cut_off(), cut_off(0.4e-6)),
        (cut_off(), cut_off(doubts="")),
    ],
)
def test_a_film_of_which_nothing_is_missing_or_that_nobody_doubts_is_only_told(films):
    assert asked(OnIt(LINE, films), "LiCoO2").endswith("is to be put on it")


def test_each_repetition_is_a_question_of_its_own():
    twice = asked(lies(LINE, "LiCoO2", "LiCoO2"), "LiCoO2")
    assert "1.40 um LiCoO2 in 2 films since" in twice
    assert twice != asked(lies(LINE, "LiCoO2"), "LiCoO2")


def test_the_rest_of_a_film_that_broke_off_asks_nobody_and_is_not_taken_for_the_next_one():
    assert asked(lies(LINE, "LiCoO2"), "LiCoO2", goes_on=True) == ""
    assert asked(lies(LINE, "LiCoO2", "LiCoO2"), "LiPON") == ""


def test_one_material_in_several_layers_of_the_description_asks_nobody():
    sandwich = replace(LINE, grown=(LCO, LIPON, LCO))
    assert asked(lies(sandwich, "LiCoO2", "LiPON"), "LiCoO2") == ""
    assert asked(lies(replace(LINE, grown=(LCO, LCO)), "LiCoO2"), "LiCoO2") == ""
    assert "expects nothing more" in asked(lies(sandwich, "LiCoO2", "LiPON", "LiCoO2"), "LiPON")


@pytest.mark.parametrize(
    ("there", "material", "why"),
    [
        (lies(LINE), "LiPON", "no film on it, and its description expects LiCoO2"),
        (lies(LINE, "LiCoO2"), "Li", "expects LiPON"),
        (lies(LINE, "LiCoO2"), "Cu", "expects LiPON"),
        (lies(LINE, "LiCoO2", "LiPON", "Li"), "LiCoO2", "expects nothing more"),
        (lies(FOIL), "LiCoO2", "another 0.70 um of LiCoO2"),
        (lies(FOIL, built=BEGAN), "LiPON", "expects nothing more"),
        (lies(BARE, "LiCoO2"), "Li", "where no electrolyte lies on LiCoO2"),
        (lies(BARE, "LiPON", "Li"), "LiPON", "which lies deeper in it already"),
        (lies(BARE, "Li"), "LiCoO2", "a cathode over Li"),
        (lies(BARE, "LiPON"), "LiCoO2", "a cathode over LiPON"),
        (lies(BARE, "Li"), "LiPON", "an electrolyte over Li"),
        (lies(BARE, "LiCoO2"), "LiCoO2", "another 0.70 um of LiCoO2"),
    ],
)
def test_a_misplaced_film_is_asked_about(there, material, why):
    said = asked(there, material)
    assert why in said
    assert "0.70 um of" in said


@pytest.mark.parametrize(
    ("there", "material"),
    [(lies(BARE), "Li"), (lies(BARE), "LiPON"), (lies(FOIL), "LiPON"), (lies(FOIL, "LiPON"), "Li")],
)
def test_a_bare_witness_and_a_foil_that_waits_for_its_cell_ask_nobody(there, material):
    assert asked(there, material) == ""


@pytest.mark.parametrize(
    ("there", "material", "why"),
    [
        (lies(LINE, "Li"), "LiCoO2", "0.70 um Li since"),
        (lies(LINE, "LiCoO2", "Cu"), "LiPON", "0.70 um Cu since"),
        (lies(FOIL, "Cu"), "LiPON", "0.70 um Cu since"),
    ],
)
def test_a_film_that_is_expected_is_asked_about_on_anything_but_what_it_is_to_lie_on(there, material, why):
    said = asked(there, material)
    assert why in said
    under = "Al" if material == "LiCoO2" else "LiCoO2"
    assert f"its description expects {material} on {under}; 0.70 um of {material} is to be put on it" in said


def test_a_film_over_a_misplaced_one_that_was_agreed_to_goes_by_what_it_lies_on():
    assert asked(lies(LINE, "Li", "LiCoO2"), "LiPON") == ""


def test_thin_films_are_told_in_nanometres():
    film = FilmPutOn("LiCoO2", 12.3e-9, 0.0, "thickness monitor", time=math.nan)
    assert "has 12.3 nm LiCoO2;" in asked(OnIt(LINE, (film,)), "LiCoO2")


# Heat.


@pytest.mark.parametrize(("degrees", "melts"), [(180.0, False), (181.0, True)])
def test_heat_over_lithiums_melting_point_is_asked_about(degrees, melts):
    said = lies(LINE, "LiCoO2", "LiPON", "Li").question(Heat(degrees + 273.15))
    assert bool(said) is melts
    if melts:
        assert "Li since" in said
        assert "which melts at 180.5 degC; it is to be heated to 181 degC" in said


def test_lithium_that_was_put_on_by_hand_melts_as_well_and_what_is_only_meant_does_not():
    assert "2.00 um Li since" in lies(FOIL, built=BEGAN).question(Heat(500.0))
    assert lies(FOIL).question(Heat(500.0)) == ""
    assert lies(LINE).question(Heat(500.0)) == ""


def test_the_hottest_segment_counts():
    recipe = FurnaceRecipe("two", "air", (FurnaceSegment(700.0, 1.0), FurnaceSegment(400.0, 1.0)))
    assert Heat.of(recipe) == Heat(700.0)
    assert "Al, which melts at 660.3 degC" in lies(LINE).question(Heat(973.15))


FLASHES = AnnealRecipe("flashes", 850.0, 1.8e-3, 20, 0.4)


@pytest.mark.parametrize(("degrees", "is_refused"), [(250.0, False), (251.0, True)])
def test_heat_that_lipon_is_not_known_to_bear_is_refused_with_both_temperatures(degrees, is_refused):
    said = lies(LINE, "LiCoO2", "LiPON").refusal(Heat(degrees + 273.15))
    assert bool(said) is is_refused
    if is_refused:
        assert said.startswith("film-1 has 0.70 um LiPON since ")
        assert said.endswith(", which is known to bear 250 degC; it is to be heated to 251 degC")


def test_a_lamp_is_told_the_same_of_it_and_of_lithium():
    said = lies(LINE, "LiCoO2", "LiPON").refusal(FLASHES)
    assert ", which is known to bear 250 degC; it is to be flashed, and no model says how hot" in said
    assert "Li since" in lies(BARE, "Li").refusal(FLASHES)
    assert "which melts at 180.5 degC; it is to be flashed" in lies(BARE, "Li").refusal(FLASHES)


@pytest.mark.parametrize("there", [lies(LINE), lies(LINE, "LiCoO2"), lies(FOIL)])
def test_a_cathode_that_nothing_covers_goes_into_any_heat(there):
    assert there.refusal(Heat(1000.0)) == there.refusal(FLASHES) == ""


def test_a_film_is_never_refused_for_heat():
    assert lies(LINE, "LiCoO2", "LiPON").refusal(Film("Li", 2e-6)) == ""


# Hands.


class Desk:
    """Hands of a bench, and who is asked."""

    def __init__(self, lab):
        self.lab, self.asked, self.answer = lab, [], "no"
        self.hands = LabHands(lab.clock, Facts(lab.data), lab.twins, ["sputter"], self.ask)

    def ask(self, sentence):
        self.asked.append(sentence)
        return self.answer

    def brings(self, material="LiCoO2", place="sputter", **more):
        task = Bring(LINE, place, then=Film(material, 0.7e-6, **more))
        return self.hands.set(task).exception()

    def words(self):
        return [fact for fact in Facts(self.lab.data).of(LINE.id) if fact["fact"] == "confirmed"]


@pytest.fixture
def desk(tmp_path, monkeypatch, open_lab):
    made = Desk(open_lab())
    films = []
    monkeypatch.setattr("labctl.samples.next_step.deposited", lambda *_: films)
    monkeypatch.setattr(made.lab.twins, "bring", lambda *_: None)
    made.films = films
    return made


def again(desk):
    """Have one more film on it."""
    desk.films += lies(LINE, "LiCoO2").films


def test_a_person_who_does_not_agree_keeps_the_sample_where_it_is(desk):
    assert desk.brings() is None
    again(desk)
    refused = desk.brings()
    assert isinstance(refused, InterlockError)
    assert "another 0.70 um of LiCoO2" in str(refused)
    assert sum(fact["fact"] == "brought" for fact in Facts(desk.lab.data).of(LINE.id)) == 1


def test_a_word_is_good_for_its_place_and_its_question_only(desk):
    again(desk)
    desk.answer = "yes"
    assert desk.brings() is None
    (word,) = desk.words()
    assert (word["place"], word["by"]) == ("sputter", "person")
    assert "another 0.70 um of LiCoO2" in word["question"]
    desk.answer = "no"
    assert desk.brings() is None
    assert len(desk.asked) == 1
    assert desk.brings("Li") is not None
    again(desk)
    assert desk.brings() is not None
    assert len(desk.asked) == 3


def test_what_was_answered_beforehand_asks_nobody_and_is_recorded_by_whom(desk):
    again(desk)
    desk.brings()
    desk.hands.answered((desk.asked[0],), "the list of the night, item x")
    assert desk.brings() is None
    assert [word["by"] for word in desk.words()] == ["the list of the night, item x"]
    again(desk)
    assert desk.brings() is not None


def test_going_on_with_a_film_asks_nobody(desk):
    again(desk)
    assert desk.brings(goes_on=True) is None
    assert desk.asked == []


def test_hands_bring_no_electrolyte_into_heat_it_does_not_bear_whoever_would_agree(desk):
    desk.films += lies(LINE, "LiCoO2", "LiPON").films
    desk.answer = "yes"
    with pytest.raises(
        InterlockError, match="known to bear 250 degC; it is to be heated to 520 degC; nothing"
    ):
        desk.hands.set(Bring(LINE, "furnace", then=Heat(520.0 + 273.15)))
    assert desk.asked == []
    assert desk.hands.set(Bring(LINE, "sputter", then=Heat(200.0 + 273.15))).exception() is None
