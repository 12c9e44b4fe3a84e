"""The journal: what is written is read back, and nothing that was damaged is read as data."""

import math
import uuid

import numpy as np
import pytest
from event_model import DocumentNames, compose_run, schema_validators

from devices.errors import Corrupt, DataError, Foreign, Newer
from labctl.event_uids import event_uid
from labctl.journal.documents import Journal, read_documents, read_ends
from labctl.journal.places import run_path
from labctl.journal.records import RecordFile, encode, read_records


def documents(pages=3, rows=4):
    """Return a small run: one start, one descriptor, pages, one single event, a stop."""
    run = compose_run(metadata={"sample": {"id": "s"}, "list": (1, 2), "array": np.arange(3)})
    start = run.start_doc
    keys = {
        "voltage": {"source": "x", "dtype": "number", "shape": [], "units": "V"},
        "cycle": {"source": "x", "dtype": "integer", "shape": []},
    }
    bundle = run.compose_descriptor(name="primary", data_keys=keys, hints={})
    docs = [("start", start), ("descriptor", bundle.descriptor_doc)]
    seq = 0
    for page in range(pages):
        seq_nums = list(range(seq + 1, seq + rows + 1))
        times = [1e9 + n / 3 for n in seq_nums]
        docs.append(
            (
                "event_page",
                {
                    "descriptor": bundle.descriptor_doc["uid"],
                    "uid": [event_uid(start["uid"], "primary", n) for n in seq_nums],
                    "seq_num": seq_nums,
                    "time": times,
                    "data": {"voltage": [n / 7 for n in seq_nums], "cycle": [page] * rows},
                    "timestamps": {"voltage": times, "cycle": [t + 1 for t in times]},
                    "filled": {},
                },
            )
        )
        seq += rows
    docs.append(
        (
            "event",
            {
                "descriptor": bundle.descriptor_doc["uid"],
                "uid": event_uid(start["uid"], "primary", seq + 1),
                "seq_num": seq + 1,
                "time": 2e9,
                "data": {"voltage": 1.5, "cycle": 9},
                "timestamps": {"voltage": 2e9, "cycle": 2e9},
                "filled": {},
            },
        )
    )
    docs.append(("stop", run.compose_stop()))
    return docs


def write(directory, docs):
    journal = Journal(directory)
    for name, doc in docs:
        journal(name, doc)
    journal.close()
    start = docs[0][1]
    return run_path(directory, start["uid"], start["time"])


def test_documents_come_back_as_they_were_written_and_pass_their_schemas(tmp_path):
    docs = documents()
    found = list(read_documents(write(tmp_path, docs)))
    assert [name for name, _ in found] == [name for name, _ in docs]
    for (name, read), (_, written) in zip(found, docs, strict=True):
        schema_validators[DocumentNames[name]].validate(read)
        if name.startswith("event"):
            assert read == written
    assert found[0][1]["array"] == [0, 1, 2]


def test_nan_is_null_on_disk_and_nan_again_when_read(tmp_path):
    docs = documents(pages=1)
    docs[2][1]["data"]["voltage"][1] = float("nan")
    path = write(tmp_path, docs)
    assert b"NaN" not in path.read_bytes()
    values = list(read_documents(path))[2][1]["data"]["voltage"]
    assert math.isnan(values[1])
    assert values[0] == docs[2][1]["data"]["voltage"][0]


def ends_of(data):
    return [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]


def test_a_tail_cut_at_any_byte_of_the_last_three_records_loses_the_torn_one_and_says_so(tmp_path):
    path = write(tmp_path, documents(pages=2))
    data = path.read_bytes()
    ends = ends_of(data)
    whole = list(read_records(path))
    for cut in range(ends[-4], len(data)):
        path.write_bytes(data[:cut])
        complete = sum(end <= cut for end in ends)
        losses = []
        assert list(read_records(path, lost=losses.append)) == whole[:complete]
        torn = cut - ends[complete - 1]
        assert [(loss.size, loss.records, loss.torn) for loss in losses] == (
            [(torn, 1, True)] if torn else []
        )


def damaged_reading(path, data, place, bit):
    """Read a journal with one bit flipped; return the records, the error, what is said to be lost."""
    damaged = bytearray(data)
    damaged[place] ^= 1 << bit
    path.write_bytes(bytes(damaged))
    read, losses = [], []
    try:
        for record in read_records(path, lost=losses.append):
            read.append(record)
    except (Corrupt, Foreign) as error:
        return read, error, losses
    return read, None, losses


