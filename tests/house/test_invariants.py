"""The invariants of the house's time: one seed, one result; looking changes nothing; no station harms another."""

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from bluesky.utils import RunEngineInterrupted

from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.ports import FaultyPort, random_faults
from devices.recipes import AnnealRecipe, to_json
from devices.roles.hands import Assemble
from devices.roles.lamp import AnnealJob
from devices.roles.potentiostat import CycleJob
from devices.samples import SampleRef
from labctl import Run

pytestmark = pytest.mark.timeout(
    300
)  # on wall time a train takes what it takes, its bank's bleeding included

ROOT = Path(__file__).parents[2]
DIGEST = Path(__file__).with_name("digest.py")


def start_digest(config, data, hash_seed):
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, str(DIGEST), str(config), str(data)]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def digests(processes):
    """Return what each process printed."""
    printed = [process.communicate(timeout=240)[0].split()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(printed)
    return printed


def run_both(lab, equal, **changes):
    """Anneal and cycle the quick sample; return the two runs."""
    return [Run(uid, lab.data) for uid in lab.run(equal.quick(ROOT / "config"), **changes)]


def pages(runs, equal):
    return [equal.pages(run.documents) for run in runs]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, equal):
    """Return the runs of the quick experiment that nobody looked at."""
    import labctl

    with labctl.open_session("twin", data=tmp_path_factory.mktemp("alone"), handle_signals=False) as lab:
        return run_both(lab, equal)


# 1: one seed, one result.


def test_one_seed_gives_equal_rows_and_page_borders_in_two_processes(config, tmp_path):
    processes = [start_digest(config, tmp_path / str(seed), seed) for seed in (1, 2)]
    assert len(set(digests(processes))) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_seed_gives_equal_rows_and_page_borders_in_twenty_processes_some_under_load(config, tmp_path):
    printed = []
    for first in range(0, 20, 5):
        burners = []
        if first % 2:
            burn = [sys.executable, "-c", "while True: pass"]
            burners = [subprocess.Popen(burn) for _ in range(3)]
        try:
            printed += digests(
                [start_digest(config, tmp_path / str(seed), seed) for seed in range(first, first + 5)]
            )
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
    assert len(printed) == 20
    assert len(set(printed)) == 1


def test_another_seed_gives_other_noise_and_the_same_experiment(open_lab, config, equal, undisturbed):
    path = config / "benches" / "twin.toml"
    path.write_text(path.read_text().replace("seed = 1", "seed = 2"))
    first, second = undisturbed, run_both(open_lab(config=config), equal)
    energies = [anneal.table()["pulse_energy"] for anneal, _ in (first, second)]
    assert not np.any(energies[0] == energies[1])
    assert np.allclose(*energies, rtol=0.05)
    voltages = [cycle.table()["voltage"] for _, cycle in (first, second)]
    shared = min(map(len, voltages))
    assert not np.array_equal(voltages[0][:shared], voltages[1][:shared])
    assert equal.digest(first) != equal.digest(second)


# 2: looking changes nothing.


def looking(lab, station, period, look):
    def poller():
        while True:
            look()
            yield period

    return lab.clock.spawn(station, poller(), pytest.fail)


def look_at_lamp(lab):
    return lab.lamp.charger.voltage.get(), lab.lamp.gate.width.get()


def look_at_potentiostat(lab):
    return lab.potentiostat.channels.busy.get(), lab.potentiostat.channels.channels.get()


# Odd periods fall between everything; even ones fall on polls, flushes and triggers, and come first there.
@pytest.mark.parametrize(
    "periods", [(0.373, 7.3), pytest.param((0.5, 60.0), marks=pytest.mark.slow), (2.5, 1800.0)], ids=str
)
def test_readers_on_the_stations_own_lanes_change_nothing(lab, equal, undisturbed, periods):
    looking(lab, "lamp", periods[0], lambda: look_at_lamp(lab))
    looking(lab, "potentiostat", periods[1], lambda: look_at_potentiostat(lab))
    assert pages(run_both(lab, equal), equal) == pages(undisturbed, equal)


