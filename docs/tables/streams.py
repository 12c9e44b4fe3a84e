"""Streams of the documents, and their columns with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devices.base import EVENT_COLUMNS, Column
from devices.cycling.columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.lamp import records as lamp
from devices.lamp import remote_train
from devices.sheet.mapping import POINT_COLUMNS, SITE_COLUMNS
from devices.sputter.baking import FURNACE_COLUMNS
from devices.sputter.leaks import LEAK_COLUMNS
from devices.sputter.records import LAYER_COLUMNS, film_columns
from labctl.derived.kinds import KINDS
from plans.flying import OUTCOME_COLUMNS
from tables.markdown import code, prose, table

Streams = Mapping[str, Mapping[str, Column]]

SPUTTER = film_columns(["gun1"], ["Ar"], ["valve", "bias", "monitor", "heater", "turbo"])

RECORDED: Mapping[str, Streams] = {
    "Every run": {"events": EVENT_COLUMNS, "outcome": OUTCOME_COLUMNS},
    "A potentiostat": {
        "primary": PRIMARY_COLUMNS,
        "impedance": IMPEDANCE_COLUMNS,
        "steps": STEP_COLUMNS,
        "cycles": CYCLE_COLUMNS,
        "residual": lamp.RESIDUAL_COLUMNS,
    },
    "A flash lamp": {
        "primary": lamp.PULSE_COLUMNS,
        "trace": lamp.TRACE_COLUMNS,
        "residual": lamp.RESIDUAL_COLUMNS,
    },
    "A lamp tool with a recipe engine": {
        "primary": remote_train.PULSE_COLUMNS,
        "residual": lamp.RESIDUAL_COLUMNS,
    },
    "A sputter system (an evaporator has fewer), one gun and one gas": {
        "primary": SPUTTER,
        "layers": LAYER_COLUMNS,
        "leaks": LEAK_COLUMNS,
    },
    "A furnace": {"primary": FURNACE_COLUMNS},
    "A multiplexer": {"primary": SITE_COLUMNS, "impedance": POINT_COLUMNS},
}
"""What stations record, by the station."""


def recorded() -> str:
    """Return the streams of every station."""
    parts = []
    for station, streams in RECORDED.items():
        parts.append(f"### {station}\n")
        parts += [_stream(name, columns) for name, columns in streams.items()]
    return "\n".join(parts)


def derived() -> str:
    """Return the streams of every derived result, and the numbers it depends on."""
    parts = []
    for name, kind in KINDS.items():
        parts.append(f"### {name}\n\n{prose(kind.says)}\n")
        if kind.parameters:
            parameters = ", ".join(f"`{each} = {value:g}`" for each, value in kind.parameters.items())
            parts.append(f"Parameters: {parameters}.\n")
        parts += [_stream(stream, columns) for stream, columns in kind.streams.items()]
    return "\n".join(parts)


def _stream(name: str, columns: Mapping[str, Column]) -> str:
    rows = [
        (code(key), code(column.unit) if column.dtype != "string" else "text", column.part)
        for key, column in columns.items()
    ]
    return f"Stream {code(name)}:\n\n{table(('column', 'unit', 'read from'), rows)}"


MADE: Mapping[str, Callable[[], str]] = {"streams": recorded, "derived": derived}
