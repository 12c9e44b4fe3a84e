import importlib.util
import re
from pathlib import Path

import pytest

from devices.errors import ConfigError, DataError, OwnershipError
from labctl.catalog import place as place_module
from labctl.catalog.place import VARIABLE, Place, find_place, only_one, require_tiled

DATABASE = "postgresql://ann:secret@db.example:5432/lab"


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_without_a_word_the_catalogue_is_in_the_data_folder(tmp_path: Path) -> None:
    place = find_place("", None, tmp_path)
    assert place.embedded
    assert place.catalog == f"sqlite:///{tmp_path}/catalog/catalog.db"
    assert place.tables == f"duckdb:///{tmp_path}/catalog/tables.duckdb"


def test_option_comes_before_variable_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text('schema = 1\n[catalog]\nuri = "http://in.file"\n', encoding="utf-8")
    assert find_place("", tmp_path, tmp_path).uri == "http://in.file"
    monkeypatch.setenv(VARIABLE, "http://in.variable")
    assert find_place("", tmp_path, tmp_path).uri == "http://in.variable"
    assert find_place("http://in.option", tmp_path, tmp_path).uri == "http://in.option"


@pytest.mark.parametrize("text", ['url = "http://x"', "uri = 7"])
def test_a_mistake_in_the_file_is_said_with_its_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog.toml").write_text(f"schema = 1\n[catalog]\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"catalog\.ur[il]"):
        find_place("", tmp_path, tmp_path)


def test_another_kind_of_database_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_place("mysql://ann:secret@db/lab", None, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    assert str(Place(tmp_path, DATABASE)) == "postgresql://db.example:5432/lab"


@pytest.mark.parametrize(
    "uri", ["postgresql://ann:p%40zz@db/lab", "postgresql://db/lab?user=ann&password=p%40zz"]
)
def test_a_password_in_any_spelling_is_taken_out_of_what_others_say(tmp_path: Path, uri: str) -> None:
    place = Place(tmp_path, uri)
    assert "zz" not in place.masked(f"no connection to {uri}, password 'p@zz'")
    assert "zz" not in str(place)


def test_a_second_follower_of_one_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with only_one(place), pytest.raises(OwnershipError, match=r"process \d+"), only_one(place):
        pass
    with only_one(place):
        pass


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data folder"), only_one(Place(tmp_path / "none")):
        pass
    assert not (tmp_path / "none").exists()


def test_without_tiled_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'labctl\[tiled\]'"):
        require_tiled()


def test_nothing_that_acquires_imports_the_catalogue() -> None:
    root = Path(place_module.__file__).parents[2]
    of_catalogue = re.compile(
        r"^\s*(?:from|import) (?:labctl\.catalog|tiled|bluesky_tiled_plugins)\b", re.MULTILINE
    )
    rooms = (root / "labctl" / "catalog", root / "labctl" / "commands")
    found = [
        path
        for top in ("labctl", "plans", "devices", "sim")
        for path in (root / top).rglob("*.py")
        if path.parent not in rooms and of_catalogue.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
