"""One Ctrl-C holds every plan at once, a second ends it and makes it safe; resumed, a train has its exact count.

Real signals to real processes; the judge is the black box of served twins, which live on.
"""

import contextlib
import itertools
import json
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from devices.recipes import to_json
from devices.samples import Layer, SampleRef
from labctl import Run
from labctl.clock.wall import boot_ns
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge
from tests.support.warm import Warm, alive, wait_for

PULSES = 3
PERIOD = 1.0
LOOKED_ON = 2.5
"""Seconds of a pause: at 1 Hz a train that went on would have fired."""

TASK = """
    import os, signal, sys, threading, time
    from bluesky.utils import RunEngineInterrupted
    from devices.cycling.programs import CellLimits, Loop, Program, Step
    from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
    from devices.recipes import AnnealRecipe
    from devices.samples import Layer, SampleRef
    from labctl.clock.wall import boot_ns

    layers = (Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6))
    films = [SampleRef(id=f"film-{number}", layers=layers) for number in range(3)]
    cell = SampleRef(
        id="cell-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    recipe = AnnealRecipe("q", 400.0, 1.8e-3, 3, 1.0)
    often = Record(interval=0.2)
    body = tuple(Step(ConstantCurrent(current), Until(duration=2.0), often) for current in (1e-5, 5e-6))
    rest = Step(OpenCircuit(), Until(duration=2.0), often)
    program = Program("short", (Loop(body, 4, counts_cycles=True), rest), CellLimits(0.0, 5.0, 1e-3))
    resting = Program("rest", (rest,), CellLimits(0.0, 5.0, 1e-3))

    def plan_of(lab, name, of):
        plans, lamp, channel, film = lab.plans, lab.lamp, lab.potentiostat, films[0]
        if name == "single_pulse":
            return plans.single_pulse(lamp, film, recipe)
        if name == "train":
            return plans.anneal(lamp, film, recipe)
        if name == "fluence_ladder":
            return plans.fluence_ladder(lamp, films[:2], AnnealRecipe("q", 400.0, 1.8e-3, 2, 1.0), [350.0, 400.0])
        if name == "anneal_until":
            return plans.anneal_until(lamp, film, recipe, -1.0 if of == "" else float(of))
        if name == "calibrate_fluence":
            fluence = AnnealRecipe("q", 400.0, 1.8e-3, 1, 1.0)
            return plans.calibrate_fluence(lamp, lab.calibration, film, fluence, [350.0, 400.0, 450.0])
        if name == "anneal_then_cycle":
            return plans.anneal_then_cycle(lamp, channel, lab.hands, cell, recipe, resting)
        if name == "finish_train":
            lab.hands._ask = lambda question: "yes"
            return plans.finish_train(lamp, lab.trains, lab.hands, film, recipe, of)
        if name == "cycle":
            return plans.cycle(channel, cell, program)
        if name == "take_over":
            return plans.take_over(channel, cell, program, of)
        return plans.go_on_cycling(channel, cell, program, of)

    def run(bench, config, data, said, name, of="", waits="RE", goes_on=""):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with open(said, "a", buffering=1) as file:
            def tell(*words):
                print(*words, boot_ns(), sep="\\t", file=file)

            with labctl.open_session(bench, config=config, data=data) as lab:
                if waits == "worker":
                    plan = plan_of(lab, name, of)
                    tell("open")
                    worker = lab.start(plan, "beside")
                    begin, go_on = worker.result, lambda: (worker.resume(), worker.result())
                else:
                    plan = plan_of(lab, name, of)
                    tell("open")
                    begin, go_on = lambda: lab.RE(plan), lambda: lab.RE.resume()
                hold = lab.lamp.pause

                def held():
                    hold()
                    tell("holding")

                lab.lamp.pause = held
                engine = lab.RE if waits == "RE" else worker.RE
                try:
                    while True:
                        try:
                            begin()
                            tell("done")
                            break
                        except RunEngineInterrupted as told:
                            tell("held", engine.state, str(told).replace("\\n", " "))
                            if engine.state != "paused":
                                break
                        except Exception as told:
                            # Made safe while it was prepared, a plan ends with what its station says of that.
                            tell("failed", repr(told))
                            break
                        while not os.path.exists(goes_on):
                            threading.Event().wait(0.005)
                        tell("resumed")
                        begin = go_on
                except KeyboardInterrupt:
                    # Wherever in this script the second one fell: what it ended comes to its end.
                    tell("again", engine.state)
                    while engine.state != "idle":
                        threading.Event().wait(0.005)
                # The plan is over: from here on this only tells, whatever is still pressed.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                tell("lamp", repr(lab.lamp).splitlines()[0])
                tell("ended")
"""


