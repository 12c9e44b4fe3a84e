"""What follows journals into a real Tiled catalogue; skipped where Tiled is not installed."""

import math
import os
import random
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.errors import DataError

pytest.importorskip("tiled")
pytest.importorskip("bluesky_tiled_plugins")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from tiled.adapters.ragged import RaggedSQLAdapter  # noqa: E402

from labctl.catalog import follower as following  # noqa: E402
from labctl.catalog import making  # noqa: E402
from labctl.catalog import writer as writing  # noqa: E402
from labctl.catalog.columns import ROW  # noqa: E402
from labctl.catalog.follower import CatalogueDown, Follower, follow_once  # noqa: E402
from labctl.catalog.opened import opened  # noqa: E402
from labctl.catalog.place import Place  # noqa: E402
from labctl.catalog.tending import empty  # noqa: E402
from labctl.catalog.writer import forget  # noqa: E402
from labctl.journal.documents import read_documents  # noqa: E402
from labctl.journal.records import RecordFile  # noqa: E402
from labctl.runs.run import Run  # noqa: E402
from tests.labctl.catalog.conftest import TEMPLATE, Writing  # noqa: E402
from tests.labctl.journal.odd_files import put_all  # noqa: E402

NEVER = threading.Event()


def assert_equal(catalogue: Any, path: Path) -> None:
    """Compare a run in the catalogue with its journal: every value, every time, the metadata."""
    documents = list(read_documents(path))
    of: dict[str, list[dict[str, Any]]] = {"start": [], "stop": [], "descriptor": [], "event_page": []}
    for kind, document in documents:
        of[kind].append(document)
    found = catalogue[path.stem]
    assert [found.start] == of["start"]
    assert [each for each in [found.metadata.get("stop")] if each is not None] == of["stop"]
    assert set(found) == {descriptor["name"] for descriptor in of["descriptor"]}
    for name in found:
        descriptors = [each for each in of["descriptor"] if each["name"] == name]
        uids = [each["uid"] for each in descriptors]
        assert [each["uid"] for each in found[name].descriptors] == uids
        events = [event for event in of["event_page"] if event["descriptor"] in uids]
        rows = found[name].base["internal"].read()
        assert list(rows["seq_num"]) == [number for event in events for number in event["seq_num"]]
        assert list(rows["time"]) == [time for event in events for time in event["time"]]
        for key in descriptors[0]["data_keys"]:
            values = [value for event in events for value in event["data"][key]]
            np.testing.assert_equal(found[name][key].read().tolist(), values)
            assert list(rows[f"ts_{key}"]) == [t for event in events for t in event["timestamps"][key]]


def test_reading_back_equals_the_journal_whatever_the_values(place: Place, write: Callable[..., Any]) -> None:
    run = write(sample={"id": "s-1", "mass": 0.1}, seed=2**62)
    run.page(3)
    run.page(30)
    run.stop()
    said = follow_once(place, print)
    assert (said.runs, said.rows, said.aside) == (1, 33, {})
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)
        table = catalogue[run.uid]["primary"].read()
        assert table["voltage"].dtype == np.float64
        assert table["step"].dtype == np.int64
        assert table["word"].dtype.kind == "U"
        lengths = [4 + n % 2 for n in range(1, 34)]
        assert table["trace"].shape == (33, 5)  # Tiled's client fills up with NaN
        assert np.isfinite(table["trace"].values).sum(axis=1).tolist() == lengths
        assert [len(each) for each in catalogue[run.uid]["primary"]["trace"].read()] == lengths


SHAPED = {
    "t": {"dtype": "array", "shape": [5], "source": "x", "object_name": "lamp", "dtype_numpy": "<f8"},
    "image": {"dtype": "array", "shape": [2, 3], "source": "x", "object_name": "lamp", "dtype_numpy": "<u2"},
    "ragged": {"dtype": "array", "shape": [2, None], "source": "x", "object_name": "lamp"},
    "energy": {"dtype": "number", "shape": [], "source": "x", "object_name": "lamp"},
    "hit": {"dtype": "boolean", "shape": [], "source": "x", "object_name": "lamp"},
    "pulse": {"dtype": "integer", "shape": [], "source": "x", "object_name": "lamp"},
}


