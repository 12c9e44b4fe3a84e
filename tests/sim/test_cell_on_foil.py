import math

import pytest

from sim.cell_on_foil import energies_of, equivalent_peak, shorts
from sim.grown_film import GrownFilm
from sim.materials import cathode
from sim.physics.cell.arrhenius import at_temperature
from sim.physics.growth.deposit import layer
from sim.physics.growth.lipon import Lipon


def test_cells_without_a_short_are_as_many_as_poisson_says() -> None:
    density, area = 0.5e4, 0.15e-4
    lucks = [(number + 0.5) / 2000 for number in range(2000)]
    counts = [shorts(density, area, luck) for luck in lucks]
    assert counts.count(0) / 2000 == pytest.approx(math.exp(-density * area), abs=1e-3)
    assert sum(counts) / 2000 == pytest.approx(density * area, rel=0.01)


def test_without_pinholes_no_cell_is_shorted_whatever_its_luck() -> None:
    assert shorts(0.0, 1.0, 1.0 - 2**-32) == 0


def test_a_share_that_grew_active_counts_as_a_hotter_anneal_the_larger_it_is() -> None:
    peaks = [equivalent_peak(share) for share in (0.01, 0.1, 0.5, 0.88)]
    assert peaks == sorted(peaks)
    assert 800.0 < peaks[0] < peaks[-1] < 1000.0


def test_an_electrolyte_gets_better_with_heat_as_its_film_does() -> None:
    film = GrownFilm("LiPON", layer(1e22, 8e-29, 1.9e-25, {"Li": 3.6, "P": 1.0, "N": 0.6}, 0.0, 0.0))
    cold = cathode.cell_on([0.0, 0.5e-6, 1e-6], 1e-14, area=1e-5)
    warm = at_temperature(cold, 303.15, energies_of(film))
    glass = Lipon(film.n_p, film.li_p)
    ratio = glass.conductivity(303.15) / glass.conductivity(298.15)
    assert cold.electrolyte_resistance / warm.electrolyte_resistance == pytest.approx(ratio, rel=1e-3)
    assert energies_of({"material": "LiPON", "thickness": 1e-6}) == cathode.ACTIVATION
