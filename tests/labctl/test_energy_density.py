"""Volumetric energy density: the rows of the anodeless paper, and what each part does."""

from dataclasses import replace

import pytest

from devices.errors import DataError
from labctl.config.folder import Config
from labctl.energy_density import (
    WATT_HOUR_PER_LITRE,
    StackOfLayers,
    mean_voltage,
    of_sample,
    substrate_figure,
)
from labctl.materials.library import Library
from labctl.materials.volumetric import Asked, tell

PER_VOLUME = 3.6e7
PAPER = StackOfLayers(
    cathode=10e-6,
    substrate=10e-6,
    electrolyte=1.5e-6,
    collector=0.34e-6,
    capacity=69 * PER_VOLUME,
    voltage=3.90,
)
"""0.69 mAh/cm2 on steel; 1.84 um of electrolyte and collector together, whose split is not known."""


def wh_per_l(stack):
    return stack.energy_density / WATT_HOUR_PER_LITRE


@pytest.mark.parametrize(("utilisation", "said"), [(1.0, 1232.0), (1163 / 1232, 1163.0)])
def test_the_rows_of_the_anodeless_paper_come_out(utilisation, said):
    assert wh_per_l(replace(PAPER, utilisation=utilisation)) == pytest.approx(said, abs=0.5)


def test_plated_lithium_is_as_thick_as_the_paper_has_it_and_takes_room_where_counted():
    assert PAPER.lithium == pytest.approx(3.35e-6, abs=0.01e-6)
    swollen = replace(PAPER, swelling=True)
    assert wh_per_l(swollen) == pytest.approx(wh_per_l(PAPER) * 21.84 / (21.84 + 3.35), rel=1e-3)


def test_packaging_counts_and_nothing_below_nothing_is_taken():
    assert replace(PAPER, packaging=PAPER.thickness).energy_density == pytest.approx(PAPER.energy_density / 2)
    with pytest.raises(DataError, match=r"utilisation of 1\.2"):
        replace(PAPER, utilisation=1.2)
    with pytest.raises(DataError, match="substrate must not be below 0"):
        replace(PAPER, substrate=-1e-6)


def test_a_sample_is_a_stack_with_its_cathodes_own_voltage():
    library = Library()
    stack = of_sample(Config().sample("lco-3.3um"), library)
    assert (stack.cathode, stack.substrate, stack.collector) == (3.3e-6, 100e-6, 2e-6)
    assert mean_voltage(library.entry("cathode", "LiCoO2")) == pytest.approx(3.964, abs=1e-3)


def test_the_picture_falls_with_the_substrates_thickness(tmp_path):
    axes = substrate_figure("t", [("a", PAPER)]).axes[0]
    curve = axes.lines[0].get_ydata()
    assert (curve[1:] < curve[:-1]).all()
    typed = {
        "cathode": "10 um",
        "substrate": "10 um",
        "electrolyte": "1.5 um",
        "collector": "0.34 um",
        "voltage": "3.9 V",
    }
    lines = list(tell(Asked(None, "LiCoO2", typed, 1.0, False), Library(), tmp_path / "ved.png"))
    assert any(line.startswith("1232.") for line in lines)
    assert (tmp_path / "ved.png").stat().st_size > 10_000


def test_what_is_missing_or_unreadable_is_told():
    with pytest.raises(DataError, match="how thick is the cathode"):
        list(tell(Asked(None, "LiCoO2", {}, 1.0, False), Library(), None))
    with pytest.raises(DataError, match="substrate: give a unit"):
        list(tell(Asked(None, "LiCoO2", {"substrate": "10"}, 1.0, False), Library(), None))
