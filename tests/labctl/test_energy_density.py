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
    assert (stack.cathode, stack.substrate, stack.anode, stack.collector) == (3.3e-6, 100e-6, 2e-6, 0.0)
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


def told(name="LiCoO2", **typed):
    return list(tell(Asked(None, name, {"cathode": "1 um", **typed}, 1.0, False), Library(), None))


@pytest.mark.parametrize("cathode", ["FeS2", "MoO3"])
def test_a_cathode_that_is_made_without_lithium_needs_an_anode_that_has_enough_and_takes_room(cathode):
    with pytest.raises(DataError, match=f"{cathode} is made without lithium: how thick is the anode"):
        told(cathode)
    with pytest.raises(DataError, match=r"takes up .* um of it: .*it has 0\.1 um"):
        told(cathode, anode="0.1 um")
    with_anode = told(cathode, anode="2 um", substrate="10 um", electrolyte="1 um", collector="0.3 um")
    assert "anode 2 um" in with_anode[0]
    assert "14.3 um in all" in with_anode[0]
    assert not any("plated" in line for line in with_anode)


def test_an_anodeless_sample_with_a_charged_cathode_is_refused():
    sample = Config().sample("anodeless-10um")
    empty = replace(sample, layers=(sample.layers[0], replace(sample.layers[1], material="FeS2")))
    with pytest.raises(DataError, match="needs an anode of lithium"):
        list(tell(Asked(empty, "", {}, 1.0, False), Library(), None))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"voltage": "3900 V"}, "3900 V is outside of 0 to 6 V"),
        ({"voltage": "-1 V"}, "-1 V is outside"),
        ({"cathode": "10 mm"}, "10 mm is no film"),
        ({"electrolyte": "0 um"}, "electrolyte: a cell has one"),
        ({"substrate": "0um"}, "substrate: a cell has one"),
    ],
)
def test_nonsense_is_refused(typed, said):
    with pytest.raises(DataError, match=said):
        told(**typed)


def test_what_is_odd_about_a_stack_is_told_beside_its_number():
    assert not any("DOUBT" in line for line in told(cathode="10 um"))
    lines = told(cathode="40 um", voltage="5.5 V", electrolyte="20 um")
    assert any("LiCoO2 of 40 um is thicker than the thickest, 30 um" in line for line in lines)
    assert any("LiPON of 20 um is thicker than the thickest" in line for line in lines)
    assert any("DOUBT: 5.5 V on average lies outside" in line for line in lines)