def shaped(first: int, count: int) -> dict[str, list[Any]]:
    """Return rows of every shape; energies are whole numbers, of which none is an integer all the same."""
    numbers = range(first, first + count)
    return {
        "t": [[n / 3, 1e-300 * n, math.nan, math.inf, 0.1 + n] for n in numbers],
        "image": [[[n, n + 1, 65535], [0, n * 7, 3]] for n in numbers],
        "ragged": [[[n / 7] * (n % 3), [n + 0.5]] for n in numbers],
        "energy": list(numbers),
        "hit": [n % 2 == 0 for n in numbers],
        "pulse": [2**53 + n for n in numbers],
    }


UNIFORM = {key: each for key, each in SHAPED.items() if key != "ragged"}


def uniform(first: int, count: int) -> dict[str, list[Any]]:
    """Return the same without the ragged ones."""
    return {key: column for key, column in shaped(first, count).items() if key in UNIFORM}


def test_a_whole_stream_read_with_tileds_client_equals_the_run_read_from_its_journal(
    place: Place, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 3)
    run = write(keys=UNIFORM)
    for count in (1, 4, 2):
        run.page(count, uniform(run.count + 1, count))
    run.stop()
    assert follow_once(place, print).aside == {}
    of_journal = Run(run.path).table()
    with opened(place) as catalogue:
        stream = catalogue[run.uid]["primary"]
        table = stream.read()
        for key, column in of_journal.items():
            values, alone = table[key].values, stream[key].read()
            np.testing.assert_array_equal(values, column)
            np.testing.assert_equal(alone.tolist(), column.tolist())
            assert values.shape == column.shape
            if UNIFORM[key]["dtype"] != "array":
                assert values.dtype == column.dtype
        assert table["t"].shape == (7, 5)
        assert table["t"].dtype == np.float64
        assert table["image"].shape == (7, 2, 3)
        assert table["energy"].dtype == np.float64
        assert_equal(catalogue, run.path)


def test_arrays_of_any_shape_come_back_by_key_and_as_documents(
    place: Place, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 2)
    run = write(keys=SHAPED)
    with opened(place) as catalogue:
        for count in (1, 3, 2):
            run.page(count, shaped(run.count + 1, count))
            Follower(catalogue, place, print).look(NEVER)
            assert_equal(catalogue, run.path)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "slow"])
