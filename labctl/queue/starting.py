"""The command that starts queueserver's manager, with defaults that nobody regrets."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

from devices.errors import DataError, LabError
from labctl.engine import ENDING
from labctl.night.guard import LOOK
from labctl.queue.manager import Manager
from labctl.queue.package import needed
from labctl.queue.settings import Settings, read_settings
from labctl.state import Said, states
from labctl.stopping import SIGNALS

log = logging.getLogger(__name__)

CONTROL, INFO = "tcp://127.0.0.1:60615", "tcp://127.0.0.1:60625"
"""queueserver's own ports; by its own default they are open to the whole network, without a key."""

REDIS = "localhost:6379"
KEY = "QSERVER_ZMQ_PRIVATE_KEY_FOR_SERVER"
PROGRAM = "start-re-manager"

_ADDRESS = re.compile(r"tcp://(?P<host>[^/]+):(?P<port>\d+)")


def manager_command(
    profile: Path,
    *,
    redis: str = REDIS,
    prefix: str = "",
    control: str = CONTROL,
    info: str = INFO,
    key: str = "",
) -> list[str]:
    """Return the command that starts the manager with a profile.

    Raises DataError for an address that others on the network reach while there is no key.
    """
    settings = read_settings(profile)
    for address in (control, info):
        if not is_local(address) and not key:
            raise DataError(
                f"{address} is reached from the network and there is no key: whoever reaches it can fire the lamp."
                " Name one with --key FILE, or stay at 127.0.0.1"
            )
    return [
        PROGRAM,
        *("--startup-dir", str(profile)),
        *("--redis-addr", redis),
        *("--redis-name-prefix", prefix or settings.prefix),
        *("--zmq-control-addr", control),
        *("--zmq-info-addr", info),
    ]


def is_local(address: str) -> bool:
    """Return whether only this machine reaches an address. Raises DataError for one that is none."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise DataError(f"{address!r} is no address; write it as {CONTROL}")
    host = found["host"].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def private_key(path: Path) -> str:
    """Return the private key in a file, made where there is none; nobody else may read it. Raises DataError."""
    comms = needed("bluesky_queueserver.manager.comms")
    if not path.exists():
        _, private = comms.generate_zmq_keys()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{private}\n")
    if path.stat().st_mode & 0o077:
        raise DataError(f"others may read {path}, which holds the key; `chmod 600` it")
    return path.read_text().strip()


def public_key(private: str) -> str:
    """Return what clients need to talk to a manager that has this private key."""
    return str(needed("bluesky_queueserver.manager.comms").generate_zmq_public_key(private))


def run_manager(command: list[str], settings: Settings, control: str, key: str) -> int:
    """Run a manager until it ends or a signal asks for it; return its exit status.

    It runs in a process group of its own: by itself it kills its worker when it is sent SIGINT or SIGTERM, in the
    middle of a train. Here the plan in hand is ended in good order first, then the environment is closed.
    Raises DataError when its program is nowhere.
    """
    beside = str(Path(sys.executable).parent)
    program = shutil.which(command[0], path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if program is None:
        raise DataError(f"{command[0]} is not installed; `pip install 'labctl[queue]'` brings it")
    asked = threading.Event()
    for number in SIGNALS:
        signal.signal(number, lambda *_: asked.set())
    environment = {**os.environ, **({KEY: key} if key else {})}
    process = subprocess.Popen([program, *command[1:]], env=environment, start_new_session=True)
    while process.poll() is None and not asked.wait(LOOK):
        pass
    if process.poll() is None:
        manager = Manager(control, public_key(key) if key else "")
        try:
            end_in_order(manager, settings)
            process.wait(ENDING)
        except (LabError, subprocess.TimeoutExpired) as error:
            log.error("the manager could not be ended in good order and is killed: %s", error)
            process.terminate()
        finally:
            manager.close()
    return process.wait()


def end_in_order(manager: Manager, settings: Settings) -> None:
    """End the plan in hand, close the environment, stop the manager. Raises Refused, Silent."""
    pause = threading.Event()
    if manager.status()["manager_state"] == "executing_queue":
        manager.ask("queue_stop")
        for pid in {each.owner.pid for each in states(Path(settings.data)) if _is_worker(each, settings)}:
            os.kill(pid, signal.SIGTERM)
    ends = monotonic() + ENDING
    while manager.status()["manager_state"] != "idle" and monotonic() < ends:
        pause.wait(LOOK)
    manager.ask("manager_stop", option="safe_off")


def _is_worker(said: Said, settings: Settings) -> bool:
    return said.bench == settings.bench and said.open and said.owner.lives
