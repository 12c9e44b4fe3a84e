"""The log of a session: what was typed, what it failed with, which runs it made."""

from labctl.shell.diary import Diary

NOW = 1_790_000_000.0


def test_everything_typed_stands_there_with_runs_and_errors(tmp_path):
    begun = ["before"]
    diary = Diary(tmp_path / "logs", "me, labctl", lambda: NOW, lambda: begun)
    diary.typed(1, "RE(plan)")
    begun.append("uid-1")
    diary.came(None)
    diary.typed(2, "for each in films:\n    RE(each)\n")
    try:
        raise ValueError("no such film: \u20ac")
    except ValueError as error:
        diary.came(error)
    begun.append("uid-2")
    diary.close("left")
    lines = [line.split(" ", 2)[2] for line in diary.path.read_text(encoding="utf-8").splitlines()]
    assert lines[:6] == [
        "me, labctl",
        "In [1]: RE(plan)",
        "run uid-1",
        "In [2]: for each in films:",
        "   ...:     RE(each)",
        "failed: ValueError: no such film: \u20ac",
    ]
    assert any("Traceback" in line for line in lines)
    assert lines[-2:] == ["run uid-2", "left"]


def test_what_was_typed_last_is_there_before_it_is_done(tmp_path):
    diary = Diary(tmp_path, "me", lambda: NOW, tuple)
    diary.typed(1, "os._exit(1)")
    assert diary.path.read_text().endswith("In [1]: os._exit(1)\n")


def test_a_disk_that_takes_nothing_is_told_once_and_stops_nobody(tmp_path, caplog):
    (tmp_path / "logs").write_text("a file")
    diary = Diary(tmp_path / "logs", "me", lambda: NOW, tuple)
    diary.typed(1, "1 + 1")
    diary.close("left")
    assert caplog.text.count("is not kept") == 1
