"""Cycling on the twin bench: rows that add up to what truly passed, numbers that mean what they say."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from bluesky.utils import RunEngineInterrupted
from event_model import DocumentNames, schema_validators

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.errors import InterlockError, LimitError
from labctl import Run


def only(lab, purpose):
    runs = [Run(path) for path in (lab.data / "runs").glob("*/*/*.jnl")]
    (found,) = [run for run in runs if run.start["purpose"] == purpose]
    return found


def test_the_journals_charge_equals_the_twins_to_one_sample(lab, cell, program):
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    table = Run(uid, lab.data).table()
    truly = lab.twins.foil(cell.id).as_cell().state.charge
    largest = np.abs(table["current"]).max() * np.diff(table["test_time"]).max()
    assert table["charge"][-1] * 3600 == pytest.approx(truly, abs=largest)


def test_documents_pass_their_schemas_and_streams_are_what_the_schema_page_says(lab, cell, program):
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    run = Run(uid, lab.data)
    for name, doc in run.documents:
        schema_validators[DocumentNames[name]].validate(doc)
    measured = {"primary", "impedance", "steps", "cycles"}
    assert set(run.streams) == {"baseline", "events", "residual", "outcome"} | measured
    columns = "test_time unix_time voltage current charge energy step_index step_count cycle record"
    assert list(run.table()) == [*columns.split(), "ambient_temperature", "range", "flags"]
    assert run.units()["charge"] == "Ah"
    assert run.units()["ambient_temperature"] == "degC"


def test_the_capacity_in_the_start_document_is_the_one_that_c_rates_were_reckoned_with(lab, cell, program):
    own = replace(program, rates_on=CellSize(cell.area, 0.18, basis="a file's own"))
    starts = [
        Run(lab.RE(lab.plans.cycle(lab.potentiostat, cell, each))[0], lab.data).start
        for each in (program, own)
    ]
    film, file = (start["capacity"] for start in starts)
    assert film["value_Ah"] == pytest.approx(CellSize.of(cell).capacity / 3600)
    assert file == {"value_Ah": pytest.approx(0.18 / 3600), "sd_Ah": 0.0, "basis": "a file's own"}
    assert starts[0]["program"]["hash"] != starts[1]["program"]["hash"]


def test_steps_and_cycles_are_counted_and_voltages_stay_in_the_window(lab, cell, program):
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    run = Run(uid, lab.data)
    steps, cycles, rows = run.table("steps"), run.table("cycles"), run.table()
    assert list(steps["step_index"]) == [0, 1, 0, 1, 2, 3, 2, 3]
    assert list(cycles["cycle"]) == [1, 2, 3, 4]
    assert rows["voltage"].max() < 4.2505
    assert rows["voltage"].min() > 2.9995
    assert np.all(np.diff(rows["test_time"]) >= 0)
    assert list(np.unique(np.diff(rows["record"]))) == [1]
    assert np.all(cycles["discharge_capacity"] > 0)


def test_cycling_names_the_anneal_among_its_inputs_and_shares_its_experiment(lab, sample, recipe, program):
    plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
    annealed, cycled = (Run(uid, lab.data) for uid in lab.RE(plan))
    assert cycled.start["inputs"] == [annealed.uid]
    assert cycled.start["experiment"] == annealed.start["experiment"]
    assert cycled.start["capacity"]["value_Ah"] == pytest.approx(69e-6 * 0.7 * 0.15)
    assert cycled.start["capacity"]["sd_Ah"] > 0


def test_a_film_without_electrolyte_and_anode_is_not_cycled(lab, sample, recipe, program):
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    with pytest.raises(InterlockError, match="no cell yet"):
        lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))


def test_a_cell_is_not_flashed(lab, cell, recipe):
    with pytest.raises(
        InterlockError, match=r"LiPON since .* bear 250 degC; .* Li since .* melts .* flashed"
    ):
        lab.RE(lab.plans.anneal(lab.lamp, cell, recipe))


def test_a_program_beyond_the_channels_limits_is_refused_before_anything_is_wired(lab, cell):
    too_much = RateTest("big", (Rate(2000.0, "A/m^2"),), 3.0, 4.25, 1).on(CellSize.of(cell))
    with pytest.raises(LimitError, match="current"):
        lab.RE(lab.plans.cycle(lab.potentiostat, cell, too_much))
    assert not [run for run in (lab.data / "runs").glob("*/*/*.jnl") if Run(run).start["purpose"] == "cycle"]


@pytest.mark.parametrize(("policy", "goes_on"), [("keep", True), ("open", False)])
def test_an_abort_keeps_the_rows_and_does_to_the_cell_what_the_program_says(lab, cell, policy, goes_on):
    program = RateTest(
        "slow", (Rate(0.5, "A/m^2"),), 3.0, 4.25, 5, Record(interval=30.0), on_host_loss=policy
    ).on(CellSize.of(cell))

    def abort_at(name, doc):
        came.extend(doc["data"].get("voltage", ()) if name == "event_page" else ())
        if len(came) > 10 and not asked:
            asked.append(1)
            threading.Thread(target=lab.RE.abort, args=("enough",)).start()

    came, asked = [], []
    lab.RE.subscribe(abort_at)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    run = only(lab, "cycle")
    assert run.stop["exit_status"] == "abort"
    assert len(run.table()["voltage"]) > 10
    assert run.table("outcome")["interrupted"][0] == 1
    assert bool(lab.potentiostat.channels.read_busy()) is goes_on
    lab.safe()
    assert not lab.potentiostat.channels.read_busy()


def test_a_worse_anneal_makes_a_worse_cell(open_lab, tmp_path, sample, recipe, program):
    """The causal line: one pulse does not crystallise the film, so its cell holds little."""
    from dataclasses import replace

    capacities = []
    for pulses in (1, 20):
        lab = open_lab(data=tmp_path / f"data{pulses}")
        plan = lab.plans.anneal_then_cycle(
            lab.lamp, lab.potentiostat, lab.hands, sample, replace(recipe, pulse_count=pulses), program
        )
        _, cycled = lab.RE(plan)
        capacities.append(Run(cycled, lab.data).table("cycles")["discharge_capacity"][0])
        lab.close()
    assert capacities[0] < 0.2 * capacities[1]