def test_every_flipped_bit_of_one_record_is_found_and_what_is_before_it_can_be_read(tmp_path):
    path = write(tmp_path, documents(pages=1, rows=1))
    data = path.read_bytes()
    ends, whole = ends_of(data), list(read_records(path))
    for place in range(ends[2], ends[3]):
        for bit in range(8):
            read, error, losses = damaged_reading(path, data, place, bit)
            assert isinstance(error, Corrupt)
            assert (read, losses) == (whole[:3], [])
            assert list(read_records(path, lost=losses.append, until_damage=True)) == whole[:3]
            assert losses[0].size == len(data) - ends[2]


def test_a_flipped_bit_anywhere_is_found_and_never_read_as_data(tmp_path):
    path = write(tmp_path, documents(pages=1, rows=1))
    data = path.read_bytes()
    ends, whole = ends_of(data), list(read_records(path))
    for place in range(len(data)):
        read, error, losses = damaged_reading(path, data, place, place % 8)
        before = sum(end <= place for end in ends)
        assert read == whole[:before]
        # Only the newline of the last record makes it look torn.
        assert error is not None or (place == len(data) - 1 and losses)


def test_infinities_are_no_missing_numbers(tmp_path):
    docs = documents(pages=1)
    docs[2][1]["data"]["voltage"][:3] = [math.inf, -math.inf, math.nan]
    values = list(read_documents(write(tmp_path, docs)))[2][1]["data"]["voltage"]
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])


def test_metadata_of_any_text_is_kept_as_text(tmp_path):
    docs = documents(pages=1)
    strange = {
        "control": "\0\x1b[2J\n\r\u2028",
        "long": "n" * 5000,
        "html": "<script>alert(1)</script>",
        "é": "µ",
    }
    docs[0][1].update(strange, half="\ud800")
    start = next(read_documents(write(tmp_path, docs)))[1]
    assert {key: start[key] for key in strange} == strange
    assert start["half"] == "\ud800"
    assert len(list(tmp_path.rglob("*.jnl"))) == 1


@pytest.mark.parametrize(
    "uid", ["../../../evil", "/evil", "", "x" * 5000, "a\0b", "41014F49-9CD6-412C-9DD1-5077F05AFC33"]
)
def test_a_uid_that_is_none_never_becomes_a_file_name(tmp_path, uid):
    docs = documents()
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="no uid"):
        Journal(tmp_path / "data")("start", {**docs[0][1], "uid": uid})
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_a_foreign_file_and_a_newer_journal_are_refused_by_name(tmp_path):
    foreign = tmp_path / "foreign.jnl"
    foreign.write_bytes(b"\x00\x01 not a journal\n")
    with pytest.raises(Foreign):
        list(read_records(foreign))
    empty = tmp_path / "empty.jnl"
    empty.write_bytes(b"")
    assert list(read_records(empty)) == []
    newer = RecordFile(tmp_path / "newer.jnl", {"schema": 2})
    newer.close()
    with pytest.raises(Newer):
        list(read_records(newer.path))


def test_a_run_is_never_written_twice_into_one_file(tmp_path):
    docs = documents()
    write(tmp_path, docs)
    with pytest.raises(FileExistsError):
        Journal(tmp_path)(*docs[0])


def test_what_json_cannot_hold_is_refused_at_once():
    with pytest.raises(TypeError, match="object"):
        encode({"bad": object()})
    assert (
        encode({"a": np.float64("nan"), "b": np.array([1, 2]), "c": True}) == b'{"a":null,"b":[1,2],"c":true}'
    )


def test_rows_cost_less_than_one_json_page_per_row(tmp_path):
    path = write(tmp_path, documents(pages=1, rows=1000))
    assert path.stat().st_size / 1000 < 80


def test_event_uids_are_derived_from_their_place():
    run = str(uuid.uuid4())
    assert event_uid(run, "primary", 1) == event_uid(run, "primary", 1)
    assert len({event_uid(run, s, n) for s in ("primary", "steps") for n in range(50)}) == 100


def test_start_and_stop_are_found_without_reading_what_lies_between(tmp_path):
    docs = documents(pages=1, rows=3000)
    path = write(tmp_path, docs)
    start, stop = read_ends(path)
    assert start["uid"] == docs[0][1]["uid"]
    assert stop["exit_status"] == "success"


def test_a_run_that_died_has_a_start_and_no_stop(tmp_path):
    path = write(tmp_path, documents())
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    start, stop = read_ends(path)
    assert start is not None
    assert stop is None
    path.write_bytes(data[:50])
    assert read_ends(path) == (None, None)


def test_a_run_that_died_behind_a_long_page_is_not_taken_for_corrupt(tmp_path):
    path = write(tmp_path, documents(pages=1, rows=6000)[:-2])
    assert len(path.read_bytes().splitlines()[-1]) > 65_536
    start, stop = read_ends(path)
    assert start is not None
    assert stop is None
