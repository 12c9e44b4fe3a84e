"""What every start document says of the session: versions, bench, clock, devices, limits, who and where."""

from __future__ import annotations

import getpass
import platform
import socket
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from devices.base import Station
from devices.limits import Limits
from devices.recipes import canonical_hash, to_json
from labctl import __version__
from labctl.config.models import BenchFile, StationEntry
from labctl.wiring import is_twin

SCHEMA = 1
PACKAGES = ("bluesky", "ophyd", "event-model", "numpy", "scipy", "pydantic", "pyserial", "pyvisa")


def session_metadata(
    bench: BenchFile,
    limits: Limits,
    clock: Any,
    devices: Mapping[str, Any],
    identities: Mapping[str, Mapping[str, str]],
    operator: str,
) -> dict[str, Any]:
    """Return the metadata common to every run of a session."""
    return {
        "schema": SCHEMA,
        "bench": {"name": bench.name, "config_hash": bench.config_hash},
        "clock": {"kind": clock.kind, "pace": clock.pace, "epoch": clock.epoch},
        "devices": {
            name: device_metadata(name, device, bench, identities.get(name, {}))
            for name, device in devices.items()
        },
        "limits": to_json(limits),
        "versions": {
            "labctl": __version__,
            "python": platform.python_version(),
            **{package.replace("-", "_"): version(package) for package in PACKAGES},
        },
        "git": git_state(Path(__file__).parents[1]),
        "operator": operator or getpass.getuser(),
        "host": socket.gethostname(),
    }


def device_metadata(name: str, device: Any, bench: BenchFile, identity: Mapping[str, str]) -> dict[str, Any]:
    """Return role, whether it is real, who answered, driver, and the hash of its parameters."""
    entry = bench.devices[name]
    served = bench.world is not None and bench.world.served != "" and isinstance(entry, StationEntry)
    twin = is_twin(entry) or served
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
    return said


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
