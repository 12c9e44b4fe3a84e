"""What a person at the prompt may do to the lamp, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.errors import InterlockError
from devices.roles import AnnealJob


@pytest.fixture
def job(lab, sample, recipe):
    made = AnnealJob(sample, recipe)
    lab.wait(lab.lamp.prepare(made))
    return made


def test_safe_forgets_what_was_prepared(lab, job):
    lab.lamp.safe()
    assert "SAFE" in repr(lab.lamp)
    with pytest.raises(InterlockError, match="not prepared"):
        lab.lamp.arm(job)


def test_safe_calls_off_a_preparation_that_waits_for_hands(lab, sample, recipe):
    status = lab.lamp.prepare(AnnealJob(sample, recipe))
    lab.lamp.safe()
    with pytest.raises(InterlockError, match="called off"):
        lab.wait(status)


def test_the_predictor_is_asked_again_when_the_lamp_is_armed(lab, job, monkeypatch):
    asked = []
    true = lab.believer.anneal

    def anneal(sample, recipe):
        asked.append(lab.clock.now())
        return true(sample, recipe)

    monkeypatch.setattr(lab.believer, "anneal", anneal)
    lab.clock.sleep(3600.0)
    lab.lamp.arm(job)
    assert asked
    assert asked[-1] >= 3600.0


def test_a_trigger_by_hand_is_refused(lab, job):
    lab.lamp.insert(lab.lamp.arm(job))
    with pytest.raises(InterlockError, match="not armed"):
        lab.lamp.gate.fire()


def test_a_fault_stays_while_the_door_is_open(lab, job):
    board = lab.twins.station("lamp").board
    lab.lamp._fail(RuntimeError("something broke"))
    board.open_contact("door", lab.clock.now())
    with pytest.raises(InterlockError, match="the door is open; lamp stays in FAULT"):
        lab.lamp.reset()
    assert "FAULT" in repr(lab.lamp)
    board.close_contact("door", lab.clock.now())
    lab.lamp.reset()
    assert "FAULT" not in repr(lab.lamp)


def test_a_flash_that_somebody_else_triggers_ends_the_train_and_is_told(lab, sample, recipe):
    gate = lab.twins.station("lamp").gate
    began = lab.clock.now()
    lab.clock.after(30.0, lambda: gate.receive(b"*TRG\n", lab.clock.now()), "somebody else")
    with pytest.raises(InterlockError, match="somebody else triggers"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, replace(recipe, pulse_count=30)))
    flight = lab.lamp.flight()
    flashes = sum(event == "gate" for _, event, _ in gate.log)
    assert flashes == flight.done + 1
    assert lab.clock.now() - began < 120.0
    assert "FAULT" in repr(lab.lamp)
