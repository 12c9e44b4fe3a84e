"""Derived results are runs: found again, made anew when their input grew, valid documents, out of everybody's way."""

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from devices.errors import DataError, LabError
from labctl.cell_records import JournalCells
from labctl.derived import store
from labctl.derived.kinds import KINDS
from labctl.derived.store import derive
from labctl.runs.briefs import latest_label
from labctl.runs.making import made_by
from labctl.runs.remarks import mark_run
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure


@pytest.fixture
def cell(made_up):
    return made_up().cycles([1e-5, 1e-5])


def test_the_same_derivation_is_found_and_not_made_again(folder, cell):
    run = folder.cycled(cell)
    first, again = (derive(folder.data, [run]) for _ in range(2))
    assert [each.kind for each in first] == ["cycle_table", "rate_table", "ragone", "dq_dv", "holds"]
    assert all(each.made for each in first)
    assert not any(each.made for each in again)
    assert [each.uid for each in first] == [each.uid for each in again]
    assert [each.rows for each in first] == [each.rows for each in again]
    assert not list(folder.data.glob(".derive-*"))


def test_a_run_that_grew_is_derived_anew_and_the_old_result_stays(folder, made_up, truth):
    uid = "00000000-0000-0000-0000-00000000abcd"
    folder.cycled(made_up().cycles([1e-5]), uid=uid, ended=None)
    (before,) = derive(folder.data, [Run(uid, folder.data)], ["cycle_table"])
    Run(uid, folder.data).path.unlink()
    folder.cycled(made_up().cycles([1e-5, 1e-5]), uid=uid)
    (after,) = derive(folder.data, [Run(uid, folder.data)], ["cycle_table"])
    assert after.made
    assert before.uid != after.uid
    assert [Run(each.uid, folder.data).stop["num_events"]["primary"] for each in (before, after)] == [1, 2]


def test_other_parameters_other_code_and_other_sizes_are_other_results(folder, cell, truth, monkeypatch):
    run = folder.cycled(cell)
    (plain,) = derive(folder.data, [run], ["dq_dv"])
    (wider,) = derive(folder.data, [run], ["dq_dv"], {"width": 0.02})
    measure(folder.data, "cell-1", Measurement("area", 2 * truth["area"], 0.0))
    (measured,) = derive(folder.data, [run], ["dq_dv"])
    monkeypatch.setattr(store, "code_hash", lambda *_: "0" * 64)
    (rewritten,) = derive(folder.data, [run], ["dq_dv"])
    assert len({each.uid for each in (plain, wider, measured, rewritten)}) == 4
    assert Run(wider.uid, folder.data).start["parameters"] == {"width": 0.02, "most_cycles": 20.0}


def test_what_was_measured_replaces_what_was_meant(folder, cell, truth):
    run = folder.cycled(cell)
    measure(folder.data, "cell-1", Measurement("area", 4e-5, 4e-7))
    measure(folder.data, "cell-1", Measurement("thickness", 2e-6, 2e-8, layer="LiCoO2"))
    (found,) = derive(folder.data, [run], ["cycle_table"])
    rows = Run(found.uid, folder.data).table()
    assert rows["discharge_capacity_per_area"] == pytest.approx(truth["full"] / 4e-5)
    assert rows["discharge_capacity_per_volume_sd"] == pytest.approx(
        truth["full"] / 4e-5 / 2e-6 * np.hypot(0.01, 0.01)
    )


def test_documents_pass_their_schemas_as_emitted_and_as_read_back(folder, cell):
    for each in derive(folder.data, [folder.cycled(cell)]):
        kept = Run(each.uid, folder.data)
        for name, doc in kept.documents:
            schema_validators[DocumentNames[name]].validate(doc)
        assert kept.start["purpose"] == "derived"
        assert kept.start["plan_name"] == "derive"
        assert kept.start["kind"] == each.kind
        assert kept.start["inputs"] == list(each.inputs)
        assert {"labctl", "numpy", "scipy"} <= set(kept.start["versions"])
        assert all(kept.units()[key] for key in kept.table() if key.endswith(("_sd", "_capacity", "voltage")))
        assert {name: len(kept.times(name)) for name in kept.streams} == each.rows


def test_of_several_runs_those_marked_bad_are_left_out_but_one_alone_is_not(folder, made_up):
    good, bad = (folder.cycled(made_up().cycles([current])) for current in (1e-5, 2e-5))
    mark_run(bad.path, "bad", "the clip slipped", time=1.0, who="me")
    (together,) = derive(folder.data, [good, bad], ["rate_table"])
    assert (together.inputs, together.bad) == ((good.uid,), (bad.uid,))
    (alone,) = derive(folder.data, [bad], ["rate_table"])
    assert alone.inputs == (bad.uid,)


def test_one_table_of_several_runs_says_of_each_row_whose_it_is(folder, made_up):
    runs = [folder.cycled(made_up().cycles([current])) for current in (1e-5, 2e-5)]
    (found,) = derive(folder.data, runs, ["rate_table"])
    assert Run(found.uid, folder.data).table()["run"].tolist() == [run.uid for run in runs]


def test_what_cannot_be_derived_is_a_sentence(folder, cell):
    run = folder.cycled(cell)
    with pytest.raises(LabError, match="applies to none"):
        derive(folder.data, [run], ["gitt"])
    with pytest.raises(LabError, match="there are anneal_summary"):
        derive(folder.data, [run], ["poem"])
    with pytest.raises(LabError, match="no parameter widht"):
        derive(folder.data, [run], ["dq_dv"], {"widht": 1.0})
    with pytest.raises(LabError, match="numbers from zero"):
        derive(folder.data, [run], ["dq_dv"], {"width": float("nan")})
    (found,) = derive(folder.data, [run], ["holds"])
    with pytest.raises(LabError, match="derived itself"):
        derive(folder.data, [Run(found.uid, folder.data)])


def test_a_folder_that_takes_nothing_is_a_sentence_and_nothing_is_left(folder, cell, monkeypatch):
    run = folder.cycled(cell)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.Journal, "__call__", full)
    with pytest.raises(DataError, match="No space left"):
        derive(folder.data, [run], ["cycle_table"])
    assert not list(folder.data.glob(".derive-*"))
    assert len(list((folder.data / "runs").glob("*/*/*.jnl"))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_is_and_its_keys_are_such_as_event_model_takes(kind):
    known = KINDS[kind]
    assert known.says
    assert "primary" in known.streams
    for columns in known.streams.values():
        assert not [key for key in columns if "." in key or "/" in key]
        assert not {"run", "sample"} & columns.keys()


def test_a_derived_result_is_nobodys_past(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    before = lab.believer.foil(sample).annealed().mean
    latest = latest_label(lab.data)
    assert derive(lab.data, [Run(uid, lab.data)], ["anneal_summary"])
    assert made_by(lab.data, sample.id) == [uid]
    assert lab.believer.foil(sample).annealed().mean == before
    assert latest_label(lab.data) == latest
    assert JournalCells(lab.data).rest_voltage(sample) is None
