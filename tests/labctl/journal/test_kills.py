"""A process that runs anneal-then-cycle is killed at any instant: no acknowledged row is lost, none is there twice.

A row is acknowledged when its device's spool, or a journal, has taken it: the process then says so in a file of its
own. There the twin, which dies with its process, also writes what charge had truly passed at each of its rows, before
it hands the row out; so the charge in the journal can be held against the truth. The processes are forked from a warm
parent.
"""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labctl.journal.documents import read_ends
from labctl.journal.records import read_records
from labctl.journal.recovery import recover
from labctl.journal.verify import verify_run
from labctl.runs.briefs import run_files
from labctl.runs.run import Run
from tests.support.warm import Warm, alive, wait_for

ROOT = Path(__file__).parents[3]
DENSITY, AREA, INTERVAL = 4.0, 0.15e-4, 60.0
SAMPLE = DENSITY * AREA * INTERVAL
"""Charge [C] of one row of the faster of the two rates; their interval is the driver's poll period, too."""

TASK = """
    import json, os, signal, sys, time
    import labctl
    import labctl.config.benches, labctl.session, labctl.journal.spool, labctl.journal.documents
    import devices.flash_lamp, devices.potentiostat, devices.instruments.squidstat, scipy.linalg, pyvisa
    from devices.cycling.cells import CellSize, Rate
    from devices.cycling.macros import RateTest
    from devices.recipes import AnnealRecipe
    from devices.samples import Layer, SampleRef
    from devices.cycling.techniques import Record
    from labctl.journal.documents import RunJournal
    from labctl.journal.spool import DeviceSpool
    from sim.twins.squidstat import SquidstatTwin

    sample = SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=%(area)g,
    )
    recipe = AnnealRecipe("quick", voltage=850.0, pulse_duration=1.8e-3, pulse_count=4, rate=0.4)
    rates = (Rate(%(density)g / 2.0, "A/m^2"), Rate(%(density)g, "A/m^2"))
    program = RateTest("quick", rates, 3.0, 4.25, 2, Record(interval=%(interval)g)).on(CellSize.of(sample))

    def run(data, said, lines, seconds):
        file = os.open(said, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        count = 0

        def tell(*words):
            nonlocal count
            os.write(file, (" ".join(map(str, words)) + "\\n").encode())
            count += 1
            if count == lines:
                os.kill(os.getpid(), signal.SIGKILL)
            if seconds and words[0] == "open":
                signal.setitimer(signal.ITIMER_REAL, seconds)  # whose signal kills as hard, at any instruction

        append, write, measured = DeviceSpool.append, RunJournal.write, SquidstatTwin.measured

        def truth(self, channel, reading):
            tell("passed", reading.time, self.passed(channel))
            measured(self, channel, reading)

        def spooled(self, stream, time, row):
            append(self, stream, time, row)
            tell("spooled", self.name, stream, self._numbers[stream])

        def kept(self, name, doc, *more):
            write(self, name, doc, *more)
            if name == "event_page":
                tell("kept", self._file.path.stem, doc["descriptor"], doc["seq_num"][-1])

        DeviceSpool.append, RunJournal.write, SquidstatTwin.measured = spooled, kept, truth
        with labctl.open_session("twin", data=data, handle_signals=False) as lab:
            tell("open", time.monotonic())
            plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
            lab.RE(plan)
            tell("done", time.monotonic())
"""


@pytest.fixture
def warm():
    """Return a warm parent."""
    made = Warm(TASK % {"interval": INTERVAL, "density": DENSITY, "area": AREA})
    yield made
    made.close()


def words(said):
    """Return what the process said, without a line that its death cut short."""
    text = said.read_text() if said.exists() else ""
    return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]


def killed(warm, folder, *, lines=0, seconds=0.0):
    """Kill a run when it has said so many lines, or so many seconds after it opened; never if neither.

    Return the data folder and what was said.
    """
    folder.mkdir()
    data, said = folder / "data", folder / "said.txt"
    pid = warm.fork(data=str(data), said=str(said), lines=lines, seconds=seconds)
    wait_for(lambda: not alive(pid))
    return data, words(said)


def identities(data):
    """Return how often each spooled row stands in a journal, by (spool, stream, number), and rows by journal."""
    found, counts, last = Counter(), Counter(), {}
    spooled = {}
    for path in (data / "spool").glob("*/*.jnl"):
        for record in read_records(path):
            if record.kind == "R":
                row = record.payload
                spooled[f"spool/{path.parent.name}/{path.name}", row["stream"], row["n"]] = row
    for path in (data / "runs").glob("*/*/*.jnl"):
        sources = {}
        for record in read_records(path):
            if record.kind == "D" and len(record.payload) == 3:
                sources[record.payload[1]["uid"]] = record.payload[2]
            elif record.kind == "R":
                page = record.payload
                counts[path.stem, page["descriptor"]] += len(page["time"])
                source = sources.get(page["descriptor"])
                for index, time_ in enumerate(page["time"]):
                    if source is None:
                        continue
                    number = source["after"] + page["first"] + index
                    key = source["spool"], source["stream"], number
                    found[key] += 1
                    row = {name: column[index] for name, column in page["data"].items()}
                    assert (spooled[key]["time"], spooled[key]["row"]) == (time_, row)
        if (stop := read_ends(path)[1]) is not None:
            for source in sources.values():
                key = source["spool"], source["stream"]
                last[key] = max(last.get(key, (0.0, "")), (stop["time"], stop.get("reason", "")))
    return found, counts, last


