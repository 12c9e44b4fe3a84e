"""Cycling on twins that die with their host, killed at any instants: the next session goes on where the rows end."""

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from devices.recipes import to_json
from devices.samples import Layer, SampleRef
from labctl import Run
from sim.bench import SAVE_EVERY
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge
from tests.support.valid import hold_all
from tests.support.warm import Warm, alive, wait_for

ROOT = Path(__file__).parents[2]
CELL = SampleRef(
    id="quick-1",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)
CURRENT = 2e-5
POLL = 60.0
"""Seconds between a station's questions for rows."""

TASK = """
    import json, os, signal, sys
    import labctl, sim.bench
    sim.bench.SAVE_REST = 0.0  # time jumps here, and the kills come at any moment of it
    import labctl.config.benches, labctl.session, devices.flash_lamp, devices.potentiostat
    import devices.instruments.squidstat, devices.instruments.keithley_2450, devices.instruments.palmsens_emstat4
    import scipy.linalg
    from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step, When
    from devices.cycling.techniques import (
        ConstantCurrent, ConstantVoltage, OpenCircuit, PotentiostaticImpedance, Record, Until, VoltageRamp
    )
    from devices.samples import Layer, SampleRef

    sample = SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    every = Record(interval=10.0)

    def cc(current, **until):
        return Step(ConstantCurrent(current), Until(**until), every)

    def rest(seconds):
        return Step(OpenCircuit(), Until(duration=seconds), every)

    up, down = cc(%(current)g, voltage_above=4.15), cc(-%(current)g, voltage_below=3.4)
    hold = Step(ConstantVoltage(4.15), Until(current_below=5e-6, duration=1200.0), every)
    pulse = cc(%(current)g, charge=2e-3, voltage_above=4.2)
    programs = {
        "cccv": (rest(200.0), Loop((up, hold, rest(300.0), down, rest(300.0)), 2, counts_cycles=True)),
        "gitt": (Loop((pulse, rest(400.0)), 5), Loop((down, rest(200.0)), 1, counts_cycles=True)),
        "condition": (
            Loop((up, down), 6, counts_cycles=True, until=When(cycle_at_least=2)),
            Loop((up, rest(100.0), down), 1, counts_cycles=True),
            rest(100.0),
        ),
        "spectra": (
            cc(%(current)g, duration=400.0),
            Loop((Step(PotentiostaticImpedance(1e3, 1.0, 5e-3, per_decade=3)), cc(%(current)g, duration=60.0)), 3),
            rest(100.0),
        ),
        "ramp": (
            cc(%(current)g, duration=500.0), rest(100.0),
            Loop((Step(VoltageRamp(3.94, 4.06, 1e-3), Until(), every),
                  Step(VoltageRamp(4.06, 3.94, 1e-3), Until(), every)), 2),
            rest(100.0),
        ),
    }

    def run(bench, data, said, program, died):
        name, _, loss = program.partition("-")
        program = Program(name, programs[name], CellLimits(2.9, 4.35, 1e-4), loss or "keep")
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, data=data, handle_signals=False) as lab:
                print("open", file=file)
                channel = lab.potentiostat
                if not died:
                    lab.RE(lab.plans.cycle(channel, sample, program))
                else:
                    broken = labctl.Run("last", data).uid
                    if channel.is_kept(sample, program):
                        lab.RE(lab.plans.take_over(channel, sample, program, broken))
                    elif not channel.is_through(sample, program, broken):
                        lab.RE(lab.plans.go_on_cycling(channel, sample, program, broken))
                print("done", file=file)
"""


@pytest.fixture(scope="module")
def warm():
    made = Warm(TASK % {"current": CURRENT})
    yield made
    made.close()


