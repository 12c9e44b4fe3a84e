import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sim.cell_on_foil import PINHOLE_RESISTANCE
from sim.foil import Foil, FoilError, Surroundings
from sim.grown_film import GrownFilm
from sim.materials import cathode
from sim.materials.substrates import SUBSTRATES
from sim.physics.growth.deposit import layer
from sim.physics.growth.lithium_cobalt import phases
from sim.physics.lamp.bank import Bank, discharge
from sim.physics.vacuum.gases import AVOGADRO
from sim.under_lamp import film_mechanics, film_under_lamp

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


# What grows on a foil.

BARE = {"id": "g", "layers": [{"material": "Al", "thickness": 100e-6}], "cell_layers": [], "area": 1.5e-5}
FORMULA = 97.87e-3 / AVOGADRO


def grown(material: str, thickness: float, atoms: dict[str, float] | None = None, **more: float) -> GrownFilm:
    active = more.pop("active", 0.0)
    volume = FORMULA / 4500.0
    deposit = layer(thickness / volume, volume, FORMULA, atoms or {}, active, 0.0)
    return GrownFilm(material, deposit, **more)


def lco(thickness: float = 0.7e-6, ratio: float = 0.975, active: float = 0.0) -> GrownFilm:
    return grown("LiCoO2", thickness, {"Li": ratio, "Co": 1.0, "O": 2.0}, active=active)


def lipon(thickness: float = 1e-6, **more: float) -> GrownFilm:
    return grown("LiPON", thickness, {"Li": 3.6, "P": 1.0, "N": 0.6}, **more)


def lithium(thickness: float = 2e-6, area: float | None = 1.5e-5) -> GrownFilm:
    return grown("Li", thickness, {"Li": 1.0}, area=area)


def described(film: float = 0.7e-6) -> Foil:
    cell_layers = [{"material": "LiPON", "thickness": 1e-6}, {"material": "Li", "thickness": 2e-6}]
    return Foil(
        {"id": "d", "layers": layers("Al", film=film), "cell_layers": cell_layers, "area": 1.5e-5},
        Surroundings(),
    )


def flashed(twin: Foil, pulses: int = 20) -> Foil:
    pulse = discharge(Bank(), 850.0, 1.8e-3)
    for number in range(pulses):
        twin.flash(1e5 + 2.5 * number, pulse)
    return twin


def again(twin: Foil) -> Foil:
    return Foil.from_dict(json.loads(json.dumps(twin.to_dict())), Surroundings())


def whole(ratio: float = 0.975, **electrolyte: float) -> Foil:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(ratio=ratio), 1e4)
    flashed(twin)
    twin.deposit(lipon(**electrolyte), 2e5)
    twin.deposit(lithium(), 3e5)
    return twin


def test_a_film_in_parts_is_the_film_in_one_go() -> None:
    parts, one = Foil(BARE, Surroundings()), Foil(BARE, Surroundings())
    for number in range(7):
        parts.deposit(lco(0.1e-6), 1e3 * number)
    one.deposit(lco(0.7e-6), 7e3)
    assert len(parts.grown) == 1
    assert parts.layers[-1]["thickness"] == pytest.approx(0.7e-6, rel=1e-12, abs=0.0)
    assert flashed(parts, 3).annealed().mean == pytest.approx(flashed(one, 3).annealed().mean, rel=1e-9)


def test_a_grown_film_takes_the_light_and_heat_of_a_described_one_as_thick() -> None:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(0.7e-6), 0.0)
    as_described = flashed(described(), 5).annealed()
    annealed = flashed(twin, 5).annealed()
    assert annealed.surface_peak == pytest.approx(as_described.surface_peak, abs=1e-6)
    assert annealed.mean == pytest.approx(as_described.mean, rel=1e-9)


