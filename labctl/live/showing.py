"""Where a live picture is shown: a file, or a window of this process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from devices.errors import LabError
from labctl.live.following import NEVER
from labctl.live.picture import LivePicture
from labctl.stopping import SIGNALS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether windows can be shown here."""
    return sys.platform in ("darwin", "win32") or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )


def in_a_file(path: Path) -> Callable[[LivePicture], object]:
    """Return what keeps a picture in a file, whole at any time. It raises LabError when it cannot be written."""

    def draw(picture: LivePicture) -> None:
        try:
            picture.save(path)
        except OSError as error:
            raise LabError(f"{path} cannot be written ({error.strerror or error}); name another") from error

    return draw


ALIVE = 0.05
"""Seconds of the wall between two looks at what is done to a window."""


class Window:
    """A window of matplotlib's; draw() shows a picture in it, wait() keeps it alive meanwhile.

    It is drawn when there is something to draw and when the toolkit asks, at no other time: pyplot's own waiting draws
    each time what it takes for changed, and a picture that takes longer than the wait is drawn for ever.
    """

    def __init__(self, figure: Figure, pyplot: Any) -> None:
        self._figure, self._pyplot = figure, pyplot

    def draw(self, picture: LivePicture) -> None:
        """Show a picture."""
        self._figure.clear()
        picture.draw(self._figure)
        self._figure.canvas.draw()

    def wait(self, seconds: float) -> None:
        """Let the window be moved and closed for some seconds. Raises LabError once it was closed."""
        ends = monotonic() + seconds
        while True:
            # A toolkit prints and forgets what a signal's handler raises within it: signals come after it.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            try:
                self._figure.canvas.flush_events()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            if not self._pyplot.fignum_exists(self._figure.number):
                raise LabError("the window was closed; the run goes on")
            if monotonic() >= ends:
                return
            NEVER.wait(ALIVE)


def in_a_window() -> Window:
    """Return a window. Raises LabError where there can be none."""
    import matplotlib

    try:
        from matplotlib import pyplot

        if not has_display() or matplotlib.get_backend().lower() in ("agg", "pdf", "svg", "ps", "cairo"):
            raise ImportError("no display, or no toolkit for windows (python3-tk, or pip install PySide6)")
        figure = pyplot.figure(figsize=(7.0, 5.0), layout="constrained")
        pyplot.show(block=False)
    except (ImportError, RuntimeError) as error:
        raise LabError(f"no window can be shown here: {error}; `--picture FILE.png` keeps a file") from error
    return Window(figure, pyplot)
