"""The bench keeps foils with what grew on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError, Surroundings
from sim.grown_film import GrownFilm
from sim.physics.growth.deposit import layer

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

    def put(self, foil: Foil, place: str, now: float) -> None: ...

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
