"""Who wants a bench safe that is held is told what ends its holder in good order."""

import json
import os
import re
from dataclasses import asdict

import pytest

import labctl
from devices.errors import LabError, OwnershipError
from labctl.commands.working import safe
from labctl.held_bench import how_to_end
from labctl.night.folder import BEGUN, Begun
from labctl.night.heart import HEARTBEAT, Heart


def held_by_this():
    return OwnershipError("bench twin", f"pid {os.getpid()} since 2026-11-20")


def test_a_session_is_ended_by_its_process(tmp_path):
    assert how_to_end(held_by_this(), tmp_path).startswith(f"`kill -TERM {os.getpid()}` ends")


def test_a_night_is_ended_by_an_order(tmp_path):
    folder = tmp_path / "nights" / "tonight-1"
    folder.mkdir(parents=True)
    (folder / BEGUN).write_text(json.dumps(asdict(Begun("", "", "", "", 0.0, 0, 0.0))))
    Heart(folder / HEARTBEAT).beat()
    assert how_to_end(held_by_this(), tmp_path).startswith("`labctl order stop --night tonight-1` ends")


def test_of_a_holder_that_is_no_process_here_nothing_is_said(tmp_path):
    assert how_to_end(OwnershipError("bench twin", "a process that is just opening it"), tmp_path) == ""


def test_safe_on_a_bench_that_is_held_says_what_to_type(tmp_path):
    with (
        labctl.open_session("twin", data=tmp_path, handle_signals=False),
        pytest.raises(LabError, match=re.escape(f"`kill -TERM {os.getpid()}` ends")),
    ):
        safe(bench="twin", only=None, config=None, data=tmp_path)
