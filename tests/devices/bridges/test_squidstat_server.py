"""The bridge as a process: clients, leases, deaths, a lost instrument, SIGTERM; the library is a twin on wall time."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.bridges.lines import pack, unpack
from devices.cycling.cycler import Job, RowTaken, RunStopped
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.errors import InstrumentError, OwnershipError, WireError
from devices.instruments.squidstat import Squidstat
from devices.ports import UnixPort
from devices.wire import Wire
from labctl.clock.wall import WallClock

ROOT = Path(__file__).parents[3]
LIMITS = CellLimits(2.0, 4.6, 1e-2)

LIBRARY = '''
"""The vendor's names over a twin whose time is the wall's, ten times as fast; "unplugged" and "black_box" are files."""
import time
from pathlib import Path
from sim.foil import BuiltCell
from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters
from sim.physics.cell.diffusion import graded_edges
from sim.twins.squidstat import SquidstatTwin

HERE = Path(__file__).parent
cell = Cell(CellParameters(
    area=1e-4, edges=tuple(graded_edges(1.2e-6, 10, 5.0).tolist()), diffusivity=(5e-15,) * 10,
    active_share=(0.985,) * 10, site_charge=cathode.SITE_CHARGE, cathode_exchange_current=50.0,
    anode_exchange_current=50.0, electrolyte_resistance=5e-3, contact_resistance=0.0, anode_lithium=1e4,
    as_made_lithium=cathode.AS_MADE_LITHIUM, ocp=cathode.LITHIUM_COBALT_OXIDE))
twin = SquidstatTwin()
for channel in range(4):
    twin.wire_cell(channel, BuiltCell(cell, cell.current_step(cell.fresh(), 8.6e-5, 1000.0).state))
began = time.monotonic()

def pump():
    twin.advance(10.0 * (time.monotonic() - began))
    away = (HERE / "unplugged").exists()
    if away and twin.is_linked:
        twin.unplug()
    if not away and not twin.ports:
        twin.replug()
    twin.deliver()
    (HERE / "black_box").write_text("".join(f"{event} {text}\\n" for _, event, text in twin.log))

def __getattr__(name):
    return getattr(twin.library, name)
'''

QT = """
import fake_squidstat

class QCoreApplication:
    def __init__(self, arguments):
        pass

    def processEvents(self):
        fake_squidstat.pump()
