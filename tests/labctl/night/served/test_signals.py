"""A night that is told to end by a signal, once and twice, or that stands still: in good order, and gone on with."""

import os
import random
import signal
import threading
import time

import pytest

from labctl import Run
from labctl.night.chronicle import states_of
from labctl.night.folder import is_over
from labctl.night.heart import GUARD, HEARTBEAT, SUPERVISOR

LONGEST = 10.0
"""Seconds that ending in good order may take."""

SAFE_WITHIN = 3.0
"""Seconds from the silence of the host to a charger that is off and a loop that is open [safety budget of the lab]."""

PULSES = 3


def told_to_end(lab, target, number, times, chance):
    """Send one of the night's processes a signal, so often; return how long it took to end [s]."""
    threading.Event().wait(chance.uniform(0.0, 4.0))
    beat = lab.beat(target)
    if beat is None:
        return None
    began = time.monotonic()
    for _ in range(times):
        try:
            os.kill(beat.owner.pid, number)
        except ProcessLookupError:
            break
        threading.Event().wait(0.1)
    lab.wait_for(lambda: not beat.owner.lives, 30.0)
    took = time.monotonic() - began
    print(f"{number.name} x {times} to {target}: {took:.1f} s, load {os.getloadavg()[0]:.0f}", flush=True)
    if target == SUPERVISOR:
        assert not any(lab.beat(each) for each in (HEARTBEAT, GUARD))
        assert lab.lamp_is_safe()
        for state in states_of(lab.night).values():
            for uid in state.runs:
                assert Run(uid, lab.data, alone=True).stop is not None
    return took


def signalled(lab, chance, trials):
    """Signal a night so often while it lasts, going on with it each time; return how long each end took [s]."""
    begun, took = lab.begin(), []
    for target, number, times in trials:
        lab.wait_for(lambda target=target: is_over(lab.night) or (lab.beat(target) and lab.beat(HEARTBEAT)))
        if is_over(lab.night):
            break
        took.append(told_to_end(lab, target, number, times, chance))
        if target == SUPERVISOR and not is_over(lab.night):
            assert begun.wait(LONGEST) == 128 + number
            begun = lab.begin()
    lab.finish()
    begun.wait(90.0)
    return [each for each in took if each is not None]


@pytest.mark.timeout(300)
def test_a_night_that_is_told_to_end_ends_in_good_order_and_goes_on_later(served):
    lab = served(times=6)
    trials = [(SUPERVISOR, signal.SIGINT, 1), (HEARTBEAT, signal.SIGTERM, 2), (SUPERVISOR, signal.SIGHUP, 2)]
    took = signalled(lab, random.Random(3), trials)
    assert len(took) == 3
    assert max(took) <= LONGEST
    lab.judge(6)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("times", [1, 2])
def test_thirty_nights_told_to_end_end_in_good_order_and_go_on_later(served, number, times):
    took, night = [], 0
    while len(took) < int(os.environ.get("SIGNALS", "30")):
        lab = served(times=6, name=f"lab{night}")
        chance = random.Random(f"{number}{times}{night}")
        took += signalled(lab, chance, [(SUPERVISOR, number, times), (HEARTBEAT, number, times)] * 4)
        lab.judge(6)
        lab.close()
        night += 1
        print(f"{number.name} x {times}: {len(took)} ends, the longest {max(took):.1f} s", flush=True)
    assert max(took) <= LONGEST


def stood_still(lab, seconds):
    """Let the run process stand still between two pulses; return when [s of the server's clock] and if it lives."""
    lab.wait_for(lambda: lab.events("gate"))
    beat = lab.beat(HEARTBEAT)
    os.kill(beat.owner.pid, signal.SIGSTOP)
    stopped = lab.clock.now()
    lab.wait_for(lab.lamp_is_safe)
    assert max(line["time"] for line in lab.events("loop open", "high voltage off")) <= stopped + SAFE_WITHIN
    threading.Event().wait(seconds - (lab.clock.now() - stopped))
    lives = beat.owner.lives
    os.kill(beat.owner.pid, signal.SIGCONT)
    return stopped, lives


def fired_by_an_old_token(lab, stopped):
    """Return the pulses after an instant that no token allowed which was given after it."""
    armed = [line["time"] for line in lab.events("armed") if line["time"] > stopped]
    later = [gate["time"] for gate in lab.events("gate") if gate["time"] > stopped]
    return [gate for gate in later if not (armed and armed[0] < gate)]


def goes_on_and_fires_nothing_more(lab, seconds):
    """Let the run stand still, and assert that it goes on with what it is allowed anew."""
    stopped, lives = stood_still(lab, seconds)
    assert lives
    lab.finish()
    assert fired_by_an_old_token(lab, stopped) == []
    assert len(lab.events("gate")) <= PULSES
    assert states_of(lab.night)["long"].state == "done"


@pytest.mark.timeout(300)
def test_a_run_that_stood_still_fires_nothing_by_what_it_was_allowed_before(served):
    lab = served(times=2)
    lab.begin()
    goes_on_and_fires_nothing_more(lab, 8.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_stood_still_for_longer_than_a_token_lives_fires_nothing_by_it(served):
    lab = served(times=2)
    # Nobody ends it meanwhile: a supervisor would after half a minute.
    lab.begin_alone()
    goes_on_and_fires_nothing_more(lab, 60.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_stands_still_for_a_minute_is_ended_and_its_night_goes_on(served):
    lab = served(times=2)
    lab.begin()
    lab.wait_for(lambda: lab.events("gate"))
    beat = lab.beat(HEARTBEAT)
    os.kill(beat.owner.pid, signal.SIGSTOP)
    stopped = lab.clock.now()
    lab.wait_for(lambda: not beat.owner.lives, 60.0)
    lab.finish()
    assert fired_by_an_old_token(lab, stopped) == []
    lab.judge(2)
