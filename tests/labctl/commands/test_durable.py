"""`labctl verify`, `recover` and `backup`, as they are typed."""

import pytest
from typer.testing import CliRunner

from devices.errors import DataError
from labctl.cli import app
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