"""


class Running:
    """A server in a process of its own."""

    def __init__(self, folder: Path, socket_path: Path, port: str = "/dev/ttyACM0") -> None:
        self.folder, self.path = folder, socket_path
        names = [
            "--library",
            "fake_squidstat",
            "--qt",
            "fake_qt",
            "--port",
            port,
            "--socket",
            str(socket_path),
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devices.bridges.squidstat_server", *names],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "OPENBLAS_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
        )
        self.said = ""

    def hear(self, words: str, patience: float = 20.0) -> str:
        """Return what it logged up to these words."""
        assert self.process.stderr
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while words not in self.said:
                assert selector.select(patience), self.said
                chunk = os.read(self.process.stderr.fileno(), 4096).decode()
                assert chunk, self.said
                self.said += chunk
        return self.said

    def black_box(self) -> str:
        return (self.folder / "black_box").read_text()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Running]]:
    """Give what starts servers on a twin in a folder."""
    (folder / "fake_squidstat.py").write_text(LIBRARY)
    (folder / "fake_qt.py").write_text(textwrap.dedent(QT))
    started: list[Running] = []

    def run(port: str = "/dev/ttyACM0", wait: str = "serving") -> Running:
        running = Running(folder, folder / "private" / "squidstat.sock", port)
        started.append(running)
        running.hear(wait)
        return running

    yield run
    for running in started:
        running.process.kill()
        running.process.wait()
        assert running.process.stderr
        running.process.stderr.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with starting(tmp_path) as run:
        yield run


@pytest.fixture(scope="module")
def server(tmp_path_factory: Any) -> Iterator[Running]:
    """Give a server that no test of those who share it ends or unplugs; each has a channel of its own."""
    with starting(tmp_path_factory.mktemp("shared")) as run:
        yield run()


@pytest.fixture
def clock() -> Iterator[WallClock]:
    clock = WallClock()
    yield clock
    clock.close()


@pytest.fixture
def connect(clock: Any) -> Iterator[Callable[..., Squidstat]]:
    wires: list[Wire] = []

    def build(path: Path, channel: int = 0) -> Squidstat:
        wire = Wire(
            UnixPort(str(path)), clock, name="squidstat", lane="lane", deadline=5.0, sync=Squidstat.sync
        )
        wires.append(wire)
        return Squidstat(wire, clock, name="squidstat", channel=channel)

    yield build
    for wire in wires:
        wire.close()


def job(token: str, seconds: float = 1e4) -> Job:
    return Job(
        "test", (Step(ConstantCurrent(1e-5), Until(duration=seconds), Record(1.0)),), LIMITS, token, 1e5
    )


def until(clock: Any, condition: Callable[[], Any], patience: float = 10.0) -> Any:
    """Return what a condition gives once it is true."""
    end = clock.now() + patience
    while not (found := condition()):
        assert clock.now() < end
        clock.sleep(0.05)
    return found


OTHER_CLIENT = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
for line in sys.argv[2:]:
    connection.sendall(line.encode())
    print(connection.recv(4096).decode(), end="", flush=True)
sys.stdin.read()
"""


def other_process(
    path: Path, *requests: dict[str, Any]
) -> tuple[subprocess.Popen[str], list[dict[str, Any]]]:
    """Start a client that asks and then stays; return it and its answers."""
    lines = [pack(request).decode() for request in requests]
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_CLIENT, str(path), *lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, [unpack(process.stdout.readline().encode()) for _ in lines]


def finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_program_runs_over_the_socket_and_its_rows_come_once(start: Any, connect: Any, clock: Any) -> None:
    server = start()
    driver = until(clock, lambda: connect(server.path))
    assert "Plus2000" in until(clock, lambda: patient(driver.identify))
    assert 3.5 < driver.read_cell() < 4.5
    driver.upload(job("t1", 20.0))
    since = driver.start("t1")
    records: list[Any] = []

    def over() -> bool:
        page = driver.records(since + len(records), 7)
        records.extend(page.records)
        return isinstance(page.records[-1:] and records[-1], RunStopped)

    until(clock, over)
    rows = [each for each in records if isinstance(each, RowTaken)]
    assert [row.time for row in rows] == pytest.approx(range(21))
    assert server.end() == 0
    assert "nothing runs" in server.hear("nothing runs")
    assert not server.path.exists()


def patient(action: Callable[[], Any]) -> Any:
    """Return what an action gives, None while the instrument has not announced itself."""
    with contextlib.suppress(InstrumentError):
        return action()
    return None


def test_the_socket_is_its_owners_alone(start: Any, tmp_path: Path) -> None:
    server = start()
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
    server.end()
    server.path.parent.chmod(0o755)
    start(wait="open to others")


def test_a_second_server_is_told_who_serves_and_a_stale_socket_is_taken_over(start: Any) -> None:
    first = start()
    second = start(wait="is held by")
    assert f"pid {first.process.pid}" in second.said
    assert second.process.wait(timeout=10) == 1
    assert first.path.exists()
    first.process.kill()
    first.process.wait()
    assert first.path.exists()
    start()


def test_an_instrument_that_is_not_there_is_said_and_no_socket_is_left(start: Any) -> None:
    server = start(port="/dev/ttyACM7", wait="Failed to connect")
    assert server.process.wait(timeout=10) == 1
    assert not server.path.exists()


