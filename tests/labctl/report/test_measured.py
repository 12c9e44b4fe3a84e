import numpy as np
import pytest

from devices.limits import DiskLimits
from labctl.derived.store import derive
from labctl.report import measured
from labctl.report.gathering import gather_since
from labctl.report.parts import sections
from labctl.runs.run import Run
from tests.labctl.telling.conftest import BEGAN


def rows_of(kept, title, header=None):
    """Return the rows of a section's tables, or of the one with this header."""
    parts = sections(gather_since(kept.folder, BEGAN, "then", DiskLimits()))
    (section,) = (each for each in parts if each.title == title)
    return [row for table in section.tables for row in table.rows if header in (None, table.header)]


def spectrum(kept):
    """Keep a run with one spectrum of 100 ohm and a time constant of 1 ms behind 20 ohm."""
    frequency = np.logspace(5, 0, 30)
    impedance = 20.0 + 100.0 / (1.0 + 2j * np.pi * frequency * 1e-3)
    journal = kept.begin("s1", plan="eis", time=BEGAN + 5.0)
    columns = {"frequency": frequency, "z_real": impedance.real, "z_imag": impedance.imag}
    columns |= {"spectrum": np.ones(30), "dc_voltage": np.full(30, 3.9), "cycle": np.ones(30)}
    kept.rows(journal, "impedance", {key: column.tolist() for key, column in columns.items()})
    return kept.end(journal)


def test_a_spectrum_without_a_fit_says_how_to_make_one(kept):
    uid = spectrum(kept)
    ((*_, doubts),) = rows_of(kept, "Predicted against measured", measured.SPECTRA)
    assert doubts == f"no fit; labctl derive {uid[:8]}"


def test_a_fit_that_was_derived_is_shown_with_its_errors(kept):
    uid = spectrum(kept)
    derive(kept.folder, [Run(uid, kept.folder)], ["eis_fit"])
    (row,) = rows_of(kept, "Predicted against measured", measured.SPECTRA)
    assert row[3] == "3.9 V"
    resistances = [float(cell.split()[0]) for cell in row[5:8] if cell]
    assert resistances[0] == pytest.approx(20.0, rel=0.01)
    assert sum(resistances[1:]) == pytest.approx(100.0, rel=0.05)


def test_residuals_with_a_unit_are_told_in_those_of_the_rest(kept, monkeypatch):
    names = type(kept)._descriptor.__globals__
    monkeypatch.setitem(names, "TEXTS", names["TEXTS"] | {"quantity"})
    journal = kept.begin(time=BEGAN + 5.0)
    columns = {
        "t": [1.0, 2.0],
        "quantity": ["energy_Wh", "cell_voltage_V"],
        "measured": [2e-5, 3.9],
        "predicted": [1e-5, 3.8],
        "sd": [1e-5, 0.01],
    }
    kept.rows(journal, "residual", columns)
    kept.end(journal)
    found = {row[2]: row[3:] for row in rows_of(kept, "Predicted against measured", measured.RESIDUALS)}
    assert found == {
        "energy": ("1", "20 uWh", "10 uWh", "+10 uWh", "1.0 sd"),
        "cell voltage": ("1", "3.9 V", "3.8 V", "+100 mV", "10.0 sd"),
    }


def test_residuals_are_told_by_quantity_with_their_worst(kept, monkeypatch):
    names = type(kept)._descriptor.__globals__
    monkeypatch.setitem(names, "TEXTS", names["TEXTS"] | {"quantity"})
    journal = kept.begin(time=BEGAN + 5.0)
    columns = {
        "t": [1.0, 2.0, 3.0],
        "measured": [10.0, 12.0, 5.0],
        "predicted": [10.0, 10.0, 5.5],
        "sd": [1.0, 0.5, 1.0],
    }
    kept.rows(journal, "residual", {**columns, "quantity": ["energy", "energy", "base"]})
    kept.end(journal)
    found = {row[2]: row[3:] for row in rows_of(kept, "Predicted against measured", measured.RESIDUALS)}
    assert found == {
        "energy": ("2", "11", "10", "+1", "4.0 sd"),
        "base": ("1", "5", "5.5", "-0.5", "0.5 sd"),
    }


def test_a_measured_base_stands_beside_the_predicted_one(kept):
    journal = kept.begin(time=BEGAN + 5.0)
    kept.rows(journal, "primary", {"pulse": [1, 2, 3], "base_temperature": [25.0, 41.0, 39.0]})
    kept.end(journal)
    ((_, _, pulses, _, _, predicted, base, _),) = rows_of(
        kept, "Predicted against measured", measured.TEMPERATURES
    )
    assert (pulses, predicted, base) == ("3", "37 degC", "last 39, highest 41 degC")


def test_wear_is_what_journals_tell_and_nothing_else(kept):
    lamp = {"lamp": {"role": "FlashLamp", "real": True}}
    for number in (1, 2):
        journal = kept.begin(time=BEGAN + number, devices=lamp)
        kept.rows(journal, "baseline", {"lamp_board_flash_count": [10.0 * number, 10.0 * number + 3.0]})
        kept.rows(journal, "primary", {"pulse": [1, 2, 3]})
        kept.end(journal)
    found = rows_of(kept, "Wear")
    assert [row[:3] for row in found] == [
        ("lamp", "flashes in all journals", "6"),
        ("lamp_board", "flashes by its own board", "23"),
    ]


def test_wear_of_films_is_told_of_their_targets_and_crystals(kept):
    recipe = {"guns": [{"target": "Li3PO4"}, {"target": "Li2O"}]}
    for number, name, told in ((1, "sputter", {"recipe": recipe}), (2, "evaporator", {"recipe": {}})):
        journal = kept.begin(time=BEGAN + number, plan_args={name: name, **told})
        life = [0.91, float("nan")][number - 1]
        kept.rows(journal, "layers", {"target_energy_total": [1.8e6], "crystal_life": [life]})
        kept.end(journal)
    assert [row[:3] for row in rows_of(kept, "Wear")] == [
        ("sputter Li3PO4 + Li2O", "energy into the target", "0.5 kWh"),
        ("sputter", "crystal life", "0.91"),
    ]


def test_a_follower_is_told_with_the_run_it_goes_on_with(kept):
    first = kept.cycle(time=BEGAN + 5.0, capacities=(7e-6, 6e-6))
    kept.cycle(time=BEGAN + 50.0, capacities=(5e-6,), continues=first, offsets={"cycle": 2.0})
    (row,) = rows_of(kept, "Predicted against measured", measured.CAPACITY)
    assert (row[1], row[-1]) == (first[:8], "3")
    assert row[5].startswith("5 uAh")
