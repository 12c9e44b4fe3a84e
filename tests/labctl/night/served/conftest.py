"""A night on served twins: they live on in this process, and judge, when those that run the night are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from devices.recipes import to_json
from labctl import Run
from labctl.clock.wall import WallClock
from labctl.config.folder import Config
from labctl.night.chronicle import happenings, states_of
from labctl.night.folder import Begun, is_over, make_folder
from labctl.night.heart import GUARD, HEARTBEAT, SUPERVISOR, last_beat
from labctl.serving.bench_text import served_bench
from labctl.serving.faults import FaultScript
from labctl.serving.server import BLACK_BOX, TwinServer

ROOT = Path(__file__).parents[4]
PULSES = 3
CURRENT, INTERVAL = 1e-5, 0.2
LONG = """schema = 1
macro = "text"
on_host_loss = "{host_loss}"
steps = '''
repeat {times} x (
    Charge at 10 uA for 3 s
    Charge at 5 uA for 3 s
)
Rest for 1 s
'''
[limits]
voltage_min = "0 V"
voltage_max = "5 V"
current_max = "1 mA"
[record]
interval = "200 ms"
"""

TRAIN = f"""schema = 1
voltage = "400 V"
pulse_duration = "1.8 ms"
pulse_count = {PULSES}
rate = "1 Hz"
"""

SERVED = {
    "train": 'plan = "anneal"\nsample = "film-0"\nrecipe = "train"',
    "long": 'plan = "cycle"\nsample = "cell-0"\nprogram = "long"',
}

LIST = """schema = 1
bench = "{bench}"
item = [{{ experiment = "train", on_restart = "finish" }}, {{ experiment = "long", on_failure = "{on_failure}" }}]
"""


class ServedLab:
    """Served twins, a night on them, and whoever runs it."""

    def __init__(self, folder, made, times, host_loss, on_failure):
        self.config, self.data = folder / "config", folder / "data"
        shutil.copytree(made / "config", self.config)
        self._write_config(times, host_loss)
        here = folder / "served"
        shutil.copytree(made / "data" / "bench" / "pair" / "samples", here / "samples")
        here.chmod(0o700)
        self.clock = WallClock()
        self.server = TwinServer(Config(self.config).bench("pair"), here, self.clock, FaultScript(0, ()))
        # An empty bank in two seconds instead of one minute.
        self.server.world.station("lamp").head.bleed_time_constant = 0.3
        addresses = {(row.station, row.part): row.address for row in self.server.table}
        bench = here / "served.toml"
        bench.write_text(served_bench(self.config / "benches" / "pair.toml", addresses, self.server.hands))
        cell = Config(self.config).sample("cell-0")
        self.server._on_loop(lambda: self.server.world.assemble(to_json(cell)))
        listed = folder / "list.toml"
        listed.write_text(LIST.format(bench=bench, on_failure=on_failure))
        begun = Begun(str(folder), "list", str(self.config), "", 0.0, 0, self.clock.time())
        self.night = make_folder(self.data, listed, begun)
        self._begun = []

    def _write_config(self, times, host_loss):
        experiments = self.config / "experiments"
        for name, text in SERVED.items():
            (experiments / f"{name}.toml").write_text(f"schema = 1\n{text}\n")
        (self.config / "recipes" / "train.toml").write_text(TRAIN)
        (self.config / "programs" / "long.toml").write_text(LONG.format(times=times, host_loss=host_loss))
        bench = self.config / "benches" / "pair.toml"
        often = '[devices.channel.parameters]\npoll_period = "0.2 s"\n\n[world]'
        text = bench.read_text().replace('"5.6 mF"', '"1 mF"')
        bench.write_text(text.replace("[world]", often))
        limits = self.config / "limits.toml"
        limits.write_text(limits.read_text().replace('rate = "0.5 Hz"', 'rate = "1 Hz"'))

    def begin(self):
        """Go on with the night, as a person or a service does."""
        return self._start("night", "--resume", "last", "--data", str(self.data))

    def begin_alone(self):
        """Begin the process that runs the night, with nobody who watches it."""
        return self._start("night-run", str(self.night))

    def _start(self, *command):
        with (self.night / "terminal.txt").open("ab") as output:
            begun = subprocess.Popen(
                [sys.executable, "-P", "-m", "labctl", *command],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._begun.append(begun)
        return begun

    def beat(self, heart):
        """Return the beat of one of the night's processes if it lives."""
        beat = last_beat(self.night / heart)
        return beat if beat is not None and beat.owner.lives else None

    def process(self, heart):
        """Return the number of one of the night's processes, one that only begins as well; None where there is none."""
        told = {HEARTBEAT: "night-run", SUPERVISOR: "--resume", GUARD: "night-guard"}[heart]
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().split(b"\0")
                ours = str(self.data).encode() in words or str(self.night).encode() in words
                if ours and told.encode() in words and b"labctl" in words:
                    return int(path.parent.name)
        return None

    def events(self, *names):
        lines = (self.server.folder / BLACK_BOX).read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] in names]

    def passed(self):
        """Return the charge [C] that truly passed."""
        return sum(charge for _, charge in self.server.world.station("channel_2").squidstat.charges)

    def said(self):
        told = [self.night / "terminal.txt", self.night / "output.txt"]
        return "\n".join(path.read_text() for path in told if path.exists())

    def close(self):
        for heart in (GUARD, SUPERVISOR, HEARTBEAT):
            if (beat := self.beat(heart)) is not None:
                os.kill(beat.owner.pid, signal.SIGKILL)
        for begun in self._begun:
            begun.kill()
            begun.wait()
        self.server.close()
        self.clock.close()

    def lamp_is_safe(self):
        """Whether the black box, written after the twin has moved, ends with an off charger and an open loop."""
        pairs = (("high voltage on", "high voltage off"), ("loop closed", "loop open"))
        told = [self.events(*pair) for pair in pairs]
        return all(
            not lines or lines[-1]["event"] == pair[1] for lines, pair in zip(told, pairs, strict=True)
        )

    def finish(self):
        """Let the night come to its end, going on with it as often as it was given up."""
        until = time.monotonic() + 150.0
        while not is_over(self.night):
            assert time.monotonic() < until, self.said()
            self.begin_where_nobody_is()
            _pause(0.1)

    def begin_where_nobody_is(self):
        """Go on with the night where all its processes are dead, as a person does who finds it so."""
        starting = any(begun.poll() is None for begun in self._begun)
        if not starting and not any(self.beat(heart) for heart in (HEARTBEAT, SUPERVISOR, GUARD)):
            self.begin()

    def judge(self, times):
        """Compare the documents of a night with what truly happened."""
        states = states_of(self.night)
        assert {name: state.state for name, state in states.items()} == {"train": "done", "long": "done"}, (
            self.said()
        )
        assert sum(told["what"] == "over" for told in happenings(self.night)) == 1
        assert len(self.events("gate")) == PULSES
        train = Run(states["train"].runs[-1], self.data)
        assert train.table()["pulse"].tolist() == list(range(1, PULSES + 1)), self.said()
        chain = Run(states["long"].runs[-1], self.data)
        table = chain.table()
        assert table["record"].tolist() == list(range(1, len(table["record"]) + 1)), self.said()
        assert np.all(np.diff(table["test_time"]) >= 0.0)
        assert table["charge"][-1] * 3600.0 == pytest.approx(self.passed(), abs=CURRENT * INTERVAL)
        steps = chain.table("steps")
        assert steps["step_count"].tolist() == list(range(1, 2 * times + 2)), self.said()
        assert list(steps["end_reason"]) == ["duration"] * (2 * times + 1)
        for state in states.values():
            assert all(Run(uid, self.data, alone=True).stop is not None for uid in state.runs)

    def wait_for(self, found, longest=60.0):
        """Wait until something is found; what the night said where it is not."""
        until = time.monotonic() + longest
        while not found():
            assert time.monotonic() < until, self.said()
            _pause(0.02)


def _pause(seconds):
    threading.Event().wait(seconds)


@pytest.fixture
def served(tmp_path, made):
    """Return served(times) -> ServedLab, whose program has so many rounds of 6 s; without a host it goes on or ends."""
    opened = []
    for number in (signal.SIGHUP, signal.SIGINT):
        # Whoever began these tests in the background ignores them, and so would all that is begun here.
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)

    def open_(times, name="lab", host_loss="keep", on_failure="skip_sample"):
        folder = tmp_path / name
        folder.mkdir()
        opened.append(ServedLab(folder, made, times, host_loss, on_failure))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()