def test_readers_in_other_threads_change_nothing(lab, equal, undisturbed):
    over, looks = threading.Event(), itertools.count()

    def look():
        while not over.is_set():
            lab.clock.call(lambda: (look_at_lamp(lab), look_at_potentiostat(lab)))
            next(looks)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        found = run_both(lab, equal)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert next(looks) > 50
    assert pages(found, equal) == pages(undisturbed, equal)


# 4: an abort in a pause lets no time pass before the lamp is made safe.


def test_an_abort_in_a_pause_makes_the_lamp_safe_at_the_instant_of_the_pause(lab, sample, black_box):
    paused = []

    def pause(name, doc):
        if name == "event_page" and not paused:
            paused.append(threading.Thread(target=lab.RE.request_pause, args=(False,)))
            paused[0].start()

    lab.RE.subscribe(pause)
    recipe = AnnealRecipe("long", 850.0, 1.8e-3, 60, 0.4)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    standing = lab.clock.now()
    lab.RE.abort("enough")
    (off,) = [entry[0] for entry in black_box(lab).twins.charger.log if entry[1] == "high voltage off"]
    assert off == standing


def test_closing_a_session_in_a_pause_ends_its_run_with_every_row_and_a_stop_document(
    open_lab, sample, kept, black_box
):
    lab = open_lab()
    box = black_box(lab)

    def pause(name, doc):
        if name == "event_page" and "pulse" in doc["data"] and lab.RE.state == "running":
            threading.Thread(target=lab.RE.request_pause, args=(False,)).start()

    lab.RE.subscribe(pause)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("long", 850.0, 1.8e-3, 60, 0.4)))
    lab.close()
    run = kept(lab.data).runs()["anneal"]
    assert (run.stop["exit_status"], run.stop["reason"]) == ("abort", "the session was closed")
    assert kept(lab.data).lost(run, "lamp") == {}
    assert len(run.table()["pulse"]) == len(box.gates()) > 0
    assert not box.twins.charger.high_voltage_on


# 6: one instrument's lost replies never reach another's watchdog.


def second_cell(lab, sample):
    """Return another sample, with a cell built on it."""
    other = SampleRef(id="other", layers=sample.layers, cell_layers=sample.cell_layers, area=sample.area)
    lab.clock.call(lambda: lab.twins.bring(to_json(other), "lamp"))
    lab.wait(lab.hands.set(Assemble(other)))
    return other


def spoil(lab, instrument, faults):
    """Put trouble on an instrument's wire."""
    wire = instrument.wire
    wire._port = FaultyPort(wire._port, lab.clock, faults)


def hold(seconds):
    """Return a program that rests and then draws a little current, `seconds` in all."""
    return Program(
        "hold",
        (
            Step(OpenCircuit(), Until(duration=seconds / 2), Record(interval=1.0)),
            Step(
                ConstantCurrent(1e-7), Until(voltage_above=4.25, duration=seconds / 2), Record(interval=1.0)
            ),
        ),
        CellLimits(2.9, 4.3, 1e-4),
    )


def train_beside_lost_replies(lab, sample, pulses):
    """Cycle one cell over a wire that loses most replies, anneal another sample meanwhile."""
    other = second_cell(lab, sample)
    lab.wait(lab.potentiostat.prepare(CycleJob(other, hold(600.0))))
    lab.wait(lab.potentiostat.kickoff())
    spoil(lab, lab.potentiostat.channels, random_faults(3, {"drop": 0.7}))
    looking(lab, "potentiostat", 0.3, lambda: silent_look(lab))
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("t", 850.0, 1.8e-3, pulses, 0.5)))
    return Run(uid, lab.data)


def silent_look(lab):
    from devices.errors import WireError

    try:
        lab.potentiostat.channels.read_busy()
    except WireError:
        return


@pytest.mark.parametrize(
    ("clock", "pulses"),
    [("virtual", 40), ("paced", 6), pytest.param("wall", 4, marks=pytest.mark.slow)],
)
def test_lost_replies_of_the_potentiostat_never_trip_the_lamps_watchdog(
    open_lab, config, sample, black_box, clock, pulses
):
    lab = open_lab(clock, config=config)
    # The baseline asks everything once; with most replies lost it would end the run before the train began.
    lab.RE.preprocessors.clear()
    run = train_beside_lost_replies(lab, sample, pulses)
    box = black_box(lab)
    assert run.stop["exit_status"] == "success"
    assert list(run.table()["pulse"]) == list(range(1, pulses + 1))
    assert len(box.gates()) == pulses
    assert box.watchdog() == []