CELL = SampleRef(
    id="cell-1",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)


@pytest.fixture(scope="module")
def flashed():
    """Return a film that had its flashes, as a bench keeps it: on an amorphous one no cell can be cycled."""
    foil, pulse = Foil(to_json(CELL), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for each in range(20):
        foil.flash(2.5 * each, pulse)
    return json.dumps(foil.to_dict())


@pytest.fixture
def worlds(serve, tmp_path, flashed):
    """Return worlds(count): so many servers, with a flashed film in each."""
    made = itertools.count()

    def more(count):
        served = []
        for _ in range(count):
            samples = tmp_path / f"s{next(made)}" / "samples"
            samples.mkdir(parents=True)
            samples.parent.chmod(0o700)
            (samples / f"{CELL.id}.json").write_text(flashed)
            served.append(serve())
        return served

    return more


@pytest.fixture(scope="module")
def warm():
    made = Warm(TASK)
    yield made
    made.close()


class Trial:
    """One process, and what it says of itself."""

    def __init__(self, warm, served, config, folder, name, **how):
        self.served, self.data = served, folder / "data"
        folder.mkdir(exist_ok=True)
        self._said, self._go = folder / f"{name}.txt", folder / f"{name}.go"
        self._began = 0.0 if served is None else served.clock._start / 1e9
        bench = "twin" if served is None else str(served.bench)
        told = {"bench": bench, "config": str(config), "data": str(self.data), "name": name}
        self.pid = warm.fork(**told, said=str(self._said), goes_on=str(self._go), **how)

    def words(self, what):
        """Return what it has said so far under this word: the rest of each line, and when by the served clock."""
        text = self._said.read_text() if self._said.exists() else ""
        lines = [line.split("\t") for line in text[: text.rfind("\n") + 1].splitlines()]
        return [
            (line[1:-1], int(line[-1]) / 1e9 - self._began)
            for line in lines
            if line[0] == what and len(line) > 1
        ]

    def wait(self, what, longest=60.0):
        """Return what it said last under a word, when it has said so or is gone."""
        wait_for(lambda: self.words(what) or not alive(self.pid), longest)
        assert self.words(what) or what in ("held", "again"), self.said()
        return self.words(what)[-1] if self.words(what) else None

    def interrupt(self):
        """Send SIGINT and return when, by the served clock."""
        at = boot_ns() / 1e9 - self._began
        os.kill(self.pid, signal.SIGINT)
        return at

    def interrupt_if_alive(self):
        with contextlib.suppress(ProcessLookupError):
            self.interrupt()

    def said(self):
        return self._said.read_text()

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        wait_for(lambda: not alive(self.pid))

    def resume(self):
        self._go.touch()

    def gates(self):
        return [line["time"] for line in self.served.events("gate")]

    def lamp_is_safe(self):
        pairs = (("high voltage on", "high voltage off"), ("loop closed", "loop open"))
        told = [self.served.events(*pair) for pair in pairs]
        return all(
            not lines or lines[-1]["event"] == pair[1] for lines, pair in zip(told, pairs, strict=True)
        )


LAMP_PLANS = {
    "single_pulse": 1,
    "train": PULSES,
    "fluence_ladder": 4,
    "anneal_until": None,
    "calibrate_fluence": 3,
    "anneal_then_cycle": PULSES,
}
"""Plans that fire, and how many pulses each asks for; None: as few as are predicted to be enough."""


def paused_and_resumed(warm, served, config, folder, name, instant):
    """Interrupt a plan once at an instant [s] after it began; return how long it took to be held, None if it was over.

    No pulse may begin once it is held, and after a resume there is the exact count.
    """
    trial = Trial(warm, served, config, folder, name)
    trial.wait("open")
    threading.Event().wait(instant)
    asked = trial.interrupt()
    held = trial.wait("held")
    if held is None:
        assert trial.words("done") or trial.words("again"), trial.said()
        return None
    (state, said), at = held
    assert state == "paused"
    for word in ("Paused", "lab.RE.resume()", "lab.RE.abort()", "lab.safe()"):
        assert word in said
    no_pulse_while_held(trial, asked)
    trial.resume()
    assert trial.wait("done"), said
    wait_for(lambda: not alive(trial.pid))
    expected = LAMP_PLANS[name]
    if expected is not None:
        assert len(trial.gates()) == expected
    run = Run("last", trial.data)
    assert run.stop["exit_status"] == "success"
    return at - asked


def no_pulse_while_held(trial, asked):
    """Look on for some time: what was triggered before the lamp was held is all that fell."""
    heard = trial.served.server.heard_all()
    threading.Event().wait(LOOKED_ON)
    assert all(gate <= heard for gate in trial.gates())
    holding = [at for _, at in trial.words("holding")][:1]
    if holding:
        assert sum(gate > asked for gate in trial.gates()) <= 1 + (holding[0] - asked) // PERIOD
        print(f"held {holding[0] - asked:.4f} s after the signal", flush=True)
    else:
        assert not any(gate > asked for gate in trial.gates())


def of_all(trials, do, at_once=4):
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda each: do(*each), trials))