@pytest.fixture(scope="module")
def built():
    """Return a flashed film with its cell built on it, as a bench keeps it."""
    foil, pulse = Foil(to_json(CELL), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    foil.assemble(100.0)
    return json.dumps(foil.to_dict())


def samples_in(data, bench):
    return data / "bench" / bench / "samples"


def fresh(folder, bench, built):
    samples = samples_in(folder, bench)
    samples.mkdir(parents=True)
    (samples / f"{CELL.id}.json").write_text(built)
    return folder


def session(warm, data, bench, program, *, died, lives=None):
    """Let a session cycle, or go on; kill it so many seconds after it opened. Return how long it lived, its words."""
    said = data / f"said-{time.monotonic_ns()}"
    pid = warm.fork(bench=bench, data=str(data), said=str(said), program=program, died=died)
    wait_for(lambda: said.exists() and ("open" in said.read_text() or not alive(pid)))
    opened = time.monotonic()
    if lives is not None:
        threading.Event().wait(lives)
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    return time.monotonic() - opened, said.read_text()


def stored(data, bench):
    """Return the charge [C] that the saved cell has taken up."""
    return json.loads((samples_in(data, bench) / f"{CELL.id}.json").read_text())["cell"]["charge"]


def judged(chain, whole, words):
    """Compare a chain of runs with the uninterrupted run."""
    table, steps, cycles = chain.table(), chain.table("steps"), chain.table("cycles")
    expected, as_steps, as_cycles = whole.table(), whole.table("steps"), whole.table("cycles")
    assert np.all(np.diff(table["record"]) > 0), words
    assert np.all(np.diff(table["test_time"]) >= 0.0), words
    for key in ("step_index", "step_count", "cycle", "technique", "end_reason"):
        assert list(steps[key]) == list(as_steps[key]), (key, words)
    assert cycles["cycle"].tolist() == as_cycles["cycle"].tolist()
    assert set(cycles["flags"] & 8) <= {0}
    # What passed within a poll, or between two savings of the world, is not in both.
    allowed = len(chain.chain) * CURRENT * (SAVE_EVERY + POLL)
    assert steps["charge"] * 3600.0 == pytest.approx(as_steps["charge"] * 3600.0, abs=allowed), words
    assert np.abs(np.diff(table["charge"])).max() * 3600.0 < 1.5 * CURRENT * POLL
    assert table["charge"][-1] == pytest.approx(steps["charge"].sum(), abs=1e-9)
    assert len(expected["record"]) > 0


KINDS = [
    ("twin", "cccv"),
    ("twin", "gitt"),
    ("twin", "condition"),
    ("twin", "spectra"),
    ("emstat", "gitt"),
    ("twin", "condition-open"),
]
ALL = [*KINDS, ("keithley", "condition"), ("keithley", "ramp")]
SLOW = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("bench", "program"), KINDS)
@pytest.mark.parametrize("trials", [1, pytest.param(6, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_killed_program_goes_on_with_the_step_that_was_under_way(
    warm, tmp_path, built, bench, program, trials
):
    chance = random.Random(f"{bench}{program}{trials}")
    unbroken = fresh(tmp_path / "whole", bench, built)
    lasts, words = session(warm, unbroken, bench, program, died=False)
    assert words.endswith("done\n"), words
    whole = Run("last", unbroken)
    for number in range(trials):
        data = fresh(tmp_path / f"t{number}", bench, built)
        said = []
        for kill in range(chance.randint(1, 3) if trials > 1 else 1):
            _, words = session(
                warm, data, bench, program, died=kill > 0, lives=chance.uniform(0.02, 0.9) * lasts
            )
            said.append(words)
            if not list((data / "runs").glob("*/*/*.jnl")):
                said = []
                break
            if words.endswith("done\n"):
                break
        if not said or not said[-1].endswith("done\n"):
            _, words = session(warm, data, bench, program, died=bool(said))
            said.append(words)
        words = "".join(said)
        assert words.endswith("done\n"), words
        chain = Run("last", data)
        assert hold_all(data) >= len(chain.members)
        judged(chain, whole, words)
        told, lost = chain.table()["charge"][-1] * 3600.0, CURRENT * (SAVE_EVERY + POLL)
        assert told == pytest.approx(stored(data, bench), abs=len(chain.chain) * lost), words
