"""Facts are lines that survive, and broken ones are told with their place."""

import threading

import pytest

from devices.errors import Corrupt, DataError
from labctl.fact_file import add_fact, read_facts


def test_what_was_added_is_read_in_its_order(tmp_path):
    path = tmp_path / "deep" / "facts.jsonl"
    for number in range(3):
        add_fact(path, float(number), "note", text=f"line\n{number} \u2028 \x1b[31m \ud800 😀")
    assert [each["time"] for each in read_facts(path)] == [0.0, 1.0, 2.0]
    assert next(read_facts(path))["text"] == "line\n0 \u2028 \x1b[31m \ud800 😀"
    assert list(read_facts(tmp_path / "none.jsonl")) == []


NO_FACTS = (
    b"",
    b"{",
    b"[]",
    b"1",
    b"null",
    b'{"time": 1}',
    b'{"fact": "x"}',
    b'{"time": "now", "fact": "x"}',
    b'{"time": true, "fact": "x"}',
    b'{"time": 1, "fact": 2}',
    b"\xff\xfe",
    b"[" * 100_000,
)


@pytest.mark.parametrize("line", NO_FACTS, ids=range(len(NO_FACTS)))
def test_a_line_that_is_no_fact_is_told_with_its_place(tmp_path, line):
    path = tmp_path / "facts.jsonl"
    add_fact(path, 1.0, "note")
    path.write_bytes(path.read_bytes() + line + b"\n")
    add_fact(path, 2.0, "note")
    with pytest.raises(Corrupt, match=r"facts\.jsonl:2 is not a fact"):
        list(read_facts(path))


def test_a_line_cut_short_takes_no_other_with_it(tmp_path):
    path = tmp_path / "facts.jsonl"
    add_fact(path, 1.0, "note")
    path.write_bytes(path.read_bytes() + b'{"time": 2.0, "fa')
    add_fact(path, 3.0, "note")
    lines = path.read_bytes().splitlines()
    assert lines[1] == b'{"time": 2.0, "fa'
    path.write_bytes(b"\n".join([lines[0], lines[2]]) + b"\n")
    assert [each["time"] for each in read_facts(path)] == [1.0, 3.0]


def test_several_may_add_at_once(tmp_path):
    path = tmp_path / "facts.jsonl"
    threads = [
        threading.Thread(target=lambda: [add_fact(path, 1.0, "note", text="x" * 5000) for _ in range(5)])
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read_facts(path))) == 30


def test_a_folder_that_takes_nothing_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        add_fact(tmp_path / "file" / "facts.jsonl", 1.0, "note")
