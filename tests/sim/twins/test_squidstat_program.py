"""A program written for the vendor's library and Qt runs on the twin unchanged."""

from __future__ import annotations

import heapq
import itertools
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.twins.squidstat import SquidstatTwin
from tests.support.cells import Foil

PROGRAM = Path(__file__).with_name("squidstat_program.py")


class Loop:
    """Qt's event loop over a twin: time goes from one thing to do to the next."""

    def __init__(self, twin: SquidstatTwin) -> None:
        self.twin, self.now, self.is_over = twin, 0.0, False
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def single_shot(self, milliseconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + milliseconds / 1e3, next(self._count), action))

    def run(self) -> None:
        self.twin.deliver()
        while not self.is_over:
            at = self._due[0][0] if self._due else self.now + 60.0
            self.now = at
            self.twin.advance(at)
            self.twin.deliver()
            while self._due and self._due[0][0] <= at:
                heapq.heappop(self._due)[2]()
                self.twin.deliver()

    def application(self, arguments: list[str]) -> Any:
        return SimpleNamespace(exec=self.run, quit=lambda: setattr(self, "is_over", True))


def test_a_program_of_the_vendors_kind_runs_on_the_twin_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "labctl" not in PROGRAM.read_text()
    twin, built = SquidstatTwin(seed=7), Foil()
    twin.wire_cell(2, built)
    loop = Loop(twin)
    qt = SimpleNamespace(
        QCoreApplication=loop.application, QTimer=SimpleNamespace(singleShot=loop.single_shot)
    )
    monkeypatch.setitem(sys.modules, "PySide6", SimpleNamespace(QtCore=qt))
    monkeypatch.setitem(sys.modules, "PySide6.QtCore", qt)
    monkeypatch.setitem(sys.modules, "SquidstatPyLibrary", twin.library)
    told = runpy.run_path(str(PROGRAM))["told"]
    once = [
        "Constant Current, Advanced",
        "Constant Potential, Advanced",
        "Potentiostatic EIS",
        "Constant Current, Advanced",
    ]
    assert told["errors"] == []
    assert told["steps"] == ["Open Circuit Potential", *once, *once]
    assert told["stopped"] == ["Experiment completed", "Experiment stopped manually"]
    assert [frequency for frequency, _ in told["spectrum"]] == pytest.approx([*np.logspace(4, 0, 21)] * 2)
    assert all(50.0 < size < 500.0 for _, size in told["spectrum"])
    assert len(told["manual"]) == pytest.approx(18, abs=2)
    assert twin.charges[1] == (2, pytest.approx(1e-5 * 10.0, rel=1e-6))
    assert built.state.charge == pytest.approx(sum(charge for _, charge in twin.charges))
