"""A window is drawn when there is something to draw, and a signal that comes within its toolkit is still obeyed."""

import signal
from types import SimpleNamespace

import pytest

from devices.errors import LabError
from labctl.live.showing import Window, has_display, in_a_window
from labctl.stopped import Stopped
from labctl.stopping import ended_by_signals


class Canvas:
    """Counts what is asked of it; forgets what is raised within it, as toolkits do."""

    def __init__(self, within=lambda: None):
        self.drawn = self.flushed = 0
        self._within = within

    def draw(self):
        self.drawn += 1

    def flush_events(self):
        self.flushed += 1
        try:
            self._within()
        except Stopped:
            pytest.fail("the toolkit swallowed the end")


def window(canvas, numbers=(1,)):
    figure = SimpleNamespace(clear=lambda: None, canvas=canvas, number=1)
    return Window(figure, SimpleNamespace(fignum_exists=lambda number: number in numbers))


def test_waiting_draws_nothing_and_a_picture_is_drawn_once():
    canvas = Canvas()
    shown = window(canvas)
    shown.draw(SimpleNamespace(draw=lambda figure: None))
    shown.wait(0.12)
    assert canvas.drawn == 1
    assert canvas.flushed >= 2


def test_a_signal_that_comes_within_the_toolkit_ends_the_wait():
    shown = window(Canvas(within=lambda: signal.raise_signal(signal.SIGTERM)))
    with pytest.raises(Stopped), ended_by_signals():
        shown.wait(5.0)


def test_a_window_that_was_closed_ends_the_watching_and_not_the_run():
    with pytest.raises(LabError, match="the run goes on"):
        window(Canvas(), numbers=()).wait(1.0)


def test_where_there_is_no_display_that_is_said_with_what_to_type(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if has_display():
        pytest.skip("this system shows windows without a display being named")
    with pytest.raises(LabError, match="--picture FILE"):
        in_a_window()
