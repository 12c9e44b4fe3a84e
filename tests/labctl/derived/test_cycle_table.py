"""Cycle, rate and energy tables of a cell of which everything is known."""

import numpy as np
import pytest

from devices.cycling.cells import VOLUMETRIC_CAPACITY
from labctl.derived.flags import DerivedFlag
from labctl.derived.store import derive
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure


def table(folder, runs, kind, **parameters):
    (found,) = derive(folder.data, runs if isinstance(runs, list) else [runs], [kind], parameters)
    return Run(found.uid, folder.data).table()


def test_a_known_cell_has_its_capacities_voltages_and_resistance(folder, made_up, truth):
    run = folder.cycled(made_up().cycles([1e-5, 1e-5, 1e-5]))
    rows = table(folder, run, "cycle_table")
    full, area = truth["full"], truth["area"]
    assert rows["cycle"].tolist() == [1, 2, 3]
    assert rows["discharge_capacity"] == pytest.approx(full)
    assert rows["discharge_capacity_per_area"] == pytest.approx(full / area)
    assert rows["discharge_capacity_per_area_sd"] == pytest.approx(full / area * truth["area_relative"])
    volume = full / area / truth["thickness"]
    assert rows["discharge_capacity_per_volume"] == pytest.approx(volume)
    assert rows["discharge_capacity_per_volume_sd"] == pytest.approx(volume * truth["volume_relative"])
    drop = 1e-5 * truth["resistance"]
    assert rows["charge_voltage"] == pytest.approx(truth["middle"] + drop)
    assert rows["discharge_voltage"] == pytest.approx(truth["middle"] - drop)
    assert rows["hysteresis"] == pytest.approx(2 * drop)
    assert rows["efficiency"] == pytest.approx(1.0)
    assert rows["energy_efficiency"] == pytest.approx((truth["middle"] - drop) / (truth["middle"] + drop))
    assert rows["end_of_charge_rest"] == pytest.approx(truth["high"])
    assert rows["discharge_resistance"] == pytest.approx(truth["resistance"])
    assert rows["discharge_resistance_delay"] == pytest.approx(0.0)
    assert np.isnan(rows["charge_resistance"][0])  # nothing is known of before the first step
    assert rows["charge_resistance"][1:] == pytest.approx(truth["resistance"])
    assert rows["flags"].tolist() == [DerivedFlag.FIRST | DerivedFlag.NO_RESISTANCE, 0, 0]


def test_retention_compares_with_the_first_cycle_at_the_same_current(folder, made_up):
    run = folder.cycled(made_up().cycles([1e-5, 5e-5, 1e-5, 5e-5], keeps=0.9))
    rows = table(folder, run, "cycle_table")
    assert rows["retention"] == pytest.approx([1.0, 1.0, 0.81, 0.81])


@pytest.mark.parametrize("end", ["operator", "safety_voltage_max", "link_lost"])
def test_a_last_cycle_that_was_cut_short_has_no_capacity(folder, made_up, truth, end):
    cell = made_up().cycles([1e-5]).drive(1e-5, truth["full"]).rest()
    run = folder.cycled(cell.drive(-1e-5, 0.4 * truth["full"], end=end), ended="abort")
    rows = table(folder, run, "cycle_table")
    assert rows["charge_capacity"] == pytest.approx(truth["full"])
    assert np.isnan(
        [rows[key][1] for key in ("discharge_capacity", "efficiency", "retention", "hysteresis")]
    ).all()
    assert rows["flags"][1] & DerivedFlag.UNFINISHED
    assert table(folder, run, "rate_table")["cycle"].tolist() == [1]
    assert table(folder, run, "ragone")["cycle"].tolist() == [1]


def test_a_run_that_died_within_a_step_has_no_capacity_of_it(folder, made_up, truth):
    cell = made_up().cycles([1e-5]).drive(1e-5, truth["full"]).drive(-1e-5, 0.2 * truth["full"])
    cell.steps.pop()
    rows = table(folder, folder.cycled(cell, ended=None), "cycle_table")
    assert np.isnan(rows["discharge_capacity"][1])
    assert rows["flags"][1] & DerivedFlag.UNFINISHED


def test_somebody_elses_rows_without_steps_give_the_same_and_say_what_nobody_knows(folder, made_up, truth):
    cell = made_up().cycles([1e-5, 1e-5])
    run = folder.write({"primary": cell.primary(("cycle",))}, sample={"id": "bought"})
    rows = table(folder, run, "cycle_table")
    assert rows["discharge_capacity"] == pytest.approx(truth["full"])
    assert rows["discharge_resistance"] == pytest.approx(truth["resistance"])
    assert rows["end_of_charge_rest"] == pytest.approx(truth["high"])
    assert np.isnan(rows["discharge_capacity_per_area"]).all()
    assert (rows["flags"] & DerivedFlag.NO_SIZE).all()
    assert rows["flags"][1] & DerivedFlag.END_UNKNOWN
    assert not rows["flags"][0] & DerivedFlag.END_UNKNOWN


