"""A night whose run, supervisor or guard is killed at any instant: every flash and every row once, the lamp safe.

The judge is a server of twins in this process, which lives on: the flashes that fell, the charge that truly passed.
"""

import os
import random
import signal
import threading

import pytest

from labctl.night.folder import is_over
from labctl.night.heart import GUARD, HEARTBEAT, SUPERVISOR

SAFE_WITHIN = 3.0
"""Seconds from the death of the host to a charger that is off and a loop that is open [safety budget of the lab]."""

TARGETS = (HEARTBEAT, HEARTBEAT, HEARTBEAT, SUPERVISOR, GUARD)
"""Who is killed, the run process three times of five."""


def killed_night(lab, chance, kills):
    """Kill one of three processes at random instants, so often or until the night is over; return how often which."""
    lab.begin()
    count, deaths = dict.fromkeys((HEARTBEAT, SUPERVISOR, GUARD), 0), []
    lab.wait_for(lambda: all(lab.beat(heart) for heart in count))
    while sum(count.values()) < kills and not is_over(lab.night):
        heart, at_work = chance.choice(TARGETS), chance.random() < 0.5
        # Half of them are at work, the others at any instant: beginning, opening the bench, recovering.
        while ((process := lab.process(heart)) is None or (at_work and not lab.beat(heart))) and not is_over(
            lab.night
        ):
            lab.begin_where_nobody_is()
            threading.Event().wait(0.02)
        threading.Event().wait(chance.uniform(0.0, 3.0))
        if process is None or process != lab.process(heart):
            continue
        os.kill(process, signal.SIGKILL)
        count[heart] += 1
        if heart == HEARTBEAT:
            lab.wait_for(lambda process=process: lab.process(HEARTBEAT) != process)
            deaths.append((lab.clock.now(), lab.server.heard_all()))
    lab.finish()
    for death, heard in deaths:
        lamp_was_safe_after(lab, death, heard)
    return count


def lamp_was_safe_after(lab, death, heard):
    """Hold the black box against what the lamp promises when its host dies, at an instant of the server's clock.

    heard: when all that was sent before the death had been read from the lines. A gate opens at the instant at which
    the server reads its trigger; a dead host sends none, and one trigger at the most may have been on its way.
    """
    for on, off in (("high voltage on", "high voltage off"), ("loop closed", "loop open")):
        told = [(line["time"], line["event"]) for line in lab.events(on, off)]
        before = [event for when, event in told if when <= death]
        if before and before[-1] == on:
            assert min(when for when, event in told if when > death and event == off) <= death + SAFE_WITHIN
    armed = [line["time"] for line in lab.events("loop closed") if line["time"] > death]
    fired = [line["time"] for line in lab.events("gate") if line["time"] > death]
    unasked = [when for when in fired if not (armed and armed[0] < when)]
    assert len(unasked) <= 1
    assert all(when <= heard for when in unasked), (death, heard, unasked)
    print(f"all read after {heard - death:.4f} s; unasked gates after {[at - death for at in unasked]}")


@pytest.mark.timeout(300)
def test_a_night_whose_processes_are_killed_six_times_has_every_flash_and_row_once(served):
    one = served(times=6)
    killed_night(one, random.Random(6), 6)
    one.judge(6)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_nights_whose_processes_are_killed_two_hundred_times_have_every_flash_and_row_once(served):
    asked, night = int(os.environ.get("KILLS", "200")), 0
    total = dict.fromkeys(TARGETS, 0)
    while sum(total.values()) < asked or total[HEARTBEAT] < asked / 2:
        one, chance = served(times=10, name=f"lab{night}"), random.Random(night)
        count = killed_night(one, chance, 200)
        one.judge(10)
        one.close()
        total, night = {heart: total[heart] + count[heart] for heart in total}, night + 1
        print(f"night {night}: {count}, {sum(total.values())} kills so far: {total}", flush=True)
