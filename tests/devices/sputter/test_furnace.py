"""A recipe of segments in a furnace: the rows hold what it was."""

from __future__ import annotations

import math

import pytest

from devices.errors import InterlockError, LimitError
from devices.furnace import FurnaceStation
from devices.limits import FurnaceLimits
from devices.recipes import FurnaceRecipe, FurnaceSegment
from devices.roles.furnace import Furnace, FurnaceJob
from devices.roles.hands import Bring, Heat
from devices.samples import Layer, SampleRef
from devices.sputter.baking import OPENED, along, cooling_time, measured_profile
from devices.sputter.parameters import FurnaceParameters

RECIPE = FurnaceRecipe("soak", "air", (FurnaceSegment(773.15, 0.5, 600.0), FurnaceSegment(373.15, 0.5)))


class Oven:
    """A furnace of fakes."""

    def __init__(self, fakes, clock, *, board=False):
        self.clock, self.chamber = clock, fakes.Chamber(clock)
        self.heater = fakes.FakeHeater(self.chamber)
        self.tasks = []
        self.station = FurnaceStation(
            name="furnace",
            clock=clock,
            lane="furnace",
            instruments={"heater": self.heater}
            | ({"permissives": fakes.FakeBoard(self.chamber)} if board else {}),
            parameters=FurnaceParameters(),
            limits=FurnaceLimits(deviation=60.0),
            hands=self,
        )

    def set(self, task):
        status = self.clock.status("task", 10.0)
        self.tasks.append(task)
        status.set_finished()
        return status

    def wait(self, status, longest=1e5):
        until = self.clock.now() + longest
        while not status.done and self.clock.now() < until:
            self.station.renew_lease()
            self.clock.sleep(5.0)
        return status.exception(timeout=0) if status.done else "still going"

    def began(self, recipe=RECIPE):
        job = FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), recipe)
        assert self.wait(self.station.prepare(job)) is None
        assert self.wait(self.clock.call(self.station.kickoff)) is None
        return self.station.complete()

    def rows(self, stream="primary"):
        (page,) = self.station.streams[stream].collect_pages()
        return page["data"]


@pytest.fixture
def oven(fakes, time):
    return Oven(fakes, time)


def test_a_recipe_is_followed_and_the_heater_is_off_at_its_end(oven):
    assert isinstance(oven.station, Furnace)
    assert oven.wait(oven.began()) is None
    rows = oven.rows()
    led = [each for each in rows["setpoint"] if not math.isnan(each)]
    assert len(led) == pytest.approx(RECIPE.profile[-1][0], abs=2)
    assert max(led) == pytest.approx(500.0)
    flight = oven.station.flight()
    assert (flight.asked, flight.done, flight.end_reason, flight.interrupted) == (2, 2, "completed", False)
    assert oven.chamber.wanted == 295.0


def test_an_anneal_ends_when_the_sample_may_be_taken_out(oven):
    oven.wait(oven.began())
    rows = oven.rows()
    cooling = [
        temperature
        for wanted, temperature in zip(rows["setpoint"], rows["temperature"], strict=True)
        if math.isnan(wanted)
    ]
    assert cooling == sorted(cooling, reverse=True)
    assert max(cooling) > 95.0
    assert cooling[-1] <= OPENED - 273.15 < cooling[-2]


def test_a_heater_that_cannot_be_cooled_is_told_in_words(oven):
    complete = oven.began()
    oven.heater.off = lambda: setattr(oven.chamber, "wanted", 400.0)
    error = oven.wait(complete)
    assert isinstance(error, InterlockError)
    assert "with the heater off" in str(error)
    assert oven.station.read_state() == "fault"


def test_how_long_it_cools_is_told_beforehand():
    assert cooling_time(OPENED, 10.0) == 0.0
    warm, hot = cooling_time(400.0, 10.0), cooling_time(800.0, 10.0)
    assert hot > warm > 0.0
    assert cooling_time(800.0, 5.0) == pytest.approx(2.0 * hot)


def test_the_dose_goes_by_what_was_measured(oven):
    oven.wait(oven.began())
    rows = oven.rows()
    measured = measured_profile(rows["elapsed"], rows["temperature"])
    lag = [
        wanted + 273.15 - temperature
        for wanted, (_, temperature) in zip(rows["setpoint"], measured, strict=True)
        if not math.isnan(wanted)
    ]
    assert max(lag) == pytest.approx(0.5 * 60, rel=0.1)


def test_a_furnace_that_does_not_follow_is_switched_off(oven):
    complete = oven.began()
    oven.heater.set_temperature = lambda temperature: None
    error = oven.wait(complete)
    assert isinstance(error, InterlockError)
    assert oven.station.read_state() == "fault"
    with pytest.raises(InterlockError, match="FAULT"):
        oven.station.prepare(FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), RECIPE))
    oven.station.reset()
    assert oven.station.read_state() == "safe"


def test_a_silent_plan_switches_it_off(oven):
    complete = oven.began()
    oven.clock.sleep(30.0)
    assert complete.exception(timeout=0).permissive == "lease"
    assert oven.chamber.wanted == 295.0


def test_a_hold_lengthens_it_and_says_so(oven):
    complete = oven.began()
    oven.wait(complete, 300.0)
    oven.station.pause()
    oven.wait(complete, 100.0)
    oven.station.resume()
    assert oven.wait(complete) is None
    led = [each for each in oven.rows()["setpoint"] if not math.isnan(each)]
    assert len(led) == pytest.approx(RECIPE.profile[-1][0] + 100.0, abs=7.0)
    assert oven.station.flight().interrupted


