"""How runs end: signals, hang-ups, kills, pauses and aborts at any message. Nothing lost, nothing fired twice, no hang.

The flashes that truly happened are taken from the world's side: the foil's own history, or the twins' black boxes.
"""

import asyncio
import fcntl
import json
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bluesky.utils import RunEngineInterrupted

import labctl
from devices.errors import Incomplete
from devices.recipes import AnnealRecipe
from labctl import Run
from labctl.journal.records import read_records

ROOT = Path(__file__).parents[2]
LONGEST = 10.0
"""Seconds of the wall that an ending may take, by the fault matrix."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST, LAST, BUILT = 12, 50, 100
"""Messages: where the streams of an anneal of six pulses begin; beyond its end; beyond that of the cycling, too."""


def wait_until(found, process=None, longest=60.0):
    """Wait for something that another process does; fail when it ends or takes too long."""
    until = time.monotonic() + longest
    while not found():
        assert time.monotonic() < until, "it did not come about"
        assert process is None or process.poll() is None, "the process ended first"
        threading.Event().wait(0.005)


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


class Script:
    """`labctl run` in a process of its own, on the paced bench."""

    def __init__(self, config, data, *, terminal=False, ignored=None):
        self.data, self.terminal = data, None
        data.parent.mkdir(exist_ok=True)
        where = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        if terminal:
            self.terminal, inner = pty.openpty()
            where = dict.fromkeys(("stdin", "stdout", "stderr"), inner)

        def before():
            if terminal:
                os.setsid()
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN if number == ignored else signal.SIG_DFL)

        command = [sys.executable, "-P", "-m", "labctl", "run", "fla-0.7um", "--bench", "paced"]
        command += ["--config", str(config), "--data", str(data)]
        self.process = subprocess.Popen(
            command, env=environment(), cwd=data.parent, preexec_fn=before, text=not terminal, **where
        )
        if terminal:
            os.close(inner)

    def reach(self, moment):
        """Wait until the run is where the signal shall find it."""
        wait_until(
            {
                "opening": (self.data / "bench").exists,
                "train": lambda: self._rows("lamp", "primary") >= 3,
                "later": lambda: self._rows("lamp", "primary") >= 8,
                "between": lambda: self._stops() >= 1,
                "cycling": lambda: self._rows("potentiostat", "primary") >= 20,
            }[moment],
            self.process,
        )
        return self

    def send(self, number, times=1):
        """Send a signal, again and again while it still runs."""
        for _ in range(times):
            if self.process.poll() is None:
                self.process.send_signal(number)
                threading.Event().wait(0.01)
        return self

    def code(self):
        """Return the exit status; fail when the ending took too long."""
        try:
            said = self.process.communicate(timeout=LONGEST)[0]
        finally:
            self.process.kill()
            self.process.wait()
        assert "Traceback" not in (said or ""), said
        return self.process.returncode

    def hang_up(self):
        """Take its terminal away, as a dropped connection does."""
        os.close(self.terminal)
        return self

    def _rows(self, device, stream):
        paths = (self.data / "spool" / device).glob("*.jnl")
        rows = (record.payload for path in paths for record in read_records(path) if record.kind == "R")
        return sum(row["stream"] == stream for row in rows)

    def _stops(self):
        return sum(b'["stop"' in path.read_bytes() for path in (self.data / "runs").glob("*/*/*.jnl"))


def flashes(data):
    """Return how many flashes the foils of the bench have truly had."""
    worlds = [json.loads(path.read_text()) for path in (data / "bench").glob("*/samples/*.json")]
    return sum(event["event"] == "flash" for world in worlds for event in world["history"])


def check_kept(data, kept):
    """Hold what was kept against the spools and the world; return the runs by purpose."""
    runs = kept(data).runs()
    for purpose, device in (("anneal", "lamp"), ("cycle", "potentiostat")):
        if purpose not in runs:
            assert kept(data).spooled(device) == {}
            continue
        run = runs[purpose]
        assert run.stop is not None
        assert kept(data).lost(run, device) == {}
    if "anneal" in runs and "outcome" in runs["anneal"].streams:
        anneal = runs["anneal"]
        codes = list(anneal.table("events")["code"]) if kept.count(anneal, "events") else []
        rows = kept.count(anneal, "primary")
        assert rows <= flashes(data) <= rows + codes.count("outcome_unknown")
        assert anneal.table("outcome")["done"][0] == rows
        # The closing baseline asks the instruments themselves.
        assert anneal.table("baseline")["lamp_charger_high_voltage_on"][-1] == 0
        assert anneal.table("baseline")["lamp_gate_trigger_source"][-1] == 1
    return runs


def check_ending(script, number, kept):
    assert script.code() == 128 + number
    runs = check_kept(script.data, kept)
    for run in list(runs.values())[-1:]:
        assert (run.stop["exit_status"], run.stop["reason"]) in (
            ("abort", signal.Signals(number).name),
            ("success", ""),
        )
    return runs


def test_each_signal_ends_the_run_in_good_order_wherever_it_is(config, tmp_path, kept):
    cases = {
        "opening": signal.SIGTERM,
        "train": signal.SIGINT,
        "cycling": signal.SIGHUP,
    }

    def end(moment, number):
        return check_ending(
            Script(config, tmp_path / moment / "data").reach(moment).send(number), number, kept
        )

    with ThreadPoolExecutor() as at_once:
        ended = dict(zip(cases, at_once.map(end, cases, cases.values()), strict=True))
    assert ended["train"]["anneal"].stop["exit_status"] == "abort"
    assert ended["cycling"]["cycle"].stop["exit_status"] == "abort"


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2, 30])
@pytest.mark.parametrize("moment", ["opening", "train", "between", "cycling"])
@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_at_every_moment_once_and_again(config, tmp_path, kept, number, moment, times):
    check_ending(Script(config, tmp_path / "data").reach(moment).send(number, times), number, kept)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_signal_at_any_instant_of_the_train(config, tmp_path, kept):
    chance = random.Random(0)
    for trial in range(15):
        script = Script(config, tmp_path / str(trial) / "data").reach("opening")
        threading.Event().wait(chance.uniform(0, 3))
        number = chance.choice(SIGNALS)
        check_ending(script.send(number), number, kept)


def test_the_same_signal_again_and_again_changes_nothing(config, tmp_path, kept):
    check_ending(
        Script(config, tmp_path / "data").reach("train").send(signal.SIGTERM, 30), signal.SIGTERM, kept
    )


def test_a_terminal_that_hangs_up_ends_the_run_in_good_order(config, tmp_path, kept):
    """Every write to it fails from then on, those of bluesky and of the progress bar too."""
    script = Script(config, tmp_path / "data", terminal=True).reach("train").hang_up()
    check_ending(script, signal.SIGHUP, kept)


@pytest.mark.slow
def test_who_starts_it_with_hang_ups_ignored_is_heeded(config, tmp_path, kept):
    """As nohup does: the run must outlive the terminal."""
    script = Script(config, tmp_path / "data", ignored=signal.SIGHUP).reach("train").send(signal.SIGHUP)
    script.reach("later")
    check_ending(script.send(signal.SIGTERM), signal.SIGTERM, kept)


# Idle sessions.

IDLE = """
import signal, sys, threading, labctl
from labctl.stopped import Stopped
from labctl.stopping import scripted_session