def test_a_channel_is_one_clients_until_that_is_killed_and_what_runs_goes_on(
    server: Running, connect: Any, clock: Any
) -> None:
    driver = connect(server.path, channel=1)
    until(clock, lambda: patient(driver.identify))
    experiment = [{"element": "open_circuit", "interval": 1.0, "duration": 1e4}]
    other, answers = other_process(
        server.path,
        {"id": 1, "do": "upload", "channel": 1, "token": "o", "experiment": experiment},
        {"id": 2, "do": "start", "channel": 1, "token": "o"},
    )
    try:
        assert answers[1]["first"] == 1
        with pytest.raises(OwnershipError, match=f"pid {other.pid} since 20"):
            driver.upload(job("t1"))
        with pytest.raises(OwnershipError):
            driver.stop()
        elsewhere = connect(server.path, channel=2)
        elsewhere.upload(job("t2"))
        assert driver.read_busy() == 1
        other.send_signal(signal.SIGKILL)
        assert "channels it had: channel 1" in server.hear(f"pid {other.pid} left")
        assert driver.read_busy() == 1
        assert driver.stop()
    finally:
        finish(other)


def test_anybody_makes_safe_and_is_told_whom_it_overrode(server: Running, connect: Any, clock: Any) -> None:
    driver = connect(server.path, channel=3)
    until(clock, lambda: patient(driver.identify))
    driver.upload(job("t1"))
    driver.start("t1")
    other, answers = other_process(server.path, {"id": 1, "do": "safe", "channel": 3})
    finish(other)
    assert answers[0]["busy"]
    assert f"pid {os.getpid()}" in answers[0]["overrode"]
    assert "made channel 3 safe" in server.hear("safe, which pid")
    assert driver.read_busy() == 0


def test_what_runs_goes_on_when_the_server_is_ended(start: Any, connect: Any, clock: Any) -> None:
    server = start()
    driver = connect(server.path)
    until(clock, lambda: patient(driver.identify))
    driver.upload(job("t1"))
    driver.start("t1")
    assert server.end() == 0
    assert "Plus2000 goes on by itself on channel 0" in server.hear("by itself")
    assert "stopped" not in server.black_box()
    with pytest.raises(WireError, match="start the bridge"):
        driver.read_busy()


def test_an_instrument_unplugged_for_a_while_loses_no_row(start: Any, connect: Any, clock: Any) -> None:
    server = start()
    driver = connect(server.path)
    until(clock, lambda: patient(driver.identify))
    steps = (Step(OpenCircuit(), Until(duration=25.0), Record(1.0)),)
    driver.upload(Job("test", steps, LIMITS, "t1", 1e5))
    since = driver.start("t1")
    flag = server.folder / "unplugged"
    clock.sleep(0.5)
    flag.touch()
    until(clock, lambda: "unplugged" in server.black_box())
    clock.sleep(0.5)
    with pytest.raises(WireError, match="goes on by itself"):
        driver.read_busy()
    flag.unlink()
    records: list[Any] = []

    def over() -> bool:
        page = driver.records(since + len(records), 1000)
        records.extend(page.records)
        return bool(records) and isinstance(records[-1], RunStopped)

    until(clock, over, patience=15.0)
    rows = [each.time for each in records if isinstance(each, RowTaken)]
    assert rows == pytest.approx(range(26))
    assert "recovered" in [getattr(each, "code", "") for each in records]


def test_a_client_that_speaks_nonsense_or_nothing_harms_nobody(
    server: Running, connect: Any, clock: Any
) -> None:
    driver = connect(server.path)
    until(clock, lambda: patient(driver.identify))
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for stranger in strangers:
            stranger.connect(str(server.path))
        strangers[0].sendall(b"\x00\xff{]\n" * 100)
        strangers[1].sendall(b"half a req")
        assert "Plus2000" in driver.identify()
        assert b"garbled" in strangers[0].recv(1 << 16)
    server.hear("left")
    assert driver.read_busy() == 0