def compare_charge(rows, truth):
    """Hold times [s] and charges [C] in a journal (n, 2) against those that the twin said (m, 2), m >= n.

    Each row agrees to a hundredth of a sample, for what the converter reads is not the truth; the last row and what
    the twin came to before it died to one sample more.
    """
    kept, reading = len(rows), 0.01 * SAMPLE
    assert rows[:, 0] == pytest.approx(truth[:kept, 0], abs=1e-6)
    assert np.all(np.abs(rows[:, 1] - truth[:kept, 1]) <= reading)
    assert abs(rows[-1:, 1].sum() - truth[-1:, 1].sum()) <= SAMPLE + reading


def check_charge(data, said):
    """Hold the charge in the journal of the cycling run against the twin's; return how many rows were compared."""
    truth = [tuple(map(float, what)) for kind, *what in said if kind == "passed"]
    rows = []
    for run in map(Run, run_files(data)):
        if run.start["plan_name"] == "cycle" and "primary" in run.streams:
            table = run.table(columns=["test_time", "charge"])
            rows = np.column_stack([table["test_time"], table["charge"] * 3600.0])
    compare_charge(np.reshape(rows, (-1, 2)), np.reshape(truth, (-1, 2)))
    return len(rows)


def check(data, said):
    """Recover and hold what was acknowledged against what is there."""
    torn = [path for path in data.rglob("*.jnl") if not path.read_bytes().endswith(b"\n")]
    assert torn == []  # what one write() took is whole after a SIGKILL
    reports = recover(data)
    assert recover(data) == []
    assert all(report.trouble == "" and report.rows_gap == 0 for report in reports)
    for path in (data / "runs").glob("*/*/*.jnl"):
        assert verify_run(path).complaints == ()
    found, counts, last = identities(data)
    assert set(found.values()) <= {1}
    for kind, *what in said:
        if kind == "kept":
            run, descriptor, number = what
            assert counts[run, descriptor] >= int(number)
        elif kind == "spooled":
            spool, stream, number = what
            if not found[spool, stream, int(number)]:
                # Said between two runs: the next one would have taken it; it stays in the spool.
                assert stream == "events"
                assert "died" not in last[spool, stream][1]
    return reports, check_charge(data, said)


def kill_at_random(warm, folder, times, seed):
    """Kill so many runs, by turns after a row and at any instant.

    Return how many runs and rows were recovered, and of how many rows the charge was compared.
    """
    data, said = killed(warm, folder / "whole")
    at = {line[0]: float(line[1]) for line in said if line[0] in ("open", "done")}
    longest = at["done"] - at["open"]
    reports, compared = check(data, said)
    assert reports == []
    assert compared > 30
    drawn = random.Random(seed)
    for number in range(times):
        share = drawn.random()
        when = {"lines": 1 + int(share * len(said))} if number % 2 else {"seconds": share * longest}
        data, heard = killed(warm, folder / str(number), **when)
        if data.exists():
            found, rows = check(data, heard)
            reports, compared = reports + found, compared + rows
    return len(reports), sum(report.rows for report in reports), compared


@pytest.mark.timeout(240)
def test_no_acknowledged_row_is_lost_or_doubled_by_a_kill(warm, tmp_path):
    recovered, rows, compared = kill_at_random(warm, tmp_path, 10, seed=7)
    assert recovered >= 4
    assert rows > 0
    assert compared > 60


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_acknowledged_row_is_lost_or_doubled_by_two_hundred_kills(warm, tmp_path):
    recovered, rows, compared = kill_at_random(warm, tmp_path, 200, seed=11)
    print(f"{recovered} runs recovered, {rows} rows from spools, the charge of {compared} rows compared")
    assert recovered >= 100
    assert compared > 2000


ROWS = np.column_stack([INTERVAL * np.arange(9), SAMPLE * np.array([0, 1, 2, 3, 3, 2.5, 2, 1.5, 1])])


@pytest.mark.parametrize(
    ("rows", "truth"),
    [
        (np.delete(ROWS, 4, axis=0), ROWS),
        (np.insert(ROWS, 4, ROWS[4], axis=0), ROWS),
        (ROWS[:2], ROWS[:4]),
        (ROWS, ROWS[:7]),
        (ROWS * [1.0, 1.02], ROWS),
        (np.abs(np.diff(ROWS, axis=0, prepend=0.0)).cumsum(axis=0), ROWS),
    ],
    ids=["a row lost", "a row doubled", "two at the end lost", "rows nobody took", "2 % more", "sign lost"],
)
def test_the_judge_of_charge_objects(rows, truth):
    compare_charge(ROWS, ROWS)
    compare_charge(ROWS[:-1], ROWS)
    with pytest.raises(AssertionError):
        compare_charge(rows, truth)