def test_rows_whose_reading_failed_are_left_out_with_their_number(folder, made_up, truth):
    columns = made_up().cycles([1e-5, 1e-5]).primary()
    columns["voltage"][10], columns["flags"][10] = float("nan"), 1
    columns["voltage"][30], columns["flags"][30] = 99.0, 1
    run = folder.write({"primary": columns, "steps": made_up().cycles([1e-5, 1e-5]).step_table()})
    (found,) = derive(folder.data, [run], ["cycle_table"])
    derived = Run(found.uid, folder.data)
    assert derived.start["rows_left_out"] == [2]
    assert derived.table()["discharge_capacity"] == pytest.approx(truth["full"])
    assert derived.table()["charge_voltage"] == pytest.approx(truth["middle"] + 2e-3, abs=1e-6)
    assert (derived.table()["flags"] & DerivedFlag.ROWS_LEFT_OUT).all()


def test_rates_take_the_last_cycle_and_the_capacity_of_the_start_document(folder, made_up, truth):
    capacity = {"value_Ah": 2e-5, "sd_Ah": 1e-6, "basis": "said"}
    cell = made_up().cycles([1e-5, 1e-5, 4e-5], keeps=0.9)
    rows = table(folder, folder.cycled(cell, capacity=capacity), "rate_table")
    assert rows["cycle"].tolist() == [2, 3]
    assert rows["cycles"].tolist() == [2, 1]
    assert rows["c_rate"] == pytest.approx([0.5, 2.0])
    assert rows["c_rate_sd"] == pytest.approx([0.025, 0.1])
    assert rows["current_density"] == pytest.approx([1e-5 / truth["area"], 4e-5 / truth["area"]])
    assert rows["last_change"][0] == pytest.approx(-0.1)
    assert np.isnan(rows["last_change"][1])
    assert rows["share_of_slowest"] == pytest.approx([1.0, 0.9])


def test_a_row_of_rates_is_of_one_cell_whatever_was_measured_since(folder, made_up, truth):
    run = folder.cycled(made_up().cycles([1e-5, 4e-5]), capacity={"value_Ah": 2e-5, "sd_Ah": 1e-6})
    measure(folder.data, "cell-1", Measurement("area", 1.5 * truth["area"], 0.0))
    measure(folder.data, "cell-1", Measurement("thickness", 0.8e-6, 1.6e-8, layer="LiCoO2"))
    rows = table(folder, run, "rate_table")
    full = VOLUMETRIC_CAPACITY["LiCoO2"] / 3600.0 * 0.8e-6
    assert rows["c_rate"] == pytest.approx(rows["current_density"] / full)
    assert rows["c_rate"] == pytest.approx(rows["discharge_current"] / (full * 1.5 * truth["area"]))
    assert rows["c_rate_sd"] == pytest.approx(0.02 * rows["c_rate"])
    volume = rows["discharge_capacity_per_volume"]
    assert volume == pytest.approx(rows["discharge_capacity_per_area"] / 0.8e-6)


def test_a_measured_capacity_is_what_rates_are_over(folder, made_up):
    run = folder.cycled(made_up().cycles([1e-5, 4e-5]), capacity={"value_Ah": 2e-5, "sd_Ah": 1e-6})
    measure(folder.data, "cell-1", Measurement("capacity", 3600.0 * 8e-6, 0.0))
    rows = table(folder, run, "rate_table")
    assert rows["c_rate"] == pytest.approx(rows["discharge_current"] / 8e-6)


def test_energy_over_power_is_that_of_the_line(folder, made_up, truth):
    rows = table(folder, folder.cycled(made_up().cycles([1e-5, 4e-5])), "ragone")
    volts = truth["middle"] - np.array([1e-5, 4e-5]) * truth["resistance"]
    assert rows["energy"] == pytest.approx(volts * truth["full"])
    assert rows["power"] == pytest.approx(volts * np.array([1e-5, 4e-5]))
    assert rows["energy_per_area"] == pytest.approx(volts * truth["full"] / truth["area"])


def test_a_charge_that_is_not_net_is_a_sentence(folder, made_up):
    from devices.errors import LabError

    columns = made_up().cycles([1e-5]).primary(("cycle",))
    falling = np.array(columns["current"]) < 0
    columns["charge"] = np.where(falling, 1e-5 - np.array(columns["charge"]), columns["charge"]).tolist()
    with pytest.raises(LabError, match="net and cumulative"):
        derive(folder.data, [folder.write({"primary": columns})], ["cycle_table"])


def test_differential_capacity_of_a_line_is_flat_and_leaves_the_holds_out(folder, made_up, truth):
    rows = table(folder, folder.cycled(made_up().cycles([1e-5])), "dq_dv", width=0.02)
    inner = rows["capacity_per_voltage"][(rows["voltage"] > 3.65) & (rows["voltage"] < 4.15)]
    assert inner == pytest.approx(truth["full"] / truth["width"], rel=1e-6)
    assert set(rows["half"]) == {"charge", "discharge"}
    coarse = table(folder, folder.cycled(made_up().cycles([1e-5])), "dq_dv", width=0.002)
    assert (coarse["flags"] & DerivedFlag.TOO_COARSE).all()
