import numpy as np
import pytest

from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import lco_on, substrate_of
from sim.physics.lamp import Bank, discharge

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
    """T = 2 q sqrt(t / (pi k rho c)) of a nearly rectangular pulse, film drop and losses apart."""
    bank = Bank(capacitance=1e3)
    pulse = discharge(bank, 150.0, 1e-3)
    lamp = lco_on((("glass", 1e-3),), 0.7e-6)
    _, history = lamp.flash(lamp.initial(ROOM), pulse)
    flux = pulse.exposure / 1e-3 * lamp.shares.sum()
    rise = 2.0 * flux * np.sqrt(1e-3 / (np.pi * 1.2 * 2200.0 * 830.0))
    assert history.interface[-1] - ROOM == pytest.approx(rise, rel=0.06)


def test_a_stack_takes_its_mirror_from_the_top_and_its_stiffness_from_the_thickest() -> None:
    substrate = substrate_of((("Al", 1e-6), ("polyimide", 50e-6)))
    assert substrate.mirror == SUBSTRATES["Al"].mirror
    assert substrate.opaque
    assert substrate.expansion == SUBSTRATES["polyimide"].expansion
    assert [slab.thickness for slab in substrate.slabs] == [1e-6, 50e-6]


def test_an_unknown_substrate_is_refused() -> None:
    with pytest.raises(KeyError, match="wood"):
        substrate_of((("wood", 1e-3),))
