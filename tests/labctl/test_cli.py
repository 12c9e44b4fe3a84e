"""The command line, as far as it needs no terminal: what it prints, what it refuses, how it exits."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.errors import ConfigError, DataError
from labctl.cli import _keep_only, app

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
    assert "(uAh)" in shown
    assert "made by runs" in shown
    chosen = invoke("show", "last", "--data", kept, "--columns", "voltage,current", "--rows", 2).output
    assert "first 2 of" in chosen
    assert "temperature" not in chosen


def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_told(tmp_path):
    refused = labctl("ved", "--thickness", "10 um", "--plot", "none/x.png", folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("DataError: none/x.png cannot be written")


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


def test_a_checked_program_is_told_with_time_rows_and_disk(tmp_path):
    steps = tmp_path / "steps.txt"
    steps.write_text(
        "limits 2.95 V to 4.3 V, 1 mA\n(Charge at C/2 until 4.25 V; Discharge at C/2 until 3 V) * 3\n"
    )
    done = invoke("check", steps, "--sample", "lco-0.7um", "--bench", "twin")
    assert done.exit_code == 0
    for word in ("no mistakes", "3 x  Charge at", "time    at most", "rows", "disk"):
        assert word in done.output


def test_a_cell_without_a_sample_has_the_area_that_is_given(tmp_path):
    steps = tmp_path / "steps.txt"
    steps.write_text("limits 2.95 V to 4.3 V, 1 mA\nCharge at 50 uA/cm2 for 1 h\n")
    assert "Charge at 10 uA" in invoke("check", steps, "--area", "0.2 cm^2").output
    assert invoke("check", steps, "--area", "0.2").exit_code == 2


def test_a_program_that_would_hit_a_limit_is_told_and_the_shell_sees_it(tmp_path):
    steps = tmp_path / "steps.txt"
    steps.write_text("limits 2.95 V to 4.3 V, 20 mA\nCharge at 15 mA until 4.25 V\n")
    done = invoke("check", steps, "--sample", "lco-0.7um")
    assert done.exit_code == 2
    assert done.output.startswith("NOT AS IT STANDS: some of it would be refused, or stopped at a limit\n")
    assert "no mistakes" not in done.output
    assert "LIMIT" in done.output
    assert "DOUBT" in done.output


def test_a_program_with_a_typing_error_is_refused_with_line_and_column(tmp_path):
    steps = tmp_path / "steps.txt"
    steps.write_text("limits 2.95 V to 4.3 V, 20 mA\nCharge at 15 uA untill 4.25 V\n")
    with pytest.raises(ConfigError, match="line 2, column 17"):
        invoke("check", steps)


def test_names_are_checked_and_exported_as_files_are():
    told = invoke("check", "formation", "fla-0.7um", "--sample", "lco-0.7um").output
    assert "formation: 5 steps" in told
    assert "rates-0.7um: 4 steps" in told
    assert (
        invoke("export", "fla-0.7um").output
        == invoke("export", "rates-0.7um", "--sample", "lco-0.7um").output
    )
    with pytest.raises(ConfigError, match=r'(?s)2 mistakes.*did you mean "formation".*"xyzzy"'):
        invoke("check", "formatoin", "xyzzy")
    with pytest.raises(ConfigError, match="there is no program in it"):
        invoke("export", ROOT / "config" / "recipes" / "fla-850V-20.toml")


def test_programs_are_printed_in_other_languages(tmp_path):
    text = invoke("export", "formation", "--sample", "lco-0.7um").output
    assert "repeat 3 x (" in text
    steps = tmp_path / "steps.txt"
    steps.write_text(text.replace(" or 5 mV", ""))
    assert (
        '"Charge at 0.0007245 mA until 4.25 V (1 minute period)"'
        in invoke("export", steps, "--to", "pybamm").output
    )
    protocol = tmp_path / "steps.json"
    protocol.write_text(invoke("export", steps, "--to", "unicycler").output)
    assert invoke("export", protocol).output == steps.read_text().replace(
        "program formation", "program steps"
    )
    assert invoke("export", steps, "--to", "latin").exit_code == 2


def test_a_command_that_is_named_needs_no_other_and_any_other_word_leaves_all(monkeypatch):
    commands, groups = list(app.registered_commands), list(app.registered_groups)
    for asked, left in (
        (["samples"], 1),
        (["night-run"], 1),
        (["import"], 1),
        (["sample"], None),
        ([], None),
    ):
        monkeypatch.setattr(app, "registered_commands", list(commands))
        monkeypatch.setattr(app, "registered_groups", list(groups))
        _keep_only(asked)
        assert len(app.registered_commands) == (left or len(commands))
        assert len(app.registered_groups) == (0 if left else len(groups))


def test_a_chamber_whose_film_was_not_cut_off_has_nothing_to_account_for(tmp_path):
    refused = labctl("account", "sputter", "--bench", "sputter", "--data", "data", folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("LabError: no film was cut off in 'sputter'")
