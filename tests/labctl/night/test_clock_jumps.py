"""The wall's time set an hour on and two back while a night runs: no duration in it changes."""

import shutil
import time

import numpy as np
import pytest

from labctl import Run

HOUR = 3600.0

SHORT = """schema = 1
macro = "text"
steps = '''
Charge at 10 uA for 2 s
Rest for 2 s
'''
[limits]
voltage_min = "0 V"
voltage_max = "5 V"
current_max = "1 mA"
[record]
interval = "200 ms"
"""


@pytest.fixture
def wall(config):
    """Add the bench `wall`, on which twins live in the wall's time, and a program of four seconds."""
    text = (config / "benches" / "pair.toml").read_text()
    text = text.replace('kind = "virtual"', 'kind = "wall"').replace('pace = "none"\n', "")
    often = '[devices.channel.parameters]\npoll_period = "0.2 s"\n\n[wiring]'
    (config / "benches" / "wall.toml").write_text(text.replace("[wiring]", often))
    (config / "programs" / "quick.toml").write_text(SHORT)


@pytest.fixture
def jumps(monkeypatch):
    """Return jump(seconds), which sets the machine's clock."""
    offset = [0.0]
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9 + offset[0])

    def jump(seconds):
        offset[0] += seconds

    return jump


def test_a_clock_that_is_set_changes_no_duration_of_a_program_and_no_deadline(
    conduct, write, data, wall, jumps
):
    shutil.copytree(data / "bench" / "pair" / "samples", data / "bench" / "wall" / "samples")
    looks = []

    def at_look(conductor):
        looks.append(time.monotonic())
        if len(looks) == 3:
            jumps(HOUR)
        if len(looks) == 6:
            jumps(-2.0 * HOUR)

    began = time.monotonic()
    told = conduct(write("cycle-0", bench="wall", deadline="30 min", at_deadline="stop"), at_look=at_look)
    assert len(looks) >= 6
    assert time.monotonic() - began < 60.0
    assert told.state("cycle-0") == "done", told.states["cycle-0"].reason
    run = Run(told.states["cycle-0"].runs[0], data)
    times = run.table()["test_time"]
    assert times[-1] == pytest.approx(4.0, abs=0.1)
    assert np.diff(times).max() < 0.5
    steps = run.table("steps")
    assert list(steps["end_reason"]) == ["duration"] * 2
