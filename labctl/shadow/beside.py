"""Shadows beside the runs of an engine: led by its documents, never in the way of a run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.base import RowStream, Station
from devices.errors import InterlockError, LabError
from devices.limits import ShadowLimits
from labctl.belief import Believer
from labctl.shadow.followed import FOLLOWED

if TYPE_CHECKING:
    from labctl.shadow.watch import Difference, Shadow

log = logging.getLogger(__name__)

STREAM = "residual"
CODE = "shadow"
"""What events of a shadow are called."""


class StationListener:
    """Writes what a shadow tells into the streams of the station it is beside; they are collected with its rows.

    alarm: the last that was raised, empty for none.
    """

    def __init__(self, name: str, residual: RowStream, events: RowStream) -> None:
        self._name, self._residual, self._events = name, residual, events
        self.alarm = ""

    def differs(self, difference: Difference) -> None:
        """Write a row of `residual`."""
        row = asdict(difference)
        self._residual.append(row.pop("label"), row)

    def alarms(self, label: float, t: float, severity: str, text: str) -> None:
        """Write a row of `events`, and into the log what is more than information."""
        self._events.append(label, {"t": t, "code": CODE, "severity": severity, "text": text})
        if severity != "info":
            self.alarm = text
            log.warning("%s: shadow: %s", self._name, text)


@dataclass
class _Followed:
    """A run that is followed: its start document, whom to tell, and its shadow once its first rows are there."""

    start: Mapping[str, Any]
    listener: StationListener
    shadow: Shadow | None = None


class Shadows:
    """A document subscriber: a shadow for each cycling run that a model knows the cell of.

    To be subscribed after the journal. The model is made when the first rows are collected, and computes when rows
    are; nothing of it runs while a station acts. What goes wrong in it ends the shadow, with a word in `events`.
    Raises InterlockError for an alarm only where limits say that it ends the run.
    """

    def __init__(
        self, data: Path, believer: Believer, stations: Mapping[str, Station], limits: ShadowLimits
    ) -> None:
        self._data, self._believer, self._stations, self._limits = data, believer, stations, limits
        self._runs: dict[str, _Followed] = {}
        self._streams: dict[str, tuple[str, str]] = {}

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document."""
        if name == "start":
            self._begin(doc)
        elif name == "descriptor" and doc["run_start"] in self._runs and doc["name"] in FOLLOWED:
            self._streams[doc["uid"]] = doc["run_start"], doc["name"]
        elif name in ("event", "event_page") and doc["descriptor"] in self._streams:
            run, stream = self._streams[doc["descriptor"]]
            if run in self._runs:
                self._follow(run, stream, doc)
        elif name == "stop":
            self._forget(doc["run_start"])

    def _begin(self, start: Mapping[str, Any]) -> None:
        station = self._stations.get((start.get("plan_args") or {}).get("potentiostat", ""))
        if start.get("purpose") == "cycle" and station is not None and STREAM in station.streams:
            listener = StationListener(station.name, station.streams[STREAM], station.streams["events"])
            self._runs[start["uid"]] = _Followed(start, listener)

    def _follow(self, run: str, stream: str, doc: dict[str, Any]) -> None:
        followed = self._runs[run]
        listener = followed.listener
        # The physics of cells, which no prompt should wait for.
        from labctl.shadow.believing import shadow_of
        from labctl.shadow.following import follow

        try:
            if followed.shadow is None:
                followed.shadow = shadow_of(
                    followed.start, self._data, self._believer, self._limits, listener
                )
            follow(followed.shadow, stream, doc)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a model must not end a run
            self._give_up(run, doc, error)
            return
        if listener.alarm and self._limits.ends:
            self._forget(run)
            raise InterlockError(CODE, f"{listener.alarm}; the run is ended (limits.toml, shadow.ends)")

    def _give_up(self, run: str, doc: Mapping[str, Any], error: Exception) -> None:
        """Leave a run without a shadow, and say so."""
        followed = self._runs[run]
        self._forget(run)
        why = str(error) if isinstance(error, ValueError | LabError) else repr(error)
        log.info("no model runs beside run %s any more", run[:8], exc_info=error)
        label = doc["time"][-1] if isinstance(doc["time"], list) else doc["time"]
        text = f"no model runs beside this run: {why}"
        followed.listener.alarms(label, label - float(followed.start["time"]), "info", text)

    def _forget(self, run: str) -> None:
        self._runs.pop(run, None)
        self._streams = {uid: of for uid, of in self._streams.items() if of[0] != run}
