"""A night whose machine lost its power, and again while it recovered: it goes on where it was, with nothing twice."""

import json
import os
import random
import signal
import threading

import pytest

from labctl.night.heart import GUARD, HEARTBEAT, SUPERVISOR
from labctl.state import Owner

PROCESSES = (GUARD, SUPERVISOR, HEARTBEAT)
RECOVERIES = 3


def cut(lab):
    """Kill all that runs the night at one instant, and let the machine start again."""
    for name in PROCESSES:
        if (process := lab.process(name)) is not None:
            os.kill(process, signal.SIGKILL)
    lab.wait_for(lambda: not any(lab.process(name) for name in PROCESSES))
    for path in [*(lab.data / "state").glob("*.json"), *lab.night.glob("*.json")]:
        told = json.loads(path.read_text())
        if "owner" in told:
            # A number that lives again after a start is another process's.
            told["owner"] = {**vars(Owner.this(0.0)), "boot": "the one before"}
            path.write_text(json.dumps(told))


@pytest.mark.timeout(300)
def test_a_night_goes_on_after_a_power_cut_and_after_others_in_its_recovery(served):
    lab, chance = served(times=5), random.Random(8)
    lab.begin()
    lab.wait_for(lambda: lab.events("gate") and lab.events("started"))
    cut(lab)
    for _ in range(RECOVERIES):
        lab.begin()
        lab.wait_for(lambda: lab.process(HEARTBEAT))
        threading.Event().wait(chance.uniform(0.0, 4.0))
        cut(lab)
    lab.begin()
    lab.finish()
    lab.judge(5)
