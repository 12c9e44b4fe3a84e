from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from devices.errors import ConfigError, DataError
from labctl.cli import app
from labctl.runs.run import Run
from labctl.samples.attachments import attachments

BDF = """Test Time / s,Voltage / V,Current / A,Unix Time / s,Cycle Count / 1,Step Count / 1
0.0,3.9,1e-05,1700000000.0,1,1
10.0,4.0,1e-05,1700000010.0,1,1
20.0,3.9,-1e-05,1700000020.0,1,2
30.0,3.8,-1e-05,1700000030.0,1,2
"""

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path) -> Invoke:
    """Run a command on a data folder; what goes wrong is raised, as main() would tell it."""

    def run(*words: object) -> Result:
        result = CliRunner().invoke(app, [*map(str, words), "--data", str(tmp_path / "data")])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def uid(invoke: Invoke, tmp_path: Path) -> str:
    path = tmp_path / "cell.bdf.csv"
    path.write_text(BDF)
    said = invoke("import", path, "--sample", "lco-0.7um").output
    assert "4 rows of cell.bdf.csv" in said
    return said.split()[1].removesuffix(":")


def test_a_file_becomes_a_run_and_the_run_a_file_again(invoke: Invoke, uid: str, tmp_path: Path) -> None:
    assert "import" in invoke("runs").output
    assert "cell.bdf.csv (bdf)" in invoke("show", uid).output
    said = invoke("export", uid, "--to", "bdf", "--output", tmp_path / "out").output
    assert str(tmp_path / "out" / f"lco-0.7um-{uid}.bdf.csv") in said
    rows = (tmp_path / "out" / f"lco-0.7um-{uid}.bdf.csv").read_text().splitlines()
    assert [row.split(",")[:3] for row in rows] == [row.split(",")[:3] for row in BDF.splitlines()]


def test_without_a_format_a_run_is_asked_for_one_and_a_program_is_text(invoke: Invoke, uid: str) -> None:
    asked = invoke("export", uid)
    assert asked.exit_code == 2
    assert "is a run: say which of bdf" in " ".join(asked.output.split())
    assert "repeat 3 x (" in invoke("export", "formation", "--sample", "lco-0.7um").output


def test_a_format_of_the_other_kind_is_told(invoke: Invoke, uid: str) -> None:
    with pytest.raises(DataError, match="only a run becomes csv, a program text, pybamm, unicycler"):
        invoke("export", "formation", "--to", "csv")
    with pytest.raises(ConfigError, match="no program"):
        invoke("export", uid, "--to", "pybamm")
    unknown = invoke("export", uid, "--to", "xlsx")
    assert unknown.exit_code == 2
    assert "a run becomes bdf" in " ".join(unknown.output.split())


def test_an_import_needs_a_known_sample_and_format(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "cell.bdf.csv"
    path.write_text(BDF)
    with pytest.raises(ConfigError, match="nobody"):
        invoke("import", path, "--sample", "nobody")
    assert invoke("import", path, "--sample", "lco-0.7um", "--as", "xls").exit_code == 2
    assert not (tmp_path / "data").exists()


def test_one_file_that_is_none_keeps_no_other_from_being_imported(
    invoke: Invoke, uid: str, tmp_path: Path
) -> None:
    path = tmp_path / "again.bdf.csv"
    path.write_text("Test Time / s,Voltage / V,Current / A\n0,3.9,1e-5\n1,3.91,1e-5\n")
    (tmp_path / "a.csv").write_text("=cmd(),<html>\n1,2\n")
    done = invoke("import", tmp_path / "a.csv", path, "--sample", "lco-0.7um")
    assert done.exit_code == 1
    assert "2 rows of again.bdf.csv" in done.output


def test_an_import_says_who_did_it_and_keeps_the_file(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "cell.bdf.csv"
    path.write_text(BDF)
    said = invoke("import", path, "--sample", "lco-0.7um", "--operator", "ben").output
    assert "the file itself is kept as" in " ".join(said.split())
    run = Run("last", tmp_path / "data")
    assert run.start["operator"] == "ben"
    ((fact, copy),) = attachments(tmp_path / "data", "lco-0.7um")
    assert fact["who"] == "ben"
    assert copy.read_text() == BDF
