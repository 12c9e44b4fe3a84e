"""The command line, as far as it needs no terminal: what it prints, what it refuses, how it exits."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.errors import ConfigError, DataError
from labctl.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kept(open_lab, sample, recipe, program):
    """Run a quick experiment and return its data folder."""
    lab = open_lab()
    lab.RE(lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program))
    lab.close()
    return lab.data


def invoke(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def labctl(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-P", "-m", "labctl", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_runs_and_rows_are_shown_with_their_units(kept):
    listed = invoke("runs", "--data", kept).output
    assert "anneal" in listed
    assert "quick-1" in listed
    shown = invoke("show", "last", "--data", kept, "--stream", "cycles").output
    assert "discharge_capacity" in shown
    assert "(Ah)" in shown
    assert "made by runs" in shown
    chosen = invoke("show", "last", "--data", kept, "--columns", "voltage,current", "--rows", 2).output
    assert "first 2 of" in chosen
    assert "temperature" not in chosen


def test_pictures_are_drawn_where_asked(kept, tmp_path):
    printed = invoke("plot", "last", "--data", kept, "--output", tmp_path / "here").output
    assert all(Path(line).is_file() for line in printed.split())


def test_an_unknown_run_stream_or_column_is_refused_by_name(kept):
    for arguments, word in (
        (("show", "zzz"), "no run"),
        (("show", "last", "--stream", "layers"), "no stream"),
        (("show", "last", "--columns", "volts"), "volts"),
        (("plot", ""), "no run"),
    ):
        with pytest.raises(DataError, match=word):
            invoke(*arguments, "--data", kept)


def test_an_empty_data_folder_is_said_to_be_empty(tmp_path):
    assert "no runs in" in invoke("runs", "--data", tmp_path).output


def test_mistakes_are_told_before_anything_is_opened(tmp_path):
    with pytest.raises(ConfigError, match=r"fla-0\.7um"):
        invoke("run", "fla-0.7", "--data", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_shell_sees_words_and_exit_codes_and_no_traceback(tmp_path):
    (tmp_path / "broken.toml").write_text("schema = 1\nplan = \n")
    for arguments, code in ((("check", "broken.toml"), 2), (("show", "nope"), 1), (("--version",), 0)):
        done = labctl(*arguments, folder=tmp_path)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
    assert "broken.toml:2" in labctl("check", "broken.toml", folder=tmp_path).stderr


def test_a_folder_with_names_like_ours_does_not_get_in_the_way(tmp_path):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "__init__.py").write_text("raise RuntimeError('intruder')\n")
    assert labctl("--version", folder=tmp_path).returncode == 0
    named = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, '.'); import labctl"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert "ImportError" in named.stderr
    assert str(tmp_path / "devices") in named.stderr
