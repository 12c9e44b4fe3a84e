"""Every plan on every bench of twins: its documents are whole, valid, and say all that the schema page asks."""

from dataclasses import replace

import pytest
from event_model import DocumentNames, schema_validators

from devices.cells import CellSize
from devices.recipes import AnnealRecipe
from devices.roles import Assemble
from devices.techniques import Record
from labctl import Run
from labctl.derived.store import derive
from labctl.plans import discover_plans

RECIPE = AnnealRecipe("short", 850.0, 1.8e-3, 2, 0.4)

ALWAYS = {
    "uid", "time", "scan_id", "plan_name", "plan_args", "schema", "purpose", "sample", "inputs", "devices", "bench",
    "clock", "limits", "limits_hash", "versions", "git", "operator", "host", "machine", "session", "command",
}  # fmt: skip
WHERE_IT_APPLIES = {
    "anneal": {"recipe", "prediction"},
    "cycle": {"program", "capacity", "channel"},
}


def spots(sample, count):
    return [replace(sample, id=f"{sample.id}.{number}", parents=(sample.id,)) for number in range(count)]


def on_lamp(lab, sample, program):
    """Yield every plan of the lamp, called."""
    bare = replace(sample, id="bare", layers=sample.layers[:1], cell_layers=())
    plans, lamp = lab.plans, lab.lamp
    yield "anneal", plans.anneal(lamp, sample, RECIPE)
    yield "single_pulse", plans.single_pulse(lamp, sample, RECIPE)
    yield "fluence_ladder", plans.fluence_ladder(lamp, spots(sample, 2), RECIPE, [700, 800])
    yield "anneal_until", plans.anneal_until(lamp, replace(sample, id="until"), replace(RECIPE, pulse_count=20), 0.3)
    yield (
        "calibrate_fluence",
        plans.calibrate_fluence(lamp, lab.calibration, bare, RECIPE, [500, 600, 700, 800, 900]),
    )


def on_potentiostat(lab, sample, program):
    """Yield every plan that cycles, called."""
    lab.wait(lab.hands.set(Assemble(sample)))
    yield "cycle", lab.plans.cycle(lab.potentiostat, sample, program)
    if hasattr(lab, "lamp"):
        fresh = replace(sample, id="fresh")
        both = (lab.lamp, lab.potentiostat, lab.hands, fresh, RECIPE, program)
        yield "anneal_then_cycle", lab.plans.anneal_then_cycle(*both)


def is_whole(run):
    documents = list(run.documents)
    assert documents[0][0] == "start"
    assert documents[-1][0] == "stop"
    for name, doc in documents:
        schema_validators[DocumentNames[name]].validate(doc)
    start = run.start
    missing = ALWAYS - start.keys() | WHERE_IT_APPLIES[start["plan_name"]] - start.keys()
    assert not missing, f"{start['plan_name']} does not say {missing}"
    for device in start["devices"].values():
        assert {"role", "real", "identity", "drivers", "parameters_hash", "seed", "twin"} <= device.keys()
    assert start["git"] is not None or "distribution" in start
    assert "outcome" in run.streams


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_documents_of_every_plan_are_whole_on_every_bench(open_lab, bench, sample, program):
    lab = open_lab(bench)
    done = set()
    for plans in (on_lamp, on_potentiostat):
        for name, plan in plans(lab, sample, _fitting(bench, sample, program)):
            for uid in _uids(lab.RE(plan)):
                is_whole(Run(uid, lab.data))
            done.add(name)
    assert done == set(discover_plans())
    for path in (lab.data / "runs").glob("*/*/*.jnl"):
        for each in derive(lab.data, [Run(path)]):
            for name, doc in Run(each.uid, lab.data).documents:
                schema_validators[DocumentNames[name]].validate(doc)


def _uids(returned):
    return tuple(returned)


def _fitting(bench, sample, program):
    return program
