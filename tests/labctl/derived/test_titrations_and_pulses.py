"""Titrations, pulses, holds and spectra: found where they were run, and nowhere else."""

import math

import numpy as np
import pytest

from labctl.analysis.spectra import CIRCUITS
from labctl.derived.flags import DerivedFlag
from labctl.derived.store import derive
from labctl.runs.run import Run

FREQUENCY = np.geomspace(1e5, 0.1, 37)
TRUTH = {"r0": 20.0, "r1": 300.0, "q1": 1e-6, "q1_n": 0.9}


def derived(folder, run, kind, **parameters):
    (found,) = derive(folder.data, [run], [kind], parameters)
    return Run(found.uid, folder.data).table()


def kinds_of(folder, run):
    return {each.kind for each in derive(folder.data, [run])}


def titration(made_up, thickness, diffusivity, pulses=4):
    """Return a cell titrated so gently that the method holds: the film's own response is put on each pulse."""
    cell = made_up(charge=2e-6).rest(3600.0, 50)
    length, modes = 0.05 * thickness**2 / diffusivity, np.arange(1, 300)
    for _ in range(pulses):
        first, before = len(cell.rows), cell.rows[-1][1]
        current = 1e-3 / 0.6 * 1e-5 * 3600.0 / length
        cell.drive(current, cell.charge + current * length / 3600.0, 300, "duration")
        cell.rest(3600.0, 50)
        after = cell.rows[-1][1]
        for index in range(first, first + 300):
            time, _, *rest = cell.rows[index]
            reduced = (time - cell.rows[first][0]) * diffusivity / thickness**2
            inner = float(np.sum(np.exp(-reduced * modes**2 * np.pi**2) / modes**2))
            shape = reduced + 1.0 / 3.0 - 2.0 / np.pi**2 * inner
            cell.rows[index] = (time, before + 0.01 + (after - before) / 0.05 * shape, *rest)
    return cell


def test_a_titration_by_current_gives_the_diffusivity_of_each_pulse(folder, made_up, truth):
    run = folder.cycled(titration(made_up, truth["thickness"], 1e-15))
    rows = derived(folder, run, "gitt")
    assert rows["diffusivity"] == pytest.approx(np.full(4, 1e-15), rel=2e-2, abs=0.0)
    assert rows["flags"].tolist() == [0, 0, 0, 0]
    assert "cycle_table" not in kinds_of(folder, run)


def test_pulses_both_ways_are_no_titration_but_a_pulse_table(folder, made_up, truth):
    cell = made_up(charge=5e-6).rest()
    for _ in range(3):
        cell.drive(-1e-5, cell.charge - 1e-8, 10, "duration").rest(40.0)
        cell.drive(1e-5, cell.charge + 1e-8, 10, "duration").rest(40.0)
    run = folder.cycled(cell)
    rows = derived(folder, run, "pulse_table")
    assert rows["first_resistance"] == pytest.approx(np.full(6, truth["resistance"]))
    assert rows["half"].tolist() == ["discharge", "charge"] * 3
    slope = truth["width"] / truth["full"] * 1e-8 / 1e-5
    assert rows["end_resistance"] == pytest.approx(np.full(6, truth["resistance"] + slope))
    assert "gitt" not in kinds_of(folder, run)


def test_a_hold_tells_its_last_current_and_a_rest_its_drift(folder, made_up):
    cell = made_up(charge=8e-6).drive(2e-9, 8e-6 + 1e-10, 100, "duration", "constant_voltage").rest(1e4, 100)
    rows = derived(folder, folder.cycled(cell), "holds")
    assert rows["technique"].tolist() == ["constant_voltage", "open_circuit"]
    assert rows["current"] == pytest.approx([2e-9, 0.0], rel=1e-6, abs=0.0)
    assert rows["voltage_slope"][1] == pytest.approx(0.0, abs=1e-12)
    assert rows["span"][1] == pytest.approx(1e3, rel=0.1)


def spectra(values, disturbed=0.0, failed=()):
    rng = np.random.default_rng(5)
    exact = CIRCUITS["R-RQ"].impedance(values, 2.0 * np.pi * FREQUENCY)
    seen = exact * (1.0 + 3e-4 * rng.standard_normal(37) + 3e-4j * rng.standard_normal(37))
    # A cell that drifts while it is measured obeys no circuit: what is slow is measured later.
    seen = seen * (1.0 + disturbed * np.where(np.arange(37) % 2 == 0, 1.0, -1.0))
    columns = {
        "spectrum": [1] * 37,
        "cycle": [1] * 37,
        "frequency": FREQUENCY.tolist(),
        "z_real": seen.real.tolist(),
        "z_imag": seen.imag.tolist(),
        "dc_voltage": [3.9] * 37,
        "flags": [0] * 37,
    }
    for row in failed:
        columns["z_real"][row], columns["flags"][row] = math.nan, 256
    return columns


@pytest.mark.parametrize("stream", ["impedance", "primary"])
def test_a_spectrum_is_fitted_with_errors_wherever_it_stands(folder, stream):
    rows = derived(folder, folder.write({stream: spectra(TRUTH)}), "eis_fit")
    assert rows["circuit"].tolist() == ["R-RQ"]
    assert rows["kramers_kronig"].tolist() == ["consistent"]
    for name, value in TRUTH.items():
        assert rows[name][0] == pytest.approx(value, abs=5 * rows[f"{name}_sd"][0])
    assert math.isnan(rows["d_R"][0])
    assert rows["flags"][0] == 0


def test_a_spectrum_that_no_linear_cell_has_is_flagged_and_failed_points_are_left_out(folder):
    rows = derived(folder, folder.write({"impedance": spectra(TRUTH, 0.05, failed=(3, 7))}), "eis_fit")
    assert rows["left_out"][0] == 2
    assert rows["flags"][0] & DerivedFlag.KK_FAILED
    assert rows["flags"][0] & DerivedFlag.ROWS_LEFT_OUT


def test_a_spectrum_of_too_few_points_says_why_there_are_no_values(folder):
    rows = derived(folder, folder.write({"impedance": spectra(TRUTH, failed=range(34))}), "eis_fit")
    assert rows["flags"][0] & DerivedFlag.NOT_CALCULATED
    assert "five rows" in rows["doubts"][0]
    assert math.isnan(rows["r0"][0])
