"""What all pictures share: one message each, axes with units, readable in grey."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.errors import DataError
from labctl.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELSIUS = 273.15
STYLES = ("-", "--", ":", "-.")
GREYS = ("0.0", "0.35", "0.6", "0.75")
TIMES = (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
"""Units of time, the longest first, each with its length [s]."""


def over_time(seconds: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], str]:
    """Return times in the unit people would say the last of them in, and the axis' label."""
    unit, length = next(((unit, length) for unit, length in TIMES if seconds[-1] >= 2 * length), TIMES[-1])
    return seconds / length, f"time ({unit})"


def axes_of(title: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """Return an empty picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    return figure, axes


def require_picture(path: Path) -> None:
    """Raise DataError where no picture can be written: there is no such folder, or no such format."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in formats:
        raise DataError(f"{path} is no picture's name; it may end with .{', .'.join(sorted(formats))}")
    if not path.parent.is_dir():
        raise DataError(
            f"{path} cannot be written: there is no folder {path.parent}; make it, or name another"
        )


def save(figure: Any, path: Path) -> Path:
    """Write a picture, whole or not at all, and return its path. Raises DataError where none can be."""
    require_picture(path)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=130)
    return path