def test_back_fill_is_complete_after_postgresql_was_killed_or_slow(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    monkeypatch.setattr(following, "PERIOD", 0.1)
    monkeypatch.setattr(following, "AGAIN", 0.2)
    there = Place(tmp_path, cluster.database(f"mishap_{killed}".lower(), template=TEMPLATE))
    there.folder.mkdir()
    run, over, said = Writing(tmp_path), threading.Event(), []
    follower = threading.Thread(target=following.follow, args=(there, over, said.append))
    follower.start()
    try:
        for trouble in range(12):
            run.page(20)
            over.wait(0.3)
            if trouble % 4 == 2:
                cluster.kill() if killed else cluster.signal(signal.SIGSTOP)
            if trouble % 4 == 3:
                cluster.start() if killed else cluster.signal(signal.SIGCONT)
        run.stop()
        while cluster.ask(there.uri, f"SELECT metadata -> 'stop' FROM nodes WHERE key = '{run.uid}'") == "":
            over.wait(0.2)
    finally:
        over.set()
        follower.join()
    assert bool(said) is killed
    with opened(there) as catalogue:
        assert_equal(catalogue, run.path)


@pytest.mark.slow
def test_another_machine_with_the_uri_alone_reads_every_array_of_postgresql(
    cluster: Any, tmp_path: Path
) -> None:
    uri = cluster.database("elsewhere", template=TEMPLATE)
    here, there = Place(tmp_path / "here", uri), Place(tmp_path / "there", uri)
    here.folder.mkdir(parents=True)
    there.folder.mkdir(parents=True)
    run = Writing(here.data, SHAPED)
    run.page(7, shaped(1, 7))
    run.stop()
    assert follow_once(here, print).aside == {}
    shutil.rmtree(here.folder)
    with opened(there) as catalogue:
        assert_equal(catalogue, run.path)


def test_an_array_of_another_shape_than_its_key_says_is_refused(
    place: Place, write: Callable[..., Any]
) -> None:
    run = write(keys={"t": SHAPED["t"]})
    run.page(2, {"t": [[1.0] * 4] * 2})
    said = follow_once(place, print)
    assert "shape" in said.aside[run.uid]


def test_a_stream_that_counts_anew_keeps_the_order_of_the_journal(
    place: Place, write: Callable[..., Any]
) -> None:
    run = write()
    run.page(4)
    run.describe("c0ffee00-0000-4000-8000-000000000000")
    run.count = 2
    run.page(4)
    run.stop()
    assert follow_once(place, print).rows == 8
    with opened(place) as catalogue:
        assert catalogue[run.uid]["primary"].base["internal"].read()["seq_num"].tolist() == [
            *(1, 2, 3, 4),
            *(3, 4, 5, 6),
        ]
        assert_equal(catalogue, run.path)
        source = catalogue[run.uid]["primary"].base["internal"].include_data_sources().data_sources()[0]
        assert source.parameters["order_by_args"][0]["column"] == ROW


def test_a_follower_killed_amid_ragged_rows_begins_that_run_again(
    place: Place, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write()
    run.page(3)
    follow_once(place, print)
    run.page(3)
    patched = RaggedSQLAdapter.patch

    def killed(self: Any, *args: Any, **kwargs: Any) -> Any:
        patched(self, *args, **kwargs)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(RaggedSQLAdapter, "patch", killed)
        assert list(follow_once(place, print).aside) == [run.uid]
    assert follow_once(place, print).rows == 6
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)


def test_a_run_followed_while_it_grows_has_each_row_once(
    place: Place, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 4)
    run = write()
    for count in (1, 5, 2, 7):
        run.page(count)
    run.stop()
    whole = run.path.read_bytes()
    run.path.unlink()
    chance = random.Random(2)
    places = [*sorted(chance.sample(range(len(whole)), 12)), len(whole)]
    with opened(place) as catalogue:
        follower = Follower(catalogue, place, print)
        for beginning, end in zip([0, *places], places, strict=False):
            with run.path.open("ab") as file:
                file.write(whole[beginning:end])
            if chance.random() < 0.4:
                follower = Follower(catalogue, place, print)
            follower.look(NEVER)
        assert_equal(catalogue, run.path)


@pytest.mark.parametrize("seed", range(2))
def test_a_follower_killed_at_any_instant_leaves_no_row_doubled_or_missing(
    place: Place, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 10)
    runs = [write(keys=UNIFORM) for _ in range(2)]
    for run in runs:
        for _ in range(40):
            run.page(10, uniform(run.count + 1, 10))
        run.stop()
    chance = random.Random(seed)
    for _ in range(4):
        ready, begun = os.pipe()
        child = os.fork()
        if child == 0:
            with opened(place) as catalogue:
                follower = Follower(catalogue, place, print)
                os.write(begun, b"x")
                follower.look(NEVER)
            os._exit(0)
        os.close(begun)
        os.read(ready, 1)
        os.close(ready)
        threading.Event().wait(chance.uniform(0.0, 1.0))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert follow_once(place, print).aside == {}
    with opened(place) as catalogue:
        for run in runs:
            assert_equal(catalogue, run.path)


def test_a_run_that_died_is_completed_when_its_end_is_added(place: Place, write: Callable[..., Any]) -> None:
    run = write()
    run.page(5)
    follow_once(place, print)
    with opened(place) as catalogue:
        assert "stop" not in catalogue[run.uid].metadata
        assert_equal(catalogue, run.path)
        run.page(6)
        run.stop()
        Follower(catalogue, place, print).look(NEVER)
        assert_equal(catalogue, run.path)


def test_rows_that_recovery_dropped_go_from_the_catalogue_too(
    place: Place, write: Callable[..., Any]
) -> None:
    run = write()
    run.page(5)
    shorter = run.path.read_bytes()
    run.page(6)
    with opened(place) as catalogue:
        alive = Follower(catalogue, place, print)
        alive.look(NEVER)
        run.path.write_bytes(shorter)
        alive.look(NEVER)
        assert_equal(catalogue, run.path)


def test_the_same_is_found_out_after_a_restart(place: Place, write: Callable[..., Any]) -> None:
    run = write()
    run.page(5)
    shorter, lines = run.path.read_bytes(), len(run.path.read_bytes().splitlines())
    run.page(6)
    follow_once(place, print)
    run.journal.close()
    ending = RecordFile.resumed(run.path)
    ending.cut(len(shorter), lines)
    ending.append("D", ["stop", {"uid": "s", "run_start": run.uid, "time": 2e9, "exit_status": "abort"}])
    ending.close()
    with opened(place) as catalogue:
        for _ in range(2):
            Follower(catalogue, place, print).look(NEVER)
        assert_equal(catalogue, run.path)


def test_a_damaged_journal_is_said_and_the_others_go_on(place: Place, write: Callable[..., Any]) -> None:
    runs = [write(time=1_800_000_000.0 + n) for n in range(3)]
    for run in runs:
        run.page(5)
        run.page(5)
        run.stop()
    content = bytearray(runs[1].path.read_bytes())
    content[-300] ^= 1
    runs[1].path.write_bytes(content)
    told: list[str] = []
    said = follow_once(place, told.append)
    assert list(said.aside) == [runs[1].uid]
    assert "checksum" in said.aside[runs[1].uid]
    assert len(told) == 1
    with opened(place) as catalogue:
        assert_equal(catalogue, runs[0].path)
        assert_equal(catalogue, runs[2].path)
        assert len(catalogue[runs[1].uid]["primary"].base["internal"].read()) >= 5


def test_a_run_the_database_refuses_does_not_hold_the_others(place: Place, write: Callable[..., Any]) -> None:
    keys = {"a;drop table": {"dtype": "number", "shape": [], "source": "x", "object_name": "cell"}}
    bad = write(keys=keys)
    bad.page(1, {"a;drop table": [1.0]})
    bad.stop()
    good = write(time=1_800_000_001.0)
    good.page(2)
    good.stop()
    said = follow_once(place, print)
    assert list(said.aside) == [bad.uid]
    with opened(place) as catalogue:
        assert_equal(catalogue, good.path)


HOSTILE = {
    "html": "<script>alert(1)</script>",
    "control": "".join(map(chr, range(1, 32))) + "\x7f\u202e\u2028",
    "long": "x" * 5000,
    "n" * 5000: 1,
    "quotes": "'; DROP TABLE nodes; --",
    "surplus": {"deep": [[[[{"": ""}]]]], "emoji": "\U0001f50b"},
}


def test_hostile_metadata_come_back_as_they_were(place: Place, write: Callable[..., Any]) -> None:
    run = write(sample=HOSTILE, operator="../../etc/passwd")
    run.page(1)
    run.stop()
    assert follow_once(place, print).aside == {}
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)


