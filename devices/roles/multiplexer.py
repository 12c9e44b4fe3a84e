"""Sheets of cells under probes, and the instruments behind these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.roles.flown import Flown
from devices.samples import SampleRef
from devices.sheet.recipe import SheetRecipe


@dataclass(frozen=True)
class Crosspoint:
    """Where a row and a column of a relay matrix meet, both from 0."""

    row: int
    column: int


class RelayMatrix(Protocol):
    """Connects any of its rows to any of its columns. together: how many may be; settling [s] of its relays."""

    rows: int
    together: int
    settling: float

    @property
    def columns(self) -> int:
        """How many columns it has."""

    def connect(self, points: Sequence[Crosspoint]) -> None:
        """Open all relays, then close exactly these. Raises InstrumentError when one did not close."""

    def open_all(self) -> None:
        """Open all relays."""

    def safe(self) -> None:
        """Open all relays."""


class SiteMeter(Protocol):
    """Measures one cell on its row: voltage at rest, impedance; and holds a voltage for a while."""

    def sweep_time(self, frequencies: Sequence[float]) -> float:
        """Return how long [s] a sweep over frequencies [Hz] takes."""

    def prepare(self, frequencies: Sequence[float], amplitude: float) -> None:
        """Set the sweep: frequencies [Hz], amplitude [V rms]; no current flows."""

    def float_free(self) -> None:
        """Let no current flow."""

    def hold(self, voltage: float) -> None:
        """Hold a voltage [V] from now on. Raises LimitError."""

    def open_circuit(self) -> float:
        """Return the voltage [V] without a current, NaN where nothing holds it."""

    def begin(self, bias: float) -> None:
        """Begin a sweep at a bias [V]."""

    def take(self) -> list[float]:
        """Return R and X [ohm] of each frequency of the sweep in turn, NaN where nothing was measured."""

    def safe(self) -> None:
        """End what is under way; no current flows."""


@dataclass(frozen=True)
class SheetJob:
    """What a multiplexer is prepared with: a sheet of cells, and what is done to each."""

    sample: SampleRef
    recipe: SheetRecipe


@runtime_checkable
class Multiplexer(Flown, Protocol):
    """Measures the cells of a sheet, several at a time: `prepare(SheetJob)`, then fly.

    Streams `primary`, one row a cell, and `impedance`, one row a cell and frequency.
    """

    def check(self, sample: SampleRef, recipe: SheetRecipe) -> None:
        """Raise LimitError or InterlockError when instruments or lab do not allow it; nothing is sent."""

    def duration(self, sample: SampleRef, recipe: SheetRecipe) -> float:
        """Return how long [s] the map of a sheet takes."""

    def prepare(self, job: SheetJob) -> StatusBase:
        """Check the job, have the sheet brought under the probes, set the instruments."""