def test_films_that_grow_become_a_cell_whose_charge_is_that_of_the_lithium_in_the_right_place() -> None:
    twin, reference = whole(ratio=0.975), flashed(described())
    reference.assemble(1e6)
    ours, theirs = (each.as_cell().cell.parameters for each in (twin, reference))
    charge = [float(each.site_density @ np.diff(each.edges)) for each in (ours, theirs)]
    assert charge[0] == pytest.approx(phases(0.975).lithium_cobalt_oxide * charge[1], rel=1e-9)
    kinds = phases(twin.grown[0].li_co)
    assert kinds.lithium_cobalt_oxide + 2 * kinds.lithium_oxide == pytest.approx(0.975, rel=1e-12)
    assert kinds.lithium_cobalt_oxide + 3 * kinds.cobalt_oxide == pytest.approx(1.0, rel=1e-12)
    assert ours.diffusivity == pytest.approx(theirs.diffusivity, rel=1e-6, abs=0.0)


def test_too_much_lithium_holds_no_more_than_its_cobalt_does() -> None:
    rich, plain = (whole(ratio).as_cell().cell.parameters for ratio in (1.15, 1.0))
    assert rich.active_share == pytest.approx(plain.active_share, rel=1e-12)


def test_a_grown_cell_has_resistance_inventory_and_area_of_its_films() -> None:
    twin = whole(conductivity=1e-4, thickness=0.8e-6)
    parameters = twin.as_cell().cell.parameters
    assert parameters.electrolyte_resistance == pytest.approx(0.8e-6 / 1e-4, rel=1e-12, abs=0.0)
    assert parameters.anode_lithium == pytest.approx(2e-6 * cathode.LITHIUM_SITE_CHARGE, rel=1e-12)
    assert parameters.area == 1.5e-5
    assert parameters.leak_resistance == math.inf
    small = Foil(BARE, Surroundings())
    for film in (lco(), lipon(), lithium(area=0.8e-6)):
        small.deposit(film, 0.0)
    assert small.as_cell().cell.parameters.area == 0.8e-6


def test_pinholes_short_a_cell_and_the_same_one_every_time() -> None:
    twin = whole(pinholes=1e6)
    leak = twin.as_cell().cell.parameters.leak_resistance
    assert leak < 1.5e-5 * PINHOLE_RESISTANCE
    assert again(twin).as_cell().cell.parameters.leak_resistance == leak


def test_a_film_grown_under_bias_is_active_without_an_anneal() -> None:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(active=0.88), 0.0)
    assert twin.annealed().mean == pytest.approx(0.88, rel=1e-9)
    for film in (lipon(), lithium()):
        twin.deposit(film, 1.0)
    assert min(twin.as_cell().cell.parameters.diffusivity) > 1e-16


def test_a_foil_that_things_grew_on_survives_json_at_every_stage() -> None:
    twin = Foil(BARE, Surroundings())
    for film in (lco(0.05e-6), lco(0.65e-6)):
        twin.deposit(film, 1.0)
        twin = again(twin)
    twin = again(flashed(twin, 2))
    mean = twin.annealed().mean
    assert mean > 0.0
    twin.deposit(lipon(), 2e5)
    twin = again(twin)
    twin.deposit(lithium(), 3e5)
    assert again(twin).to_dict() == twin.to_dict()
    assert again(twin).as_cell().cell.parameters == twin.as_cell().cell.parameters
    assert twin.annealed().mean == mean


@pytest.mark.parametrize(
    ("films", "match"),
    [
        ((lipon(), lithium()), "g is a witness of LiPON"),
        ((lipon(), lco()), "g is a witness of LiPON"),
        ((lco(), lithium()), "Li belongs on LiPON; g is Al / LiCoO2"),
        ((lco(), lipon(), lco()), "has LiPON on its LiCoO2"),
        ((lco(), lipon(), lithium(), lipon()), "LiPON belongs on LiCoO2"),
        ((lco(), grown("gold", 1e-7)), "no film of gold is known"),
    ],
)
def test_films_in_an_order_that_makes_no_sense_are_refused(films: tuple[GrownFilm, ...], match: str) -> None:
    twin = Foil(BARE, Surroundings())
    *good, bad = films
    for film in good:
        twin.deposit(film, 0.0)
    before = twin.grown
    assert match in twin.takes(bad.material)
    with pytest.raises(FoilError, match=match):
        twin.deposit(bad, 1.0)
    assert twin.grown == before


