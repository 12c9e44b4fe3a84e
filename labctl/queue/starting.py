"""The command that starts queueserver's manager, with defaults that nobody regrets."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import sys
from pathlib import Path

from devices.errors import DataError
from labctl.queue.package import needed
from labctl.queue.settings import read_settings

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


def become_manager(command: list[str], key: str) -> None:
    """Become the manager's process. Raises DataError when its program is nowhere."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which(command[0], path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if program is None:
        raise DataError(f"{command[0]} is not installed; `pip install 'labctl[queue]'` brings it")
    os.execve(program, command, {**os.environ, **({KEY: key} if key else {})})
