"""Verify: a whole journal is good, and whatever is wrong with one is said."""

import pytest

from labctl.journal.records import RecordFile, read_records
from labctl.journal.verify import verify, verify_run


@pytest.fixture
def forged(house, tmp_path):
    """Return a function that writes the journal of a good run again, its records changed."""
    house.begin().measure(10).collect().measure(10).collect().end()

    def write(change):
        folder = tmp_path / "forged"
        folder.mkdir(exist_ok=True)
        path = folder / house.path.name
        path.unlink(missing_ok=True)
        file = RecordFile(path, {"holds": "run"})
        for kind, payload in change([[each.kind, each.payload] for each in read_records(house.path)][1:]):
            file.append(kind, payload)
        file.close()
        return verify_run(path)

    return write


def rows(records):
    return [payload for kind, payload in records if kind == "R"]


def test_a_run_as_it_was_written_is_good(forged):
    verdict = forged(lambda records: records)
    assert verdict.good
    assert verdict.rows == 20 + 7 + 4


def test_a_running_run_needs_no_end(house):
    house.begin().measure(3).collect()
    verdict = verify_run(house.path)
    assert verdict.good
    assert "running" in str(verdict)


def test_a_run_that_died_is_told_to_be_recovered(forged):
    assert "labctl recover" in str(forged(lambda records: records[:-1]))


def last_lines(house, tmp_path, number):
    """Return a dead copy of a journal, its bytes, and where its last records begin."""
    path = house.died(tmp_path / "dead") / house.path.relative_to(house.data)
    content = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    return path, content, ends[-number - 1 : -1]


def test_a_flipped_bit_is_said_with_the_place_and_all_that_is_lost_by_it(house, tmp_path):
    """That every bit is found, `read_records` is tested for."""
    house.begin().measure(1).collect().measure(1).collect().end()
    path, content, (begin, end) = last_lines(house, tmp_path, 2)
    for number, place in enumerate(range(begin, end, 9)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << number % 8
        path.write_bytes(bytes(damaged))
        verdict = verify_run(path)
        assert not verdict.good
        assert f"{len(content) - begin} bytes from byte {begin}" in str(verdict)


def test_a_tail_that_was_cut_is_said_with_its_bytes(house, tmp_path):
    house.begin().measure(1).collect().end()
    path, content, begins = last_lines(house, tmp_path, 3)
    for cut in range(begins[0], len(content), 23):
        path.write_bytes(content[:cut])
        verdict = verify_run(path)
        assert not verdict.good
        torn = cut - max(begin for begin in begins if begin <= cut)
        assert f"{torn} bytes" in str(verdict) or not torn


def without(records, *, name):
    return [each for each in records if not (each[0] == "D" and each[1][0] == name)]


def changed(records, change):
    change(rows(records))
    return records


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda records: without(records, name="start"), "no start document"),
        (lambda records: without(records, name="descriptor"), "unknown descriptor"),
        (lambda records: [*records, records[-1]], "after the stop"),
        (lambda records: [records[1], records[0], *records[2:]], "at this place"),
        (lambda records: [*records[:2], records[1], *records[2:]], "stands twice"),
        (
            lambda records: [each for each in records if each[1] is not rows(records)[0]],
            "goes on with row 11",
        ),
        (lambda records: changed(records, lambda all_: all_[0].update(first=2)), "goes on with row 2"),
        (lambda records: changed(records, lambda all_: all_[0]["data"].pop("voltage")), "not the declared"),
        (lambda records: changed(records, lambda all_: all_[0]["data"]["voltage"].pop()), "9 values for 10"),
        (
            lambda records: changed(records, lambda all_: all_[0]["data"]["record"].__setitem__(3, None)),
            "record of row 4 is None, no integer",
        ),
        (
            lambda records: changed(records, lambda all_: all_[0]["data"]["voltage"].__setitem__(0, "3.9")),
            "voltage of row 1",
        ),
        (lambda records: [*records[:-1], ["X", {"doubt": "not synced: EIO"}], records[-1]], "doubtful"),
        (lambda records: [*records[:-2], records[-1]], "the stop document counts"),
        (lambda records: [*records[:-1], ["D", ["stop", {**records[-1][1][1], "exit_status": "?"}]]], "stop"),
        (lambda records: [*records[:-1], ["Z", {}], records[-1]], "no place"),
    ],
)
def test_whatever_is_wrong_is_said(forged, change, said):
    verdict = forged(change)
    assert not verdict.good
    assert said in str(verdict)


def test_one_bad_journal_keeps_no_other_from_being_verified(house, tmp_path):
    house.begin().measure(3).collect().end()
    foreign = tmp_path / "foreign.jnl"
    foreign.write_text("what is this?\n")
    told = []
    assert not verify([tmp_path / "absent.jnl", foreign, house.path], told.append)
    assert [verdict.good for verdict in told] == [False, False, True]
    assert "not a journal" in str(told[1])
