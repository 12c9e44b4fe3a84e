"""A train whose process is killed at any instant: never more flashes than asked, before and after recovery.

The judge is the black box of served twins, which live on. The processes are forked from a warm parent.
"""

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.warm import Warm, alive, wait_for

PULSES = 3
LONGEST = 9.0
"""Seconds from an open session to the end of a train: charging, 3 pulses at 1 Hz, an empty bank; half as
much again where the machine is loaded."""
DEAD_MAN = 2.0
"""Seconds of silence after which the board opens the interlock loop by itself [safety budget of the lab]."""
SAFE_WITHIN = 3.0
"""Seconds from the death of the host to a charger that is off and a loop that is open [safety budget of the lab]."""

TASK = """
    import labctl
    from devices.recipes import AnnealRecipe
    from labctl.runs.briefs import briefs
    from devices.samples import Layer, SampleRef

    sample = SampleRef(id="quick-1", layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)))

    def run(bench, config, data, pulses, rate, said, recovers):
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
                print("open", file=file)
                recipe = AnnealRecipe("q", 400.0, 1.8e-3, pulses, rate)
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
"""


@pytest.fixture
def warm():
    """Return a warm parent."""
    made = Warm(TASK)
    yield made
    made.close()


def ended(served, on, off):
    """Whether the black box, which is written after the twin has moved, ends with `off` or knows neither."""
    told = served.events(on, off)
    return not told or told[-1]["event"] == off


def fired_by_triggers(served, killed, heard):
    """Return the pulses of a lamp that is triggered for each; held against a death and when all sent was heard."""
    fired = served.events("gate")
    # A gate opens as its trigger is read from the line; a dead host sends none, one may have been on its way.
    assert all(gate["time"] <= heard for gate in fired)
    assert sum(gate["time"] > killed for gate in fired) <= 1
    return fired


def fired_by_a_tool(served, killed, heard):
    """Return the pulses of a tool that was started once: it goes on until the dead-man opens its loop, 2 s later."""
    fired = served.events("pulse")
    opened = [line["time"] for line in served.events("loop open") if line["time"] > killed]
    assert not opened or opened[0] <= heard + DEAD_MAN + 0.01
    assert all(pulse["time"] <= opened[0] for pulse in fired if opened)
    return fired


def killed_and_recovered(warm, served, folder, config, instant, fired=fired_by_triggers):
    """Kill a train at an instant [s] after its session opened, recover; return flashes before and after."""
    said = folder / "said.txt"
    folder.mkdir()
    told = {"bench": str(served.bench), "config": str(config), "data": str(folder / "data")}
    event, rate = ("pulse", 0.5) if fired is fired_by_a_tool else ("gate", 1.0)
    told |= {"pulses": PULSES, "rate": rate, "said": str(said)}
    pid = warm.fork(**told, recovers=False)
    wait_for(lambda: said.exists() and "open" in said.read_text())
    threading.Event().wait(instant)
    if alive(pid):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    killed = served.clock.now()
    heard = served.server.heard_all()
    wait_for(lambda: ended(served, "high voltage on", "high voltage off"))
    wait_for(lambda: ended(served, "loop closed", "loop open"))
    before = fired(served, killed, heard)
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
    return len(before), len(served.events(event))


@pytest.mark.parametrize(
    ("trials", "bench"),
    [
        (5, "twin"),
        (2, "pulseforge"),
        pytest.param(100, "twin", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
        pytest.param(50, "pulseforge", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_a_train_killed_at_a_random_instant_fires_no_pulse_too_many_before_and_after_recovery(
    warm, serve, config, tmp_path, trials, bench
):
    chance = random.Random(trials)
    instants = [chance.uniform(0.0, LONGEST) for _ in range(trials)]
    fired = fired_by_a_tool if bench == "pulseforge" else fired_by_triggers

    def trial(number):
        folder = tmp_path / f"t{number}"
        return killed_and_recovered(warm, worlds[number], folder, config, instants[number], fired)

    found = []
    for first in range(0, trials, 5):
        worlds = {number: serve(bench=bench) for number in range(first, min(first + 5, trials))}
        with ThreadPoolExecutor(5) as at_once:
            found += at_once.map(trial, worlds)
        for world in worlds.values():
            world.close()
    assert all(before <= PULSES for before, _ in found)
    assert [after for _, after in found] == [PULSES] * trials
    assert {before for before, _ in found} >= {0, PULSES} or trials < 20
