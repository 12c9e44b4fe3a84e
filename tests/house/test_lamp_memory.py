"""A lamp outlives its host: what was latched stays latched, what was cut off is known and finished, nothing twice."""

import json
import threading
from dataclasses import replace

import pytest

from devices.errors import InterlockError
from labctl import Run
from labctl.state import last_said, state_path, states
from tests.support.valid import hold_all


def gates(lab):
    return [entry[0] for entry in lab.twins.station("lamp").gate.log if entry[1] == "gate"]


def said(lab):
    return last_said(state_path(lab.data, "lamp", "twin", twin=True))


def test_a_fault_outlives_its_session_until_a_person_resets_it(open_lab, sample, recipe):
    lab = open_lab()
    lab.lamp._fail(RuntimeError("the water ran out"))
    assert said(lab).latched == "RuntimeError: the water ran out"
    lab.close()
    assert not said(lab).open
    for _ in range(2):
        lab = open_lab()
        assert "FAULT: RuntimeError: the water ran out; lab.lamp.reset()" in repr(lab.lamp)
        with pytest.raises(InterlockError, match="the water ran out"):
            lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        lab.close()
    lab = open_lab()
    lab.lamp.reset()
    lab.close()
    lab = open_lab()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert len(gates(lab)) == recipe.pulse_count


def test_a_session_that_ended_in_good_order_leaves_a_closed_state(open_lab, sample, recipe):
    lab = open_lab()
    assert said(lab).open
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert said(lab).report["train"] is None
    lab.close()
    assert [(each.device, each.open) for each in states(lab.data)] == [
        ("lamp", False),
        ("potentiostat", False),
    ]
    assert "FAULT" not in repr(open_lab().lamp)


