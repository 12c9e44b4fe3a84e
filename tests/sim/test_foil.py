import json

import pytest

from sim.foil import Foil, FoilError, Surroundings, film_mechanics, film_under_lamp
from sim.materials.substrates import SUBSTRATES
from sim.physics.lamp.bank import Bank, discharge

PULSE = discharge(Bank(), 500.0, 1e-3)


def layers(*names: str, film: float = 0.7e-6) -> tuple[dict[str, object], ...]:
    below = tuple({"material": name, "thickness": 100e-6} for name in names)
    return (*below, {"material": "LiCoO2", "thickness": film})


def foil(*names: str, surroundings: Surroundings | None = None) -> Foil:
    description = {"id": "f", "layers": layers(*names), "cell_layers": (), "area": 1.5e-5}
    return Foil(description, surroundings or Surroundings())


@pytest.mark.parametrize("name", SUBSTRATES)
def test_a_twin_foil_may_be_of_every_substrate(name: str) -> None:
    twin = foil(name)
    for time in (0.0, 2.5):
        twin.flash(time, PULSE)
    assert twin.annealed().surface_peak > 320.0
    again = Foil.from_dict(json.loads(json.dumps(twin.to_dict())), Surroundings())
    assert again.annealed().surface_peak == pytest.approx(twin.annealed().surface_peak)


def test_a_foil_may_have_several_layers_below_its_film() -> None:
    lamp = film_under_lamp(layers("polyimide", "Al"), Surroundings())
    assert [layer.medium.name for layer in lamp.stack.layers] == ["LiCoO2", "aluminium", "polyimide"]
    assert film_mechanics(layers("polyimide", "Al")).film_thickness == 0.7e-6


@pytest.mark.parametrize("materials", [("wood",), ()])
def test_an_unknown_stack_is_refused_with_the_known_ones(materials: tuple[str, ...]) -> None:
    with pytest.raises(FoilError, match="knows LiCoO2 on Al, steel, glass"):
        film_under_lamp(layers(*materials), Surroundings())


def test_a_foil_without_chuck_stays_hotter() -> None:
    peaks = []
    for transfer in (100.0, 10.0):
        twin = foil("Al", surroundings=Surroundings(back_transfer=transfer))
        for number in range(4):
            twin.flash(2.5 * number, PULSE)
        peaks.append(twin.annealed().surface_peak)
    assert peaks[1] > peaks[0] + 20.0


def test_a_foil_follows_its_chucks_temperature_over_time() -> None:
    warming = Surroundings(chuck_course=((0.0, 298.15), (10.0, 340.0)))
    peaks = []
    for surroundings in (Surroundings(), warming):
        twin = foil("Al", surroundings=surroundings)
        for number in range(6):
            twin.flash(2.5 * number, PULSE)
        peaks.append(twin.annealed().surface_peak)
    assert 5.0 < peaks[1] - peaks[0] < 42.0


def test_a_foil_kept_by_an_older_version_is_still_read() -> None:
    kept = foil("Al").to_dict()
    for name in ("elapsed", "lithium_loss", "strain"):
        del kept["anneal"][name]
    assert Foil.from_dict(kept, Surroundings()).annealed().lithium_loss == 0.0


def test_a_foil_that_hangs_has_air_behind_it_and_no_chuck() -> None:
    assert Surroundings(hanging=True).environment().back.transfer == 10.0
    with pytest.raises(ValueError, match="a hanging foil has no chuck"):
        Surroundings(hanging=True, chuck_course=((0.0, 300.0),))


def test_a_model_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="model = 'S3': there are S1, S2"):
        Surroundings(model="S3")


def test_a_furnace_is_asked_of_a_foil_and_changes_nothing() -> None:
    twin = foil("Al")
    for time in (0.0, 2.5):
        twin.flash(time, PULSE)
    before = twin.annealed()
    hot = twin.heated(((0.0, 298.15), (100.0, 800.0), (1000.0, 800.0)))
    assert hot.mean > before.mean + 0.3
    assert twin.annealed().mean == before.mean