def test_what_no_database_holds_is_replaced_and_nothing_else(place: Place, write: Callable[..., Any]) -> None:
    run = write(note="a\0b\ud800c", seed=2**127)
    run.page(1)
    run.stop()
    assert follow_once(place, print).aside == {}
    with opened(place) as catalogue:
        start = catalogue[run.uid].start
        assert start["note"] == "a\ufffdb\ufffdc"
        assert start["seed"] == str(2**127)


def test_runs_are_listed_in_the_order_in_which_they_began(place: Place, write: Callable[..., Any]) -> None:
    runs = [write(time=1_800_000_000.0 + 10 * n) for n in (3, 1, 2, 0)]
    for run in runs:
        run.stop()
    follow_once(place, print)
    with opened(place) as catalogue:
        times = [run.start["time"] for run in catalogue.values()]
        assert times == sorted(times)
        assert catalogue[-1].start["uid"] == runs[0].uid


def test_a_device_configured_in_a_run_gives_a_second_descriptor_once(
    place: Place, write: Callable[..., Any]
) -> None:
    run = write()
    run.page(2)
    run.describe("c0ffee00-0000-4000-8000-000000000000")
    run.page(2)
    with opened(place) as catalogue:
        for _ in range(2):
            Follower(catalogue, place, print).look(NEVER)
        assert_equal(catalogue, run.path)