@pytest.mark.parametrize(("pulses", "doing"), [(0, "while charging"), (2, "while firing, after 2 pulses")])
def test_a_host_that_died_with_a_train_is_told_by_the_next_session(open_lab, sample, recipe, pulses, doing):
    lab, kept = open_lab(), []
    path = state_path(lab.data, "lamp", "twin", twin=True)

    def look():
        if not kept and lab.lamp.flight().done >= pulses and said(lab).report["train"]:
            kept.append(path.read_text())
        lab.clock.after(0.2, look, "a test")

    look()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.close()
    told = json.loads(kept[0])
    told["owner"]["began"] = "0"
    path.write_text(json.dumps(told))
    lab = open_lab()
    assert f"FAULT: the host died {doing}" in repr(lab.lamp)
    with pytest.raises(InterlockError, match="host died"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert not gates(lab)
    lab.lamp.reset()
    assert "FAULT" not in repr(lab.lamp)


def cut_off(lab, sample, recipe, pulses, unseen=0):
    """Stop a train after some pulses, `unseen` more than which the board counted; return its run's uid."""

    def stop(name, doc):
        if name == "event_page" and lab.lamp.flight().done >= pulses and not stopped:
            stopped.append(True)
            for _ in range(unseen):
                lab.twins.station("lamp").board.count_flash()
            lab.lamp.stop()

    stopped = []
    number = lab.RE.subscribe(stop)
    with pytest.raises(Exception, match="stopped"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.RE.unsubscribe(number)
    return Run("last", lab.data).uid


def finish(lab, sample, recipe, run):
    return lab.RE(lab.plans.finish_train(lab.lamp, lab.trains, lab.hands, sample, recipe, run))


def believed(lab, sample):
    return sum(event["event"] == "flash" for event in lab.believer.foil(sample).history)


@pytest.mark.parametrize("unseen", [0, 1, 2])
def test_a_train_is_finished_with_what_only_the_counter_saw_written_down(open_lab, sample, recipe, unseen):
    lab, asked = open_lab(), []
    lab.hands._ask = lambda question: asked.append(question) or "yes"
    run = cut_off(lab, sample, recipe, 2, unseen)
    done = len(gates(lab))
    if unseen:
        with pytest.raises(InterlockError, match="finish_train"):
            lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    finish(lab, sample, recipe, run)
    assert len(gates(lab)) == recipe.pulse_count - unseen
    (question,) = asked
    assert f"{done + unseen} of {recipe.pulse_count} pulses" in question
    chain = Run(run, lab.data)
    assert hold_all(lab.data) == len(chain.members) >= 2
    assert list(chain.table()["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert sum(flags & 16 for flags in chain.table()["flags"]) == 16 * unseen
    assert believed(lab, sample) == recipe.pulse_count
    assert finish(lab, sample, recipe, run) == ()
    assert len(gates(lab)) == recipe.pulse_count - unseen


def test_nobody_agrees_and_nothing_is_fired_but_the_past_is_whole(open_lab, sample, recipe):
    lab = open_lab()
    lab.hands._ask = lambda question: "no"
    run = cut_off(lab, sample, recipe, 2, 1)
    done = len(gates(lab))
    with pytest.raises(InterlockError, match="did not agree"):
        finish(lab, sample, recipe, run)
    assert len(gates(lab)) == done
    assert believed(lab, sample) == done + 1
    lab.hands._ask = lambda question: "yes"
    finish(lab, sample, recipe, run)
    assert len(gates(lab)) == recipe.pulse_count - 1
    assert believed(lab, sample) == recipe.pulse_count


@pytest.mark.parametrize("flashes_after", [0, 2, 3])
def test_a_board_that_was_switched_off_is_not_believed_whatever_it_counts_until_a_person_has_looked(
    open_lab, sample, recipe, flashes_after
):
    """A count that began anew may well look right: that of a board that had counted none before."""
    lab = open_lab()
    lab.hands._ask = lambda question: "yes"
    run = cut_off(lab, sample, recipe, 2, 1)
    done, board = len(gates(lab)), lab.twins.station("lamp").board
    board.power_up(lab.clock.now())
    for _ in range(flashes_after):
        board.count_flash()
    for _ in range(2):
        with pytest.raises(
            InterlockError, match=r"its board was switched off since.*lab\.lamp\.accounted\(\)"
        ):
            finish(lab, sample, recipe, run)
    assert len(gates(lab)) == done
    lab.lamp.accounted()
    finish(lab, sample, recipe, run)
    assert len(gates(lab)) == recipe.pulse_count


def test_what_a_session_saw_whole_needs_no_counter(open_lab, sample, recipe):
    lab = open_lab()
    lab.hands._ask = lambda question: "yes"
    run = cut_off(lab, sample, recipe, 2)
    lab.twins.station("lamp").board.power_up(lab.clock.now())
    finish(lab, sample, recipe, run)
    assert len(gates(lab)) == recipe.pulse_count


def test_a_count_that_is_too_large_is_not_believed(open_lab, sample, recipe):
    lab = open_lab()
    run = cut_off(lab, sample, recipe, 2, recipe.pulse_count)
    with pytest.raises(InterlockError, match=r"somebody else triggered.*lab\.lamp\.accounted\(\)"):
        finish(lab, sample, recipe, run)


def test_a_train_that_nobody_accounted_for_keeps_every_other_sample_waiting(open_lab, sample, recipe):
    """The lamp remembers one train: the next would hide it, and with it what its sample had."""
    lab, other = open_lab(), replace(sample, id="other")
    run = cut_off(lab, sample, recipe, 2, 1)
    done = len(gates(lab))
    for each in (sample, other):
        with pytest.raises(InterlockError, match=r"finish_train.*accounted\(\)"):
            lab.RE(lab.plans.anneal(lab.lamp, each, recipe))
    assert len(gates(lab)) == done
    lab.hands._ask = lambda question: "yes"
    finish(lab, sample, recipe, run)
    lab.RE(lab.plans.anneal(lab.lamp, other, replace(recipe, pulse_count=1)))


def without_a_board(config):
    path = config / "benches" / "twin.toml"
    text = path.read_text()
    begin = text.index("[devices.lamp.parts.permissives]")
    left = text[:begin] + text[text.index("[devices.lamp.par", begin + 1) :]
    path.write_text(left.replace("dead_man = true", "dead_man = false"))
    return config


def test_without_a_counter_a_person_says_what_a_dead_host_fired(open_lab, config, sample, recipe):
    """The host died after a trigger whose row nobody wrote: to fire what is not recorded would be one too many."""
    lab, kept = open_lab(config=without_a_board(config)), []
    path = state_path(lab.data, "lamp", "twin", twin=True)
    true = lab.lamp.gate.fire

    def fire():
        true()
        if lab.lamp.flight().done == 2:
            kept.append(path.read_text())
            raise RuntimeError("the host died")

    lab.lamp.gate.fire = fire
    with pytest.raises(RuntimeError):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run("last", lab.data).uid
    lab.close()
    told = json.loads(kept[0])
    assert (told["report"]["state"], told["report"]["train"]["done"]) == ("firing", 2)
    told["owner"]["began"] = "0"
    path.write_text(json.dumps(told))
    lab = open_lab(config=config)
    lab.hands._ask = lambda question: "yes"
    lab.lamp.reset()
    with pytest.raises(InterlockError, match=r"no board counted its flashes.*lab\.lamp\.accounted\(\)"):
        finish(lab, sample, recipe, run)
    assert not gates(lab)
    with pytest.raises(InterlockError, match="finish_train"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.lamp.accounted()
    finish(lab, sample, recipe, run)
    assert len(gates(lab)) == recipe.pulse_count - 3


@pytest.mark.parametrize("before", [False, True])
def test_a_run_that_was_cut_off_before_its_train_is_fired_whole(open_lab, sample, recipe, before):
    lab = open_lab()
    lab.hands._ask = lambda question: "yes"
    if before:
        lab.RE(lab.plans.anneal(lab.lamp, replace(sample, id="other"), recipe))
    done = len(gates(lab))

    def begin(*_):
        raise RuntimeError("cut off")

    true, lab.lamp.arm = lab.lamp.arm, begin
    with pytest.raises(RuntimeError):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.lamp.arm = true
    finish(lab, sample, recipe, Run("last", lab.data).uid)
    assert len(gates(lab)) == done + recipe.pulse_count


def test_another_train_than_the_lamp_remembers_is_not_finished(open_lab, sample, recipe):
    lab = open_lab()
    run = cut_off(lab, sample, recipe, 2)
    lab.RE(lab.plans.anneal(lab.lamp, replace(sample, id="other"), replace(recipe, pulse_count=1)))
    with pytest.raises(InterlockError, match="remembers another train"):
        finish(lab, sample, recipe, run)


def test_a_dead_lamp_in_another_process_is_looked_at_without_its_lock(open_lab, tmp_path, monkeypatch):
    import fcntl

    from devices.lamp.arming import LampOwner

    lab = open_lab()
    held, looks = LampOwner("lamp", lab.clock, tmp_path), LampOwner("lamp", lab.clock, tmp_path)
    held.take()
    monkeypatch.setattr(fcntl, "flock", lambda *_: pytest.fail("a look took the lock"))
    assert looks.holder().startswith("pid ")
    held.release()
    assert looks.holder() == "nobody"
    (tmp_path / "lamp.lock").write_text("pid 4194304 since yesterday")
    assert looks.holder() == "nobody"
    assert threading.active_count()
