"""A train whose process is killed at any instant: never more flashes than asked, before and after recovery.

The judge is the black box of served twins, which live on. The processes are forked from a warm parent.
"""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PULSES = 3
LONGEST = 6.0
"""Seconds from an open session to the end of a train: charging, 3 pulses at 1 Hz, an empty bank."""
SAFE_WITHIN = 3.0
"""Seconds from the death of the host to a charger that is off and a loop that is open [safety budget of the lab]."""

WARM = """
    import json, os, signal, sys, warnings
    import labctl
    import labctl.config.benches, labctl.session, devices.flash_lamp, devices.potentiostat
    import devices.instruments.squidstat, scipy.linalg, pyvisa
    from devices.recipes import AnnealRecipe
    from labctl.runs.briefs import briefs
    from devices.samples import Layer, SampleRef

    sample = SampleRef(id="quick-1", layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)))

    def run(bench, config, data, pulses, said, recovers):
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
                print("open", file=file)
                recipe = AnnealRecipe("q", 400.0, 1.8e-3, pulses, 1.0)
                if not recovers:
                    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
                else:
                    print("flashes", lab.lamp.permissives.flashes(), file=file)
                    print("lamp", repr(lab.lamp).splitlines()[0], file=file)
                    lab.hands._ask = lambda question: "yes"
                    lab.lamp.reset()
                    begun = [each.uid for each in briefs(lab.data)]
                    plans = lab.plans
                    if begun:
                        lamp, trains, hands = lab.lamp, lab.trains, lab.hands
                        lab.RE(plans.finish_train(lamp, trains, hands, sample, recipe, begun[0]))
                    else:
                        lab.RE(plans.anneal(lab.lamp, sample, recipe))
                    past = lab.believer.foil(sample).history
                    believed = sum(each["event"] == "flash" for each in past)
                    print("believed", believed, file=file)
                print("done", file=file)

    pyvisa.ResourceManager("@py").close()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("warm", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run(**json.loads(line))
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)
"""


class Warm:
    """A process that has everything imported and forks one that runs a train for each line it is told."""

    def __init__(self):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", textwrap.dedent(WARM)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._turn = threading.Lock()
        assert self.process.stdout.readline() == "warm\n"

    def fork(self, **told):
        with self._turn:
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()
            return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


@pytest.fixture
def warm():
    """Return a warm parent."""
    made = Warm()
    yield made
    made.close()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(found, longest=120.0):
    until = time.monotonic() + longest
    while not found():
        assert time.monotonic() < until, "it did not come about"
        threading.Event().wait(0.005)


def ended(served, on, off):
    """Whether the black box, which is written after the twin has moved, ends with `off` or knows neither."""
    told = served.events(on, off)
    return not told or told[-1]["event"] == off


def killed_and_recovered(warm, served, folder, config, instant):
    """Kill a train at an instant [s] after its session opened, recover; return flashes before and after."""
    said = folder / "said.txt"
    folder.mkdir()
    told = {"bench": str(served.bench), "config": str(config), "data": str(folder / "data")}
    told |= {"pulses": PULSES, "said": str(said)}
    pid = warm.fork(**told, recovers=False)
    wait_for(lambda: said.exists() and "open" in said.read_text())
    threading.Event().wait(instant)
    if alive(pid):
        os.kill(pid, signal.SIGKILL)
    killed = served.clock.now()
    wait_for(lambda: not alive(pid))
    wait_for(lambda: ended(served, "high voltage on", "high voltage off"))
    wait_for(lambda: ended(served, "loop closed", "loop open"))
    before = served.events("gate")
    assert all(gate["time"] <= killed + 0.01 for gate in before)
    for off in ("high voltage off", "loop open"):
        assert all(line["time"] <= killed + SAFE_WITHIN for line in served.events(off))
    again = warm.fork(**told, recovers=True)
    wait_for(lambda: not alive(again))
    assert said.read_text().splitlines()[-1] == "done", said.read_text()
    told = dict(line.split(maxsplit=1) for line in said.read_text().splitlines() if " " in line)
    assert int(told["flashes"]) == len(before)
    assert int(told["believed"]) == PULSES
    if "the host died while firing" in told["lamp"]:
        assert f"the board counted {len(before)} flashes" in told["lamp"]
        assert "FAULT" in told["lamp"]
    return len(before), len(served.events("gate"))


@pytest.mark.parametrize("trials", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_train_killed_at_a_random_instant_fires_no_pulse_too_many_before_and_after_recovery(
    warm, serve, config, tmp_path, trials
):
    chance = random.Random(trials)
    instants = [chance.uniform(0.0, LONGEST) for _ in range(trials)]
    worlds = [serve() for _ in range(min(5, trials))]

    def trial(number):
        return killed_and_recovered(warm, serve_of[number], tmp_path / f"t{number}", config, instants[number])

    found = []
    for first in range(0, trials, 5):
        if first:
            worlds = [serve() for _ in range(5)]
        serve_of = dict(enumerate(worlds, start=first))
        with ThreadPoolExecutor(5) as at_once:
            found += at_once.map(trial, serve_of)
        for world in worlds:
            world.close()
    assert all(before <= PULSES for before, _ in found)
    assert [after for _, after in found] == [PULSES] * trials
    assert {before for before, _ in found} >= {0, PULSES} or trials < 20
