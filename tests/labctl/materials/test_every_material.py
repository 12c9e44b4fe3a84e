"""Every material that can be run charges and discharges in a cell: through plan, driver, twin and documents."""

import pytest

import labctl
from labctl.analysis.cycles import capacities
from labctl.config.folder import Config
from labctl.materials.library import Library
from labctl.reproducing.from_library import trials
from labctl.reproducing.published import published

CONFIG = Config()
LIBRARY = Library(CONFIG.directory)
TRIALS = {
    f"{each.entry.kind}-{each.entry.name}": each
    for each in trials(LIBRARY, published("review", CONFIG).library, CONFIG)
}
QUICK = ("cathode-LiCoPO4", "electrolyte-LiBPON", "anode-Si", "collector-Ti")
FIVE_VOLTS = ("cathode-LiCoPO4", "cathode-Li2CoMn3O8", "cathode-Li2FeMn3O8")


def goes_there_and_back(lab, name):
    trial = TRIALS[name]
    assert trial.trouble == ""
    run = labctl.Run(lab.run(trial.experiment)[-1], lab.data)
    assert run.stop["exit_status"] == "success"
    rows, window = run.table(), trial.experiment.program
    cycles = capacities(rows["cycle"], rows["current"], rows["charge"])
    assert len(cycles) == len(window.rates) * window.cycles
    lost = trial.entry.value("lost") or 0.0
    # The first cycle of all, and of a rate, begins where the film as made, or the rate before, left it.
    for each in cycles[window.cycles - 1 :: window.cycles]:
        assert each.discharge_capacity == pytest.approx((1.0 - lost) * each.charge_capacity, rel=0.03)
    assert rows["voltage"].max() > window.upper - 5e-3
    # The first charge of a film that is made charged ends at once.
    assert set(run.table("steps")["end_reason"][1:]) == {"voltage_above", "voltage_below"}


@pytest.mark.parametrize("name", QUICK)
def test_a_material_charges_and_discharges(open_lab, name):
    goes_there_and_back(open_lab(), name)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [each for each in TRIALS if each not in QUICK])
def test_every_other_material_does_as_well(open_lab, name):
    goes_there_and_back(open_lab(), name)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bench", ["emstat", "keithley"])
@pytest.mark.parametrize("name", FIVE_VOLTS)
def test_every_cycler_of_the_lab_reaches_five_volts(open_lab, bench, name):
    goes_there_and_back(open_lab(bench), name)


def test_what_cannot_be_run_says_why():
    tried = {(each.entry.kind, each.entry.name) for each in TRIALS.values()}
    left = [
        each
        for each in LIBRARY.entries(("cathode", "electrolyte", "anode", "collector"))
        if (each.kind, each.name) not in tried
    ]
    assert left
    assert all(each.why_not for each in left)
