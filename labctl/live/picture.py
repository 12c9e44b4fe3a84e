"""A picture of a run that goes on: what people look at, decimated, so that a month costs what a minute does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.live.columns import Watched, watched
from labctl.pictures.drawing import GREYS, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 2000
"""Points of a curve that are drawn; twice as many are kept at the most. A screen has no more columns."""

ABSCISSAS = ("test_time", "elapsed", "pulse", "cycle")
PANELS = 2
ORDINATES = (
    "voltage", "current", "pulse_energy", "base_temperature", "thickness", "pressure", "rate", "temperature",
    "discharge_capacity",
)  # fmt: skip
"""What is drawn, the first ones that there are."""


@dataclass
class Curves:
    """Values of columns, thinned out evenly in the order they came; the last one is always there."""

    columns: tuple[Watched, ...]
    rows: list[tuple[float, ...]] = field(default_factory=list)
    every: int = 1
    _seen: int = 0
    _last: tuple[float, ...] | None = None

    def add(self, data: Mapping[str, Sequence[Any]]) -> None:
        """Take rows, as columns."""
        for row in zip(*(data[each.key] for each in self.columns), strict=True):
            self._last = tuple(
                math.nan if value is None else float(value) * column.factor
                for value, column in zip(row, self.columns, strict=True)
            )
            if self._seen % self.every == 0:
                self.rows.append(self._last)
            self._seen += 1
            if len(self.rows) >= 2 * POINTS:
                self.rows, self.every = self.rows[::2], 2 * self.every

    def values(self) -> np.ndarray[Any, Any]:
        """Return what is kept, one column each."""
        rows = self.rows if self._last is None or self.rows[-1] == self._last else [*self.rows, self._last]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.columns))


class LivePicture:
    """Takes what LiveTable takes, of the stream `primary`."""

    def __init__(self) -> None:
        self._title = ""
        self._curves: dict[str, Curves] = {}
        self.is_new = False

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take a document."""
        if name == "start":
            self._curves = {}
            sample = doc.get("sample")
            on = f" of {sample['id']}" if isinstance(sample, dict) and sample.get("id") else ""
            self._title = f"{doc.get('plan_name', 'run')}{on}, run {doc['uid'][:8]}"
        elif name == "descriptor" and doc["name"] == "primary":
            columns = _drawn(doc["data_keys"])
            if columns:
                self._curves[doc["uid"]] = Curves(columns)

    def rows(self, descriptor: str, data: Mapping[str, Sequence[Any]]) -> None:
        """Take rows of a stream, as columns."""
        if descriptor in self._curves:
            self._curves[descriptor].add(data)
            self.is_new = True

    def draw(self, figure: Figure) -> None:
        """Draw what is known into an empty figure, one panel for each quantity."""
        self.is_new = False
        for curves in self._curves.values():
            values = curves.values()
            abscissa, *ordinates = curves.columns
            axes = figure.subplots(len(ordinates), 1, sharex=True, squeeze=False)[:, 0]
            axes[0].set_title(self._title, fontsize=10)
            mark = "o" if len(values) < 50 else ""
            for panel, column, ordinate in zip(axes, values.T[1:], ordinates, strict=True):
                panel.plot(
                    values[:, 0], column, "-", marker=mark, markersize=3, color=GREYS[0], linewidth=0.9
                )
                panel.set_ylabel(_label(ordinate))
            axes[-1].set_xlabel(_label(abscissa))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(curves.rows for curves in self._curves.values())

    def figure(self) -> Figure:
        """Return it as a figure."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 5.0), layout="constrained")
        FigureCanvasAgg(figure)
        self.draw(figure)
        return figure

    def save(self, path: Path) -> Path:
        """Write it as a picture, whole or not at all."""
        figure = self.figure()
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(figure, path)


def _drawn(keys: Mapping[str, Mapping[str, Any]]) -> tuple[Watched, ...]:
    known = {each.key: each for each in watched(keys)}
    abscissas = [known[key] for key in ABSCISSAS if key in known]
    ordinates = [known[key] for key in ORDINATES if key in known][:PANELS]
    return (abscissas[0], *ordinates) if abscissas and ordinates else ()


def _label(column: Watched) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title
