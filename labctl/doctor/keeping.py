"""The data folder: is there room, are runs without an end in it, has a device latched a fault."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from devices.errors import DataError
from devices.limits import DiskLimits
from labctl.doctor.findings import Finding, note, ok, trouble
from labctl.runs.briefs import briefs
from labctl.runs.states import DIED, NEWER
from labctl.state import Said, last_said


def data_folder(data: Path, limits: DiskLimits) -> Iterator[Finding]:
    """Yield what is found of a data folder; it is not made, and nothing in it is mended."""
    existing = next(each for each in (data, *data.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield trouble(
            "data", f"{existing} cannot be written", "name another folder with --data or $LABCTL_DATA"
        )
        return
    there = existing == data
    yield ok("data", f"{data}" if there else f"{data} is made with the first run")
    free = shutil.disk_usage(existing).free
    room = f"{free / 1e9:.1f} GB free"
    if free < limits.reserve:
        yield trouble("disk", f"{room}: no run begins", "make room, or name another folder with --data")
    elif free < limits.alarm:
        yield note("disk", f"{room}: little", "make room; `labctl backup DIR` copies runs elsewhere first")
    else:
        yield ok("disk", room)
    if there:
        yield from _runs(data)
        yield from _devices(data)


def _runs(data: Path) -> Iterator[Finding]:
    try:
        found = list(briefs(data))
    except (DataError, OSError) as error:
        yield trouble("runs", f"they cannot be listed: {error}", "labctl verify")
        return
    died = [brief for brief in found if brief.status == DIED]
    damaged = [brief for brief in found if brief.damage and brief.status != NEWER]
    newer = [brief for brief in found if brief.status == NEWER]
    if died:
        names = ", ".join(brief.uid[:8] for brief in died[:3])
        yield trouble(
            "runs",
            f"{len(died)} without an end, whose process died ({names})",
            f"labctl recover --data {data}",
        )
    if damaged:
        names = ", ".join(brief.uid[:8] for brief in damaged[:3])
        yield trouble("runs", f"{len(damaged)} damaged ({names})", f"labctl verify --data {data}")
    if newer:
        names = ", ".join(brief.uid[:8] for brief in newer[:3])
        yield trouble(
            "runs", f"{len(newer)} of a newer labctl ({names})", "work with that one, or a newer one"
        )
    if not died and not damaged and not newer:
        yield ok("runs", f"{len(found)}, all with an end or under way")


def _devices(data: Path) -> Iterator[Finding]:
    quiet = True
    for path in [*sorted(data.glob("state/*.json")), *sorted(data.glob("state/*/*.json"))]:
        try:
            said = last_said(path)
        except DataError as error:
            yield trouble("latches", str(error), f"rm {path}   # once you have looked at the device")
            quiet = False
            continue
        for finding in () if said is None else _of_device(said):
            quiet = False
            yield finding
    if quiet:
        yield ok("latches", "no device has latched a fault, none was abandoned")


def _of_device(said: Said) -> Iterator[Finding]:
    if said.latched:
        yield trouble(
            said.device, f"latched: {said.latched}", f"labctl reset {said.device} --bench {said.where}"
        )
    if said.abandoned:
        yield trouble(
            said.device,
            f"its session (pid {said.owner.pid}) died and left it {said.report.get('state')}",
            f"labctl safe --bench {said.where}",
        )
