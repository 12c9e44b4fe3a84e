"""What is around a potentiostat is read beside the rows, and its failure ends nothing."""

from __future__ import annotations

import logging

from ophyd.sim import SynSignal

from labctl import Run


def glovebox(readings):
    return SynSignal(func=lambda: next(readings), name="oxygen", labels={"glovebox"})


def test_surroundings_become_a_stream_of_their_own(lab, cell, program):
    readings = iter(float(number) for number in range(1000))
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program, surroundings=[glovebox(readings)]))
    run = Run(uid, lab.data)
    read = run.table("surroundings")["oxygen"]
    asked = run.table()["test_time"][-1]
    assert len(read) >= asked / 1800.0
    assert all(read[1:] > read[:-1])


def test_a_thermometer_that_fails_ends_nothing(lab, cell, program, caplog):
    readings = iter([1.0])  # the second reading raises StopIteration
    with caplog.at_level(logging.WARNING):
        (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program, surroundings=[glovebox(readings)]))
    assert Run(uid, lab.data).stop["exit_status"] == "success"
    assert "could not be read" in caplog.text


def test_a_device_that_dies_before_the_closing_baseline_leaves_the_run_complete(lab, cell, program, caplog):
    alive = iter([0.0, 1.0])  # when it is made, and when the run opens
    lab.devices["chiller"] = glovebox(alive)
    with caplog.at_level(logging.WARNING):
        (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    run = Run(uid, lab.data)
    assert run.stop["exit_status"] == "success"
    assert len(run.table("baseline")["oxygen"]) == 1
    assert "closing baseline" in caplog.text
