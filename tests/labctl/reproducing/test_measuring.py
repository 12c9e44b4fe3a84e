"""What is calculated for a row from layers alone."""

from pathlib import Path

import pytest

from labctl.config.folder import Config
from labctl.materials.library import Library
from labctl.reproducing.measuring import QUANTITIES, Seen
from labctl.reproducing.published import published


def test_the_calculated_energy_densities_of_the_anodeless_paper_come_out_within_half_a_watt_hour():
    config = Config()
    rows = [row for row in published("anodeless", config).row if row.quantity == "calculated_energy_density"]
    assert len(rows) == 2
    sample = config.experiment("anodeless-life").sample
    for row in rows:
        seen = Seen((), sample, Path(), Library(), row.voltage, row.utilisation)
        found = QUANTITIES[row.quantity].read(seen)
        assert found == pytest.approx(row.number("value"), abs=0.5 * 3.6e6)
        assert found == pytest.approx(row.number("value"), rel=row.tolerance)


def test_all_numbers_that_are_printed_have_a_place_in_the_picture():
    from labctl.reproducing.page import _overview
    from labctl.reproducing.rows import VOLTS, Row

    rows = [
        Row("value", VOLTS, 1.0, 1.0, 1.02, 0.05, "paper", "0"),
        Row("bound", VOLTS, 1.0, float("inf"), 6.0, 0.05, "paper", "0"),
        Row("none printed", VOLTS, float("nan"), float("nan"), 6.0, 0.05, "", "0"),
    ]
    axes = _overview("t", rows).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["value", "bound"]
