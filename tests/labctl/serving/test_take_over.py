"""A cycling host that is killed at any instant: the next session takes the cell over, and no row is lost or doubled.

The judge is the served twin, which lives on: the charge that truly passed, and the rows that the instrument numbered.
"""

import json
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from devices.recipes import to_json
from devices.samples import Layer, SampleRef
from labctl import Run
from labctl.journal.verify import verify_run
from labctl.runs.briefs import run_files
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge
from tests.support.valid import hold_all
from tests.support.warm import Warm, alive, wait_for

ROOT = Path(__file__).parents[3]
CELL = SampleRef(
    id="quick-1",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)
CURRENT, INTERVAL = 1e-5, 0.2
LONG, SHORT = 2.0, 0.8
"""Seconds of a charge in the slow and the short form."""

BETWEEN = {"twin": 1.0, "emstat": 4.0, "keithley": 2.0}
"""Seconds that an instrument needs beside a program's own steps, from an open session to its end."""


COLD = 1e-7
"""C at the most that a SourceMeter draws before its driver has spoken to it: 10 uA for 10 ms, its own off state."""


def lasts(bench, each):
    """Return how long [s] a session cycles: three charges and two half as long rests."""
    return 4.0 * each + BETWEEN[bench]


TASK = """
    import json, os, signal, sys
    import labctl
    import labctl.config.benches, labctl.session, devices.flash_lamp, devices.potentiostat
    import devices.instruments.squidstat, devices.instruments.keithley_2450, devices.instruments.palmsens_emstat4
    import pyvisa, scipy.linalg
    from devices.cycling.programs import CellLimits, Loop, Program, Step, When
    from devices.samples import Layer, SampleRef
    from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until

    sample = SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    often = Record(interval=%(interval)g)

    def steps(which, each):
        body = tuple(
            Step(ConstantCurrent(current), Until(duration=each), often) for current in (%(current)g, %(current)g / 2)
        )
        rest = Step(OpenCircuit(), Until(duration=each / 2), often)
        until = When(cycle_at_least=9) if which == "parts" else None
        return (Loop(body, 1, counts_cycles=True, until=until), *body[:1], rest, rest)

    def run(bench, config, data, said, goes_on, each, steps_of="one", closes=0.0):
        program = Program("short", steps(steps_of, each), CellLimits(0.0, 5.0, 1e-3))
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
                print("open", file=file)
                if closes:
                    # A session that ends in good order leaves what runs to its instrument.
                    lab.start(lab.plans.cycle(lab.potentiostat, sample, program, md={"experiment": "whole"}))
                    while lab.potentiostat.flight().end_reason != "running":
                        lab.clock.sleep(0.1)
                    lab.clock.sleep(closes)
                elif not goes_on:
                    lab.RE(lab.plans.cycle(lab.potentiostat, sample, program), labelled="first", experiment="whole")
                else:
                    print("left", lab.potentiostat.left(), file=file)
                    is_kept = lab.potentiostat.is_kept(sample, program)
                    way = lab.plans.take_over if is_kept else lab.plans.go_on_cycling
                    try:
                        lab.RE(way(lab.potentiostat, sample, program, labctl.Run("last", data).uid))
                    except Exception as error:
                        print("ended", repr(error), file=file)
                print("done", file=file)
"""


@pytest.fixture(scope="module")
def warm():
    made = Warm(TASK % {"interval": INTERVAL, "current": CURRENT})
    yield made
    made.close()


