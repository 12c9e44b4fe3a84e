"""The log of a day, on a disk that does not take it."""

import logging
import shutil

import pytest

from labctl.day_file import DayFile


@pytest.fixture
def logged(tmp_path):
    """Return a logger that writes to logs/x.log in a folder of its own."""
    (tmp_path / "logs").mkdir()
    handler = DayFile(tmp_path / "logs" / "x.log")
    logger = logging.Logger("x")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_what_a_vanished_folder_does_not_take_is_said_once_without_a_traceback(logged, tmp_path, capfd):
    shutil.rmtree(tmp_path / "logs")
    for _ in range(3):
        logged.error("%s could not be written", "state")
    said = capfd.readouterr().err
    assert said.count("state could not be written") == 1
    assert "Traceback" not in said
    assert "Logging error" not in said


def test_what_can_be_written_is(logged, tmp_path, capfd):
    logged.warning("well")
    assert "well" in (tmp_path / "logs" / "x.log").read_text()
    assert capfd.readouterr().err == ""


def test_a_mistake_in_an_entry_is_told_as_python_does(logged, capfd):
    logged.warning("%d", "no number")
    assert "Logging error" in capfd.readouterr().err
