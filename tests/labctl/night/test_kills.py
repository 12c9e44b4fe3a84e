"""A night whose run, supervisor or guard is killed at any instant: every flash and every row once, the lamp safe.

The judge is a server of twins in this process, which lives on: the flashes that fell, the charge that truly passed.
"""

import os
import random
import signal
import threading

import pytest

from labctl.night.folder import is_over
from labctl.night.guard import GUARD
from labctl.night.process import HEARTBEAT
from labctl.night.supervisor import SUPERVISOR

SAFE_WITHIN = 3.0
"""Seconds from the death of the host to a charger that is off and a loop that is open [safety budget of the lab]."""


def killed_night(lab, chance, kills):
    """Kill one of three processes at random instants, so often or until the night is over; return how often which."""
    lab.begin()
    count = dict.fromkeys((HEARTBEAT, SUPERVISOR, GUARD), 0)
    lab.wait_for(lambda: all(lab.beat(heart) for heart in count))
    while sum(count.values()) < kills and not is_over(lab.night):
        threading.Event().wait(chance.uniform(0.0, 3.0))
        heart = chance.choice((HEARTBEAT, HEARTBEAT, SUPERVISOR, GUARD))
        beat = lab.beat(heart)
        if beat is None:
            if not any(lab.beat(each) for each in count) and not is_over(lab.night):
                lab.begin()
                lab.wait_for(lambda: lab.beat(SUPERVISOR) or is_over(lab.night))
            continue
        os.kill(beat.owner.pid, signal.SIGKILL)
        killed = lab.clock.now()
        count[heart] += 1
        if heart == HEARTBEAT:
            before = len(lab.events("gate"))
            lab.wait_for(lambda: lab.lamp_is_safe() or lab.beat(HEARTBEAT), 10.0)
            late = [line for line in lab.events("high voltage off", "loop open") if line["time"] > killed]
            again = lab.beat(HEARTBEAT)
            assert again is not None or all(line["time"] <= killed + SAFE_WITHIN for line in late), late
            assert again is not None or len(lab.events("gate")) == before
    lab.finish()
    return count


@pytest.mark.timeout(180)
def test_a_night_whose_processes_are_killed_six_times_has_every_flash_and_row_once(served):
    one = served(times=6)
    killed_night(one, random.Random(6), 6)
    one.judge(6)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_nights_whose_processes_are_killed_two_hundred_times_have_every_flash_and_row_once(served):
    kills, night = 0, 0
    while kills < int(os.environ.get("KILLS", "200")):
        one, chance = served(times=10, name=f"lab{night}"), random.Random(night)
        count = killed_night(one, chance, 200)
        one.judge(10)
        one.close()
        kills, night = kills + sum(count.values()), night + 1
        print(f"night {night}: {count}, {kills} kills so far", flush=True)
