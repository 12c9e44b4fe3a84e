import json

import pytest

from sim.physics.growth.deposit import Deposit, layer, of_atoms

PHOSPHATE = layer(3e19, 8e-29, 1.9e-25, {"Li": 2.9, "P": 1.0, "N": 0.6}, active=0.0, stress=1e8)
OXIDE = layer(1e19, 2.5e-29, 5e-26, {"Li": 2.0, "O": 1.0}, active=0.5, stress=-1e8)


def test_layers_add_up_in_any_order() -> None:
    both, reverse = PHOSPHATE + OXIDE, OXIDE + PHOSPHATE
    assert both == reverse
    assert both.thickness == pytest.approx(3e19 * 8e-29 + 1e19 * 2.5e-29, rel=1e-6, abs=0.0)
    assert both.ratio("Li", "P") == pytest.approx((2.9 * 3 + 2.0) / 3)
    assert both.stress == pytest.approx(1e8 * PHOSPHATE.thickness - 1e8 * OXIDE.thickness)
    assert both.active == pytest.approx(0.5 * OXIDE.thickness, rel=1e-6, abs=0.0)
    assert Deposit() + OXIDE == OXIDE


def test_a_film_without_an_element_has_no_ratio_to_it() -> None:
    assert OXIDE.ratio("N", "P") == 0.0
    assert PHOSPHATE.ratio("Co", "P") == 0.0


def test_a_film_survives_a_file() -> None:
    assert Deposit.from_dict(json.loads(json.dumps(PHOSPHATE.to_dict()))) == PHOSPHATE


def test_a_layer_of_atoms_weighs_what_they_do() -> None:
    """LiCoO2 of 4500 kg/m3: 97.87 g/mol, so 3.61e-29 m3 for each cobalt."""
    film = of_atoms({"Li": 1e22, "Co": 1e22, "O": 2e22}, 4500.0)
    assert film.mass == pytest.approx(1e22 * 97.87e-3 / 6.02214076e23, rel=1e-4)
    assert film.thickness == pytest.approx(film.mass / 4500.0, rel=1e-6, abs=0.0)
    assert film.thickness / 1e22 == pytest.approx(3.611e-29, rel=1e-3, abs=0.0)
