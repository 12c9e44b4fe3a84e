"""The session inside queueserver's worker: opened with the environment, closed in good order with it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from labctl.config.folder import Config
from labctl.queue.package import needed
from labctl.queue.plans import queue_plans
from labctl.queue.settings import read_settings
from labctl.session import Session
from labctl.stopping import scripted_session

FIRST = 100
"""Priority among what ends with a process: before pipes and locks of multiprocessing, whose own are 10 at most."""


def open_lab(profile: Path) -> Session:
    """Open the session of a startup profile; it is closed as its process ends, its lamp safe.

    Outside a worker, where only the lists of plans and devices are made, its data go to a folder that vanishes.
    Raises what labctl.open_session does.
    """
    settings = read_settings(profile)
    ending = ExitStack()
    # A worker's process runs no handlers of atexit, but it does run these.
    Finalize(None, ending.close, exitpriority=FIRST)
    data = settings.data
    if not needed("bluesky_queueserver").is_re_worker_active():
        data = ending.enter_context(tempfile.TemporaryDirectory(prefix="labctl-queue-"))
    lab, stopping = ending.enter_context(
        scripted_session(settings.bench, config=settings.config, data=data, operator=settings.operator)
    )
    # Signals end the plan in hand; queueserver then hears from the engine that it is over.
    stopping.engine = lab.RE
    return lab


def devices_of(lab: Session) -> dict[str, Any]:
    """Return the devices of a session by name, for the namespace of the worker."""
    return dict(lab.devices)


def plans_of(lab: Session, profile: Path) -> dict[str, Any]:
    """Return the plans of a session by name, for the namespace of the worker."""
    return dict(queue_plans(lab, Config(Path(read_settings(profile).config))))


def functions_of(lab: Session) -> dict[str, Any]:
    """Return what administrators may call between plans: `safe`, and `reset` of a device that latched a fault."""

    def safe() -> str:
        """Bring every device to its safe state."""
        lab.safe()
        return f"safe: {', '.join(lab.devices)}"

    def reset(device: str) -> str:
        """Let a device go on that latched a fault, once somebody looked at it."""
        lab.devices[device].reset()
        return repr(lab.devices[device]).splitlines()[0]

    return {"safe": safe, "reset": reset}
