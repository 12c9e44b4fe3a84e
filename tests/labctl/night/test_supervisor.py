"""Who counts as stuck: a loop that does not turn, soon; a plan without a message, after long; never what is over."""

import os
import signal

import pytest

from labctl.night import supervisor as supervising
from labctl.night.folder import Begun, make_folder
from labctl.night.heart import HUNG, LOOP, Beat
from labctl.night.supervisor import STUCK, Supervisor
from labctl.state import Owner


class Told:
    """A process whose beats a test makes up."""

    progress = None

    def beat(self):
        return None if self.progress is None else Beat(Owner.this(0.0), 0.0, self.progress)


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Return a supervisor, its night's process and a clock to be set."""
    listed = tmp_path / "list.toml"
    listed.write_text("")
    folder = make_folder(tmp_path, listed, Begun(str(tmp_path), "list", str(tmp_path), "", 1.0, 1, 0.0))
    made, now = Supervisor(folder, lambda text: None, watched=False), [0.0]
    made._run = process = Told()
    monkeypatch.setattr(supervising, "monotonic", lambda: now[0])

    def at(time, **progress):
        now[0], process.progress = time, {LOOP if name == "loop" else name: n for name, n in progress.items()}
        return made._stuck()

    yield at
    made._lock.release()


def test_a_loop_that_does_not_turn_is_stuck_within_half_a_minute(watched):
    assert watched(0.0, loop=1, a=5) == ""
    assert watched(HUNG, loop=1, a=6) == ""
    assert LOOP in watched(HUNG + 1.0, loop=1, a=7)


def test_a_plan_may_be_silent_for_as_long_as_a_cycle_is_between_two_pages(watched):
    assert watched(0.0, a=5) == ""
    assert watched(1800.0, a=5) == ""
    assert watched(STUCK + 1.0, a=5).startswith("a has not moved for")


def test_an_item_that_is_over_and_begins_again_is_not_stuck(watched):
    assert watched(0.0, a=5) == ""
    assert watched(10.0, b=1) == ""
    assert watched(2.0 * STUCK, a=5, b=2) == ""


def test_a_signal_that_is_sent_again_does_not_change_how_a_night_ends(tmp_path, monkeypatch):
    listed = tmp_path / "list.toml"
    listed.write_text("")
    folder = make_folder(tmp_path, listed, Begun(str(tmp_path), "list", str(tmp_path), "", 1.0, 1, 0.0))

    def run(supervisor):
        os.kill(os.getpid(), signal.SIGHUP)
        supervisor._lock.release()
        return 128 + supervisor.asked

    monkeypatch.setattr(Supervisor, "run", run)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert supervising.supervise(folder, lambda text: None) == 128 + signal.SIGHUP
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.signal(signal.SIGHUP, before)