def test_a_stream_without_rows_has_its_columns_all_the_same(place: Place, write: Callable[..., Any]) -> None:
    run = write()
    run.stop()
    follow_once(place, print)
    with opened(place) as catalogue:
        assert catalogue[run.uid]["primary"].read()["voltage"].shape == (0,)
        assert_equal(catalogue, run.path)


def test_readers_beside_the_writer_take_no_row_away(place: Place, write: Callable[..., Any]) -> None:
    run = write()
    for _ in range(40):
        run.page(20)
    run.stop()
    over = threading.Event()
    failures: list[BaseException] = []
    reads = []

    def read(catalogue: Any) -> None:
        while not over.is_set():
            try:
                reads.append(len(catalogue[run.uid]["primary"].base["internal"].read(["seq_num"])))
            except KeyError:
                continue
            except Exception as error:  # noqa: BLE001
                failures.append(error)

    with opened(place) as catalogue, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "PAGE_ROWS", 20)
        threads = [threading.Thread(target=read, args=(catalogue,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        Follower(catalogue, place, print).look(NEVER)
        over.set()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(set(reads)) > 1
        assert_equal(catalogue, run.path)


def test_a_catalogue_that_is_emptied_is_built_again(place: Place, write: Callable[..., Any]) -> None:
    run = write(keys=SHAPED)
    run.page(7, shaped(1, 7))
    run.stop()
    follow_once(place, print)
    empty(place)
    assert [path.name for path in place.folder.rglob("*") if path.is_file()] in ([], ["lock"])
    assert follow_once(place, print).rows == 7
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
def test_a_run_that_no_journal_here_can_bring_back_is_not_deleted(
    place: Place, write: Callable[..., Any]
) -> None:
    runs = [write(time=1_800_000_000.0 + n) for n in range(2)]
    for run in runs:
        run.page(2)
        run.stop()
    follow_once(place, print)
    runs[0].path.unlink()
    with pytest.raises(DataError, match=f"1 runs whose journals .*{runs[0].uid[:8]}"):
        empty(place)
    with opened(place) as catalogue:
        assert set(catalogue) == {run.uid for run in runs}


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
def test_what_is_forgotten_leaves_neither_rows_nor_files(place: Place, write: Callable[..., Any]) -> None:
    run = write(keys=SHAPED)
    run.page(2, shaped(1, 2))
    follow_once(place, print)
    assert [path for path in (place.folder / "arrays").rglob("*") if path.is_file()]
    with opened(place) as catalogue:
        forget(catalogue, [run.uid])
        assert not list(catalogue)
    assert not [path for path in (place.folder / "arrays").rglob("*") if path.is_file()]


@pytest.mark.parametrize("uri", ["postgresql://ann:s3cret@127.0.0.1:{port}/lab", "http://127.0.0.1:{port}"])
def test_a_database_that_is_down_is_said_in_a_sentence_without_its_password(tmp_path: Path, uri: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    there = Place(tmp_path, uri.format(port=port))
    with pytest.raises(CatalogueDown, match="does not answer") as caught:
        follow_once(there, print)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "ANSWERS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"postgresql://ann:s3cret@127.0.0.1:{silent.getsockname()[1]}/lab"
        with pytest.raises(CatalogueDown, match="no answer within"):
            follow_once(Place(tmp_path, uri), print)


def test_what_is_no_journal_is_left_aside_and_the_others_are_written(
    place: Place, write: Callable[..., Any]
) -> None:
    run = write()
    run.page(3)
    run.stop()
    odd = put_all(place.data)
    said = follow_once(place, print)
    # What has no whole line yet may be a run that begins.
    begins = {odd[kind].stem for kind in ("an empty file", "zeros")}
    assert set(said.aside) == {path.stem for path in odd.values()} - begins
    assert not any("refused" in why for why in said.aside.values())
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)
