"""The book of faults: what is planned comes in order of time, and only once."""

from sim.sputter.built import PlannedFault
from sim.sputter.faults import Fault, FaultBook


def test_planned_faults_come_in_order_and_end():
    did = []
    fault = Fault(
        ("left", "right"),
        lambda of, value, now: did.append((now, "begin", of, value)),
        lambda of, now: did.append((now, "end", of)),
    )
    told = []
    planned = [
        PlannedFault("stuck", "right", time=20.0, value=3.0),
        PlannedFault("stuck", time=10.0, lasts=15.0),
    ]
    book = FaultBook({"stuck": fault}, planned, lambda event, text: told.append((event, text)))
    while (due := book.next_event()) is not None:
        book.advance(due)
        book.fire_event(due)
    assert did == [
        (10.0, "begin", "left", None),
        (20.0, "begin", "right", 3.0),
        (25.0, "end", "left"),
    ]
    assert told == [("fault", "stuck left"), ("fault", "stuck right"), ("mended", "stuck left")]
    book.fire_event(30.0)
    assert len(did) == 3
