"""A lab in another process on served twins: it is killed, and the black box tells what happened then."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import labctl
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import OpenCircuit, Record, Until
from devices.errors import InterlockError, LabError
from devices.recipes import AnnealRecipe, to_json
from labctl import Run
from labctl.serving.serve import serve as serve_twins
from labctl.serving.server import BLACK_BOX, TABLE

ROOT = Path(__file__).parents[3]
WATCHDOG = 1.5
SAFE_WITHIN = 3.0
"""Seconds from the death of the client to a charger that is off [fault matrix, row 1]."""

CLIENT = """
    import sys
    import labctl
    from devices.cycling.programs import CellLimits, Program, Step
    from devices.recipes import AnnealRecipe
    from devices.samples import Layer, SampleRef
    from devices.cycling.techniques import OpenCircuit, Record, Until

    sample = SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    rest = Step(OpenCircuit(), Until(duration=60.0), Record(interval=0.1))
    bench, config, data, plan = sys.argv[1:]
    with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
        print("open", flush=True)
        if plan == "anneal":
            lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("quick", 200.0, 1.8e-3, 3, 1.0)))
        else:
            program = Program("rest", (rest,), CellLimits(0.0, 5.0, 1e-3))
            lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))
"""


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture
def client(tmp_path):
    """Return client(served, plan), which runs a plan on a served bench in a process of its own."""
    running = []

    def start(served, plan):
        command = [sys.executable, "-P", "-c", textwrap.dedent(CLIENT), served.bench, served.config]
        command += [tmp_path / "data", plan]
        running.append(subprocess.Popen(command, env=environment(), cwd=tmp_path))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def wait_for(found, process=None):
    """Wait for something in a black box; fail when the process ends before."""
    for _ in range(3000):
        if result := found():
            return result
        assert process is None or process.poll() is None, "the client ended first"
        threading.Event().wait(0.01)
    raise AssertionError("it did not come about")


def test_a_train_whose_client_is_killed_fires_no_more_and_the_charger_is_off(serve, client):
    served = serve()
    process = client(served, "anneal")
    wait_for(lambda: served.events("gate"), process)
    process.kill()
    killed = served.clock.now()
    process.wait()
    (off,) = wait_for(lambda: served.events("high voltage off"))
    (tripped,) = served.events("watchdog")
    assert tripped["time"] == off["time"]
    assert off["time"] <= killed + WATCHDOG + 0.1 < killed + SAFE_WITHIN
    threading.Event().wait(0.5)
    assert all(gate["time"] <= killed for gate in served.events("gate"))
    assert len(served.events("gate")) <= 3
    assert len(served.events("high voltage on")) == 1


def test_a_cell_whose_client_is_killed_goes_on_and_the_next_session_says_so(serve, client, sample, tmp_path):
    served = serve()
    served.server._on_loop(lambda: served.server.world.assemble(to_json(sample)))
    process = client(served, "cycle")
    wait_for(lambda: served.events("element"), process)
    process.kill()
    process.wait()
    with labctl.open_session(
        str(served.bench), config=served.config, data=tmp_path / "data", handle_signals=False
    ) as lab:
        rest = Step(OpenCircuit(), Until(duration=60.0), Record(interval=0.1))
        program = Program("again", (rest,), CellLimits(0.0, 5.0, 1e-3))
        with pytest.raises(Exception, match="an experiment is running on the channel") as refused:
            lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))
        assert isinstance(refused.value, InterlockError) or isinstance(
            refused.value.__cause__, InterlockError
        )
        assert served.events("stopped") == []
        assert len(served.events("started")) == len(served.events("wired")) == 1
        lab.potentiostat.safe()
    assert len(served.events("stopped")) == 1
    assert served.events("gate", "high voltage on") == []


def test_a_film_is_annealed_built_and_cycled_on_served_twins_and_its_runs_are_called_a_twins(
    serve, sample, tmp_path
):
    served = serve()
    recipe = AnnealRecipe("short", 400.0, 1.8e-3, 1, 1.0)
    rest = Step(OpenCircuit(), Until(duration=0.4), Record(interval=0.1))
    program = Program("rest", (rest,), CellLimits(0.0, 5.0, 1e-3))
    data = tmp_path / "data"
    with labctl.open_session(str(served.bench), config=served.config, data=data, handle_signals=False) as lab:
        plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
        anneal, cycle = (Run(uid, data) for uid in lab.RE(plan))
    readings = [float(each["text"].split()[0]) for each in served.events("reading")]
    assert len(served.events("gate")) == len(anneal.table()["pulse"]) == 1
    assert readings == pytest.approx(list(anneal.table()["pulse_energy"]), abs=1e-3)
    assert len(cycle.table()["voltage"]) >= 4
    carried = [line["text"] for line in served.events("brought", "assembled")]
    assert carried == ["quick-1 to lamp", "quick-1", "quick-1 to potentiostat/0"]
    for run, device in ((anneal, "lamp"), (cycle, "potentiostat")):
        assert run.start["devices"][device]["real"] is False
        assert run.start["clock"]["kind"] == "wall"


FAULTS = [
    {"trouble": "ignore"},
    {"trouble": "delay", "lasts": 0.7},
    {"trouble": "drop"},
    {"trouble": "garble", "share": 0.1},
    {"trouble": "duplicate"},
    {"trouble": "truncate"},
    {"trouble": "dribble"},
    {"trouble": "disconnect", "lasts": 0.6},
    {"trouble": "power_cycle", "lasts": 0.6},
    {"trouble": "swap", "lasts": 0.6},
]


def train(served, data, sample, count=3):
    """Run a train on a served bench; return the run and how it ended."""
    error = None
    with labctl.open_session(str(served.bench), config=served.config, data=data, handle_signals=False) as lab:
        try:
            lab.RE(lab.plans.anneal(lab.lamp, sample, AnnealRecipe("train", 500.0, 1.8e-3, count, 1.0)))
        except LabError as raised:
            error = raised
    return Run("last", data), error


@pytest.mark.slow
@pytest.mark.parametrize("when", [4.0, 5.05, 6.3])
@pytest.mark.parametrize("part", ["charger", "gate", "meter"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["trouble"])
def test_a_train_in_trouble_accounts_for_every_gate_and_ends_safe(serve, sample, tmp_path, fault, part, when):
    other = {"other": "lamp.meter" if part != "meter" else "lamp.gate"} if fault["trouble"] == "swap" else {}
    served = serve({"part": f"lamp.{part}", "time": when, **fault, **other})
    run, error = train(served, tmp_path / "data", sample, 5)
    threading.Event().wait(max(0.0, WATCHDOG + 0.2))
    gates, table = served.events("gate"), run.table()
    events = list(run.table("events")["code"])
    assert len(gates) <= 5
    assert len(table["pulse"]) - fault_pulses(fault, part) <= len(gates)
    assert len(gates) <= len(table["pulse"]) + events.count("outcome_unknown")
    assert len(set(table["pulse"])) == len(table["pulse"])
    assert (error is None) == (run.stop["exit_status"] == "success")
    switched = [line["event"] for line in served.events("high voltage on", "high voltage off")]
    assert switched[-1:] in ([], ["high voltage off"])
    assert switched.count("high voltage on") <= 1


def fault_pulses(fault, part):
    """Return how many pulses may be told of that no gate stands for: a gate without settings says it was open."""
    return 2 if (fault["trouble"], part) == ("power_cycle", "gate") else 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"folder": Path("/tmp/a b")}, "neither blanks nor question marks"),
        ({"folder": Path("/tmp") / ("x" * 100)}, "too long a path for a socket"),
        ({"write_bench": "twin"}, "is no bench of a server"),
        ({"write_bench": "../twin"}, "must be a plain name"),
        ({"bench": "nowhere"}, "there is no bench of this name"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words(config, tmp_path, options, word):
    asked = {"bench": "twin", "folder": tmp_path / "s", "faults": None, "write_bench": "", **options}
    with pytest.raises(LabError, match=word):
        serve_twins(**asked, config=config, data=None, waits=False)


def test_twins_are_served_from_the_command_line_until_a_signal_comes(config, tmp_path):
    folder = tmp_path / "served"
    (tmp_path / "faults.toml").write_text(
        'schema = 1\n[[fault]]\npart = "lamp.gate"\ntrouble = "drop"\nexchange = 1\n'
    )
    command = [sys.executable, "-P", "-m", "labctl", "twin", "serve", "--dir", folder, "--config", config]
    command += ["--write-bench", "served", "--faults", tmp_path / "faults.toml"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        wait_for(lambda: (config / "benches" / "served.toml").exists(), process)
        address = next(
            row["address"] for row in json.loads((folder / TABLE).read_text()) if row["part"] == "gate"
        )
        host, _, port = address.removeprefix("socket://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=0.3) as client:
            client.sendall(b"*IDN?\n")
            with pytest.raises(TimeoutError):
                client.recv(100)
            client.sendall(b"*IDN?\n")
            assert b"DG645" in client.recv(100)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=10)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert address in said
    assert "--bench served" in said
    assert "ended in good order" in said
    box = [json.loads(line)["event"] for line in (folder / BLACK_BOX).read_text().splitlines()]
    assert box == ["began", "fault: drop", "client gone", "ended"]