class Listening:
    """A port that notes when something was sent."""

    def __init__(self, port, clock):
        self._port, self._clock, self.sent = port, clock, []

    def write(self, data):
        self.sent.append(self._clock.now())
        self._port.write(data)

    def read(self, timeout):
        return self._port.read(timeout)

    def close(self):
        self._port.close()


@pytest.mark.parametrize("clock", ["virtual", "paced", pytest.param("wall", marks=pytest.mark.slow)])
def test_a_keep_alive_that_stops_trips_the_watchdog_one_and_a_half_seconds_after_the_last_packet(
    open_lab, config, sample, black_box, clock
):
    lab = open_lab(clock, config=config)
    wire = lab.lamp.charger.wire
    heard = wire._port = Listening(wire._port, lab.clock)
    job = AnnealJob(sample, AnnealRecipe("t", 850.0, 1.8e-3, 50, 0.5))
    lab.wait(lab.lamp.prepare(job))
    lab.lamp.insert(lab.lamp.arm(job))
    lab.wait(lab.lamp.kickoff())
    lab.clock.sleep(2.0)
    lab.lamp._running.cancel()
    lab.clock.sleep(1.0)
    last = heard.sent[-1]
    lab.clock.sleep(2.0)
    box = black_box(lab)
    assert box.is_safe()
    # The twin takes a packet a moment after it was sent, on a clock that goes on by itself.
    assert box.watchdog() == [pytest.approx(last + 1.5, abs=1e-9 if clock == "virtual" else 0.1)]


# 7: what a poller raises fails its status, and what was taken by then is kept.


def raising_after(function, calls, error):
    counter = itertools.count(1)

    def wrapped(*arguments):
        if next(counter) > calls:
            raise error
        return function(*arguments)

    return wrapped


