"""Backup: a copy that can stand in the data folder's place, whatever was written or killed meanwhile."""

import pytest

from devices.errors import DataError, OwnershipError
from labctl.journal import backup as module
from labctl.journal.backup import backup
from labctl.journal.recovery import recover


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name != module.LAB
    }


@pytest.fixture
def data(house):
    house.begin().measure(10).collect().end().begin().measure(5).collect().measure(3)
    (house.data / "samples").mkdir()
    (house.data / "samples" / "s.jsonl").write_text('{"fact": 1}\n')
    (house.data / "cache").mkdir()
    (house.data / "cache" / "x.npz").write_bytes(b"x")
    (house.data / "index.sqlite").write_bytes(b"x")
    return house.data


def test_all_but_what_is_rebuilt_is_copied_and_nothing_twice(data, tmp_path):
    copy = tmp_path / "copy"
    first = backup(data, copy)
    assert first.failures == ()
    assert not (copy / "cache").exists()
    assert not (copy / "index.sqlite").exists()
    assert not (copy / "state" / "reserve").exists()
    second = backup(data, copy)
    assert (second.copied, second.unchanged) == (0, first.copied)
    wanted = {
        path: text for path, text in content(data).items() if path.parts[0] in ("runs", "spool", "samples")
    }
    assert content(copy) == wanted


def test_only_what_changed_is_copied_again(house, data, tmp_path):
    copy = tmp_path / "copy"
    backup(data, copy)
    house.measure(1)
    assert backup(data, copy).copied == 1
    house.collect()
    assert backup(data, copy).copied == 1
    assert content(copy)[house.path.relative_to(data)] == house.path.read_bytes()


def test_a_run_that_goes_on_is_copied_up_to_its_last_whole_record_and_recovered_in_the_copy(
    house, data, tmp_path, rows_of
):
    with house.path.open("ab") as file:
        file.write(b"00000123 half a rec")
    copy = tmp_path / "copy"
    assert backup(data, copy).failures == ()
    path = copy / house.path.relative_to(data)
    assert path.read_bytes() == house.path.read_bytes()[:-19]
    (report,) = recover(copy)
    assert report.rows == 3 + 1 + 1
    assert [row["record"] for _, row in rows_of(path)["primary"]] == list(range(10, 18))


def test_a_backup_inside_the_data_or_around_them_is_refused(data):
    for to in (data, data / "copy", data / "runs" / ".." / "copy", data.parent):
        with pytest.raises(DataError, match="lie in one another"):
            backup(data, to)
    with pytest.raises(DataError, match="nothing to copy"):
        backup(data / "absent", data.parent / "copy")


def test_a_backup_that_is_killed_leaves_what_was_there_and_the_next_goes_on(
    house, data, tmp_path, monkeypatch
):
    copy = tmp_path / "copy"
    backup(data, copy)
    before = content(copy)
    house.measure(4).collect()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_checksum", killed)
        patched.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            backup(data, copy)
    assert content(copy) == before
    assert backup(data, copy).failures == ()
    assert content(copy)[house.path.relative_to(data)] == house.path.read_bytes()
    assert [path.name for path in copy.rglob(".*") if path.is_file()] == [".backup"]


def test_a_copy_that_does_not_read_back_is_said_and_does_not_take_the_name(data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_checksum", lambda _: "another")
    report = backup(data, tmp_path / "copy")
    assert report.copied == 0
    assert "does not read back" in str(report)
    assert content(tmp_path / "copy") == {}


def test_two_backups_into_one_folder_are_refused(data, tmp_path):
    with module._held(tmp_path / "copy"), pytest.raises(OwnershipError, match="another backup"):
        backup(data, tmp_path / "copy")


def test_links_are_not_followed_out_of_the_data(data, tmp_path):
    (tmp_path / "secret").write_text("x")
    (data / "samples" / "link").symlink_to(tmp_path / "secret")
    backup(data, tmp_path / "copy")
    assert not (tmp_path / "copy" / "samples" / "link").exists()


def flip(path, byte):
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("spoil", [lambda path: flip(path, -40), lambda path: path.write_bytes(b""), None])
def test_a_good_copy_is_kept_when_its_file_has_no_more_what_it_had(house, data, tmp_path, spoil):
    copy = tmp_path / "copy"
    house.collect().end()
    backup(data, copy)
    path = copy / house.path.relative_to(data)
    good = path.read_bytes()
    if spoil is None:
        house.path.write_bytes(good[: good.rindex(b"\n", 0, -1) + 1])
    else:
        spoil(house.path)
    report = backup(data, copy)
    assert f"{path.name}.old-1" in str(report)
    assert len(report.failures) == 1
    assert path.with_name(f"{path.name}.old-1").read_bytes() == good
    assert path.read_bytes() == house.path.read_bytes()
    assert backup(data, copy).failures == ()


def test_what_a_person_said_is_kept_when_a_line_of_it_is_gone(data, tmp_path):
    facts = data / "samples" / "s.jsonl"
    facts.write_text('{"fact": 1}\n{"fact": 2}\n')
    backup(data, tmp_path / "copy")
    facts.write_text('{"fact": 2}\n{"fact": 3}\n')
    assert "s.jsonl.old-1" in str(backup(data, tmp_path / "copy"))
    facts.write_text('{"fact": 3}\n')
    assert "s.jsonl.old-2" in str(backup(data, tmp_path / "copy"))
    assert (tmp_path / "copy" / "samples" / "s.jsonl.old-1").read_text() == '{"fact": 1}\n{"fact": 2}\n'


def test_a_tail_that_recovery_took_out_is_no_loss(house, data, tmp_path):
    """The copy has the damage; so has the file that recovery put beside the journal."""
    whole = house.path.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    house.close()
    house.path.write_bytes(whole)
    flip(house.path, begin + 40)
    backup(data, tmp_path / "copy")
    recover(data)
    assert house.path.with_suffix(".damaged").is_file()
    assert backup(data, tmp_path / "copy").failures == ()


def test_the_copy_of_another_lab_is_left_alone(data, tmp_path):
    copy, other = tmp_path / "copy", tmp_path / "other"
    backup(data, copy)
    before = content(copy)
    (other / "samples").mkdir(parents=True)
    (other / "samples" / "s.jsonl").write_text('{"fact": "theirs"}\n')
    (other / "runs" / "2026" / "11").mkdir(parents=True)
    (other / "runs" / "2026" / "11" / "x.jnl").write_text("theirs\n")
    with pytest.raises(DataError, match="another lab"):
        backup(other, copy)
    backup(other, tmp_path / "their-copy")
    with pytest.raises(DataError, match="copy of another lab"):
        backup(other, copy)
    (copy / module.LAB).unlink()
    with pytest.raises(DataError, match="another lab"):
        backup(other, copy)
    assert content(copy) == before


def test_a_copy_of_before_labs_had_ids_goes_on(data, tmp_path):
    copy = tmp_path / "copy"
    backup(data, copy)
    (copy / module.LAB).unlink()
    assert backup(data, copy).failures == ()
    assert (copy / module.LAB).read_bytes() == (data / module.LAB).read_bytes()
    (data / module.LAB).unlink()
    assert backup(data, copy).failures == ()
    assert (copy / module.LAB).read_bytes() == (data / module.LAB).read_bytes()


def test_a_copy_with_runs_is_not_taken_for_that_of_a_folder_without(data, tmp_path):
    copy = tmp_path / "copy"
    backup(data, copy)
    for path in (data / "runs").glob("*/*/*.jnl"):
        path.unlink()
    with pytest.raises(DataError, match="has no runs, and the copy"):
        backup(data, copy)
