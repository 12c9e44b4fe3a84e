"""Stations whose long actions run by themselves, and how such a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ophyd.status import StatusBase

from devices.base import RowStream
from devices.clock import Clock


@dataclass(frozen=True)
class Flight:
    """How a run on a station ended: asked and done in the station's unit of work, and why it ended."""

    end_reason: str
    asked: int
    done: int
    interrupted: bool


class Flown(Protocol):
    """A station whose long actions run by themselves and are collected in pages."""

    name: str
    clock: Clock
    streams: Mapping[str, RowStream]

    def kickoff(self) -> StatusBase:
        """Begin what was prepared."""

    def complete(self) -> StatusBase:
        """Return a status that finishes when it is over."""

    def stop(self, *, success: bool = False) -> None:
        """End it now, in the way the table of endings says."""

    def renew_lease(self) -> None:
        """Say that the acting loop is alive; keep-alives are sent only under this lease."""

    def flight(self) -> Flight:
        """Return what was asked and done."""

    def safe(self) -> None:
        """Bring it to its safe state."""
