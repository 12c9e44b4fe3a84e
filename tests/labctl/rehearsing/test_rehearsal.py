"""An experiment rehearsed: it takes as long as it then does, and leaves nothing behind."""

import hashlib
import io

import pytest
from rich.console import Console

import labctl
from devices.errors import LabError
from devices.samples import Layer, SampleRef
from labctl.rehearsing.call import PlanCall, read_call
from labctl.rehearsing.rehearsal import rehearse, rehearse_call, rehearse_experiment
from labctl.rehearsing.telling import tell


def tree(folder):
    """Return every file of a folder with the hash of what is in it."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


def told(rehearsed):
    console = Console(file=io.StringIO(), width=120)
    tell(rehearsed, console)
    return console.file.getvalue()


def test_it_takes_what_the_run_then_takes(asked, tmp_path):
    chosen, data = asked(), tmp_path / "data"
    promised = rehearse_experiment(chosen.experiments[0], chosen.bench, chosen.limits, data)
    assert not data.exists()
    with labctl.open_session("twin", data=data, handle_signals=False) as lab:
        began = lab.clock.time()
        uids = lab.run(chosen.experiments[0])
        took = lab.clock.time() - began
    runs = [labctl.Run(uid, data) for uid in uids]
    assert promised.faults == ()
    assert promised.duration == pytest.approx(took, rel=1e-6)
    assert promised.work.pulses == 6
    assert promised.work.rows == sum(sum(run.counts().values()) for run in runs)
    said = told(promised)
    assert "6 pulses" in said
    assert "cycle 1: " in said
    assert "bank voltage" in said
    assert "no warnings, no faults" in said
    margins = {margin.name: margin for margin in promised.margins}
    assert (margins["bank voltage"].value, margins["bank voltage"].limit) == ("850 V", "950 V")
    assert margins["highest current"].value.startswith("75")
    assert margins["highest cell voltage"].level == "ok"


def test_what_the_lab_refuses_is_a_fault_in_words(asked, tmp_path):
    chosen = asked(voltage=950, milliseconds=4.5)
    hot = rehearse_experiment(chosen.experiments[0], chosen.bench, chosen.limits, tmp_path / "data")
    assert "average_power" in hot.faults[0]
    assert hot.work.pulses == 0


def test_a_bench_of_real_devices_is_rehearsed_on_its_twins_without_a_port(asked, tmp_path):
    chosen = asked(bench="example-hardware")
    promised = rehearse_experiment(chosen.experiments[0], chosen.bench, chosen.limits, tmp_path / "data")
    assert promised.work.pulses == 6
    assert promised.work.charge > 0


def test_a_call_is_rehearsed_beside_an_open_session_that_stays_as_it_was(lab, asked):
    chosen = asked()
    experiment = chosen.experiments[0]
    before = tree(lab.data)
    names = {"lamp": lab.lamp, "film": experiment.sample, "recipe": experiment.recipe}
    rehearsed = rehearse_call(lab, read_call("RE(anneal(lamp, film, recipe))", names | vars(lab.plans)))
    assert rehearsed.faults == ()
    assert rehearsed.work.pulses == 6
    assert tree(lab.data) == before
    assert lab.RE.state == "idle"
    again = rehearse_call(lab, PlanCall(lab.plans.anneal, (lab.lamp, experiment.sample, experiment.recipe)))
    assert again.work.pulses == 6


def test_a_call_that_would_fail_says_why(lab, asked):
    sample = SampleRef(id="bare", layers=(Layer("Al", 1e-4), Layer("LiCoO2", 7e-7)))
    experiment = asked().experiments[0]
    program = lab.arguments(experiment)["program"]
    rehearsed = rehearse_call(lab, PlanCall(lab.plans.cycle, (lab.potentiostat, sample, program)))
    assert "no cell yet" in rehearsed.faults[0]
    assert "FAULT: " in told(rehearsed)


def test_what_is_typed_is_a_call_or_an_experiment(lab, asked, tmp_path):
    asked()
    (experiment,) = rehearse(lab, f"{tmp_path / 'quick.toml'}", {})
    assert (experiment.what, experiment.work.pulses) == ("quick", 6)
    with pytest.raises(LabError, match="no plan call"):
        rehearse(lab, "fla-0.7", {})


def test_a_sample_is_rehearsed_as_it_was_left(lab, asked):
    """A film that was annealed and became a cell is no film any more, in the rehearsal too."""
    experiment = asked().experiments[0]
    lab.run(experiment)
    again = rehearse_call(lab, PlanCall(lab.plans.anneal, (lab.lamp, experiment.sample, experiment.recipe)))
    assert again.faults
    assert again.work.pulses == 0