@pytest.mark.timeout(240)
def test_one_ctrl_c_holds_every_plan_that_fires_at_once_and_resume_has_the_exact_count(
    warm, serve, config, tmp_path
):
    chance = random.Random(6)
    trials = [(warm, serve(), config, tmp_path / name, name, chance.uniform(0.5, 4.0)) for name in LAMP_PLANS]
    took = of_all(trials, paused_and_resumed, at_once=6)
    held = [each for each in took if each is not None]
    assert len(held) >= 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_ctrl_c_at_any_instant_of_any_plan(warm, worlds, config, tmp_path):
    chance, took = random.Random(60), []
    for turn in range(int(os.environ.get("TURNS", "15"))):
        served = dict(zip(LAMP_PLANS, worlds(len(LAMP_PLANS)), strict=True))
        longest = {"single_pulse": 3.0, "fluence_ladder": 9.0, "calibrate_fluence": 9.0}
        trials = [
            (warm, world, config, tmp_path / f"{name}{turn}", name, chance.uniform(0, longest.get(name, 5.0)))
            for name, world in served.items()
        ]
        took += of_all(trials, paused_and_resumed, at_once=6)
        for world in served.values():
            world.close()
        held = [each for each in took if each is not None]
        print(
            f"{len(held)} of {len(took)} held, after {np.median(held):.3f} s, at most {max(held):.3f} s",
            flush=True,
        )


def ended_by_two(warm, served, config, folder, name, instant, between):
    """Interrupt a plan twice, `between` seconds apart; the lamp must be safe and stay so."""
    trial = Trial(warm, served, config, folder, name)
    trial.wait("open")
    threading.Event().wait(instant)
    asked = trial.interrupt()
    threading.Event().wait(between)
    while alive(trial.pid) and not trial.words("ended"):
        # Two that come at once are one to the kernel: a person presses again.
        trial.interrupt_if_alive()
        threading.Event().wait(0.5)
    assert trial.words("ended"), trial.said()
    at = trial.words("ended")[0][1]
    (state,), _ = trial.words("lamp")[0]
    assert "armed" not in state.lower()
    assert "charging" not in state.lower()
    wait_for(lambda: not alive(trial.pid))
    assert trial.lamp_is_safe()
    return at - asked


@pytest.mark.timeout(240)
def test_two_ctrl_c_however_close_leave_the_lamp_safe(warm, worlds, config, tmp_path):
    chance = random.Random(2)
    trials = [
        (warm, served, config, tmp_path / str(number), "train", chance.uniform(0.5, 4.0), between)
        for number, (served, between) in enumerate(
            zip(worlds(6), (0.0, 0.001, 0.01, 0.05, 0.2, 1.0), strict=True)
        )
    ]
    of_all(trials, ended_by_two, at_once=6)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_ctrl_c_at_any_instants_leave_the_lamp_safe(warm, worlds, config, tmp_path):
    chance = random.Random(20)
    for turn in range(int(os.environ.get("TURNS", "15"))):
        served = worlds(6)
        trials = [
            (
                warm,
                world,
                config,
                tmp_path / f"{turn}-{number}",
                chance.choice(("train", "anneal_then_cycle", "calibrate_fluence")),
                chance.uniform(0.0, 5.0),
                chance.choice((0.0, 10 ** chance.uniform(-4, 0.3))),
            )
            for number, world in enumerate(served)
        ]
        of_all(trials, ended_by_two, at_once=6)
        for world in served:
            world.close()


