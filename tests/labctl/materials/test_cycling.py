"""Every material that can be run charges and discharges in a cell of the twins."""

import math
from dataclasses import replace

import numpy as np
import pytest

from devices.recipes import to_json
from devices.samples import Layer, SampleRef
from labctl.materials.library import Library
from sim.foil import Foil, FoilError, Surroundings
from sim.physics.cell.data import EndReason
from sim.physics.lamp.bank import Bank, discharge

LIBRARY = Library()
RUNNABLE = {
    kind: [each.name for each in LIBRARY.entries([kind]) if not each.why_not]
    for kind in ("cathode", "electrolyte", "anode", "collector")
}
THICKNESS = 0.3e-6
AREA = 0.15e-4
EMPTY = (EndReason.LOWER_VOLTAGE, EndReason.LIMITING_CURRENT)
"""How a discharge ends where the anode has no lithium of its own."""


def sample(cathode="LiMn2O4", electrolyte="LiPON", anode="Li", on=2e-6, above=()):
    layers = (Layer("Al", 100e-6), Layer(cathode, THICKNESS))
    upper = (Layer(electrolyte, 1e-6), Layer(anode, on), *(Layer(each, 1e-6) for each in above))
    return LIBRARY.described(SampleRef("s", layers, upper, AREA))


def built(described, treatments=()):
    foil = Foil({**to_json(described), "treatments": list(treatments)}, Surroundings())
    foil.assemble(0.0)
    return foil.as_cell().cell


def round_trip(cell, lower, upper, current, *, ends=(EndReason.LOWER_VOLTAGE,)):
    """Return the charge [C] of a charge and a discharge, after a discharge of a fresh cell and one of each."""
    state, moved = cell.fresh(), []
    for sign in (-1.0, 1.0, -1.0, 1.0, -1.0):
        step = cell.current_step(state, sign * current, math.inf, upper=upper, lower=lower)
        state = step.state
        moved.append(abs(float(step.charge[-1])))
        if len(moved) > 1:
            assert step.end in ((EndReason.UPPER_VOLTAGE,) if sign > 0.0 else ends)
            assert np.all(np.isfinite(step.voltage))
    return moved[3:]


@pytest.mark.parametrize("name", [each for each in RUNNABLE["cathode"] if each != "LiCoO2"])
def test_a_cathode_gives_the_capacity_of_its_file_there_and_back(name):
    entry = LIBRARY.entry("cathode", name)
    held = entry.value("capacity") * THICKNESS * AREA
    charge, discharge = round_trip(
        built(sample(cathode=name)), entry.value("lower"), entry.value("upper"), held / (100 * 3600)
    )
    assert discharge == pytest.approx(held, rel=0.05)
    assert charge == pytest.approx(discharge, rel=0.01)


@pytest.mark.parametrize("name", RUNNABLE["electrolyte"])
def test_an_electrolyte_carries_current_with_its_own_resistance(name):
    cell = built(sample(electrolyte=name))
    conductivity = LIBRARY.entry("electrolyte", name).value("conductivity")
    assert cell.parameters.electrolyte_resistance == pytest.approx(1e-6 / conductivity)
    round_trip(cell, 3.5, 4.3, 1e-6)


@pytest.mark.parametrize("name", RUNNABLE["anode"])
def test_an_anode_takes_what_the_cathode_gives(name):
    entry = LIBRARY.entry("anode", name)
    mean = (
        0.0
        if entry.curve is None
        else sum(u * share for u, share, _ in sample(anode=name).materials[-1].reactions)
    )
    cell = built(sample(anode=name, on=180e-9 if name == "Si" else 1e-6))
    charge, discharge = round_trip(cell, 3.4 - mean, 4.3 - mean, 1e-6, ends=EMPTY)
    lost = 0.0 if name == "Li" else entry.value("lost") or 0.0
    assert discharge == pytest.approx((1.0 - lost) * charge, rel=0.02)
    assert discharge == pytest.approx((1.0 - lost) ** 2 * 48 * 36 * 0.3 * AREA, rel=0.06)