@pytest.mark.parametrize(
    ("part", "method", "calls"), [("meter", "take", 30), ("gate", "fired", 3), ("charger", "state", 120)]
)
def test_what_the_lamps_poller_raises_fails_the_run_and_keeps_its_rows(
    lab, sample, recipe, kept, black_box, monkeypatch, part, method, calls
):
    """Not one of our own errors, such as a mistake in a driver would raise: nothing may hang on it."""
    instrument = getattr(lab.lamp, part)
    broken = raising_after(getattr(instrument, method), calls, ZeroDivisionError("a mistake"))
    with monkeypatch.context() as patch:
        patch.setattr(instrument, method, broken)
        with pytest.raises(ZeroDivisionError):
            lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("t", 850.0, 1.8e-3, 40, 0.4)))
    box, run = black_box(lab), kept(lab.data).runs()["anneal"]
    assert run.stop["exit_status"] == "fail"
    assert "a mistake" in run.stop["reason"]
    assert kept(lab.data).lost(run, "lamp") == {}
    unknown = list(run.table("events")["code"]).count("outcome_unknown")
    assert 0 < len(box.gates()) <= len(run.table()["pulse"]) + unknown
    assert box.is_safe()
    assert lab.lamp.state.get() == "fault"
    lab.lamp.reset()
    (again,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert list(Run(again, lab.data).table()["pulse"]) == list(range(1, recipe.pulse_count + 1))


def test_what_the_potentiostats_poller_raises_fails_the_run_and_keeps_its_rows(
    lab, sample, kept, monkeypatch
):
    other = second_cell(lab, sample)
    channel = lab.potentiostat.channels
    broken = raising_after(channel.records, 30, ZeroDivisionError("a mistake"))
    with monkeypatch.context() as patch:
        patch.setattr(channel, "records", broken)
        with pytest.raises(ZeroDivisionError):
            lab.RE(lab.plans.cycle(lab.potentiostat, other, hold(1200.0)))
    run = kept(lab.data).runs()["cycle"]
    assert run.stop["exit_status"] == "fail"
    assert len(run.table()["voltage"]) > 10
    assert kept(lab.data).lost(run, "potentiostat") == {}
    assert "failed" in run.table("events")["code"]


# 9: no thread outlives its session, runs and interruptions included.


def test_threads_are_as_many_after_a_session_with_runs_as_before(open_lab, tmp_path, equal):
    open_lab(data=tmp_path / "first").close()
    before = threading.active_count()
    lab = open_lab(data=tmp_path / "second")
    run_both(lab, equal)
    lab.close()
    assert threading.active_count() == before


# 10: everything on wall time, with real threads.


@pytest.mark.slow
def test_all_plans_run_on_wall_time_with_real_threads(open_lab, config, sample, black_box, kept):
    path = config / "benches" / "wall.toml"
    quicker = '[devices.potentiostat.parameters]\npoll_period = "1 s"\n\n[world]'
    path.write_text(path.read_text().replace("[world]", quicker))
    lab = open_lab("wall", config=config)
    recipe = AnnealRecipe("short", 850.0, 1.8e-3, 3, 0.5)
    record = Record(interval=0.5)
    steps = (
        Step(ConstantCurrent(5e-6), Until(voltage_above=4.25, duration=6.0), record),
        Step(ConstantCurrent(-5e-6), Until(voltage_below=3.0, duration=3.0), record),
        Step(OpenCircuit(), Until(duration=2.0), record),
    )
    program = Program("short", steps, CellLimits(2.9, 4.3, 1e-5))
    over = threading.Event()

    def look():
        while not over.wait(0.01):
            look_at_lamp(lab)
            look_at_potentiostat(lab)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        lab.RE(lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program))
    finally:
        over.set()
        reader.join()
    runs, box = kept(lab.data).runs(), black_box(lab)
    assert [run.stop["exit_status"] for run in runs.values()] == ["success", "success"]
    assert list(runs["anneal"].table()["pulse"]) == [1, 2, 3]
    assert len(box.gates()) == 3
    assert box.watchdog() == []
    assert list(runs["cycle"].table("steps")["step_index"]) == [0, 1, 2]
    assert np.all(np.diff(runs["cycle"].table()["test_time"]) >= 0)
    assert kept(lab.data).lost(runs["anneal"], "lamp") == {}
    assert kept(lab.data).lost(runs["cycle"], "potentiostat") == {}


@pytest.mark.slow
def test_a_train_stopped_at_any_moment_of_wall_time_has_one_row_for_each_gate(
    open_lab, config, sample, black_box
):
    """The last step of the train and its stop run in two threads: neither may take the other's pulse."""
    lab = open_lab("wall", config=config)
    box, rows = black_box(lab), lab.lamp.streams["primary"]
    # From the fire of the first pulse on: before the gate is confirmed, before the meter has it, and after.
    for late in (0.0, 0.005, 0.015, 0.021, 0.022, 0.023, 0.1, 0.45, 0.5, 0.55, 0.7):
        before = len(box.gates())
        box.twins.head.voltage = 0.0  # nobody waits for the bank to bleed between two trials
        job = AnnealJob(sample, AnnealRecipe("t", 400.0, 1.8e-3, 5, 0.5))
        lab.wait(lab.lamp.prepare(job))
        lab.lamp.insert(lab.lamp.arm(job))
        lab.wait(lab.lamp.kickoff())
        while len(box.gates()) == before:
            lab.clock.sleep(0.001)
        lab.clock.sleep(late)
        lab.lamp.stop()
        (page,) = rows.collect_pages()
        assert page["data"]["pulse"] == [1]
        assert len(box.gates()) == before + 1
        assert lab.lamp.flight().done == 1


# 11: a long night on eight channels; benchmarks/night.py times it.


@pytest.mark.slow
def test_eight_channels_cycle_for_twelve_hours(tmp_path):
    spec_path = ROOT / "benchmarks" / "night.py"
    command = [sys.executable, str(spec_path), "--data", str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    runs = [Run(path) for path in (tmp_path / "data" / "runs").glob("*/*/*.jnl")]
    assert len(runs) == 8
    assert {run.stop["exit_status"] for run in runs} == {"success"}
    assert all(run.table()["test_time"][-1] >= 12 * 3600 for run in runs)