@pytest.mark.timeout(120)
def test_ctrl_c_while_a_worker_is_waited_for_holds_its_train(warm, worlds, config, tmp_path):
    trial = Trial(warm, *worlds(1), config, tmp_path / "t", "train", waits="worker")
    wait_for(trial.gates)
    asked = trial.interrupt()
    (state, said), _ = trial.wait("held")
    assert state == "paused"
    assert "lab.workers['beside'].resume()" in said
    no_pulse_while_held(trial, asked)
    trial.resume()
    trial.wait("done")
    assert len(trial.gates()) == PULSES


# Cyclers: a pause of a cycling plan is none of the cell.


def with_a_cell(worlds):
    """Return a world with a cell built in it."""
    (served,) = worlds(1)
    served.server._on_loop(lambda: served.server.world.assemble(to_json(CELL)))
    return served


def passed(served):
    """Return the charge [C] of the experiments that are over."""
    return sum(charge for _, charge in served.server.world.station("potentiostat").squidstat.charges)


def runs(served):
    """Return whether an experiment runs, and charge has passed in it."""
    squidstat = served.server.world.station("potentiostat").squidstat
    return served.server._on_loop(lambda: squidstat.passed(0)) > 0.0 and not squidstat.charges


@pytest.mark.timeout(120)
def test_ctrl_c_pauses_the_plan_of_a_cell_that_goes_on_and_no_row_is_lost(warm, worlds, config, tmp_path):
    served = with_a_cell(worlds)
    trial = Trial(warm, served, config, tmp_path / "t", "cycle")
    wait_for(lambda: runs(served))
    trial.interrupt()
    (_, said), _ = trial.wait("held")
    assert "its cell stays connected, and what it runs goes on" in said
    threading.Event().wait(2.0)
    trial.resume()
    trial.wait("done")
    whole(trial, served)
    rows = Run("last", trial.data).table()["test_time"]
    assert np.max(np.diff(rows)) < 1.0


@pytest.mark.timeout(120)
def test_ctrl_c_pauses_a_plan_that_took_a_cell_over(warm, worlds, config, tmp_path):
    served = with_a_cell(worlds)
    first = Trial(warm, served, config, tmp_path / "t", "cycle")
    wait_for(lambda: runs(served))
    first.kill()
    second = Trial(warm, served, config, tmp_path / "t", "take_over", of=Run("last", first.data).uid)
    second.wait("open")
    threading.Event().wait(0.3)
    held_and_resumed(second)
    whole(second, served)


@pytest.mark.timeout(120)
def test_ctrl_c_pauses_a_plan_that_goes_on_where_a_dead_host_was(warm, config, tmp_path, flashed):
    """On twins that end with their host, on a clock that keeps pace with the wall."""
    foil = Foil.from_dict(json.loads(flashed), Surroundings())
    foil.assemble(100.0)
    samples = tmp_path / "t" / "data" / "bench" / "twin" / "samples"
    samples.mkdir(parents=True)
    (samples / f"{CELL.id}.json").write_text(json.dumps(foil.to_dict()))
    bench = config / "benches" / "twin.toml"
    assert 'pace = "none"' in bench.read_text()
    bench.write_text(bench.read_text().replace('pace = "none"', 'pace = "1"'))
    first = Trial(warm, None, config, tmp_path / "t", "cycle")
    first.wait("open")
    threading.Event().wait(6.0)
    first.kill()
    second = Trial(warm, None, config, tmp_path / "t", "go_on_cycling", of=Run("last", first.data).uid)
    second.wait("open")
    threading.Event().wait(1.0)
    held_and_resumed(second)
    chain = Run("last", second.data)
    assert list(chain.table("steps")["end_reason"]) == ["duration"] * 9


def held_and_resumed(trial):
    trial.interrupt()
    held = trial.wait("held")
    assert held is not None
    assert held[0][0] == "paused"
    threading.Event().wait(0.5)
    trial.resume()
    trial.wait("done")
    wait_for(lambda: not alive(trial.pid))


def whole(trial, served):
    """Hold a chain of cycling runs against what truly happened."""
    wait_for(lambda: not alive(trial.pid))
    chain = Run("last", trial.data)
    table = chain.table()
    assert table["record"].tolist() == list(range(1, len(table["record"]) + 1))
    assert table["charge"][-1] * 3600.0 == pytest.approx(passed(served), abs=2e-6)
    assert list(chain.table("steps")["end_reason"]) == ["duration"] * 9
