"""A tool that fires whole recipes by itself: armed by a token, started once, counted, ended by its interlock loop."""

import pytest
from bluesky.utils import RunEngineInterrupted

from devices.errors import Incomplete, InterlockError, LabError
from labctl import Run

DISARMED_WITHIN = 3.0
"""Seconds of the bench from the loss of the host [safety budget of the lab]."""


@pytest.fixture
def lab(open_lab):
    return open_lab("pulseforge")


def pulses(lab):
    return [entry[0] for entry in lab.twins.station("lamp").tool.log if entry[1] == "pulse"]


def anneal(lab, sample, recipe):
    return lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))


def test_a_recipe_is_fired_once_and_every_pulse_has_its_row(lab, sample, recipe):
    (uid,) = anneal(lab, sample, recipe)
    run = Run(uid, lab.data)
    assert len(pulses(lab)) == recipe.pulse_count == run.table("outcome")["done"][0]
    table = run.table()
    assert list(table["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert all(table["bank_voltage_before"] == recipe.voltage)
    true = lab.twins.foil(sample.id).annealed().surface_peak
    assert run.start["prediction"]["values"]["surface_peak"] == pytest.approx(true, abs=3)
    assert "SAFE" in repr(lab.lamp)
    assert not lab.twins.station("lamp").board.loop_closed
    assert sum(event["event"] == "flash" for event in lab.believer.foil(sample).history) == recipe.pulse_count


def test_nothing_is_armed_or_fired_without_a_token(lab):
    for deed in (lab.lamp.tool.arm, lab.lamp.tool.fire):
        with pytest.raises(InterlockError, match="not armed"):
            deed()
    with pytest.raises(InterlockError):
        lab.lamp.kickoff()
    assert lab.twins.station("lamp").tool.state != "armed"


@pytest.mark.parametrize("after", [0.3, 6.0, 9.9])
def test_a_contact_that_opens_ends_the_train_with_what_the_tool_counted(lab, sample, recipe, after):
    board = lab.twins.station("lamp").board
    lab.clock.after(after, lambda: board.open_contact("door", lab.clock.now()), "a test")
    lab.clock.after(after + 0.05, lambda: board.close_contact("door", lab.clock.now()), "a test")
    with pytest.raises(LabError):
        anneal(lab, sample, recipe)
    fired = pulses(lab)
    assert all(pulse <= after + 0.01 for pulse in fired)
    run = Run("last", lab.data)
    assert run.table("outcome")["done"][0] == len(fired)
    assert lab.twins.station("lamp").tool.state in ("fault", "idle")
    with pytest.raises(InterlockError, match="FAULT"):
        anneal(lab, sample, recipe)
    lab.clock.sleep(1.0)
    lab.lamp.reset()
    assert len(pulses(lab)) == len(fired)


def test_a_host_that_falls_silent_is_noticed_by_the_dead_man(lab, sample, recipe):
    at = 6.0
    lab.clock.after(at, lambda: lab.lamp._running.cancel(), "a test")
    lab.clock.after(at + 5.0, lambda: lab.RE.loop.create_task(lab.RE._request_pause_coro(False)), "a test")
    with pytest.raises(RunEngineInterrupted):
        anneal(lab, sample, recipe)
    assert all(pulse <= at + 2.5 for pulse in pulses(lab))
    twins = lab.twins.station("lamp")
    for log, event in ((twins.board.log, "loop open"), (twins.tool.log, "fault")):
        (disarmed,) = [entry[0] for entry in log if entry[1] == event and entry[0] >= at][:1]
        assert disarmed <= at + DISARMED_WITHIN
    lab.RE.abort()
    assert Run("last", lab.data).table("outcome")["done"][0] == len(pulses(lab))


def test_a_pause_ends_the_train_and_the_rest_is_fired_by_finish_train(lab, sample, recipe):
    lab.clock.after(8.0, lambda: lab.RE.loop.create_task(lab.RE._request_pause_coro(False)), "a test")
    with pytest.raises(RunEngineInterrupted):
        anneal(lab, sample, recipe)
    done = len(pulses(lab))
    assert 0 < done < recipe.pulse_count
    with pytest.raises(Incomplete, match="cannot hold a train"):
        lab.RE.resume()
    lab.hands._ask = lambda question: "yes"
    lab.RE(lab.plans.finish_train(lab.lamp, lab.trains, lab.hands, sample, recipe, "last"))
    assert len(pulses(lab)) == recipe.pulse_count


def test_a_whole_experiment_runs_with_it(lab):
    from labctl.config.folder import Config

    uids = lab.run(Config().experiment("fla-0.7um"))
    assert len(uids) == 2
    assert len(pulses(lab)) == 20
