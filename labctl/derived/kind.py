"""What a kind of derived result is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.base import Column
from labctl.derived.source import Source

Parameters = Mapping[str, float]
DerivedRow = Mapping[str, Any]

NAME: Mapping[str, Column] = {"run": Column("1", "string"), "sample": Column("1", "string")}
"""What every row begins with: the input it came from, and its sample."""


@dataclass(frozen=True)
class Kind:
    """A table, or several, computed from each run it applies to.

    streams: the columns of each table. rows: from a source and the parameters to the rows of each stream, without
    NAME. parameters: every number the result depends on, with its default. rests_on: packages and modules whose
    code it is.
    """

    name: str
    says: str
    streams: Mapping[str, Mapping[str, Column]]
    applies: Callable[[Source], bool]
    rows: Callable[[Source, Parameters], Mapping[str, Iterable[DerivedRow]]]
    parameters: Parameters = field(default_factory=dict)
    rests_on: tuple[str, ...] = ("labctl.analysis", "labctl.derived", "labctl.samples.of_run")
    also_reads: Callable[[Source], list[str]] = lambda _: []
