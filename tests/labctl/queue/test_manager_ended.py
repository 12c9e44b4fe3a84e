"""Ctrl-C at the manager in the middle of a train."""

import signal

import pytest

from labctl.runs.briefs import briefs
from labctl.state import last_said, state_path

pytestmark = pytest.mark.timeout(180)


def test_ctrl_c_ends_the_train_in_good_order_and_closes_the_session(slow_queue):
    queue = slow_queue
    queue.add("anneal", lamp="lamp", sample="lco-0.7um", recipe="fla-850V-300")
    queue.ask("queue_start")
    queue.wait_for(lambda: list(briefs(queue.data)), 60, "the run")
    queue.process.send_signal(signal.SIGINT)
    assert queue.process.wait(timeout=30) == 0
    assert not last_said(state_path(queue.data, "lamp", "twin", twin=True)).open
    (brief,) = briefs(queue.data)
    assert (brief.plan, brief.status) == ("anneal", "abort")
