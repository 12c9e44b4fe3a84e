"""What the lamp's station refuses: before anything is sent, without a token, in FAULT; and what it leaves behind."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from devices.errors import InterlockError, LabError, LimitError
from devices.flash_lamp import FlashLampStation
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.lamp import AnnealJob
from devices.samples import Layer, SampleRef
from labctl.clock.virtual import VirtualClock
from tests.support.lamp import Board, Charger, Gate, Meter

WIDE = LampLimits(1000.0, 10e-3, 10_000, 1.0, 1e4)


def station(limits=WIDE, **parameters):
    built = FlashLampStation.Parameters(1e-4, 1.0, 5.6e-3, 35.0, **parameters)
    parts = {part: SimpleNamespace(kind_name=part, watchdog=1.5) for part in FlashLampStation.parts}
    return FlashLampStation(
        name="lamp", clock=None, lane="lamp", instruments=parts, parameters=built, limits=limits, hands=None
    )


def recipe(**changes):
    fields = {"voltage": 900.0, "pulse_duration": 1.8e-3, "pulse_count": 43, "rate": 0.4}
    return AnnealRecipe("r", **{**fields, **changes})


def test_a_rate_that_the_charger_cannot_keep_is_refused():
    lamp = station()
    lamp.check(recipe())
    fastest = lamp.fastest_rate(recipe())
    assert 0.5 < fastest < 0.7
    lamp.check(recipe(rate=fastest))
    with pytest.raises(
        LimitError, match=r"lamp\.rate \(its charger fills the bank again no faster\) = 0\.7 Hz"
    ):
        lamp.check(recipe(rate=0.7))


def test_a_weaker_charger_allows_less():
    weak = station(charger_power=100.0)
    with pytest.raises(LimitError, match="charger"):
        weak.check(recipe())
    weak.check(recipe(rate=0.1))


def test_a_limit_says_where_it_is_set_for_every_lamp_and_for_this_one():
    with pytest.raises(LimitError, match=r"limits\.toml, lamp\.bank_voltage or lamps\.lamp\.bank_voltage"):
        station(LampLimits(800.0, 10e-3, 10_000, 1.0, 1e4)).check(recipe())


SAMPLE = SampleRef("s", (Layer("Al", 1e-4),))
JOB = AnnealJob(SAMPLE, recipe(pulse_count=3))


class Hands:
    """Do what they are asked at once."""

    def __init__(self, clock):
        self.clock = clock

    def set(self, task):
        status = self.clock.status("task", 10.0)
        status.set_finished()
        return status


class Owner:
    """Says whether the lamp was taken and not given back."""

    has = False

    def take(self):
        self.has = True

    def release(self):
        self.has = False

    def holder(self):
        return "somebody"


class Lamp:
    """A station on obedient instruments, on virtual time. fires: how many triggers were sent."""

    def __init__(self, clock):
        self.clock, self.owner, self.fires = clock, Owner(), 0
        self.charger, self.gate, self.board = Charger(clock), Gate(), Board()
        self.gate.fires = self.fired
        self.station = FlashLampStation(
            name="lamp",
            clock=clock,
            lane="lamp",
            instruments={
                "charger": self.charger,
                "gate": self.gate,
                "meter": Meter(),
                "permissives": self.board,
            },
            parameters=FlashLampStation.Parameters(1e-4, 1.0, 5.6e-3, 35.0),
            limits=replace(WIDE, unpredicted="a test"),
            hands=Hands(clock),
            owner=self.owner,
        )

    def fired(self):
        self.fires += 1
        self.board.count += 1

    def wait(self, status):
        until = self.clock.now() + 1000.0
        while not status.done and self.clock.now() < until:
            self.station.renew_lease()
            self.clock.sleep(1.0)
        return status.exception(timeout=0)

    def prepared(self, job=JOB):
        assert self.wait(self.station.prepare(job)) is None

    def armed(self):
        self.prepared()
        token = self.station.arm(JOB)
        self.station.insert(token)
        return token

    def charged(self):
        self.armed()
        assert self.wait(self.station.kickoff()) is None
        assert self.charger.on
        return self.station.complete()

    def is_safe(self):
        """Return whether high voltage is off, gate shut, loop open, and the lamp nobody's."""
        return not (self.charger.on or self.gate.lets_pass or self.board.is_closed or self.owner.has)


@pytest.fixture
def lamp():
    clock = VirtualClock()
    yield Lamp(clock)
    clock.close()


