"""A run is read when it is asked for, and damage is told."""

import math

import numpy as np
import pytest

from devices.errors import Corrupt, DataError
from labctl.runs.run import Run


def test_columns_are_read_as_asked(kept):
    run = Run(kept.anneal(pulses=4), kept.folder)
    assert list(run.table(columns=["exposure"])) == ["exposure"]
    assert run.table()["pulse"].tolist() == [1, 2, 3, 4]
    assert run.counts() == {"primary": 4, "outcome": 1}
    with pytest.raises(DataError, match="stream primary has no colour; it has pulse, exposure"):
        run.table(columns=["colour"])
    with pytest.raises(DataError, match="no stream 'trace'"):
        run.table("trace")


def test_documents_can_be_gone_through_again(kept):
    run = Run(kept.anneal(), kept.folder)
    documents = run.documents
    assert [name for name, _ in documents] == [name for name, _ in documents]
    assert next(iter(documents))[0] == "start"


def test_what_was_not_measured_is_nan_and_an_overflow_infinite(kept):
    journal = kept.begin()
    kept.rows(journal, "primary", {"exposure": [1.0, math.nan, math.inf]})
    kept.end(journal)
    np.testing.assert_array_equal(Run("last", kept.folder).table()["exposure"], [1.0, math.nan, math.inf])


def test_a_stream_without_rows_has_columns_without_rows(kept):
    journal = kept.begin()
    kept.rows(journal, "steps", {"end_reason": [], "charge": [], "step_count": []})
    kept.end(journal)
    table = Run("last", kept.folder).table("steps")
    assert [(key, len(column), column.dtype.kind) for key, column in table.items()] == [
        ("end_reason", 0, "U"),
        ("charge", 0, "f"),
        ("step_count", 0, "i"),
    ]


def test_a_damaged_journal_is_read_up_to_the_damage_when_asked(kept):
    journal = kept.begin()
    for pulse in range(1, 6):
        kept.rows(journal, "primary", {"pulse": [pulse], "exposure": [1.0]})
    uid = kept.end(journal)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    lines[-3] = lines[-3].replace(b'"exposure":[1.0]', b'"exposure":[9.0]')
    journal.path.write_bytes(b"".join(lines))
    with pytest.raises(Corrupt, match="fails its checksum"):
        Run(uid, kept.folder)
    run = Run(uid, kept.folder, until_damage=True)
    assert "fails its checksum" in run.damage[0]
    assert run.table()["pulse"].tolist() == [1, 2, 3]
    assert run.stop is None
    assert run.brief().status == "damaged"


def test_a_run_is_found_by_enough_of_its_uid(kept):
    uids = [kept.anneal() for _ in range(4)]
    assert Run(uids[1][:8], kept.folder).uid == uids[1]
    with pytest.raises(DataError, match="no run"):
        Run("zz", kept.folder)
    with pytest.raises(DataError, match="no run"):
        Run("", kept.folder)
    with pytest.raises(DataError, match="no run"):
        Run("%", kept.folder)


def test_a_journal_that_says_nothing_yet_is_no_run(kept):
    uid = kept.anneal()
    path = Run(uid, kept.folder).path
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(DataError, match="ends before its start document"):
        Run(path)
    with pytest.raises(DataError, match="no run"):
        Run(uid, kept.folder)
