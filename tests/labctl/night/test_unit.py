"""Going on at boot: the unit calls what is clean when there is nothing to do."""

import configparser
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from labctl.night.chronicle import Chronicle
from labctl.night.folder import Begun, make_folder
from labctl.night.unit import unit


def read_unit(text):
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_the_unit_goes_on_with_the_newest_night_of_this_data(tmp_path):
    told = read_unit(unit(tmp_path / "my data"))
    assert told["Service"]["ExecStart"].endswith(
        "night --resume last --data " + str(tmp_path) + "/my\\x20data"
    )
    assert (told["Service"]["Restart"], told["Service"]["KillMode"]) == ("on-failure", "mixed")
    assert told["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    path = tmp_path / "labctl-night.service"
    path.write_text(unit(tmp_path))
    subprocess.run(["systemd-analyze", "verify", str(path)], check=True)


def test_where_there_was_no_night_going_on_is_clean_and_says_so(tmp_path):
    for _ in range(2):
        told = CliRunner().invoke(app, ["night", "--resume", "last", "--data", str(tmp_path)])
        assert told.exit_code == 0
        assert "nothing to go on with" in told.output


def test_a_night_that_is_over_stays_over_and_says_what_it_came_to(tmp_path):
    listed = tmp_path / "list.toml"
    listed.write_text("")
    folder = make_folder(tmp_path, listed, Begun(str(tmp_path), "list", str(tmp_path), "", 1.0, 1, 0.0))
    chronicle = Chronicle(folder, {"night": folder.name})
    chronicle.tell(1.0, "failed", "a", reason="so it was")
    chronicle.tell(2.0, "over", counts={"failed": 1})
    chronicle.close()
    before = sorted(path.name for path in folder.iterdir())
    for _ in range(2):
        told = CliRunner().invoke(app, ["night", "--resume", "last", "--data", str(tmp_path)])
        assert told.exit_code == 0
        assert "1 failed; a: failed, so it was" in told.output
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_unit_is_printed_by_the_command(tmp_path):
    told = CliRunner().invoke(app, ["night", "--unit", "--data", str(tmp_path)])
    assert told.exit_code == 0
    assert told.output == unit(tmp_path)