def test_a_host_that_keeps_lithium_fades_by_what_was_printed_and_another_does_not():
    given = {}
    for name in ("Al", "Si", "Li4Ti5O12"):
        mean = sum(u * share for u, share, _ in sample(anode=name).materials[-1].reactions)
        cell = built(sample(anode=name, on=180e-9 if name == "Si" else 1e-6))
        state, given[name] = cell.fresh(), []
        for _ in range(12):
            state = cell.current_step(state, 1e-6, math.inf, upper=4.3 - mean).state
            discharge = cell.current_step(state, -1e-6, math.inf, lower=3.2 - mean)
            state = discharge.state
            given[name].append(abs(float(discharge.charge[-1])))
    kept = {name: each[-1] / each[-3] for name, each in given.items()}
    assert kept["Al"] == pytest.approx(41.5 / 48.0, abs=0.01)  # in two cycles (Gong 2015)
    assert kept["Si"] == pytest.approx((1.0 - 1.5e-4) ** 2, abs=1e-5)  # -0.015 % a cycle (Le Cras 2015)
    assert kept["Li4Ti5O12"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", RUNNABLE["collector"])
def test_a_collector_makes_a_cell_without_lithium_as_made(name):
    cell = built(sample(anode=name, on=0.3e-6, above=("parylene", "Ti")))
    assert cell.parameters.anode_lithium == 0.0
    assert cell.parameters.area == pytest.approx(AREA)
    charge, discharge = round_trip(cell, 3.5, 4.3, 1e-6, ends=EMPTY)
    assert 0.99 * charge < discharge < charge


def test_without_an_overlayer_a_full_first_charge_is_given_back_less_and_less():
    bare = built(sample(anode="Cu", on=0.3e-6))
    covered = built(sample(anode="Cu", on=0.3e-6), ["overlayer"])
    first = [
        cell.current_step(cell.fresh(), 1e-6, math.inf, upper=4.3).charge[-1] for cell in (bare, covered)
    ]
    assert first[0] == pytest.approx(first[1], rel=1e-9)
    kept, under = (1.0 - cell.parameters.ageing.plating_loss for cell in (bare, covered))
    assert (kept / under) ** 1000 == pytest.approx(0.55)
    (_, given), (_, more) = (round_trip(cell, 3.5, 4.3, 1e-6, ends=EMPTY) for cell in (bare, covered))
    assert given < more


def test_a_host_that_is_too_thin_is_refused_with_both_numbers():
    with pytest.raises(
        FoilError, match=r"gives 14\.\d uAh/cm2, and 10 nm of Si take 8\.3: lithium would plate"
    ):
        built(sample(anode="Si", on=10e-9))


def test_a_charged_cathode_on_a_collector_has_no_lithium_anywhere():
    with pytest.raises(FoilError, match="no lithium to give"):
        built(sample(cathode="V2O5", anode="Cu", above=("Ti",)))


def test_a_described_cathode_is_refused_under_the_lamp_in_words():
    foil = Foil(to_json(sample()), Surroundings())
    assert "only LiCoO2 has kinetics under a lamp" in foil.refused_by_lamp


def test_a_material_that_cannot_be_run_is_refused_by_the_twin():
    with pytest.raises(FoilError, match="the cell twin knows"):
        built(sample(electrolyte="LVSO"))


@pytest.mark.parametrize(
    ("cathode", "electrolyte", "interface", "transfer"),
    [("V2O5", 4.5, 15.0, 10.0), ("LiMn2O4", 4.5, 15.0, 10.0)],
)
def test_air_before_the_electrolyte_raises_resistances(cathode, electrolyte, interface, transfer):
    plain = built(sample(cathode=cathode)).parameters
    spoilt = built(sample(cathode=cathode), ["air-before-electrolyte"]).parameters
    assert spoilt.electrolyte_resistance == pytest.approx(electrolyte * plain.electrolyte_resistance)
    assert spoilt.contact_resistance == interface * plain.contact_resistance
    assert spoilt.cathode_exchange_current == pytest.approx(plain.cathode_exchange_current / transfer)


def test_an_rta_takes_off_what_air_left_unless_air_comes_again():
    plain, spoilt = built(sample()), built(sample(), ["air-before-electrolyte"])
    cured = ["air-before-electrolyte", "rta-of-cathode"]
    assert built(sample(), cured).parameters == plain.parameters
    assert built(sample(), [*cured, "air-before-electrolyte"]).parameters == spoilt.parameters


def test_an_electrolyte_held_at_250_c_has_half_the_resistances():
    plain, better = built(sample()).parameters, built(sample(), ["electrolyte-at-250C"]).parameters
    assert better.electrolyte_resistance == 0.5 * plain.electrolyte_resistance
    assert better.cathode_exchange_current == 2.0 * plain.cathode_exchange_current


def test_what_250_c_do_is_known_of_lipon_only():
    with pytest.raises(FoilError, match="known of LiPON only, not of LiBPON"):
        built(sample(electrolyte="LiBPON"), ["electrolyte-at-250C"])


def test_a_film_from_the_lamp_takes_other_electrolytes_and_anodes():
    described = replace(
        sample("LiCoO2", "LiBPON", "Si", 180e-9), layers=(Layer("Al", 1e-4), Layer("LiCoO2", 0.7e-6))
    )
    foil, pulse = Foil(to_json(described), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    foil.assemble(100.0)
    cell = foil.as_cell().cell
    assert cell.parameters.electrolyte_resistance == pytest.approx(1e-6 / 6.88e-5)
    charge, back = round_trip(cell, 2.6, 3.85, 1e-6, ends=EMPTY)
    assert back == pytest.approx(charge, rel=0.02)
    assert 0.3 < back / (69 * 36 * 0.7 * AREA) < 1.05
