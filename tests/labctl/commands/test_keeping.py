"""What people say of runs is kept beside them, and printed as text whatever it holds."""

import errno
import json
import math
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.errors import DataError
from labctl.cli import app
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure

ROOT = Path(__file__).parents[3]
HOSTILE = "<script>x</script> [red]=cmd[/red] \x1b[31m\u202e 👩‍🔬 " + "x" * 5000


def invoke(kept, *arguments):
    done = CliRunner().invoke(app, [*map(str, arguments), "--data", str(kept.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def assert_harmless(printed):
    assert "\x1b" not in printed
    assert not any(unicodedata.category(sign) == "Cc" for sign in printed if sign != "\n")
    assert "\u202e" not in printed


def test_lists_are_filtered_and_can_be_read_by_programs(kept):
    uids = [kept.anneal("s1"), kept.cycle("s1"), kept.anneal("s2")]
    assert [each["uid"] for each in json.loads(invoke(kept, "runs", "--json"))] == uids
    hot = invoke(kept, "runs", "--json", "--where", "recipe.voltage > 840 V", "--sample", "s2")
    assert [each["uid"] for each in json.loads(hot)] == uids[2:]
    assert "the last 2; --limit 0 shows all" in invoke(kept, "runs", "--limit", "2")
    assert "no runs in" in invoke(kept, "runs", "--plan", "deposit")


def test_a_search_by_what_runs_went_by_says_that_it_is_that(kept):
    uid = kept.cycle("s1", capacity={"value_Ah": 7e-6, "sd_Ah": 1e-7, "basis": "as run"})
    measure(kept.folder, "s1", Measurement("capacity", 9e-6 * 3600.0, 1e-4))
    words = ["runs", "--json", "--data", str(kept.folder), "--where", "capacity < 8 uA hour"]
    found = CliRunner().invoke(app, words)
    assert [each["uid"] for each in json.loads(found.stdout)] == [uid]
    assert found.stderr.startswith("nominal.capacity: as the runs went by it; what was measured since is in ")
    assert CliRunner().invoke(app, words[:-2]).stderr == ""


def test_notes_and_marks_are_shown_and_change_no_journal(kept):
    uid = kept.anneal()
    path = Run(uid, kept.folder).path
    before = path.read_bytes()
    invoke(kept, "note", uid[:8], "the film", "looks blue")
    invoke(kept, "mark", "last", "bad", "--why", "flickered")
    assert path.read_bytes() == before
    listed = invoke(kept, "runs")
    assert "BAD: flickered" in listed
    assert "1 note" in listed
    shown = invoke(kept, "show", uid)
    assert "the film looks blue" in shown
    assert "bad: flickered" in shown
    invoke(kept, "mark", uid, "good")
    assert "BAD" not in invoke(kept, "runs")


def test_hostile_texts_are_printed_as_text(kept):
    sample = {"id": "s1", "label": HOSTILE, "layers": []}
    uid = kept.anneal(sample=sample, operator=HOSTILE, notes=HOSTILE, experiment=HOSTILE)
    invoke(kept, "note", uid, HOSTILE)
    invoke(kept, "mark", uid, "bad", "--why", HOSTILE)
    for arguments in (("runs",), ("show", uid), ("samples",), ("sample", "s1")):
        printed = invoke(kept, *arguments)
        assert_harmless(printed)
    assert "[red]=cmd[/red]" in invoke(kept, "show", uid)


def test_a_note_without_words_and_a_run_that_is_none_are_refused(kept):
    uid = kept.anneal()
    assert CliRunner().invoke(app, ["note", uid, "--data", str(kept.folder)]).exit_code == 2
    with pytest.raises(DataError, match="no run"):
        invoke(kept, "note", "zzz", "text")


def test_a_died_run_that_was_gone_on_with_is_shown_whole(kept):
    dead = kept.begin(plan="cycle")
    kept.rows(dead, "primary", {"record": [1, 2], "voltage": [3.0, 3.1]})
    dead.close()
    after = kept.begin(plan="cycle", continues=dead.uid, offsets={"record": 2})
    kept.rows(after, "primary", {"record": [1], "voltage": [3.2]})
    kept.end(after)
    shown = invoke(kept, "show", after.uid)
    assert "goes on with" in shown
    assert after.uid[:8] in shown
    assert "primary (3)" in shown
    assert f"goes on from {dead.uid[:8]}" in invoke(kept, "runs")


def test_a_damaged_run_is_shown_up_to_the_damage(kept):
    uid = kept.anneal()
    path = Run(uid, kept.folder).path
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"asked"', b'"asket"'))
    assert "damaged" in invoke(kept, "runs")
    assert "DAMAGED" in invoke(kept, "show", uid)


def test_lists_bring_no_engine_along():
    code = (
        "import sys, labctl.commands.keeping, labctl.runs.search, labctl.showing.runs;"
        "print([name for name in ('bluesky', 'ophyd', 'numpy', 'scipy', 'pint') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_note_and_a_mark_say_of_which_run_they_are(kept):
    uid = kept.anneal()
    assert f"noted of run {uid[:8]}" in invoke(kept, "note", "last", "blue")
    assert f"run {uid[:8]} is marked bad" in invoke(kept, "mark", "last", "bad")
    assert "noted of sample s1" in invoke(kept, "note", "--sample", "s1", "blue")


def test_a_folder_that_takes_no_pictures_is_a_sentence(kept, monkeypatch):
    uid = kept.anneal()

    def refuse(run, folder):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("labctl.pictures.plot.plot_run", refuse)
    with pytest.raises(DataError, match=r"pictures cannot be written \(Read-only file system\)"):
        invoke(kept, "plot", uid)


def test_what_is_damaged_says_what_to_do(kept):
    uid = kept.cycle()
    path = Run(uid, kept.folder).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for command in (("plot", uid), ("export", uid, "--to", "csv"), ("derive", uid)):
        with pytest.raises(DataError, match=f"labctl recover {uid[:8]}"):
            invoke(kept, *command)
    assert f"`labctl recover {uid[:8]}`" in " ".join(invoke(kept, "show", uid).split())


def test_a_wide_table_in_a_pipe_leaves_out_what_is_zero_throughout_and_names_it(kept):
    journal = kept.begin()
    idle = {f"gun{number}_power_that_was_never_on": [0.0, math.nan, 0.0] for number in range(20)}
    kept.rows(journal, "primary", {"elapsed": [0.0, 1.0, 2.0], **idle, "rate": [0.0, 0.0, 3e-9]})
    uid = kept.end(journal)
    printed = invoke(kept, "show", uid)
    head = next(line for line in printed.splitlines() if "elapsed" in line)
    assert "rate" in head
    assert "gun" not in head
    assert "zero throughout: gun0_power_that_was_never_on, gun1_" in printed
    asked = invoke(kept, "show", uid, "--columns", "elapsed,gun7_power_that_was_never_on")
    assert "gun7" in next(line for line in asked.splitlines() if "elapsed" in line)


def test_a_table_that_fits_shows_what_is_zero_too(kept):
    journal = kept.begin()
    kept.rows(journal, "primary", {"elapsed": [0.0, 1.0], "power": [0.0, 0.0]})
    printed = invoke(kept, "show", kept.end(journal))
    assert "power" in next(line for line in printed.splitlines() if "elapsed" in line)
