import json

import pytest

from sim.grown_film import GrownFilm
from sim.physics.growth.deposit import Deposit, layer
from sim.physics.growth.lipon import Lipon

UNIT = 97.87e-3 / 6.02214076e23


def lco(thickness: float, ratio: float = 0.975, **more: object) -> GrownFilm:
    volume = UNIT / 4500.0
    atoms = {"Li": ratio, "Co": 1.0, "O": 2.0}
    return GrownFilm("LiCoO2", layer(thickness / volume, volume, UNIT, atoms, 0.0, 1e7), **more)


def lipon(thickness: float, nitrogen: float = 0.6, lithium: float = 3.6, **more: object) -> GrownFilm:
    atoms = {"Li": lithium, "P": 1.0, "N": nitrogen}
    return GrownFilm("LiPON", layer(thickness / 8e-29, 8e-29, 1.9e-25, atoms, 0.0, 0.0), **more)


def test_parts_add_up_to_the_film_in_one_go() -> None:
    whole = lco(0.7e-6)
    parts = lco(0.2e-6) + lco(0.1e-6) + lco(0.4e-6)
    assert parts.thickness == pytest.approx(whole.thickness, rel=1e-12, abs=0.0)
    assert parts.density == pytest.approx(4500.0, rel=1e-12)
    assert parts.li_co == pytest.approx(0.975, rel=1e-12)
    assert (parts.stress, parts.texture) == pytest.approx((whole.stress, whole.texture))


def test_no_atom_is_lost_where_parts_of_two_compositions_meet() -> None:
    poor, rich = lco(0.3e-6, 0.9), lco(0.4e-6, 1.0)
    film = poor + rich
    for element in ("Li", "Co"):
        apart = poor.deposit.atoms[element] + rich.deposit.atoms[element]
        assert film.deposit.atoms[element] == pytest.approx(apart, rel=1e-15)
    assert poor.li_co < film.li_co < rich.li_co


def test_the_conductivity_follows_from_the_composition_unless_it_is_told() -> None:
    film = lipon(1e-6)
    assert film.ionic_conductivity == Lipon(film.n_p, film.li_p).conductivity()
    assert film.activation == pytest.approx(0.53)
    assert lipon(1e-6, conductivity=1e-5).ionic_conductivity == 1e-5


def test_resistances_of_parts_add() -> None:
    parts = lipon(0.4e-6, conductivity=1e-4), lipon(0.6e-6)
    film = parts[0] + parts[1]
    apart = sum(each.thickness / each.ionic_conductivity for each in parts)
    assert film.thickness / film.ionic_conductivity == pytest.approx(apart, rel=1e-12, abs=0.0)


def test_parts_keep_their_pinholes_doubts_and_provenance_once() -> None:
    tool = {"tool": "sputter", "seed": 3}
    first = lipon(0.4e-6, pinholes=100.0, doubts=("arcs",), provenance=(tool,))
    second = lipon(0.6e-6, pinholes=50.0, doubts=("arcs", "water"), provenance=(tool,), area=0.2e-4)
    film = first + second
    assert (film.pinholes, film.doubts, film.provenance) == (150.0, ("arcs", "water"), (tool,))
    assert film.area == 0.2e-4


def test_films_of_two_materials_are_no_film() -> None:
    with pytest.raises(ValueError, match="two films"):
        lco(1e-6) + lipon(1e-6)


def test_a_film_survives_json() -> None:
    film = lipon(1e-6, pinholes=3.0, doubts=("water",), provenance=({"tool": "sputter"},), area=1e-5)
    assert GrownFilm.from_dict(json.loads(json.dumps(film.to_dict()))) == film
    assert GrownFilm("Li", Deposit()).thickness == 0.0
