"""What a person at the prompt may do to the lamp, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bluesky.utils import RunEngineInterrupted

from devices.errors import InterlockError, LabError
from devices.flown.underway import LEASE
from devices.lamp.train import Train
from devices.roles.lamp import AnnealJob
from labctl.powered import in_words


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


# Keep-alives, holds and tokens belong to an acting loop.


def gates(lab):
    return [entry[0] for entry in lab.twins.station("lamp").gate.log if entry[1] == "gate"]


def flying(lab, job):
    """Arm and kick off at the prompt, as a plan does, until the bank is charged."""
    lab.lamp.insert(lab.lamp.arm(job))
    lab.wait(lab.lamp.kickoff())


def test_looks_do_not_feed_the_watchdog_of_a_charger_whose_train_hangs(lab, job):
    charger = lab.twins.station("lamp").charger
    flying(lab, job)
    lab.clock.sleep(1.0)
    lab.lamp._running.cancel()
    hung = lab.clock.now()
    ages = []
    for _ in range(20):
        lab.clock.sleep(0.2)
        ages.append(lab.lamp.charger.state().age)
        reading = lab.lamp.charger.read()["lamp_charger_voltage"]
        assert reading["timestamp"] == pytest.approx(lab.clock.time() - lab.lamp.charger.reading_age)
        repr(lab.lamp)
    (tripped,) = [entry[0] for entry in charger.log if entry[1] == "watchdog"]
    assert tripped <= hung + 1.5
    assert ages[:10] == sorted(ages[:10])
    assert ages[9] > 1.5
    assert ages[-1] == 0.0
    assert not charger.high_voltage_on


def test_a_look_says_how_old_it_is_and_off_is_always_heard(lab, job):
    flying(lab, job)
    lab.clock.sleep(0.3)
    assert " s ago" in repr(lab.lamp)
    for deed in (lab.lamp.charger.identify, lab.lamp.charger.reset):
        with pytest.raises(InterlockError, match="would feed its watchdog"):
            deed()
    lab.lamp.charger.off()
    assert not lab.twins.station("lamp").charger.high_voltage_on
    assert lab.lamp.charger.state().age == 0.0
    lab.lamp.safe()


def test_high_voltage_is_refused_at_the_prompt(lab, job):
    charger = lab.twins.station("lamp").charger
    for _ in range(2):
        with pytest.raises(InterlockError, match=r"nothing was switched on\. Run a plan"):
            lab.lamp.charger.program(300.0)
        lab.lamp.arm(job)
    assert not [entry for entry in charger.log if entry[1] == "high voltage on"]
    flying(lab, job)
    with pytest.raises(InterlockError, match="nothing was switched on"):
        lab.lamp.charger.program(900.0)
    lab.lamp.safe()


def test_gate_and_loop_are_the_trains_own(lab, job):
    """Armed or not: nobody else lets triggers pass, closes the loop, feeds its dead-man, hides what was open."""
    lamp, twins = lab.lamp, lab.twins.station("lamp")

    def refused():
        for deed in (lambda: lamp.gate.prepare(4e-3), lamp.permissives.enable, lamp.permissives.alive):
            with pytest.raises(InterlockError, match=r"no train .*Run a plan"):
                deed()

    refused()
    assert lamp.gate.read_width() == 0.0
    token = lamp.arm(job)
    refused()
    for deed in (lamp.permissives.forget, lamp.permissives.reset):
        with pytest.raises(InterlockError, match="nothing was forgotten"):
            deed()
    lamp.insert(token)
    lab.wait(lamp.kickoff())
    refused()
    for deed in (lamp.permissives.forget, lamp.permissives.reset):
        with pytest.raises(InterlockError, match="nothing was forgotten"):
            deed()
    assert lamp.gate.read_width() == pytest.approx(job.recipe.pulse_duration)
    lamp.safe()
    refused()
    assert not twins.board.loop_closed
    lamp.permissives.reset()


@pytest.mark.parametrize("after", [0.3, 1.0, 2.2])
def test_a_gate_that_was_switched_off_and_on_counts_no_pulse_that_it_did_not_open(lab, sample, recipe, after):
    """It wakes up with single shots and width 0: it would take every trigger, and report each as ended."""
    from labctl import Run

    gate, cut = lab.twins.station("lamp").gate, []

    def power_cycle(name, doc):
        if name == "event_page" and lab.lamp.flight().done == 2 and not cut:
            cut.append(lab.clock.now() + after)
            lab.clock.after(after, lambda: gate.power_up(lab.clock.now()), "a test")

    lab.RE.subscribe(power_cycle)
    with pytest.raises(LabError, match="switched off and on"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert not [entry for entry in gate.log if entry[1] == "no gate"]
    assert len(gates(lab)) == Run("last", lab.data).table("outcome")["done"][0]
    assert all(at <= cut[0] for at in gates(lab))
    assert "FAULT" in repr(lab.lamp)


def paused(lab, sample, recipe, pulses):
    """Pause a train after some pulses."""

    def hold(name, doc):
        if name == "event_page" and lab.lamp.flight().done >= pulses:
            lab.RE.unsubscribe(number)
            lab.RE.loop.create_task(lab.RE._request_pause_coro(False))

    number = lab.RE.subscribe(hold)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert lab.RE.state == "paused"


def test_a_halted_plan_leaves_a_lamp_that_disarms_itself_and_never_fires(lab, sample, recipe):
    paused(lab, sample, recipe, 2)
    done = len(gates(lab))
    lab.RE.halt()
    lab.lamp.resume()
    lab.clock.sleep(LEASE + 1.0)
    assert "no live plan was heard of" in repr(lab.lamp)
    assert "FAULT" in repr(lab.lamp)
    lab.clock.sleep(700.0)
    assert len(gates(lab)) == done
    assert not lab.twins.station("lamp").charger.high_voltage_on


def test_resume_at_the_prompt_does_not_fire_while_the_plan_is_paused(lab, sample, recipe):
    paused(lab, sample, recipe, 2)
    done = len(gates(lab))
    lab.lamp.resume()
    lab.clock.sleep(4.0)
    assert len(gates(lab)) == done
    lab.lamp.pause()
    lab.clock.sleep(60.0)
    assert "ARMED" in repr(lab.lamp)
    lab.RE.resume()
    assert len(gates(lab)) == recipe.pulse_count


def test_a_pause_in_the_last_question_before_a_pulse_holds_that_pulse(lab, job, monkeypatch):
    true, asked = Train._alive, []

    def alive(train):
        answer = true(train)
        if len(gates(lab)) == 2 and train.is_late:
            asked.append(lab.clock.now())
            if len(asked) == 2:
                # The first one asks whether the bank is full, the second one is followed by the trigger.
                lab.lamp.pause()
        train.renew_lease()
        return answer

    monkeypatch.setattr(Train, "is_late", property(lambda train: train._clock.now() >= train._due))
    monkeypatch.setattr(Train, "_alive", alive)
    flying(lab, job)
    lab.clock.sleep(30.0)
    assert asked
    assert len(gates(lab)) == 2
    lab.lamp.resume()
    lab.wait(lab.lamp.complete())
    assert len(gates(lab)) == job.recipe.pulse_count


def test_safe_in_the_moment_of_a_trains_end_leaves_no_status_open(lab, job, monkeypatch):
    true = Train.end

    def end(train):
        first = true(train)
        if first:
            lab.lamp.safe()
        return first

    monkeypatch.setattr(Train, "end", end)
    flying(lab, job)
    complete = lab.lamp.complete()
    for _ in range(50):
        lab.clock.sleep(4.0)
        lab.lamp.renew_lease()
    assert complete.done
    assert lab.lamp.flight().done == job.recipe.pulse_count


@pytest.mark.parametrize("lasts", [0.1, 2.0])
def test_a_permissive_lost_after_arming_disarms_at_once(lab, job, lasts):
    board = lab.twins.station("lamp").board
    token = lab.lamp.arm(job)
    assert "owner        this session" in repr(lab.lamp)
    board.open_contact("door", lab.clock.now())
    lab.clock.sleep(lasts)
    board.close_contact("door", lab.clock.now())
    lab.clock.sleep(0.6)
    assert "owner        nobody" in repr(lab.lamp)
    lab.lamp.insert(token)
    with pytest.raises(InterlockError, match="withdrawn after it was armed") as refused:
        lab.lamp.kickoff()
    assert refused.value.permissive == "door"
    assert not [entry for entry in lab.twins.station("lamp").charger.log if entry[1] == "high voltage on"]


def test_a_pulse_that_only_the_boards_counter_saw_counts_as_fired(lab, sample, recipe, monkeypatch):
    from devices.lamp.records import Pulse
    from labctl import Run

    lamp = lab.lamp
    fired, take = lamp.gate.fired, lamp.meter.take
    blind = lambda: lamp.flight().done == 2  # noqa: E731 - the third pulse
    monkeypatch.setattr(lamp.gate, "fired", lambda: fired() and not blind())
    monkeypatch.setattr(lamp.meter, "take", lambda: None if take() is None or blind() else 16.5)
    monkeypatch.setattr(Pulse, "emptied", lambda pulse, least: False)
    lab.RE(lab.plans.anneal(lamp, sample, recipe))
    assert len(gates(lab)) == recipe.pulse_count
    table = Run("last", lab.data).table()
    assert list(table["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert [flags != 0 for flags in table["flags"]] == [number == 3 for number in table["pulse"]]


def test_what_plans_need_is_said_in_words_not_by_python(lab, sample, recipe):
    for wrong, said in (
        (("lamp", sample, recipe), "lamp"),
        ((lab.lamp, "lco-0.7um", recipe), "sample"),
        ((lab.lamp, sample, "fla-850V-20"), "recipe"),
    ):
        with pytest.raises(LabError, match=rf"{said} = .* is expected"):
            lab.RE(lab.plans.anneal(*wrong))


def test_a_hold_says_no_more_pulses_than_are_certain(lab, job):
    """A pulse in flight has no row yet: it fell, or it did not."""
    flying(lab, job)
    told = []
    tell = lab.lamp._log.tell
    lab.lamp._log.tell = lambda code, severity, text: (told.append((code, text)), tell(code, severity, text))
    while lab.lamp.read_state() != "firing" or lab.lamp.flight().done < 2:
        lab.clock.sleep(0.001)
    lab.lamp.pause()
    assert ("hold", f"held after at least 2 of {job.recipe.pulse_count} pulses") in told
    assert "at least 2 of" in in_words([lab.lamp])
    lab.lamp.safe()
