"""Anneals on the twin bench: counts that are right through pauses, stops and faults; documents that are whole."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from bluesky.utils import RunEngineInterrupted
from event_model import DocumentNames, schema_validators

from devices.errors import InterlockError, LimitError
from devices.recipes import AnnealRecipe, to_json
from devices.roles.lamp import AnnealJob
from labctl import Run


def gates(lab):
    """How often the twin's gate truly opened: its black box, not what the client says."""
    return sum(entry[1] == "gate" for entry in twin(lab).gate.log)


def twin(lab):
    return lab.twins.station("lamp")


def test_every_pulse_is_fired_once_and_recorded_once(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    table = run.table()
    assert list(table["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert gates(lab) == recipe.pulse_count
    assert np.allclose(np.diff(table["elapsed"]), recipe.period)
    outcome = run.table("outcome")
    assert (outcome["asked"][0], outcome["done"][0], outcome["interrupted"][0]) == (6, 6, 0)
    assert run.stop["exit_status"] == "success"


def test_energy_and_exposure_follow_the_bank(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    table = Run(uid, lab.data).table()
    assert np.allclose(table["bank_voltage_before"], 850.0, atol=2.0)
    assert np.allclose(table["exposure"], 16.5e4, rtol=0.03)
    assert np.allclose(table["exposure"], table["pulse_energy"] / 1e-4)


def test_documents_pass_their_schemas_as_emitted_and_as_read_back(lab, sample, recipe):
    emitted = []
    lab.RE.subscribe(lambda name, doc: emitted.append((name, doc)))
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    read = Run(uid, lab.data).documents
    assert [name for name, _ in read] == [name for name, _ in emitted]
    for (name, doc), (_, before) in zip(read, emitted, strict=True):
        schema_validators[DocumentNames[name]].validate(before)
        schema_validators[DocumentNames[name]].validate(doc)
        if name == "event_page":
            assert doc["uid"] == before["uid"]
            assert doc["data"] == before["data"]


def test_the_start_document_holds_what_the_run_was(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    start = Run(uid, lab.data).start
    assert start["schema"] == 1
    assert start["purpose"] == "anneal"
    assert start["sample"]["id"] == sample.id
    assert start["recipe"]["body"]["voltage"] == 850.0
    assert start["bench"]["name"] == "twin"
    assert start["devices"]["lamp"]["real"] is False
    assert start["clock"]["kind"] == "virtual"
    assert start["prediction"]["values"]["surface_peak"] > 800
    assert {"labctl", "bluesky", "numpy", "python"} <= set(start["versions"])


def test_rows_of_a_page_carry_their_own_times(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    assert np.allclose(np.diff(run.times()), recipe.period, atol=0.3)


@pytest.mark.parametrize("pulse", [0, 1, 7])
def test_a_pause_holds_the_train_and_resume_repeats_no_pulse(lab, sample, pulse):
    """bluesky rewinds to the last checkpoint by default: that would fire pulses again."""
    recipe = AnnealRecipe("long", 850.0, 1.8e-3, 60, 0.4)

    def pause_at(name, doc):
        done = lab.lamp.flight().done
        if name == "event_page" and done >= pulse and not paused:
            paused.append(done)
            threading.Thread(target=lab.RE.request_pause, args=(False,)).start()

    paused = []
    lab.RE.subscribe(pause_at)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    standing = lab.clock.now()
    lab.RE.resume()
    assert lab.clock.now() > standing
    assert gates(lab) == recipe.pulse_count
    (path,) = (lab.data / "runs").glob("*/*/*.jnl")
    run = Run(path)
    assert list(run.table()["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert run.stop["exit_status"] == "success"


def test_an_abort_ends_the_train_with_the_count_and_everything_safe(lab, sample, recipe):
    def abort_at(name, doc):
        if name == "event_page" and "pulse" in doc["data"] and not asked:
            asked.append(lab.lamp.flight().done)
            threading.Thread(target=lab.RE.abort, args=("enough",)).start()

    asked = []
    lab.RE.subscribe(abort_at)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("long", 850.0, 1.8e-3, 300, 0.4)))
    (path,) = (lab.data / "runs").glob("*/*/*.jnl")
    run = Run(path)
    fired = gates(lab)
    assert asked[0] <= fired < 300
    assert len(run.table()["pulse"]) == fired
    outcome = run.table("outcome")
    assert (outcome["done"][0], outcome["interrupted"][0]) == (fired, 1)
    assert (run.stop["exit_status"], run.stop["reason"]) == ("abort", "enough")
    assert not twin(lab).charger.high_voltage_on


def test_a_failing_plan_leaves_the_rows_so_far_and_says_why(lab, sample, recipe):
    def trip_at(name, doc):
        if name == "event_page" and "pulse" in doc["data"]:
            twin(lab).charger.trip(lab.clock.now(), "arc")

    lab.RE.subscribe(trip_at)
    with pytest.raises(Exception, match="high voltage off"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("long", 850.0, 1.8e-3, 50, 0.4)))
    (path,) = (lab.data / "runs").glob("*/*/*.jnl")
    run = Run(path)
    assert run.stop["exit_status"] == "fail"
    assert "high voltage off" in run.stop["reason"]
    assert len(run.table()["pulse"]) == gates(lab) == run.table("outcome")["done"][0]
    assert "fault" in run.table("events")["code"]


def test_a_recipe_beyond_the_labs_limits_is_refused_and_nothing_is_charged(lab, sample):
    too_high = AnnealRecipe("hot", 990.0, 1.8e-3, 5, 0.4)
    with pytest.raises(LimitError, match=r"lamp\.bank_voltage"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, too_high))
    assert not [entry for entry in twin(lab).charger.log if entry[1] == "high voltage on"]
    assert not list((lab.data / "runs").glob("*/*/*.jnl"))


def test_a_plan_that_stops_collecting_feeds_no_keep_alive(lab, sample, recipe):
    """The lease: the lamp must not go on firing for a plan that hangs."""
    job = AnnealJob(sample, AnnealRecipe("long", 850.0, 1.8e-3, 300, 0.4))
    lab.wait(lab.lamp.prepare(job))
    lab.lamp.insert(lab.lamp.arm(job))
    lab.wait(lab.lamp.kickoff())
    finished = lab.lamp.complete()
    with pytest.raises(InterlockError, match="lease"):
        lab.wait(finished)
    assert gates(lab) < 10
    assert not twin(lab).charger.high_voltage_on


def test_a_second_anneal_goes_on_where_the_first_left_the_film(lab, sample, recipe):
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    once = lab.twins.foil(sample.id).annealed().mean
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    twice = lab.twins.foil(sample.id).annealed().mean
    assert twice > once
    assert lab.believer.foil(sample).annealed().mean == pytest.approx(twice, abs=0.01)


def test_world_and_belief_are_apart(lab, sample, recipe):
    """A foil thicker than the lab thinks: the prediction stays the lab's, the result is the world's."""
    truly = replace(sample, layers=(sample.layers[0], replace(sample.layers[1], thickness=1.2e-6)))
    lab.twins.bring(to_json(truly), "lamp")
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    predicted = Run(uid, lab.data).start["prediction"]["values"]["foil_peak"]
    happened = lab.twins.foil(sample.id).annealed().foil_peak
    assert abs(predicted - happened) > 5