def test_only_an_anneal_sets_the_heater_and_anybody_may_switch_it_off(oven):
    with pytest.raises(InterlockError, match="nothing that runs does this now") as refused:
        oven.heater.set_temperature(700.0)
    assert refused.value.permissive == "permit"
    complete = oven.began()
    oven.wait(complete, 300.0)
    wanted = oven.chamber.wanted
    with pytest.raises(InterlockError, match="furnace: nothing that runs"):
        oven.heater.set_temperature(1200.0)
    assert oven.chamber.wanted == wanted
    oven.heater.safe()
    assert oven.chamber.wanted == 295.0


def test_hands_are_told_how_hot_it_will_be(oven):
    oven.began()
    (brought,) = [task for task in oven.tasks if isinstance(task, Bring)]
    assert brought.then == Heat(773.15)


def test_too_hot_or_too_fast_is_refused(oven):
    with pytest.raises(LimitError, match=r"temperature .* = 1226\.8 degC is above \d+"):
        oven.station.check(FurnaceRecipe("hot", "air", (FurnaceSegment(1500.0, 1.0),)))
    with pytest.raises(LimitError, match=r"ramp .* = 3000 K/min is outside \[0, 600\] K/min"):
        oven.station.check(FurnaceRecipe("fast", "air", (FurnaceSegment(700.0, 50.0),)))


def test_a_furnace_speaks_in_words(oven):
    assert repr(oven.station).startswith("furnace: SAFE\n  temperature  not asked since this session began\n")
    complete = oven.began()
    oven.wait(complete, 60.0)
    assert repr(oven.station).startswith("furnace: HEATING\n  temperature  ")
    assert "degC\n" in repr(oven.station)
    oven.station.recall({"state": "heating"}, died=True)
    assert "furnace: FAULT: the host died in the middle of an anneal" in repr(oven.station)
    assert "; lab.furnace.reset()\n" in repr(oven.station)


def test_a_hot_furnace_cools_before_it_takes_a_sample(oven):
    oven.chamber.temperature = 600.0
    status = oven.station.prepare(FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), RECIPE))
    assert oven.tasks == []
    assert oven.wait(status) is None
    assert oven.chamber.temperature <= OPENED
    assert len(oven.tasks) == 1


def test_a_profile_is_straight_between_its_points():
    assert along(((0.0, 300.0), (10.0, 400.0), (20.0, 400.0)), 5.0) == (350.0, 1)
    assert along(((0.0, 300.0), (10.0, 400.0), (20.0, 400.0)), 20.0) == (400.0, 3)


@pytest.fixture
def looped(fakes, time):
    """Return a furnace whose heater hangs in an interlock loop."""
    return Oven(fakes, time, board=True)


@pytest.mark.parametrize("how", ["done", "stopped"])
def test_the_loop_is_open_again_when_the_heater_is_off(looped, how):
    complete = looped.began()
    looped.wait(complete, 300.0)
    assert looped.chamber.board_closed
    if how == "stopped":
        looped.station.stop()
    else:
        looped.wait(complete)
    assert not looped.chamber.board_closed
    assert looped.chamber.wanted == 295.0


def test_a_contact_that_opens_takes_the_heat_away_and_is_named(looped):
    complete = looped.began()
    looped.wait(complete, 300.0)
    looped.chamber.contacts["water"] = False
    error = looped.wait(complete, 10.0)
    assert error.permissive == "water"
    assert looped.chamber.wanted == 295.0
    assert not looped.chamber.board_closed


def test_a_furnace_whose_temperature_is_no_number_is_not_begun_and_not_opened(oven):
    job = FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), RECIPE)
    assert oven.wait(oven.station.prepare(job)) is None
    warm = oven.heater.read_temperature
    oven.heater.read_temperature = lambda: math.nan
    with pytest.raises(InterlockError, match="still at nan"):
        oven.clock.call(oven.station.kickoff)
    assert oven.chamber.wanted is None
    oven.heater.read_temperature = warm
    complete = oven.began()
    # The last set point is 100 degC; what follows is its cooling without power.
    oven.wait(complete, RECIPE.profile[-1][0] - 60.0)
    oven.heater.read_temperature = lambda: math.nan
    oven.wait(complete, 3600.0)
    assert not complete.done or complete.exception(timeout=0) is not None


def test_a_fault_between_prepare_and_kickoff_lets_nothing_be_heated(oven):
    job = FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), RECIPE)
    assert oven.wait(oven.station.prepare(job)) is None
    oven.station.recall({"latched": "a fault of before"}, died=False)
    with pytest.raises(InterlockError, match="FAULT"):
        oven.clock.call(oven.station.kickoff)
    assert oven.chamber.wanted in (None, 295.0)


def test_nothing_is_heated_before_what_was_written_is_kept(oven):
    def fails():
        raise OSError("the disk is gone")

    oven.station.before_arming = fails
    job = FurnaceJob(SampleRef("s1", (Layer("Al", 1e-4),)), RECIPE)
    assert oven.wait(oven.station.prepare(job)) is None
    with pytest.raises(OSError, match="the disk is gone"):
        oven.clock.call(oven.station.kickoff)
    assert oven.chamber.wanted is None


def test_a_thermocouple_that_reads_no_number_ends_the_anneal(oven):
    complete = oven.began()
    oven.wait(complete, 300.0)
    since = oven.clock.now()
    oven.heater.read_temperature = lambda: math.nan
    error = oven.wait(complete, 1000.0)
    assert error.permissive == "temperature"
    assert oven.clock.now() - since <= FurnaceLimits().deviation_time + 30.0
    assert oven.chamber.wanted == 295.0
