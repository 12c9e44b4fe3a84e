"""What start documents say of the session they belong to."""

import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from labctl import provenance
from labctl.provenance import PACKAGES, code_hash, command_line, installed, version_of, whereabouts

ROOT = Path(__file__).parents[2]
HASHED = ("real", "drivers", "parameters", "parameters_hash", "seed", "twin")


def test_the_command_is_told_without_its_secrets_and_without_where_the_program_lies():
    assert command_line(["/opt/x/bin/labctl", "run", "fla"]) == "labctl run fla"
    assert command_line(["/opt/x/labctl/__main__.py", "demo"]) == "labctl demo"
    assert command_line([""]) == command_line(["-c", "secret()"]) == command_line([]) == "python"
    told = command_line(["labctl", "catalog", "--api-key", "abc", "--token=def", "postgres://me:ghi@host/db"])
    assert told == "labctl catalog --api-key *** --token=*** postgres://***@host/db"
    assert command_line(["labctl", "\x1b[31m\n"]) == r"labctl \x1b[31m\n"
    assert len(command_line(["labctl", "x" * 10_000])) < 3000


def test_code_has_one_hash_that_changes_with_its_sources(tmp_path, monkeypatch):
    (tmp_path / "mine_xyz").mkdir()
    for name in ("__init__", "a"):
        (tmp_path / "mine_xyz" / f"{name}.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = code_hash.__wrapped__("mine_xyz")
    assert before == code_hash.__wrapped__("mine_xyz")
    (tmp_path / "mine_xyz" / "a.py").write_text("x = 2\n")
    assert before != code_hash.__wrapped__("mine_xyz")
    with pytest.raises(ValueError, match="no sources"):
        code_hash("no_such_package_xyz")


def test_outside_of_a_checkout_the_installed_distribution_is_told(monkeypatch):
    class Found:
        version = "9.9"

        def read_text(self, name):
            return '{"url": "https://me:secret@host/labctl", "vcs_info": {"commit_id": "abc"}}'

    monkeypatch.setattr(provenance, "git_state", lambda _: None)
    monkeypatch.setattr(provenance, "distribution", lambda _: Found())
    said = whereabouts()
    assert said["git"] is None
    assert said["distribution"]["version"] == "9.9"
    assert said["distribution"]["origin"]["url"] == "https://***@host/labctl"
    assert said["distribution"]["origin"]["vcs_info"]["commit_id"] == "abc"

    def missing(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(provenance, "distribution", missing)
    assert installed() is None


def changed(tmp_path, file, old, new):
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    text = (folder / file).read_text()
    assert re.search(old, text)
    (folder / file).write_text(re.sub(old, new, text, count=1))
    return folder


def said_by(open_lab, **options):
    lab = open_lab(**options)
    said = dict(lab.RE.md)
    lab.close()
    return said


def test_the_same_configuration_has_the_same_hashes_and_each_session_an_id_of_its_own(open_lab):
    first, second = (said_by(open_lab) for _ in range(2))
    assert first["bench"]["config_hash"] == second["bench"]["config_hash"]
    assert first["limits_hash"] == second["limits_hash"]
    for name, device in first["devices"].items():
        other = second["devices"][name]
        assert [device[key] for key in HASHED] == [other[key] for key in HASHED]
    assert first["session"] != second["session"]


def test_one_changed_limit_changes_the_hash_of_the_limits_alone(open_lab, tmp_path):
    folder = changed(tmp_path, "limits.toml", r"950 V", "940 V")
    first, second = said_by(open_lab), said_by(open_lab, config=folder)
    assert first["limits_hash"] != second["limits_hash"]
    assert first["bench"]["config_hash"] == second["bench"]["config_hash"]


def test_one_changed_value_of_the_bench_changes_its_hash_and_what_the_twins_go_by(open_lab, tmp_path):
    folder = changed(tmp_path, "benches/twin.toml", r"(?m)^seed = \d+", "seed = 4321")
    first, second = said_by(open_lab), said_by(open_lab, config=folder)
    assert first["bench"]["config_hash"] != second["bench"]["config_hash"]
    lamp, other = first["devices"]["lamp"], second["devices"]["lamp"]
    assert lamp["twin"]["parameters_hash"] != other["twin"]["parameters_hash"]
    assert lamp["parameters_hash"] == other["parameters_hash"]
    assert lamp["twin"]["physics_hash"] == other["twin"]["physics_hash"]
    assert other["seed"] == 4321


def test_versions_are_those_that_python_itself_tells():
    assert {name: version_of(name) for name in PACKAGES} == {
        name: metadata.version(name) for name in PACKAGES
    }
