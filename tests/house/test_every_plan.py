"""Every plan on every bench of twins: its documents are whole, valid, and say all that the schema page asks."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.recipes import AnnealRecipe
from labctl import Run
from labctl.config.folder import Config
from labctl.derived.store import derive
from labctl.plans import discover_plans
from tests.support import quick_films
from tests.support.valid import hold

CONFIG = Path(__file__).parents[2] / "config"
RECIPE = AnnealRecipe("short", 850.0, 1.8e-3, 2, 0.4)

GO_ON = {"finish_train", "go_on_cycling", "take_over", "finish_deposition", "finish_evaporation"}
"""Plans that need a run that died: their documents are held against the schemas where such runs are made, in
test_lamp_memory.py here, test_film_deaths.py, test_go_on_cycling.py and serving/test_take_over.py of tests/labctl."""
ON_THEIR_OWN_BENCH = {"map_sheet", "assemble_then_cycle"}
"""Plans of a bench of sheets: theirs are held against the schemas in test_sheet_map.py and test_anodeless.py."""

ALWAYS = {
    "uid", "time", "scan_id", "plan_name", "plan_args", "schema", "purpose", "devices", "bench", "clock", "limits",
    "limits_hash", "versions", "git", "operator", "host", "machine", "session", "command",
}  # fmt: skip
OF_A_SAMPLE = {"sample", "inputs"}
OF_A_TARGET = {"recipe", "wear"}
WHERE_IT_APPLIES = {
    "anneal": OF_A_SAMPLE | {"recipe", "prediction"},
    "cycle": OF_A_SAMPLE | {"program", "capacity", "channel"},
    "deposit": OF_A_SAMPLE | OF_A_TARGET | {"film_rate", "tooling"},
    "evaporate": OF_A_SAMPLE | {"recipe", "tooling"},
    "bake": OF_A_SAMPLE | {"recipe"},
    "pre_sputter": OF_A_TARGET,
    "condition_target": OF_A_TARGET,
    "pump_down": set(),
    "vent": set(),
    "leak_check": set(),
}


def spots(sample, count):
    return [replace(sample, id=f"{sample.id}.{number}", parents=(sample.id,)) for number in range(count)]


def ladder(lab, sample):
    return lab.plans.fluence_ladder(lab.lamp, spots(sample, 2), RECIPE, [700, 800])


def enough(lab, sample):
    return lab.plans.anneal_until(lab.lamp, sample, replace(RECIPE, pulse_count=8), 0.3)


def calibration(lab, sample):
    bare = replace(sample, layers=sample.layers[:1], cell_layers=())
    return lab.plans.calibrate_fluence(lab.lamp, lab.calibration, bare, RECIPE, [600, 750, 900])


LAMP = {
    "anneal": lambda lab, sample: lab.plans.anneal(lab.lamp, sample, RECIPE),
    "single_pulse": lambda lab, sample: lab.plans.single_pulse(lab.lamp, sample, RECIPE),
    "fluence_ladder": ladder,
    "anneal_until": enough,
    "calibrate_fluence": calibration,
}
"""Every plan of the lamp, called."""

CYCLER = {"cycle", "anneal_then_cycle"}


def witnesses(lab, sample):
    bare = replace(sample, cell_layers=())
    thin = quick_films.film(thickness=20e-9)
    return lab.plans.calibrate_rate(lab.sputter, lab.hands, lab.films, spots(bare, 1), thin, [119.6])


def boat_witnesses(lab, sample):
    bare = replace(sample, cell_layers=())
    thin = quick_films.evaporation(thickness=20e-9)
    return lab.plans.calibrate_tooling(
        lab.evaporator, lab.hands, lab.films, [replace(bare, id="boat-1", parents=(sample.id,))], thin
    )


def stack(lab, sample):
    cathode = quick_films.film(thickness=310e-9)
    electrolyte = quick_films.film("sputter-lipon-1um", thickness=100e-9)
    anode = quick_films.evaporation(thickness=200e-9)
    return lab.plans.full_stack(lab.sputter, lab.evaporator, sample, cathode, electrolyte, anode)


def baking(lab, sample):
    return lab.plans.bake(
        lab.furnace, replace(sample, id="baked"), Config(CONFIG).furnace("furnace-520C-15min")
    )


CHAMBERS = {
    "pump_down": lambda lab, sample: lab.plans.pump_down(lab.sputter, 1e-4),
    "leak_check": lambda lab, sample: lab.plans.leak_check(lab.sputter, 1e-4, 20.0),
    "pre_sputter": lambda lab, sample: lab.plans.pre_sputter(lab.sputter, quick_films.film()),
    "condition_target": lambda lab, sample: lab.plans.condition_target(lab.sputter, quick_films.film()),
    "calibrate_rate": witnesses,
    "calibrate_tooling": boat_witnesses,
    "deposit": lambda lab, sample: lab.plans.deposit(lab.sputter, sample, quick_films.film(thickness=20e-9)),
    "bake": baking,
    "vent": lambda lab, sample: lab.plans.vent(lab.evaporator),
    "evaporate": lambda lab, sample: lab.plans.evaporate(
        lab.evaporator, sample, quick_films.evaporation(thickness=20e-9)
    ),
}
"""Every plan of a chamber or a furnace, called."""
LINE = {"full_stack", "line"}
"""Whole lines of them: the stack below, and the line to the cycled cell in a file of its own."""


def is_whole(run):
    documents = list(run.documents)
    assert documents[0][0] == "start"
    assert documents[-1][0] == "stop"
    hold(run)
    start = run.start
    missing = ALWAYS - start.keys() | WHERE_IT_APPLIES[start["plan_name"]] - start.keys()
    assert not missing, f"{start['plan_name']} does not say {missing}"
    for device in start["devices"].values():
        assert {"role", "real", "identity", "drivers", "parameters_hash", "seed", "twin"} <= device.keys()
    assert start["git"] is not None or "distribution" in start
    assert "outcome" in run.streams


def run_and_look(lab, plan):
    for uid in lab.RE(plan):
        is_whole(Run(uid, lab.data))
    return Run(uid, lab.data)


def derived_is_whole(lab, run):
    made = derive(lab.data, [run])
    assert made
    for each in made:
        hold(Run(each.uid, lab.data))


def test_no_plan_is_forgotten_here():
    plans = {
        name for name, plan in discover_plans().items() if "md" in plan.__annotations__ and name[0] != "_"
    }
    assert plans - GO_ON - ON_THEIR_OWN_BENCH - LINE == LAMP.keys() | CYCLER | CHAMBERS.keys()


@pytest.mark.parametrize("bench", ["twin", "flash-lamp"])
@pytest.mark.parametrize("name", LAMP)
def test_documents_of_every_plan_of_the_lamp_are_whole(open_lab, bench, name, sample):
    lab = open_lab(bench)
    run = run_and_look(lab, LAMP[name](lab, sample))
    if name == "anneal":
        derived_is_whole(lab, run)


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_documents_of_every_plan_that_cycles_are_whole(open_lab, bench, sample, recipe):
    lab = open_lab(bench)
    rates = RateTest("gentle", (Rate(2.0, "A/m^2"),), 3.0, 4.25, 2, Record(interval=60.0))
    program = rates.on(CellSize.of(sample))
    both = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
    run_and_look(lab, both)
    run = run_and_look(lab, lab.plans.cycle(lab.potentiostat, sample, program))
    derived_is_whole(lab, run)


def test_documents_of_every_plan_of_a_chamber_are_whole(tmp_path):
    sample = quick_films.foil()
    with quick_films.quick_session(tmp_path / "data") as lab:
        for name, plan in CHAMBERS.items():
            run = run_and_look(lab, plan(lab, sample))
            last = {"calibrate_rate": "deposit", "calibrate_tooling": "vent"}
            assert run.start["plan_name"] == last.get(name, name)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_documents_of_a_line_are_whole(tmp_path):
    with quick_films.quick_session(tmp_path / "data") as lab:
        run_and_look(lab, stack(lab, quick_films.foil()))
