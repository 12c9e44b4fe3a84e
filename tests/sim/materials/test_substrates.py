import numpy as np
import pytest
from scipy.special import erfcx

from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import lco_on, substrate_of
from sim.physics.lamp.bank import Bank, discharge

ROOM = 298.15


@pytest.mark.parametrize(
    ("name", "heat", "conductivity"),
    [
        ("Al", 2.42e6, 237.0),
        ("steel", 3.77e6, 14.9),
        ("glass", 1.83e6, 1.2),
        ("mica", 2.48e6, 0.54),
        ("Si", 1.66e6, 148.0),
        ("polyimide", 1.55e6, 0.12),
        ("Al2O3", 3.04e6, 36.0),
    ],
)
def test_a_substrate_at_room_temperature_is_as_in_tables(name: str, heat: float, conductivity: float) -> None:
    """rho cp [J m-3 K-1] and k [W m-1 K-1]."""
    medium = SUBSTRATES[name].medium
    assert medium.enthalpy(ROOM + 2.0) / 2.0 == pytest.approx(heat, rel=0.02)
    at_room = np.interp(ROOM, medium.temperatures, medium.conductivities)
    assert at_room == pytest.approx(conductivity, rel=0.02)


@pytest.mark.parametrize("name", SUBSTRATES)
def test_a_film_on_every_substrate_can_be_flashed(name: str) -> None:
    lamp = lco_on(((name, 100e-6),), 0.7e-6)
    state, history = lamp.flash(lamp.initial(ROOM), discharge(Bank(), 400.0, 1e-3))
    assert state.surface_peak > ROOM + 20.0
    assert history.surface[-1] >= history.back[-1]


def test_worse_conductors_leave_the_film_hotter() -> None:
    """By their effusivity sqrt(k rho c), all thick: silicon, steel, glass, polyimide."""
    pulse = discharge(Bank(), 400.0, 1e-3)
    lamps = [lco_on(((name, 1e-3),), 0.7e-6) for name in ("Si", "steel", "glass", "polyimide")]
    peaks = [lamp.flash(lamp.initial(ROOM), pulse)[0].surface_peak for lamp in lamps]
    assert peaks == sorted(peaks)


def test_a_thick_glass_warms_as_a_semi_infinite_body() -> None:
    """Under a nearly rectangular pulse, below a thin film of heat capacity c per area that it has to warm first:

    T = q c / e^2 (2 s / sqrt(pi) - 1 + exp(s^2) erfc(s)) with s = e sqrt(t) / c and e^2 = k rho cp.
    """
    bank = Bank(capacitance=1e3)
    pulse = discharge(bank, 150.0, 1e-3)
    lamp = lco_on((("glass", 1e-3),), 0.7e-6)
    _, history = lamp.flash(lamp.initial(ROOM), pulse)
    flux = pulse.exposure / 1e-3 * lamp.shares.sum()
    film, effusivity = 5050.0 * 740.0 * 0.7e-6, np.sqrt(1.2 * 2200.0 * 830.0)
    reach = effusivity * np.sqrt(1e-3) / film
    rise = flux * film / effusivity**2 * (2.0 * reach / np.sqrt(np.pi) - 1.0 + erfcx(reach))
    assert history.interface[-1] - ROOM == pytest.approx(rise, rel=0.01)


def test_a_stack_takes_its_mirror_from_the_top_and_its_stiffness_from_the_thickest() -> None:
    substrate = substrate_of((("Al", 1e-6), ("polyimide", 50e-6)))
    assert substrate.mirror == SUBSTRATES["Al"].mirror
    assert substrate.absorber == 0
    assert substrate.expansion == SUBSTRATES["polyimide"].expansion
    assert [slab.thickness for slab in substrate.slabs] == [1e-6, 50e-6]


def test_an_unknown_substrate_is_refused() -> None:
    with pytest.raises(KeyError, match="wood"):
        substrate_of((("wood", 1e-3),))


@pytest.mark.parametrize(
    ("name", "density", "heats", "conductivities"),
    [
        ("Al", 2700.0, {600.0: 1033.0, 800.0: 1146.0}, {400.0: 240.0, 600.0: 231.0, 800.0: 218.0}),
        (
            "steel",
            7900.0,
            {600.0: 557.0, 800.0: 582.0, 1000.0: 611.0},
            {600.0: 19.8, 800.0: 22.6, 1000.0: 25.4},
        ),
        ("Si", 2330.0, {600.0: 867.0, 800.0: 913.0, 1000.0: 946.0}, {600.0: 61.9, 800.0: 42.2, 1000.0: 31.2}),
        (
            "Al2O3",
            3970.0,
            {600.0: 1110.0, 800.0: 1180.0, 1000.0: 1225.0},
            {600.0: 15.8, 800.0: 10.4, 1000.0: 7.85},
        ),
    ],
)
def test_a_hot_substrate_is_as_in_incroperas_tables(
    name: str, density: float, heats: dict[float, float], conductivities: dict[float, float]
) -> None:
    """cp [J kg-1 K-1] and k [W m-1 K-1], tables A.1 and A.2; aluminium's own come from other sources."""
    medium = SUBSTRATES[name].medium
    room = 0.015 if name == "Al" else 0.006
    for temperature, heat in heats.items():
        gained = medium.enthalpy(temperature + 5.0) - medium.enthalpy(temperature - 5.0)
        assert gained / (10.0 * density) == pytest.approx(heat, rel=room)
    for temperature, conductivity in conductivities.items():
        found = np.interp(temperature, medium.temperatures, medium.conductivities)
        assert found == pytest.approx(conductivity, rel=room)


def test_hot_alumina_holds_the_heat_of_corundum() -> None:
    """Molar heat from 1000 to 1800 K by the integral of Shomate's equation for corundum, NIST."""
    t = np.array([1.0, 1.8])
    molar = 102.429 * t + 38.7498 * t**2 / 2 - 15.9109 * t**3 / 3 + 2.628181 * t**4 / 4 + 3.007551 / t
    medium = SUBSTRATES["Al2O3"].medium
    gained = (medium.enthalpy(1800.0) - medium.enthalpy(1000.0)) / 3970.0 * 0.101961
    assert gained == pytest.approx(float(np.diff(molar)[0]) * 1000.0, rel=5e-3)


@pytest.mark.parametrize(
    ("name", "solid", "liquid"), [("Al", 209.0, 92.0), ("steel", 31.7, 30.0), ("Si", 22.7, 56.0)]
)
def test_a_melt_conducts_as_melts_do(name: str, solid: float, liquid: float) -> None:
    medium = SUBSTRATES[name].medium
    assert medium.melting is not None
    found = np.interp(medium.melting, medium.enthalpies, medium.conductivities)
    assert found == pytest.approx([solid, liquid], rel=1e-9)


@pytest.mark.parametrize(("name", "destroyed"), [("polyimide", True), ("glass", False), ("Al2O3", False)])
def test_a_substrate_beyond_what_it_bears_is_seen_in_its_margin(name: str, destroyed: bool) -> None:
    lamp = lco_on(((name, 50e-6),), 0.7e-6)
    state = lamp.anneal(lamp.initial(ROOM), discharge(Bank(), 350.0, 1.8e-3), 2.5, 1)
    expected = state.foil_peak - SUBSTRATES[name].bearable
    assert lamp.result(state).substrate_margin == pytest.approx(expected, abs=1e-9)
    assert (expected > 50.0) == destroyed
