"""What every start document says of the session: versions, bench, clock, devices, limits, who and where."""

from __future__ import annotations

import builtins
import getpass
import hashlib
import json
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from devices.base import Station
from devices.limits import Limits
from devices.recipes import canonical_hash, to_json
from labctl import __version__
from labctl.config.models import BenchFile, StationEntry, World
from labctl.wiring import is_real

SCHEMA = 1
PACKAGES = (
    "bluesky",
    "ophyd",
    "event-model",
    "numpy",
    "scipy",
    "pydantic",
    "pyserial",
    "pyvisa",
    "pyvisa-py",
    "pint",
)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Which life of the machine it is; there is none but on Linux."""

SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
"""An argument of such a name is not written down."""

WITH_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")
LONGEST_COMMAND = 2000
"""Characters of a command line that are kept."""


def session_metadata(
    bench: BenchFile,
    limits: Limits,
    clock: Any,
    devices: Mapping[str, Any],
    identities: Mapping[str, Mapping[str, str]],
    operator: str,
    session: str,
) -> dict[str, Any]:
    """Return the metadata common to every run of a session; `session` is its id."""
    return {
        "schema": SCHEMA,
        "bench": {"name": bench.name, "config_hash": bench.config_hash},
        "clock": {"kind": clock.kind, "pace": clock.pace, "epoch": clock.epoch},
        "devices": {
            name: device_metadata(name, device, bench, identities.get(name, {}))
            for name, device in devices.items()
        },
        "limits": to_json(limits),
        "limits_hash": canonical_hash(to_json(limits)),
        "session": session,
        **whereabouts(operator),
    }


def whereabouts(operator: str = "") -> dict[str, Any]:
    """Return who does something, where, with which code, and by which command."""
    checkout = Path(__file__).parents[1]
    git = git_state(checkout)
    return {
        "versions": {
            "labctl": __version__,
            "python": platform.python_version(),
            **{package.replace("-", "_"): version_of(package) for package in PACKAGES},
        },
        "git": git,
        **({} if git is not None else {"distribution": installed()}),
        "operator": operator or getpass.getuser(),
        "host": socket.gethostname(),
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "architecture": platform.machine(),
            "python": platform.python_implementation(),
            "boot_id": BOOT_ID.read_text().strip() if BOOT_ID.exists() else "",
        },
        "command": command_line(sys.argv),
    }


def version_of(package: str) -> str:
    """Return the version of an installed package. Raises PackageNotFoundError."""
    found = distribution(package)
    # One of its first lines says so; to parse all of them takes seven times as long (measured).
    lines = (found.read_text("METADATA") or "").splitlines()
    said = next((line for line in lines if line.startswith("Version: ")), None)
    return found.version if said is None else said.removeprefix("Version: ")


def installed() -> dict[str, Any] | None:
    """Return version of the installed distribution and where it came from; None when labctl was never installed."""
    try:
        found = distribution("labctl")
    except PackageNotFoundError:
        return None
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if "url" in origin:
        origin["url"] = WITH_PASSWORD.sub("***", origin["url"])
    # event-model takes no key with a dot or a slash; the rest of such a file has plain keys.
    return {"version": found.version, "origin": origin}


def command_line(arguments: Sequence[str]) -> str:
    """Return the command that was typed, secrets left out; "python" or "ipython" at a prompt.

    Of the program the name alone, not where it lies; control characters are written as escapes.
    """
    program = Path(arguments[0]).name if arguments else ""
    if program in ("", "-c", "-"):
        return "ipython" if hasattr(builtins, "__IPYTHON__") else "python"
    shown = ["labctl" if program == "__main__.py" else program]
    hidden = False
    for argument in arguments[1:]:
        name, equals, _ = argument.partition("=")
        secret = name.startswith("-") and SECRET.search(name) is not None
        if hidden and not argument.startswith("-"):
            shown.append("***")
        else:
            shown.append(f"{name}=***" if secret and equals else WITH_PASSWORD.sub("***", argument))
        hidden = secret and not equals
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in " ".join(shown))
    return text if len(text) <= LONGEST_COMMAND else f"{text[:LONGEST_COMMAND]}..."


@cache
def code_hash(*names: str) -> str:
    """Return the sha256 of the sources of packages and modules: what they compute changes with nothing else of ours."""
    found = hashlib.sha256()
    for name in sorted(names):
        for path, label in _sources(name):
            content = path.read_bytes()
            found.update(f"{label} {len(content)}\n".encode())
            found.update(content)
    return found.hexdigest()


def _sources(name: str) -> Iterator[tuple[Path, str]]:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ValueError(f"{name} has no sources to hash")
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        yield origin, name
        return
    for path in sorted(origin.parent.rglob("*.py")):
        yield path, f"{name}/{path.relative_to(origin.parent).as_posix()}"


def device_metadata(name: str, device: Any, bench: BenchFile, identity: Mapping[str, str]) -> dict[str, Any]:
    """Return role, whether it is real, who answered, driver, and the hash of its parameters."""
    entry = bench.devices[name]
    twin = not is_real(bench, name)
    said: dict[str, Any] = {
        "role": getattr(device, "role", type(device).__name__) if isinstance(device, Station) else "",
        "real": not twin,
        "class": f"{type(device).__module__}.{type(device).__qualname__}",
        "identity": dict(identity),
    }
    if isinstance(entry, StationEntry):
        said["drivers"] = {part_name: part.driver for part_name, part in entry.parts.items()}
        parameters = {name: part.parameters for name, part in entry.parts.items()} | {
            "station": entry.parameters
        }
        bodies = {name: None if each is None else to_json(each) for name, each in parameters.items()}
        said["parameters"] = bodies
        said["parameters_hash"] = canonical_hash(bodies)
    if twin:
        said["seed"] = bench.seed
        said["twin"] = _twin_metadata(bench, said.get("parameters"))
    return said


def _twin_metadata(bench: BenchFile, parameters: Any) -> dict[str, Any]:
    """Return by which numbers and which physics a twin behaves: its world's, apart from what the lab believes."""
    world = to_json(bench.world or World())
    return {
        "parameters_hash": canonical_hash({"world": world, "parameters": parameters, "seed": bench.seed}),
        "world": world,
        "physics_hash": code_hash("sim"),
    }


def git_state(checkout: Path) -> dict[str, Any] | None:
    """Return commit and whether files were changed, or None outside a checkout."""
    if not (checkout / ".git").exists():
        return None
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git(checkout, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        # No git on this machine, or a checkout without a commit: the versions still say which labctl it was.
        return None


def _git(checkout: Path, *arguments: str) -> str:
    found = subprocess.run(
        ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=5, check=True
    )
    return found.stdout.strip()
