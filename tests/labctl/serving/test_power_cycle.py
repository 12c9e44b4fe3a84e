"""A cycler that is switched off and on in a run: told as that, no row lost that it had said, and the program goes on.

The judge is the served twin: what truly flowed, and that nothing flows any more.
"""

import threading
import time

import numpy as np
import pytest

import labctl
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.recipes import to_json
from labctl import Run
from labctl.serving.faults import PlannedFault
from tests.labctl.serving.test_take_over import CELL, CURRENT, INTERVAL, film

OFTEN = Record(interval=INTERVAL)


def program_of(lasts):
    """Return two charges of so many seconds [s], and a rest."""
    charge = Step(ConstantCurrent(CURRENT), Until(duration=lasts), OFTEN)
    rest = Step(OpenCircuit(), Until(duration=0.1 * lasts), OFTEN)
    return Program("long", (Loop((charge,), 2, counts_cycles=True), rest), CellLimits(0.0, 5.0, 1e-3))


DISCHARGED = {"twin": 0.0, "emstat": 0.0, "keithley": 4e-5}
"""C that a SourceMeter, whose own off state is a source of 0 V, draws until its driver has spoken to it: 10 uA."""


def taken_up(served):
    """Return the charge [C] that the cell has truly taken up."""

    def look():
        world = served.server.world
        world.touch("potentiostat").settle()
        return world.foil(CELL.id).as_cell().state.charge

    return served.server._on_loop(look)


def wait_until(so, longest=60.0):
    end = time.monotonic() + longest
    while not so():
        assert time.monotonic() < end, "it did not come about"
        threading.Event().wait(0.02)


@pytest.fixture
def open_served(serve, config, tmp_path):
    opened = []

    def open_(bench):
        samples = tmp_path / "s0" / "samples"
        samples.mkdir(parents=True)
        samples.parent.chmod(0o700)
        (samples / f"{CELL.id}.json").write_text(film())
        file = config / "benches" / f"{bench}.toml"
        if "poll_period" not in file.read_text():
            often = '[devices.potentiostat.parameters]\npoll_period = "0.2 s"\n\n[world]'
            file.write_text(file.read_text().replace("[world]", often))
        served = serve(bench=bench)
        served.server._on_loop(lambda: served.server.world.assemble(to_json(CELL)))
        opened.append(
            labctl.open_session(
                str(served.bench), config=config, data=tmp_path / "data", handle_signals=False
            )
        )
        return served, opened[-1]

    yield open_
    for lab in opened:
        lab.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("lasts", [2.0, pytest.param(6.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_an_instrument_switched_off_and_on_in_a_run_is_told_and_the_program_goes_on(
    open_served, bench, lasts
):
    served, lab = open_served(bench)
    program = program_of(lasts)
    work = lab.start(lab.plans.cycle(lab.potentiostat, CELL, program))
    wait_until(lambda: (lab.potentiostat.report()["job"] or {"row": 0})["row"] > 4)
    off = PlannedFault("potentiostat.channels", "power_cycle", time=0.0, lasts=0.5)
    served.server._on_loop(lambda: served.server._board._befall(off))
    wait_until(lambda: work.done)
    flowed, lost = taken_up(served), DISCHARGED[bench]
    broken = Run("last", lab.data)
    assert broken.stop["exit_status"] != "success"
    table = broken.table()
    assert table["record"].tolist() == list(range(1, len(table["record"]) + 1))
    assert table["charge"][-1] * 3600.0 == pytest.approx(flowed, abs=2.0 * CURRENT * INTERVAL + lost)
    assert "instrument" in " ".join(broken.table("events")["text"])
    channel = lab.potentiostat
    assert not channel.is_kept(CELL, program)
    lab.RE(lab.plans.go_on_cycling(channel, CELL, program, broken.uid))
    whole = Run(broken.uid, lab.data)
    assert len(whole.members) == 2
    assert list(whole.table("steps")["end_reason"]) == ["duration"] * 3
    assert np.all(np.diff(whole.table()["test_time"]) >= 0.0)
    allowed = 4.0 * CURRENT * INTERVAL + lost
    assert whole.table()["charge"][-1] * 3600.0 == pytest.approx(taken_up(served), abs=allowed)
    assert taken_up(served) == pytest.approx(2.0 * lasts * CURRENT, abs=allowed)
