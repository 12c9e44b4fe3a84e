"""A crystal that begins to fail before, at, or in the minute after a lighting, while heat moves it: told before
anything burns, or with plasma off in time; and lightings at which nothing fails are never ended."""

import math
from dataclasses import replace

import pytest

from devices.errors import InterlockError
from sim.physics.growth import crystal
from sim.sputter.built import PlannedFault
from sim.twins import inficon_sqm160
from tests.house.test_film_faults import OPEN, WITHIN, Tool, TwoGuns
from tests.support.faulty_films import maker_of

HOLD = 630.0
"""s after which a plasma that is held is out, with all of its ramp."""


class Again(Tool):
    """Short films on one sample after the other. lights [s]: after a film was begun, the second one where `made`.

    known: whether the bench file states what heat does to the crystal. learnt: whether a film was made before.
    """

    lights = 200.1

    def __init__(self, data, *, known=True, learnt=False, **changes):
        super().__init__(data, **{"thickness": 12e-9, **changes})
        self.began, self.films = 0.0, 0
        if not known:
            self.forgets()
        if learnt:
            self.film()
            self.lights = 84.0

    def asked(self, sentence):
        super().asked(sentence)
        return "yes"

    def forgets(self):
        """Have nobody state what heat does to the crystal."""
        sputter = self.lab.sputter
        sputter.parameters = replace(sputter.parameters, crystal_warms=None)

    def film(self):
        """Make a film on a sample of its own; return what it failed with, None for a sound one."""
        self.began, self.films = self.lab.clock.now(), self.films + 1
        sample = replace(self.sample, id=f"foil-{self.films}")
        try:
            self.lab.RE(self.lab.plans.deposit(self.lab.sputter, sample, self.recipe))
        except InterlockError as error:
            return error
        return None

    def fails(self, after):
        """Have the crystal begin to fail so long after the next film's plasma lights; return when that is [s]."""
        at = self.lab.clock.now() + self.lights + after
        self.plan("crystal_failing", at)
        return at

    def courses(self):
        """Return what the chamber remembers of lightings, by their conditions."""
        return self.lab.sputter.report()["kept"]["courses"]["courses"]

    def burnt(self):
        """Return when plasmas of the last film were lit, and were out [s]."""
        return tuple([at for at in self.when(f"plasma {word}") if at > self.began] for word in ("on", "out"))


class AgainTwoGuns(TwoGuns):
    lights = 636.3
    film, burnt, fails, courses = Again.film, Again.burnt, Again.fails, Again.courses
    began, films = 0.0, 0

    def asked(self, sentence):
        super().asked(sentence)
        return "yes"


@pytest.fixture
def make(tmp_path):
    with maker_of(Again, tmp_path / "data") as tool:
        yield tool


@pytest.fixture
def make_lipon(tmp_path):
    with maker_of(AgainTwoGuns, tmp_path / "data") as tool:
        yield tool


@pytest.fixture(params=[True, False], ids=["jumps", "drifts"])
def drifts(request, monkeypatch):
    """Have a failing crystal only drift, or jump as well."""
    if not request.param:
        monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)


def require_told(tool, at):
    """Require that the crystal was told in time, and that nothing grew."""
    error = tool.film()
    assert error is not None
    assert error.permissive == "crystal"
    lit, out = tool.burnt()
    assert not [opened for opened in tool.when("shutter opened") if opened > tool.began]
    assert len(lit) == len(out)
    assert 0.0 <= max(out, default=at) - at <= WITHIN
    tool.require_dark()


@pytest.mark.parametrize("after", [-2.1, -0.6, 0.0, 1.4, 3.0, 10.0, 25.0, 45.0, 59.6])
@pytest.mark.parametrize(("known", "learnt"), [(True, False), (False, True)], ids=["stated", "learnt"])
def test_a_crystal_that_drifts_from_around_the_lighting_on_is_told_in_time(
    make, monkeypatch, known, learnt, after
):
    monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)
    tool = make(known=known, learnt=learnt)
    require_told(tool, tool.fails(after))
    lit, _ = tool.burnt()
    assert not lit or lit[0] == pytest.approx(tool.began + tool.lights, abs=0.6)


@pytest.mark.parametrize("after", [-1.7, 0.3, 3.0, 10.0, 25.0, 45.0])
def test_a_crystal_that_begins_to_fail_around_the_lighting_is_told_in_time(make, after):
    tool = make()
    require_told(tool, tool.fails(after))


@pytest.mark.parametrize("after", [-2.1, 0.0, 3.0, 10.0, 45.0])
def test_a_crystal_beside_two_guns_that_drifts_from_around_the_lighting_on_is_told_in_time(
    make_lipon, monkeypatch, after
):
    monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)
    tool = make_lipon()
    require_told(tool, tool.fails(after))


@pytest.mark.parametrize("after", [-3.0, 3.0, 10.0, 45.0])
def test_a_crystal_that_heat_drives_the_other_way_is_told_in_time(make, monkeypatch, after):
    monkeypatch.setattr(crystal, "IGNITION_SHIFT", -20.0)
    monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)
    tool = make(known=False, learnt=True)
    require_told(tool, tool.fails(after))


@pytest.mark.usefixtures("drifts")
@pytest.mark.parametrize("after", [-180.0, -40.0, -12.3, -4.6])
def test_a_crystal_that_fails_before_anything_burns_lights_nothing(make, after):
    tool = make(known=False)
    tool.fails(after)
    error = tool.film()
    assert error.permissive == "crystal"
    assert not tool.when("plasma on")
    tool.require_dark()
    assert tool.lab.sputter.unfinished is None


