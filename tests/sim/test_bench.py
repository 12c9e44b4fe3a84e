"""The bench keeps foils with what grew on them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError, Surroundings
from sim.grown_film import GrownFilm
from sim.parts import TwinPart
from sim.physics.growth.deposit import layer
from sim.stations import STATIONS
from tests.sim.twins.test_noise_on_the_line import transcript

SHEET = {"id": "sheet", "layers": [{"material": "Al", "thickness": 1e-4}], "cell_layers": [], "area": 1e-5}
FILM = GrownFilm("LiCoO2", layer(3e22, 3e-29, 1.5e-25, {"Li": 1.0, "Co": 1.0}, 0.0, 0.0))


class Table:
    """A place where foils only lie."""

    twins: Sequence[Twin] = ()
    parts: Mapping[str, Twin] = {}

    def power_cycle(self, part: str, now: float) -> None: ...

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        return b""

    def deliver(self) -> None: ...

    def settle(self) -> None: ...

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None: ...

    def put(self, foil: Foil, place: str, now: float) -> None: ...

    def check_take(self, foil: Foil) -> None: ...

    def take(self, foil: Foil, now: float) -> None: ...


def bench(folder: Path, clock: list[float]) -> Bench:
    made = Bench(lambda: clock[0], seed=1, surroundings=Surroundings(), directory=folder)
    made.add("table", Table())
    return made


def piece(name: str) -> dict[str, Any]:
    return {**SHEET, "id": name, "parents": ["sheet"]}


def test_a_piece_has_the_films_of_its_sheet_in_this_session_and_the_next(tmp_path: Path) -> None:
    first = bench(tmp_path, [0.0])
    first.bring(SHEET, "table/0")
    first.foil("sheet").deposit(FILM, 1.0)
    first.bring(piece("a"), "table/1")
    first.save()
    later = bench(tmp_path, [0.0])
    for name in ("a", "b"):
        later.bring(piece(name), "table/2")
        assert later.foil(name).grown == (FILM,)


def test_a_film_that_grows_is_written_down_while_its_chamber_is_spoken_to(tmp_path: Path) -> None:
    clock = [0.0]
    made = bench(tmp_path, clock)
    made.bring(SHEET, "table/0")
    made.exchange("table", "part", b"?")
    made.foil("sheet").deposit(FILM, 1.0)
    clock[0] = 1000.0
    made.exchange("table", "part", b"?")
    killed = bench(tmp_path, [0.0])
    killed.bring(SHEET, "table/0")
    assert killed.foil("sheet").grown == (FILM,)


def test_a_folder_that_was_moved_away_is_not_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "samples"
    made = bench(folder, [0.0])
    made.bring(SHEET, "table")
    assert (folder / "sheet.json").is_file()
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    made.bring({**SHEET, "id": "other"}, "table")
    made.save()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("mask", "place"), [("a hole of some size", "table/1"), ("rectangle 3 mm x 5 mm", "shelf/0")]
)
def test_a_foil_that_is_not_taken_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: str, place: str
) -> None:
    made, taken = bench(tmp_path, [0.0]), list[str]()
    monkeypatch.setattr(Table, "take", lambda self, foil, now: taken.append(foil.id))
    made.bring(SHEET, "table/0")
    with pytest.raises(FoilError):
        made.bring({**SHEET, "mask": mask}, place)
    assert taken == []
    assert made.foil("sheet").mask == ""
    # What is put where it lies finds it there.
    made.bring(piece("a"), "table/0")
    assert taken == ["sheet"]


class Fussy(Table):
    """A place that, `shut`, lets nothing go, `full`, takes nothing in; `growing`, films grow on what lies there."""

    def __init__(self, *, full: bool = False, shut: bool = False, growing: bool = False) -> None:
        self.full, self.shut, self.growing = full, shut, growing
        self.lying: list[Foil] = []

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        if self.full or foil.grown:
            raise FoilError("nothing goes in")

    def put(self, foil: Foil, place: str, now: float) -> None:
        self.check_put(foil, place)
        self.lying.append(foil)

    def check_take(self, foil: Foil) -> None:
        if self.shut:
            raise FoilError("nothing comes out")

    def take(self, foil: Foil, now: float) -> None:
        self.check_take(foil)
        self.lying.remove(foil)

    def settle(self) -> None:
        if self.growing:
            for foil in self.lying:
                foil.deposit(FILM, 1.0)


@pytest.mark.parametrize("of", ["what lies there", "the foil itself", "the place", "a film that just grew"])
def test_a_foil_that_cannot_be_brought_leaves_every_foil_where_it_was(tmp_path: Path, of: str) -> None:
    made, one, other = bench(tmp_path, [0.0]), Fussy(), Fussy()
    made.add("one", one)
    made.add("other", other)
    made.bring(SHEET, "one")
    made.bring({**SHEET, "id": "b", "mask": "rectangle 3 mm x 5 mm"}, "other")
    one.shut, other.shut = of == "the foil itself", of == "what lies there"
    other.full, one.growing = of == "the place", of == "a film that just grew"
    with pytest.raises(FoilError, match="nothing"):
        made.bring({**SHEET, "mask": "circle 1 mm"}, "other")
    assert ([foil.id for foil in one.lying], [foil.id for foil in other.lying]) == (["sheet"], ["b"])
    assert made.foil("sheet").mask == ""
    # Each is found where it lies: brought there again it is not touched.
    one.shut = other.shut = one.full = other.full = True
    made.bring(SHEET, "one")
    made.bring({**SHEET, "id": "b", "mask": "rectangle 3 mm x 5 mm"}, "other")


FILMS = [{"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 1.2e-6}]
STACK = [{"material": "LiPON", "thickness": 1e-6}, {"material": "Li", "thickness": 2e-6}]
FOIL = {"id": "foil", "layers": FILMS, "cell_layers": STACK, "area": 1e-5}
CELL = {**FOIL, "id": "cell"}
GRID = {**FOIL, "id": "grid", "sheet": {"rows": 2, "columns": 2}}

PLACES: Mapping[str, tuple[str, Mapping[str, str], str, Mapping[str, Any], Mapping[str, Any]]] = {
    "lamp": (
        "FlashLamp",
        {"charger": "glassman_fj", "gate": "srs_dg645", "meter": "gentec_maestro"},
        "place",
        FOIL,
        CELL,
    ),
    "tool": (
        "FlashLamp",
        {"tool": "remote_recipe", "permissives": "icpdas_7050"},
        "place",
        FOIL,
        CELL,
    ),
    "cycler": ("Potentiostat", {"channels": "squidstat"}, "place/1", CELL, FOIL),
    "sourcemeter": ("Potentiostat", {"channels": "keithley_2450"}, "place", CELL, FOIL),
    "small": ("Potentiostat", {"channels": "palmsens_emstat4"}, "place/0", CELL, FOIL),
    "probes": ("Multiplexer", {"matrix": "keysight_34980a", "meter": "keysight_e4980a"}, "place", GRID, CELL),
}
"""Stations, their parts, a place, what lies there, and what does not belong there."""


@pytest.mark.parametrize("kind", PLACES)
def test_what_does_not_belong_at_a_place_disturbs_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    role, stems, place, fitting, unfitting = PLACES[kind]
    made = bench(tmp_path, [0.0])
    told = {"full_scale_energy": 50.0, "table": transcript("remote_recipe")["twin"]["table"]}
    parts = {part: TwinPart(stem, told) for part, stem in stems.items()}
    station = STATIONS[role](made, "place", parts, {"aperture_area": 1e-3})
    made.add("place", station)
    for sample in (CELL, GRID):
        made.assemble(sample)
    made.bring(fitting, place)
    made.bring(unfitting, "table")
    taken = list[str]()
    for each in (Table, type(station)):
        monkeypatch.setattr(each, "take", lambda self, foil, now: taken.append(foil.id))
    with pytest.raises(FoilError):
        made.bring(unfitting, place)
    assert taken == []
    monkeypatch.undo()
    # One that belongs there comes in its stead.
    other = {**fitting, "id": "other"}
    if fitting is not FOIL:
        made.assemble(other)
    made.bring(other, place)
    made.bring(fitting, place)


@pytest.mark.parametrize("channel", ["4", "first"])
def test_a_channel_that_is_not_there_is_refused_in_words(tmp_path: Path, channel: str) -> None:
    made = bench(tmp_path, [0.0])
    made.add("place", STATIONS["Potentiostat"](made, "place", {"channels": TwinPart("squidstat", {})}, {}))
    made.assemble(CELL)
    made.bring(CELL, "table")
    with pytest.raises(FoilError, match=f"place/{channel}"):
        made.bring(CELL, f"place/{channel}")
