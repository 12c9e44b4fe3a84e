"""`labctl verify`, `recover` and `backup`, as they are typed."""

import json
import zlib

import pytest
from typer.testing import CliRunner

from devices.errors import DataError
from labctl.cli import app
from labctl.journal.documents import read_start
from labctl.journal.records import HEAD
from labctl.runs.index import ask_index
from labctl.samples.facts import Facts
from labctl.samples.past import name_run
from tests.labctl.journal.conftest import House


@pytest.fixture
def data(tmp_path):
    """Return a data folder with a run that ended and one that died."""
    house = House(tmp_path / "data")
    house.begin().measure(6).collect().end().begin().measure(4)
    dead = house.died(tmp_path / "dead")
    house.end().close()
    return dead


def typed(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def test_verify_says_what_is_wrong_until_it_is_recovered(data):
    code, said = typed("verify", "--data", data)
    assert code == 1
    assert said.count("good") == 1
    assert "labctl recover" in said
    assert typed("recover", "--data", data)[0] == 0
    code, said = typed("verify", "--data", data)
    assert (code, said.count("good")) == (0, 2)
    assert typed("recover", "--data", data) == (0, "nothing to recover\n")


def test_verify_mends_an_index_that_says_what_no_journal_says(data):
    typed("recover", "--data", data)
    right = typed("runs", "--data", data)
    ask_index(data, lambda index: index.execute("UPDATE runs SET plan = 'cucle'"))
    assert typed("runs", "--data", data) != right
    code, said = typed("verify", "--data", data)
    assert code == 0
    assert "the index did not say what these journals say, and is made anew" in said
    assert typed("runs", "--data", data) == right
    assert "index" not in typed("verify", "--data", data)[1]


def test_one_run_can_be_named_by_the_beginning_of_its_uid(data):
    (first, second) = sorted((data / "runs").glob("*/*/*.jnl"))
    typed("recover", first.stem, second.stem, "--data", data)
    assert typed("verify", first.stem[:12], "--data", data)[1].startswith(first.stem[:8])
    with pytest.raises(DataError, match="no run"):
        typed("verify", "ffffffffffff", "--data", data)


def test_a_backup_is_a_data_folder(data, tmp_path):
    code, said = typed("backup", tmp_path / "copy", "--data", data)
    assert (code, "copied" in said) == (0, True)
    assert typed("recover", "--data", tmp_path / "copy")[0] == 0
    assert typed("verify", "--data", tmp_path / "copy")[0] == 0
    with pytest.raises(DataError, match="lie in one another"):
        typed("backup", data / "copy", "--data", data)


def test_a_folder_that_is_not_there_is_no_lab_in_which_nothing_happened(tmp_path):
    for words in (
        ["verify"],
        ["recover"],
        ["runs"],
        ["samples"],
        ["alarms"],
        ["report", "--since", "2d"],
        ["backup", tmp_path / "copy"],
    ):
        with pytest.raises(DataError, match="no data folder"):
            typed(*words, "--data", tmp_path / "mistyped")
    assert list(tmp_path.iterdir()) == []


def journals(data):
    return sorted((data / "runs").glob("*/*/*.jnl"))


def flipped_in_the_start(path):
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(bytes(content))


def newer(path):
    header, rest = path.read_bytes().split(b"\n", 1)
    payload = json.dumps({**json.loads(header[HEAD:]), "schema": 2}).encode()
    body = b"00000000 H " + payload
    path.write_bytes(b"%08x %08x %s\n" % (len(payload), zlib.crc32(body), body) + rest)


@pytest.mark.parametrize("spoil", [flipped_in_the_start, newer, lambda path: path.write_bytes(b"")])
def test_verify_offers_for_each_run_what_recover_does(data, spoil):
    typed("recover", "--data", data)
    path = journals(data)[0]
    spoil(path)
    code, said = typed("verify", path.stem, "--data", data)
    assert code == 1
    assert f"labctl recover {path.stem[:8]} --despite REASON" in said
    assert "closes the run" not in said
    assert typed("recover", path.stem[:8], "--data", data)[0] == 1
    assert path.is_file()
    code, said = typed("recover", path.stem[:8], "--despite", "it was only a test", "--data", data)
    assert (code, "is set aside" in said) == (0, True)
    assert path.with_suffix(".aside").is_file()
    assert typed("verify", "--data", data)[0] == 0


def test_a_journal_that_is_gone_is_told_until_a_person_does_without_it(data):
    typed("recover", "--data", data)
    path = journals(data)[0]
    name_run(Facts(data), read_start(path) | {"sample": {"id": "lost"}})
    path.unlink()
    code, said = typed("verify", "--data", data)
    assert code == 1
    assert f"{path} is not there" in said
    assert f"labctl recover {path.stem[:8]} --despite REASON" in said
    code, said = typed("recover", path.stem[:8], "--despite", "the disk died", "--data", data)
    assert (code, "is set aside" in said) == (0, True)
    assert typed("verify", "--data", data)[0] == 0


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("gone")])
def test_what_stands_in_a_journals_place_can_be_done_without(data, make):
    typed("recover", "--data", data)
    path = journals(data)[0]
    name_run(Facts(data), read_start(path) | {"sample": {"id": "lost"}})
    path.unlink()
    make(path)
    code, said = typed("verify", "--data", data)
    assert (code, f"labctl recover {path.stem[:8]} --despite REASON" in said) == (1, True)
    code, said = typed("recover", path.stem[:8], "--despite", "the disk died", "--data", data)
    assert (code, "the past of lost is not known" in said) == (0, True)
    assert typed("verify", "--data", data)[0] == 0


def test_only_what_cannot_be_read_is_set_aside(data):
    typed("recover", "--data", data)
    sound, spoilt = journals(data)
    flipped_in_the_start(spoilt)
    with pytest.raises(DataError, match="nothing was set aside"):
        typed("recover", spoilt.stem, sound.stem, "--despite", "all of it", "--data", data)
    assert journals(data) == [sound, spoilt]
    assert typed("recover", "--despite", "all of it", "--data", data)[0] == 2


def test_a_newer_journal_is_called_so_with_its_version(data):
    path = journals(data)[0]
    newer(path)
    said = typed("runs", "--data", data)[1]
    assert "newer, schema 2; this labctl reads up to 1; a newer one reads it" in said
    assert "damaged" not in said
    assert path.stem[:8] in typed("runs", "--status", "newer", "--data", data)[1]
    assert "a newer one reads it" in typed("recover", "--data", data)[1]


def test_a_backup_that_finds_less_than_the_copy_has_ends_with_1(data, tmp_path):
    typed("recover", "--data", data)
    typed("backup", tmp_path / "copy", "--data", data)
    flipped_in_the_start(journals(data)[0])
    code, said = typed("backup", tmp_path / "copy", "--data", data)
    assert (code, "may be the good one" in said) == (1, True)