def test_a_crystal_that_drifts_as_it_warms_up_is_told_after_that_where_nobody_knows_what_heat_does(
    make, monkeypatch
):
    monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)
    tool = make(known=False)
    tool.fails(20.0)
    assert tool.film().permissive == "crystal"
    (lit,), (out,) = tool.burnt()
    assert 60.0 < out - lit < 66.0
    assert not tool.when("shutter opened")
    assert tool.courses() == {}


@pytest.mark.parametrize("shift", [20.0, -20.0, 0.0, 29.0])
def test_sound_lightings_one_after_the_other_are_ended_by_nobody(make, monkeypatch, shift):
    monkeypatch.setattr(crystal, "IGNITION_SHIFT", shift)
    tool = make(known=shift == 20.0)
    assert [tool.film() for _ in range(3)] == [None] * 3
    assert len(tool.courses()) == 1


@pytest.mark.parametrize("known", [True, False])
def test_strikes_that_fail_are_no_fault_of_the_crystal(make, known):
    tool = make(known=known)
    for _ in range(2):
        at = tool.lab.clock.now() + tool.lights - 4.0
        tool.twins.faults.plan(PlannedFault("no_ignition", "gun1", time=at, lasts=16.0))
        assert tool.film() is None
        assert tool.burnt()[0][0] > at + 16.0
        tool.lights = 84.0
    assert len(tool.courses()) == 1


def test_a_gun_that_burns_alone_in_strikes_that_fail_is_no_fault_of_the_crystal(make_lipon):
    """They wait until its heat is gone, so that a crystal which fails is told as at any other lighting."""
    tool = make_lipon()
    tool.twins.faults.plan(PlannedFault("no_ignition", "gun3", time=tool.lights - 3.0, lasts=20.0))
    assert tool.film() is None
    lit, out = tool.burnt()
    assert len(lit) == len(out) == 3
    assert lit[1] - out[0] > 60.0
    assert len(tool.courses()) == 1


@pytest.mark.parametrize("dark", [5.0, 25.0, 400.0])
@pytest.mark.parametrize("known", [True, False])
def test_a_film_that_is_lit_again_after_a_hold_is_ended_by_nobody(make, known, dark):
    """From the cold: it waits until the crystal has cooled."""
    tool = make(known=known)
    paused = OPEN + 10.0
    tool.lab.clock.after(paused, tool.lab.sputter.pause, "a test")
    tool.lab.clock.after(paused + HOLD + dark, tool.lab.sputter.resume, "a test")
    assert tool.film() is None
    lit, out = tool.burnt()
    assert len(lit) == len(out) == 2
    assert lit[1] - out[0] > max(dark, 60.0)
    assert len(tool.courses()) == 1


@pytest.mark.usefixtures("drifts")
@pytest.mark.parametrize("after", [30.0, 150.0, 345.0])
def test_a_crystal_that_fails_in_a_long_hold_is_told_before_the_plasma_is_lit_again(make, after):
    tool = make()
    paused = OPEN + 10.0
    tool.lab.clock.after(paused, tool.lab.sputter.pause, "a test")
    tool.lab.clock.after(paused + HOLD + 350.0, tool.lab.sputter.resume, "a test")
    tool.plan("crystal_failing", paused + HOLD + after)
    assert tool.film().permissive == "crystal"
    lit, out = tool.burnt()
    assert len(lit) == len(out) == 1
    tool.require_dark()


def test_a_new_crystal_is_unknown_to_the_chamber(make, monkeypatch):
    """Its heat may be another one than the old one's."""
    tool = make(known=False, learnt=True)
    assert len(tool.courses()) == 1
    tool.chamber.new_crystal()
    monkeypatch.setattr(crystal, "IGNITION_SHIFT", -20.0)
    assert tool.film() is None
    (taken,) = tool.courses().values()
    assert taken[-1] < -15.0


def test_a_crystal_that_heat_moves_otherwise_than_before_ends_one_lighting_and_is_then_unknown(
    make, monkeypatch
):
    tool = make(known=False, learnt=True)
    monkeypatch.setattr(crystal, "IGNITION_SHIFT", -20.0)
    assert "by the lighting before" in str(tool.film())
    tool.lab.sputter.reset()
    assert list(tool.courses().values()) == [[]]
    assert tool.film() is None


def test_a_statement_that_does_not_fit_the_crystal_ends_one_lighting_and_counts_no_more(make, monkeypatch):
    monkeypatch.setattr(crystal, "IGNITION_SHIFT", -20.0)
    tool = make()
    assert "by the bench file (crystal_warms)" in str(tool.film())
    tool.lab.sputter.reset()
    assert [tool.film() for _ in range(2)] == [None] * 2
    (taken,) = tool.courses().values()
    assert taken[-1] < -15.0


def test_what_a_crystal_did_is_known_in_the_next_session(make, monkeypatch):
    """Once that has lasted for a minute, in which a plasma's heat would leave the crystal."""
    monkeypatch.setattr(inficon_sqm160, "JUMPS_ABOVE", math.inf)
    tool = make(known=False, learnt=True)
    courses = tool.courses()
    tool.lab.close()
    later = make(known=False)
    assert later.courses() == courses
    later.lab.clock.sleep(61.0)
    later.lights = 40.0
    at = later.fails(10.0)
    assert "by the lighting before" in str(later.film())
    _, (out,) = later.burnt()
    assert out - at <= WITHIN