def session(kind, config, data):
    if kind == "library":
        return labctl.open_session("virtual", config=config, data=data)
    return scripted_session("virtual", config=config, data=data)

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with session(*sys.argv[1:]) as opened:
        lab = opened if sys.argv[1] == "library" else opened[0]
        charger = lab.twins.station("lamp").charger
        lab.lamp.charger.guard = lambda: None
        lab.lamp.charger.program(300.0)
        print("idle", charger.high_voltage_on, flush=True)
        threading.Event().wait()
except (KeyboardInterrupt, Stopped) as ended:
    print(type(ended).__name__, getattr(ended, "code", ""), charger.high_voltage_on, flush=True)
"""


@pytest.mark.parametrize(
    ("kind", "number", "says"),
    [
        ("library", signal.SIGINT, "KeyboardInterrupt  False"),
        pytest.param("script", signal.SIGINT, "Stopped 130 False", marks=pytest.mark.slow),
        ("script", signal.SIGTERM, "Stopped 143 False"),
    ],
)
def test_a_signal_to_an_idle_session_closes_it_with_the_lamp_safe(config, tmp_path, kind, number, says):
    command = [sys.executable, "-c", textwrap.dedent(IDLE), kind, str(config), str(tmp_path / "data")]
    idle = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert idle.stdout.readline().split() == ["idle", "True"]
    idle.send_signal(number)
    assert idle.communicate(timeout=LONGEST)[0].strip() == says
    assert idle.returncode == 0


# kill -9.


@pytest.mark.parametrize(
    "moment",
    [
        "train",
        pytest.param("cycling", marks=pytest.mark.slow),
        pytest.param("opening", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_leaves_journals_that_read_and_a_bench_that_opens(
    config, tmp_path, kept, sample, recipe, moment
):
    data = tmp_path / "data"
    script = Script(config, data).reach(moment)
    script.process.kill()
    script.process.communicate()
    runs = kept(data).runs()
    device = {"train": "lamp", "cycling": "potentiostat"}.get(moment)
    if device is not None:
        run = list(runs.values())[-1]
        assert run.stop is None
        assert run.brief().status == "died"
        spooled = kept(data).spooled(device)
        assert kept.count(run, "primary") <= len(spooled["primary"]) >= 3
        if kept.count(run, "primary"):
            for key, column in run.table().items():
                assert list(column) == [row[key] for row in spooled["primary"]][: len(column)]
    with labctl.open_session("paced", config=config, data=data, handle_signals=False) as lab:
        assert ("the host died while firing" in repr(lab.lamp)) == (moment == "train")
        lab.lamp.reset()
        if moment == "train":
            lab.lamp.accounted()
        (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert list(Run(uid, data).table()["pulse"]) == list(range(1, recipe.pulse_count + 1))


# Pauses and aborts at any message.


def at_message(lab, number, deed):
    """Ask for something of the engine as message `number` is about to be processed; return the counter."""
    seen = []

    def hook(message):
        seen.append(message.command)
        if len(seen) == number:
            asyncio.run_coroutine_threadsafe(deed(), lab.RE.loop)

    lab.RE.msg_hook = hook
    return seen


def run_with_a_pause(lab, number, plan):
    """Run a plan, paused at message `number` and resumed; one that ends before or with it just runs."""
    seen = at_message(lab, number, lambda: lab.RE._request_pause_coro(False))
    try:
        lab.RE(plan)
    except RunEngineInterrupted:
        if lab.RE.state == "paused":
            lab.RE.resume()
    assert lab.RE.state == "idle"
    assert len(seen) > 40


def some(numbers, count):
    """Return a seeded sample for the fast suite, all of them marked slow."""
    fast = set(random.Random(1).sample(list(numbers), count))
    return [number if number in fast else pytest.param(number, marks=pytest.mark.slow) for number in numbers]


@pytest.mark.parametrize("number", some(range(1, LAST + 1), 7))
def test_a_pause_at_any_message_repeats_no_pulse_and_loses_none(lab, sample, recipe, kept, black_box, number):
    run_with_a_pause(lab, number, lab.plans.anneal(lab.lamp, sample, recipe))
    run, box = kept(lab.data).runs()["anneal"], black_box(lab)
    assert len(box.gates()) == recipe.pulse_count
    assert list(run.table()["pulse"]) == list(range(1, recipe.pulse_count + 1))
    assert run.stop["exit_status"] == "success"
    assert len(run.times("baseline")) == 2
    assert kept(lab.data).lost(run, "lamp") == {}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(LAST - 5, BUILT))
def test_a_pause_at_any_message_of_building_and_cycling_changes_no_row(
    lab, sample, recipe, program, kept, number
):
    plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
    run_with_a_pause(lab, number, plan)
    run = kept(lab.data).runs()["cycle"]
    assert run.stop["exit_status"] == "success"
    assert list(run.table("steps")["step_index"]) == [0, 1, 0, 1, 2, 3, 2, 3]
    assert kept(lab.data).lost(run, "potentiostat") == {}


@pytest.mark.parametrize("second", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 8))])
@pytest.mark.parametrize("number", some(range(FIRST + 1, LAST - 10), 4))
def test_an_abort_at_any_message_and_once_more_in_its_cleanup_loses_nothing(
    lab, sample, recipe, kept, black_box, number, second
):
    """Two Ctrl-C in a row: the second finds the cleanup of the first."""
    count, due = [], (number, number + second)

    def hook(message):
        count.append(message.command)
        if len(count) in due:
            asyncio.run_coroutine_threadsafe(lab.RE._abort_coro("enough"), lab.RE.loop)

    lab.RE.msg_hook = hook
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run, box = kept(lab.data).runs()["anneal"], black_box(lab)
    assert run.stop["exit_status"] == "abort"
    assert kept(lab.data).lost(run, "lamp") == {}
    assert kept.count(run, "primary") == len(box.gates())
    assert kept.count(run, "outcome") == 1
    assert not box.twins.charger.high_voltage_on
    lab.RE.msg_hook = None
    (again,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert Run(again, lab.data).stop["exit_status"] == "success"


def test_a_stop_in_the_middle_of_a_gate_still_finds_the_energy_of_its_flash(lab, sample, kept, black_box):
    """Making the trigger safe cuts its status short; the meter saw the flash all the same."""
    box = black_box(lab)
    fire = lab.lamp.gate.fire

    def fire_and_stop():
        fire()
        if len(box.gates()) == 3:
            lab.clock.after(0.001, lab.lamp.stop, "an impatient user")

    lab.lamp.gate.fire = fire_and_stop
    with pytest.raises(Incomplete, match="3 of 6"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("t", 850.0, 1.8e-3, 6, 0.4)))
    table = kept(lab.data).runs()["anneal"].table()
    assert len(box.gates()) == len(table["pulse"]) == 3
    assert table["pulse_energy"][-1] == pytest.approx(table["pulse_energy"][0], rel=0.05)
