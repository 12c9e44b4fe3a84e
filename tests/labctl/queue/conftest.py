"""A queueserver of the test's own: redis on a free port, the manager with our profile, all of it ended again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
PACE = 'pace = "none"'


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(question, longest, what):
    """Ask until the answer is true and return it."""
    ends, tick = monotonic() + longest, threading.Event()
    while monotonic() < ends:
        answer = question()
        if answer:
            return answer
        tick.wait(0.05)
    raise AssertionError(f"{what} did not come within {longest:g} s")


def begun(command, log, **options):
    with log.open("ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)


def ended(process, number=signal.SIGTERM, patience=10):
    process.send_signal(number)
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)


class Queue:
    """A manager that runs, asked through our client."""

    def __init__(self, folder, redis, pace):
        from labctl.queue.manager import Manager
        from labctl.queue.profile import write_profile
        from labctl.queue.settings import read_settings

        self.folder = folder
        self.config = Path(shutil.copytree(CONFIG, folder / "config"))
        bench = self.config / "benches" / "twin.toml"
        assert PACE in bench.read_text()
        bench.write_text(bench.read_text().replace(PACE, f'pace = "{pace}"'))
        self.profile = folder / "profile"
        write_profile(self.profile, "twin", self.config, folder / "data")
        self.settings = read_settings(self.profile)
        self.data = Path(self.settings.data)
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.info = f"tcp://127.0.0.1:{free_port()}"
        self.log = folder / "manager.log"
        addresses = [
            *("--redis", f"127.0.0.1:{redis}"),
            *("--control", self.address),
            *("--info", self.info),
        ]
        start = "from labctl.commands.queueing import queue_app; queue_app()"
        command = [sys.executable, "-c", start, "start", str(self.profile), *addresses]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self.process = begun(command, self.log, env=environment, start_new_session=True)
        self.manager = Manager(self.address)
        wait_for(self._answers, 20, "the manager's first answer")

    def _answers(self):
        from labctl.queue.manager import Silent

        try:
            return self.manager.status()
        except Silent:
            return None

    def ask(self, method, **parameters):
        return self.manager.ask(method, **parameters)

    def open(self):
        self.ask("environment_open")
        wait_for(lambda: self.is_idle(environment=True), 30, "the environment")

    def close(self):
        self.ask("environment_close")
        wait_for(lambda: self.is_idle(environment=False), 20, "the environment's end")

    def is_idle(self, *, environment):
        status = self.manager.status()
        return status["manager_state"] == "idle" and status["worker_environment_exists"] is environment

    def add(self, name, group="primary", **arguments):
        item = {"item_type": "plan", "name": name, "kwargs": arguments}
        return self.ask("queue_item_add", item=item, user="somebody", user_group=group)

    def run(self, longest=120):
        """Run the queue until it is at rest; return what the history says of its last item."""
        self.ask("queue_start")
        wait_for(lambda: self.is_idle(environment=True), longest, "the queue's end")
        return self.ask("history_get")["items"][-1]["result"]

    def wait_for(self, question, longest, what):
        return wait_for(question, longest, what)

    def waiting(self):
        return self.ask("queue_get")["items"]

    def stop(self):
        """End it as at a terminal."""
        try:
            if self.process.poll() is None:
                ended(self.process, signal.SIGINT, 20)
        finally:
            self.manager.close()


def opened(one):
    """Yield a queue whose environment is open and that is empty; what the same redis kept of another one goes."""
    try:
        one.ask("queue_clear")
        one.ask("history_clear")
        one.open()
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    """Return the port of a redis server."""
    pytest.importorskip("bluesky_queueserver")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = begun([program, *options], folder / "redis.log")

    def answers():
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers, 10, "redis")
    yield port
    ended(server)


@pytest.fixture(scope="module")
def queue(redis, tmp_path_factory):
    """Return a queue on the bench of twins."""
    yield from opened(Queue(tmp_path_factory.mktemp("queue"), redis, "none"))


@pytest.fixture(scope="module")
def slow_queue(redis, tmp_path_factory):
    """Return a queue on twins whose time is sixty times the wall's."""
    yield from opened(Queue(tmp_path_factory.mktemp("queue"), redis, "60"))


@pytest.fixture
def http(queue, tmp_path):
    """Return how to ask an http-server before the queue: a path, a key, what is posted; status and answer."""
    pytest.importorskip("bluesky_httpserver")
    pytest.importorskip("pandas")  # which its server needs and does not ask for
    port = free_port()
    environment = {
        **os.environ,
        "QSERVER_HTTP_SERVER_SINGLE_USER_API_KEY": "onlyfortests",
        "QSERVER_ZMQ_CONTROL_ADDRESS": queue.address,
        "QSERVER_ZMQ_INFO_ADDRESS": queue.info,
    }
    command = [sys.executable, "-m", "uvicorn", "bluesky_httpserver.server:app", "--port", str(port)]
    server = begun(command, tmp_path / "http.log", env=environment)

    def ask(path, key="onlyfortests", body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json"}
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/api/{path}", data, headers)) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, {}

    def answers():
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers, 40, "the http-server")
        yield ask
    finally:
        ended(server)