@pytest.mark.parametrize(
    "film", [lco(), lipon(), lithium(), grown("Li2O", 1e-7)], ids=lambda film: film.material
)
@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_a_bare_substrate_is_a_witness_of_whatever_grows(substrate: str, film: GrownFilm) -> None:
    bare = {**BARE, "layers": [{"material": substrate, "thickness": 1e-4}]}
    twin = Foil(bare, Surroundings())
    for number in range(2):
        assert twin.takes(film.material) == ""
        twin.deposit(film, float(number))
        twin = again(twin)
    assert [each.thickness for each in twin.grown] == [pytest.approx(2 * film.thickness, rel=1e-6, abs=0.0)]
    assert twin.built is None


def test_nothing_grows_on_a_film_that_was_annealed_or_a_cell_that_was_cycled() -> None:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(), 0.0)
    flashed(twin, 1)
    with pytest.raises(FoilError, match="was annealed"):
        again(twin).deposit(lco(), 2e5)
    built = described()
    with pytest.raises(FoilError, match="already"):
        built.deposit(lco(), 0.0)
    built.assemble(0.0)
    with pytest.raises(FoilError, match="is a cell"):
        built.deposit(lithium(), 0.0)
    cell = whole()
    cell.deposit(lithium(0.5e-6), 4e5)
    wired = cell.as_cell()
    wired.state = replace(wired.state, charge=1e-3)
    with pytest.raises(FoilError, match="is a cell"):
        cell.deposit(lithium(), 5e5)


def test_lipon_and_films_too_thin_do_not_belong_under_a_lamp() -> None:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(0.05e-6), 0.0)
    assert "outside [0.3, 5] um" in twin.refused_by_lamp
    with pytest.raises(FoilError, match="outside"):
        twin.flash(1.0, PULSE)
    twin.deposit(lco(0.65e-6), 2.0)
    assert twin.refused_by_lamp == ""
    twin.deposit(lipon(), 3.0)
    with pytest.raises(FoilError, match="g has LiPON on it"):
        twin.flash(4.0, PULSE)


def test_a_grown_electrolyte_may_get_a_described_anode() -> None:
    twin = Foil({**BARE, "cell_layers": [{"material": "Li", "thickness": 2e-6}]}, Surroundings())
    for film in (lco(), lipon()):
        twin.deposit(film, 0.0)
    assert twin.built is None
    twin.assemble(1.0)
    assert again(twin).as_cell().cell.parameters == twin.as_cell().cell.parameters
    bare = Foil(BARE, Surroundings())
    for film in (lco(), lipon()):
        bare.deposit(film, 0.0)
    with pytest.raises(FoilError, match="not LiPON"):
        bare.assemble(1.0)


COURSE = ((0.0, 298.15), (100.0, 800.0), (1000.0, 800.0), (1400.0, 298.15))


def test_a_furnace_leaves_on_a_foil_what_it_was_told_to_make_of_it() -> None:
    twin = Foil(BARE, Surroundings())
    twin.deposit(lco(), 0.0)
    told = twin.heated(COURSE)
    twin.bake(COURSE, 2e3)
    assert again(twin).annealed().mean == twin.annealed().mean == told.mean > 0.3
    with pytest.raises(FoilError, match="was annealed"):
        again(twin).deposit(lco(), 3e3)
    for film in (lipon(), lithium()):
        twin.deposit(film, 4e3)
    with pytest.raises(FoilError, match="would melt"):
        twin.bake(COURSE, 5e3)


def test_a_furnace_goes_on_with_what_flashes_began() -> None:
    twin = flashed(described(), 2)
    before = twin.annealed().mean
    told = twin.heated(COURSE)
    twin.bake(COURSE, 2e5)
    assert twin.annealed().mean == told.mean > before
    assert twin.base_temperature == pytest.approx(298.15, abs=0.5)


def test_a_piece_has_the_films_of_its_sheet() -> None:
    sheet = Foil(BARE, Surroundings())
    sheet.deposit(lco(), 0.0)
    piece = Foil({**BARE, "id": "piece", "parents": ["g"]}, Surroundings())
    piece.cut_from(sheet)
    assert piece.layers == sheet.layers
    assert flashed(piece, 1).annealed().mean > 0.0
    assert sheet.annealed().mean == 0.0