def film():
    """Return a flashed film, as a bench keeps it."""
    foil, pulse = Foil(to_json(CELL), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    return json.dumps(foil.to_dict())


def passed(served):
    """Return the charge [C] that truly passed."""
    station = served.server.world.station("potentiostat")
    if hasattr(station, "smu"):
        return station.smu.charge
    if hasattr(station, "squidstat"):
        return sum(charge for _, charge in station.squidstat.charges)
    return sum(station.emstat.charges)


def killed_and_taken_over(warm, served, folder, config, instant, **how):
    """Kill a cycling process at an instant [s] after its session opened, take over; return what was said, the runs.

    how: which steps, each how long; with `closes` its session ends by itself after so many seconds.
    """
    said, data = folder / "said.txt", folder / "data"
    folder.mkdir()
    served.server._on_loop(lambda: served.server.world.assemble(to_json(CELL)))
    told = {"bench": str(served.bench), "config": str(config), "data": str(data), "said": str(said)}
    told |= {"steps_of": how.get("steps_of", "one"), "each": how["each"]}
    pid = warm.fork(**told, goes_on=False, closes=how.get("closes", 0.0))
    wait_for(lambda: said.exists() and "open" in said.read_text())
    threading.Event().wait(instant)
    if "closes" not in how and alive(pid):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    again = warm.fork(**told, goes_on=True)
    wait_for(lambda: not alive(again))
    words = said.read_text()
    assert words.splitlines()[-1] == "done", words
    return words, data


def judged(words, data, served, each):
    """Compare the chain of runs with what truly happened."""
    if not run_files(data):
        # Killed before the run began: nothing was started, either.
        is_cold = hasattr(served.server.world.station("potentiostat"), "smu")
        assert abs(passed(served)) <= (COLD if is_cold else 0.0), words
        return
    chain = Run("last", data)
    assert {each.start["experiment"] for each in chain.members} == {"whole"}
    assert [verify_run(each.path).complaints for each in chain.members] == [()] * len(chain.members)
    assert hold_all(data) >= len(chain.members)
    table = chain.table()
    assert table["record"].tolist() == list(range(1, len(table["record"]) + 1)), words
    assert np.all(np.diff(table["test_time"]) >= 0.0)
    assert np.all(np.diff(table["unix_time"] - table["test_time"]) == pytest.approx(0.0, abs=1e-3))
    assert table["charge"][-1] * 3600.0 == pytest.approx(passed(served), abs=CURRENT * INTERVAL), words
    steps = chain.table("steps")
    assert steps["step_count"].tolist() == [1, 2, 3, 4, 5], words
    assert list(steps["end_reason"]) == ["duration"] * 5
    cycles = chain.table("cycles")
    assert cycles["charge_capacity"][0] * 3600.0 == pytest.approx(
        1.5 * each * CURRENT, abs=2.0 * CURRENT * INTERVAL
    )


FEW = [(bench, 1) for bench in ("twin", "emstat", "keithley")]
MANY = [
    pytest.param(bench, 17, marks=[pytest.mark.slow, pytest.mark.timeout(900)])
    for bench in ("twin", "emstat", "keithley")
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("bench", "trials"), [*FEW, *MANY])
def test_a_killed_cycle_is_taken_over_and_its_chain_has_every_row_once(
    warm, serve, config, tmp_path, bench, trials
):
    file = config / "benches" / f"{bench}.toml"
    if "poll_period" not in file.read_text():
        often = '[devices.potentiostat.parameters]\npoll_period = "0.2 s"\n\n[world]'
        file.write_text(file.read_text().replace("[world]", often))
    chance = random.Random(f"{bench}{trials}")
    flashed = film()
    each = LONG if trials > 1 else SHORT
    instants = [chance.uniform(0.3, lasts(bench, each)) for _ in range(trials)]

    def trial(number):
        served = worlds[number]
        return killed_and_taken_over(
            warm, served, tmp_path / f"t{number}", config, instants[number], each=each
        )

    for first in range(0, trials, 3):
        worlds = {}
        for number in range(first, min(first + 3, trials)):
            samples = tmp_path / f"s{number}" / "samples"
            samples.mkdir(parents=True)
            samples.parent.chmod(0o700)
            (samples / f"{CELL.id}.json").write_text(flashed)
            worlds[number] = serve(bench=bench)
        with ThreadPoolExecutor(3) as at_once:
            found = list(at_once.map(trial, worlds))
        for (words, data), served in zip(found, worlds.values(), strict=True):
            if "Traceback" not in words.partition("left")[0]:
                judged(words, data, served, each)
            served.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("instant", "each"),
    [(1.0, SHORT), *(pytest.param(at, LONG, marks=pytest.mark.slow) for at in (2.0, 6.5))],
)
def test_a_program_of_several_parts_goes_on_with_its_course(warm, serve, config, tmp_path, instant, each):
    served = world(serve, tmp_path)
    words, data = killed_and_taken_over(
        warm, served, tmp_path / "t", config, instant, steps_of="parts", each=each
    )
    judged(words, data, served, each)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("each", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)])
@pytest.mark.parametrize("steps_of", ["one", "parts"])
def test_what_a_closed_session_left_running_is_taken_over(warm, serve, config, tmp_path, steps_of, each):
    served = world(serve, tmp_path)
    words, data = killed_and_taken_over(
        warm, served, tmp_path / "t", config, 0.0, steps_of=steps_of, closes=1.5 * each, each=each
    )
    judged(words, data, served, each)


def world(serve, folder):
    """Serve the twin bench with a flashed film in it."""
    samples = folder / "s0" / "samples"
    samples.mkdir(parents=True)
    samples.parent.chmod(0o700)
    (samples / f"{CELL.id}.json").write_text(film())
    return serve(bench="twin")