def test_a_whole_train_leaves_a_safe_lamp_that_must_be_prepared_again(lamp):
    assert lamp.wait(lamp.charged()) is None
    assert lamp.fires == 3
    assert lamp.is_safe()
    with pytest.raises(InterlockError, match="was not prepared for this job"):
        lamp.station.arm(JOB)


@pytest.mark.parametrize(
    "other", [AnnealJob(replace(SAMPLE, id="t"), JOB.recipe), AnnealJob(SAMPLE, recipe(pulse_count=4))]
)
def test_a_token_is_given_for_the_prepared_job_only(lamp, other):
    lamp.prepared()
    with pytest.raises(InterlockError, match="was not prepared for this job"):
        lamp.station.arm(other)
    assert lamp.is_safe()


def test_a_contact_that_was_open_before_arming_is_forgotten_and_one_that_opens_after_it_is_not(lamp):
    lamp.prepared()
    lamp.board.open("door")
    lamp.board.close("door")
    lamp.station.insert(lamp.station.arm(JOB))
    lamp.clock.sleep(1.0)
    assert lamp.owner.has
    lamp.board.open("door")
    lamp.board.close("door")
    lamp.clock.sleep(1.0)
    with pytest.raises(InterlockError, match="the door is open, or was since the lamp was armed"):
        lamp.station.kickoff()
    assert lamp.is_safe()


def test_a_contact_that_is_open_refuses_the_token(lamp):
    lamp.prepared()
    lamp.board.open("water")
    with pytest.raises(InterlockError, match="cooling water does not flow; nothing was charged"):
        lamp.station.arm(JOB)
    assert lamp.is_safe()


def test_what_keeps_a_session_from_writing_keeps_the_lamp_from_being_armed(lamp):
    def full():
        raise OSError("the disk is full")

    lamp.station.before_arming = full
    lamp.prepared()
    with pytest.raises(OSError, match="the disk is full"):
        lamp.station.arm(JOB)
    with pytest.raises(InterlockError, match="is not armed; nothing was charged"):
        lamp.station.kickoff()
    assert lamp.is_safe()


def test_a_token_from_before_safe_is_void_though_the_same_job_is_prepared_again(lamp):
    token = lamp.armed()
    lamp.station.safe()
    assert lamp.is_safe()
    lamp.prepared()
    lamp.station.insert(token)
    with pytest.raises(InterlockError, match="was used before or was never issued here"):
        lamp.station.kickoff()
    assert lamp.is_safe()


@pytest.mark.parametrize("end", ["safe", "stop", "close"])
def test_whatever_ends_a_train_leaves_a_safe_lamp_whose_next_train_is_no_accident(lamp, end):
    finished = lamp.charged()
    lamp.clock.sleep(3.0)
    fires = lamp.fires
    getattr(lamp.station, end)()
    assert lamp.is_safe()
    assert 0 < fires < 3
    assert finished.done
    lamp.clock.sleep(60.0)
    assert lamp.fires == fires
    with pytest.raises((InterlockError, LabError), match="was not prepared"):
        lamp.station.kickoff()


def test_a_train_of_which_the_board_counted_more_than_is_recorded_keeps_the_next_one_waiting(lamp):
    lamp.charged()
    lamp.clock.sleep(3.0)
    lamp.board.count += 1
    lamp.station.stop()
    with pytest.raises(InterlockError, match="it may have had more than the"):
        lamp.station.prepare(JOB)
    lamp.station.accounted()
    lamp.prepared()


def test_a_fault_opens_everything_and_stays_while_a_contact_is_open(lamp):
    finished = lamp.charged()
    lamp.board.open("door")
    assert lamp.wait(finished).permissive == "door"
    assert lamp.is_safe()
    with pytest.raises(InterlockError, match="the door is open; lamp stays in FAULT"):
        lamp.station.reset()
    assert lamp.station.read_state() == "fault"
    with pytest.raises(InterlockError, match="FAULT"):
        lamp.station.prepare(JOB)
    lamp.board.close("door")
    lamp.station.reset()
    assert lamp.station.read_state() in ("cooling", "safe")


def test_a_fault_of_the_charger_takes_the_high_voltage_away_and_is_cleared_by_a_reset(lamp):
    finished = lamp.charged()
    lamp.charger.faulted = True
    assert lamp.wait(finished).permissive == "charger"
    assert lamp.is_safe()
    lamp.station.reset()
    assert not lamp.charger.faulted
    assert not lamp.charger.on
