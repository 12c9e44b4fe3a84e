"""Journals to be followed: runs of any rows, whole or in pieces."""

from __future__ import annotations

import gc
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.journal.documents import RunJournal
from labctl.journal.places import run_path
from tests.labctl.catalog.postgresql import Cluster, make_database, programs

TEMPLATE = "empty"
BEGAN = 1_800_000_000.0
KEYS = {
    "voltage": {"dtype": "number", "shape": [], "source": "test", "object_name": "cell"},
    "step": {"dtype": "integer", "shape": [], "source": "test", "object_name": "cell"},
    "word": {"dtype": "string", "shape": [], "source": "test", "object_name": "cell"},
    "trace": {"dtype": "array", "shape": [None], "source": "test", "object_name": "cell"},
}

Rows = dict[str, list[Any]]


def rows(first: int, count: int) -> Rows:
    """Return rows with every kind of value in them; what row n holds follows from n."""
    numbers = range(first, first + count)
    return {
        "voltage": [float("nan") if n % 7 == 0 else float("-inf") if n % 11 == 0 else n / 3 for n in numbers],
        "step": [n * 1_000_003 for n in numbers],
        "word": [f"<b>{n}</b> 'Ω\n" for n in numbers],
        "trace": [[n / 9 + i for i in range(4 + n % 2)] for n in numbers],
    }


class Writing:
    """A run as it is written."""

    def __init__(self, data: Path, keys: dict[str, Any] = KEYS, **start: Any) -> None:
        self.uid = str(uuid.uuid4())
        document = {"uid": self.uid, "time": BEGAN, "plan_name": "cycle", "scan_id": 1, **start}
        self.path = run_path(data, self.uid, document["time"])
        self.journal = RunJournal(self.path, document)
        self.descriptor = str(uuid.uuid4())
        self.count = 0
        self.keys = keys
        self.describe(self.descriptor)

    def describe(self, uid: str, name: str = "primary") -> None:
        self.descriptor = uid
        descriptor = {"uid": uid, "run_start": self.uid, "time": BEGAN, "name": name, "data_keys": self.keys}
        rest = {"configuration": {}, "hints": {}, "object_keys": {"cell": list(self.keys)}}
        self.journal.write("descriptor", {**descriptor, **rest})

    def page(self, count: int, data: Rows | None = None) -> None:
        numbers = list(range(self.count + 1, self.count + count + 1))
        times = [BEGAN + n for n in numbers]
        data = rows(self.count + 1, count) if data is None else data
        stamps = {key: [t + 0.5 for t in times] if key == "step" else times for key in self.keys}
        page = {"descriptor": self.descriptor, "uid": [""] * count, "seq_num": numbers, "time": times}
        self.journal.write("event_page", {**page, "data": data, "timestamps": stamps, "filled": {}})
        self.count += count

    def stop(self) -> None:
        document = {
            "uid": str(uuid.uuid4()),
            "run_start": self.uid,
            "time": BEGAN + 9,
            "exit_status": "success",
        }
        self.journal.write("stop", {**document, "reason": "", "num_events": {"primary": self.count}})
        self.journal.close()


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What Tiled leaves to the garbage collector is told of with the test that left it, which ignores that."""
    yield
    gc.collect()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Writing]:
    """Begin a run in the test's data folder."""
    return lambda **start: Writing(tmp_path, **start)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty embedded catalogue's database: Tiled takes seconds to make one."""
    from labctl.catalog.opened import tree_of
    from labctl.catalog.place import Place

    place = Place(tmp_path_factory.mktemp("template"))
    place.folder.mkdir()
    tree_of(place, 1)
    return place.folder / "catalog.db"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of our own, with an empty catalogue as its template; skipped where none is installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="labctl-postgresql-") as folder:
        made = Cluster(Path(folder), found)
        try:
            make_database(made.database(TEMPLATE, template="template0"))
            yield made
        finally:
            made.kill()


@pytest.fixture(params=["embedded", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The catalogue of the test's data folder, empty: files in it, and a database."""
    pytest.importorskip("tiled")
    pytest.importorskip("bluesky_tiled_plugins")
    from labctl.catalog.place import Place

    if request.param == "postgresql":
        name = f"t{uuid.uuid4().hex}"
        found = Place(tmp_path, request.getfixturevalue("cluster").database(name, template=TEMPLATE))
        found.folder.mkdir()
        return found
    found = Place(tmp_path)
    found.folder.mkdir()
    shutil.copy(request.getfixturevalue("template"), found.folder)
    return found
