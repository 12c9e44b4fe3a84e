import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.lamp.optics import PhaseLaw, absorb, law_through, reflectance_for, seen_from_above


@given(
    thickness=st.floats(1e-8, 1e-5),
    absorption=st.floats(1e4, 1e8),
    mirror=st.floats(0.0, 0.99),
    reflectance=st.floats(0.0, 0.99),
    cells=st.integers(1, 60),
)
def test_all_light_is_absorbed_or_reflected(
    thickness: float, absorption: float, mirror: float, reflectance: float, cells: int
) -> None:
    light = absorb(np.linspace(0.0, thickness, cells + 1), absorption, mirror, reflectance)
    assert light.film.sum() + light.foil + light.reflected == pytest.approx(1.0, abs=1e-13)
    assert np.all(light.film >= 0.0)


@given(
    thickness=st.floats(1e-7, 5e-6),
    absorption=st.floats(1e6, 1e8),
    mirror=st.floats(0.0, 0.95),
    part=st.floats(0.01, 1.0),
)
def test_the_reflectance_gives_the_absorptance_asked_for(
    thickness: float, absorption: float, mirror: float, part: float
) -> None:
    wanted = part * (1.0 - mirror * np.exp(-2.0 * absorption * thickness))
    reflectance = reflectance_for(wanted, thickness, absorption, mirror)
    light = absorb(np.linspace(0.0, thickness, 21), absorption, mirror, reflectance)
    assert light.film.sum() + light.foil == pytest.approx(wanted, rel=1e-10, abs=0.0)


def test_cells_add_up_whatever_the_grid() -> None:
    coarse = absorb(np.linspace(0.0, 1e-6, 11), 3e6, 0.9, 0.2).film
    fine = absorb(np.linspace(0.0, 1e-6, 41), 3e6, 0.9, 0.2).film
    assert np.allclose(fine.reshape(10, 4).sum(axis=1), coarse, rtol=1e-12)


def test_more_than_a_film_can_absorb_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        reflectance_for(0.99, 1e-7, 1e6, 0.9)


def test_a_law_recovers_the_exponential_its_points_come_from() -> None:
    points = [(d * 1e-6, 0.6 + 0.3 * np.exp(-d / 0.8)) for d in (0.5, 1.5, 4.0)]
    law = law_through(points, thinnest=0.3e-6, thickest=5e-6)
    assert (law.limit, law.excess, law.scale) == pytest.approx((0.6, 0.3, 0.8e-6), rel=1e-9, abs=0.0)


@pytest.mark.parametrize("thickness", [0.29e-6, 5.1e-6])
def test_a_law_refuses_films_outside_its_range(thickness: float) -> None:
    law = law_through([(1e-6, 0.7), (2e-6, 0.65), (3e-6, 0.63)], thinnest=0.3e-6, thickest=5e-6)
    with pytest.raises(ValueError, match="outside"):
        law(thickness)


def test_points_that_no_falling_exponential_meets_are_refused() -> None:
    with pytest.raises(ValueError, match="no falling exponential"):
        law_through([(1e-6, 0.7), (2e-6, 0.69), (3e-6, 0.6)], thinnest=0.3e-6, thickest=5e-6)


def test_an_amorphous_top_absorbs_more() -> None:
    law = PhaseLaw(amorphous=0.85, crystalline=0.65)
    assert (law(0.0), law(1.0)) == pytest.approx((0.85, 0.65))
    assert law(0.25) == pytest.approx(0.8)


def test_light_sees_the_top_and_not_the_bottom() -> None:
    edges = np.linspace(0.0, 2e-6, 41)
    upper, lower = np.repeat([1.0, 0.0], 20), np.repeat([0.0, 1.0], 20)
    share = (1.0 - np.exp(-10.0)) / (1.0 - np.exp(-20.0))
    assert seen_from_above(upper, edges, 1e7) == pytest.approx(share, rel=1e-12)
    assert seen_from_above(lower, edges, 1e7) == pytest.approx(1.0 - share, rel=1e-9, abs=0.0)


@pytest.mark.parametrize("absorptance", [0.0, -0.1, 1.2, np.nan])
def test_an_absorptance_that_cannot_be_is_refused(absorptance: float) -> None:
    with pytest.raises(ValueError, match=r"absorptance\.amorphous"):
        PhaseLaw(amorphous=absorptance, crystalline=0.6)
    with pytest.raises(ValueError, match="absorptance"):
        reflectance_for(absorptance, 1e-6, 1e7, 0.9)


@pytest.mark.parametrize("absorption", [0.0, -1e6, np.nan, np.inf])
def test_an_absorption_that_cannot_be_is_refused(absorption: float) -> None:
    with pytest.raises(ValueError, match=r"absorption = .* 1/m"):
        absorb(np.linspace(0.0, 1e-6, 5), absorption, 0.9, 0.1)


def test_cells_without_thickness_are_refused() -> None:
    with pytest.raises(ValueError, match=r"edges \[m\]"):
        absorb(np.array([0.0, 1e-6, 1e-6]), 1e7, 0.9, 0.1)


@pytest.mark.parametrize(
    ("mirror", "absorption", "said"), [(np.nan, 1e7, "mirror = nan"), (0.9, np.nan, "absorption = nan 1/m")]
)
def test_what_is_no_number_is_named_before_it_is_used(mirror: float, absorption: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reflectance_for(0.7, 1e-6, absorption, mirror)
