"""A film whose process is killed: plasma off and shutters closed by hardware alone; finished later, nothing twice.

The judge is the black box of the served chamber, which lives on. The processes are forked from a warm parent. All of it
takes the wall's time, so these are long; the same death on the bench's own clock is in tests/labctl/test_film_deaths.
"""

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sim.physics.vacuum.regulator import Regulator
from tests.support.warm import Warm, alive, wait_for

NANOMETRES = 8
RATE, TOOLING = 28.2 / 60.0, 1.06
"""nm/s of film by the thickness monitor of these twins, and film on the sample over film on the crystal."""
LONGEST = NANOMETRES / RATE
"""Seconds from the opening of the shutter to its closing."""
SAFE_WITHIN = 12.0
"""Seconds from the death of the host to a dark chamber with its shutters closed [table of endings]."""
DEAD_MAN = 3.0
"""Seconds of silence after which the board's own contact has opened: its watchdog of 2 s, and a row."""

TASK = """
    from dataclasses import replace

    import labctl, devices.sputter_system
    from devices.samples import Layer, SampleRef
    from labctl.config import readers
    from labctl.config.finder import config_dir
    from labctl.films.journals import FilmJournals
    from labctl.runs.briefs import briefs
    from labctl.runs.run import Run
    from labctl.samples.believed import believed

    sample = SampleRef(id="quick-1", layers=(Layer("Al", 100e-6),))

    def run(bench, config, data, nanometres, said, recovers):
        recipe = readers.deposition(config_dir() / "recipes" / "sputter-lco-0.7um.toml")
        guns = tuple(replace(each, ramp=None) for each in recipe.guns)
        recipe = replace(recipe, guns=guns, presputter=4.0, thickness=nanometres * 1e-9, base_pressure=1e-3)
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
                if not recovers:
                    lab.RE(lab.plans.deposit(lab.sputter, sample, recipe))
                else:
                    print("state", lab.sputter.read_state(), file=file)
                    lab.hands._ask = lambda question: "yes"
                    begun = [each.uid for each in briefs(lab.data)][0]
                    films = FilmJournals(lab.data)
                    before = films.so_far(begun, sample, recipe).thickness
                    print("before", before * 1e9, file=file)
                    lab.sputter.reset()
                    if nanometres - before * 1e9 >= 1.0:
                        plan = lab.plans.finish_deposition
                        (uid,) = lab.RE(plan(lab.sputter, films, lab.hands, sample, recipe, begun))
                        outcome = Run(uid, lab.data, alone=True).table("outcome")
                        print("asked", outcome["asked"][0], file=file)
                        print("done", outcome["done"][0], file=file)
                    there = believed(lab.data, sample).sample.layers[-1]
                    print("doubtful", bool(there.doubtful), file=file)
                print("ended", file=file)
"""


@pytest.fixture
def warm():
    """Return a warm parent."""
    made = Warm(TASK)
    yield made
    made.close()


@pytest.fixture
def films(config):
    """Return a configuration in which a film takes seconds: strong sources that bear fast ramps."""
    bench = config / "benches" / "sputter.toml"
    text = bench.read_text()
    for old, new in (
        ('material = "LiCoO2"\n', 'material = "LiCoO2"\nramp = "60 W/s"\n'),
        ('rate = "3 nm/min"', 'rate = "28.2 nm/min"'),
        ('LiCoO2 = "1.12"', 'LiCoO2 = "10"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    bench.write_text(text)
    limits = config / "limits.toml"
    text = limits.read_text()
    assert text.count("[sputter]\n") == 1
    limits.write_text(text.replace("[sputter]\n", '[sputter]\npresputter = "4 s"\n'))
    return config


def told_of(said):
    """Return what a process said of itself."""
    return dict(line.split(maxsplit=1) for line in said.read_text().splitlines() if " " in line)


def killed_and_finished(warm, served, folder, config, instant):
    """Kill a film so long [s] after its shutter opened, have it finished; hold all of it against the black box."""
    said = folder / "said.txt"
    folder.mkdir()
    # A rotor that turns already, and a throttle that settles in seconds: both take the wall's time twice.
    gas = served.server.world.station("sputter").chamber.gas
    gas.rotor, gas.rotor_on = 1.0, True
    gas.vessel = replace(gas.vessel, regulator=Regulator(gain=0.5, integral_time=1.5))
    told = {"bench": str(served.bench), "config": str(config), "data": str(folder / "data")}
    told |= {"nanometres": NANOMETRES, "said": str(said)}
    pid = warm.fork(**told, recovers=False)

    def opened():
        assert alive(pid), said.read_text()
        return [each for each in served.events("shutter opened") if each["text"] == "substrate_shutter"]

    wait_for(opened)
    threading.Event().wait(instant)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    killed = served.clock.now()
    wait_for(lambda: served.events("plasma out"), SAFE_WITHIN + 5.0)
    shut = [each for each in served.events("shutter closed") if each["text"] == "substrate_shutter"]
    assert shut[-1]["time"] - killed <= SAFE_WITHIN
    assert served.events("plasma out")[-1]["time"] - killed <= SAFE_WITHIN
    again = warm.fork(**told, recovers=True)
    wait_for(lambda: not alive(again))
    assert said.read_text().splitlines()[-1] == "ended", said.read_text()
    told = told_of(said)
    assert told["state"] == "fault"
    assert told["doubtful"] == "True"
    assert told["asked"] == told["done"]
    assert float(told["before"]) + float(told["asked"]) == pytest.approx(NANOMETRES, abs=0.6)
    served.server.world.station("sputter").settle()
    grown = served.server.world.foil("quick-1").grown
    # What came between the last row and the closing of the shutter nobody counted: not more than the dead-man lets be.
    most = RATE * (DEAD_MAN + 1.0)
    assert -1.5 * RATE <= sum(each.thickness for each in grown) * 1e9 / TOOLING - NANOMETRES <= most


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("trials", [1, 6])
def test_a_film_whose_host_is_killed_ends_by_itself_and_is_finished_with_nothing_twice(
    warm, serve, films, tmp_path, trials
):
    chance = random.Random(trials)
    instants = [chance.uniform(0.0, LONGEST - 1.0) for _ in range(trials)]
    for first in range(0, trials, 3):
        worlds = {number: serve(bench="sputter") for number in range(first, min(first + 3, trials))}

        def trial(number, worlds=worlds):
            folder = tmp_path / f"t{number}"
            killed_and_finished(warm, worlds[number], folder, films, instants[number])

        with ThreadPoolExecutor(3) as at_once:
            list(at_once.map(trial, worlds))
        for world in worlds.values():
            world.close()
