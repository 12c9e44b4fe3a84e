"""What follows journals into a real Tiled catalogue; skipped where Tiled is not installed."""

import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tiled")
pytest.importorskip("bluesky_tiled_plugins")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from labctl.catalog import writer as writing  # noqa: E402
from labctl.catalog.follower import Follower, follow_once  # noqa: E402
from labctl.catalog.opened import opened  # noqa: E402
from labctl.catalog.place import Place  # noqa: E402
from labctl.catalog.tending import empty  # noqa: E402
from labctl.journal.documents import read_documents  # noqa: E402
from labctl.journal.records import RecordFile  # noqa: E402

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
            # Read as a table, cells that are arrays come as text: the client's dask makes it so.
            is_array = descriptors[0]["data_keys"][key]["dtype"] == "array"
            column = found[name][key].read() if is_array and values else rows[key]
            np.testing.assert_equal(column.tolist(), values)
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
        assert len(catalogue[run.uid]["primary"]["trace"].read()) == 33


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
    runs = [write() for _ in range(2)]
    for run in runs:
        for _ in range(40):
            run.page(10)
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
    run = write()
    run.page(7)
    run.stop()
    follow_once(place, print)
    empty(place)
    assert not list(place.folder.glob("*.d*"))
    assert follow_once(place, print).rows == 7
    with opened(place) as catalogue:
        assert_equal(catalogue, run.path)
