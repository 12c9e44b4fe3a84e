"""A night of which only the guard is left: it makes safe what the dead left, and opens no port before that."""

import os
import signal
import time

import pytest

from devices.errors import OwnershipError
from devices.locks import PortLock
from labctl import Run
from labctl.clock.label import WallLabels
from labctl.night.chronicle import states_of
from labctl.night.guard import GRACE
from labctl.night.heart import GUARD, HEARTBEAT, SUPERVISOR
from labctl.state import real_states

DISARMED = 3.0
"""Seconds from the death of the host to a lamp that is disarmed [safety budget of the lab]."""

MAKING = 30.0
"""Seconds beyond its grace that the guard may take: a process with a session of its own, on a busy machine; guess."""

SAMPLE = 2e-6
"""Coulombs that one row of the program may add."""


def kept_away(lab):
    """Hold what a supervisor holds, as another one would that hangs: a new one is refused."""
    until = time.monotonic() + 5.0
    while True:
        try:
            return PortLock(str((lab.night / "supervisor").resolve()), WallLabels(), lab.night)
        except OwnershipError:
            # Its threads may end a little later than itself.
            assert time.monotonic() < until


def left_alone(lab):
    """Kill whoever runs the night but the guard; return when [s of the server's clock], and what keeps others away."""
    os.kill(lab.beat(SUPERVISOR).owner.pid, signal.SIGKILL)
    lock = kept_away(lab)
    os.kill(lab.beat(HEARTBEAT).owner.pid, signal.SIGKILL)
    return lab.clock.now(), lock


def after(lab, death, *events):
    """Return when the black box saw something after a death, the dead's own lines hanging up aside."""
    return [line["time"] for line in lab.events(*events) if line["time"] > death + 1.0]


@pytest.mark.timeout(300)
def test_the_guard_alone_makes_safe_what_the_dead_left_and_the_night_goes_on_later(served):
    lab = served(times=4, host_loss="open", on_failure="retry")
    lab.begin()
    lab.wait_for(lambda: lab.events("gate") and lab.events("started") and lab.beat(GUARD))
    death, lock = left_alone(lab)
    lab.wait_for(lab.lamp_is_safe)
    assert max(line["time"] for line in lab.events("high voltage off", "loop open")) <= death + DISARMED
    lab.wait_for(
        lambda: not any(said.open and not said.safe for said in real_states(lab.data)), GRACE + MAKING
    )
    (opened,) = after(lab, death, "stopped")
    assert opened <= death + GRACE + MAKING
    # Nobody was at any port in the grace of a successor.
    assert min(after(lab, death, "client gone", "stopped", "programmed")) >= death + GRACE
    assert lab.beat(GUARD)
    assert not lab.beat(HEARTBEAT)
    assert len(lab.events("gate")) < 3
    lock.release()
    lab.finish()
    states = states_of(lab.night)
    assert {name: state.state for name, state in states.items()} == {"train": "done", "long": "done"}
    assert len(lab.events("gate")) == 3
    chain = Run(states["long"].runs[-1], lab.data).table()
    assert chain["charge"][-1] * 3600.0 == pytest.approx(lab.passed(), abs=SAMPLE)
