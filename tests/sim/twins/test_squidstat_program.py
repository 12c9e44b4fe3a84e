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

from sim.foil import BuiltCell
from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters
from sim.physics.cell.diffusion import graded_edges
from sim.twins.squidstat import SquidstatTwin

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


def make_cell() -> Cell:
    edges = graded_edges(1.2e-6, 20, 5.0)
    return Cell(
        CellParameters(
            area=1e-4,
            edges=tuple(edges.tolist()),
            diffusivity=(5e-15,) * 20,
            active_share=(0.985,) * 20,
            site_charge=cathode.SITE_CHARGE,
            cathode_exchange_current=50.0,
            anode_exchange_current=50.0,
            electrolyte_resistance=5e-3,
            contact_resistance=0.0,
            anode_lithium=1e4,
            as_made_lithium=cathode.AS_MADE_LITHIUM,
            ocp=cathode.LITHIUM_COBALT_OXIDE,
        )
    )


def test_a_program_of_the_vendors_kind_runs_on_the_twin_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "labctl" not in PROGRAM.read_text()
    twin, cell = SquidstatTwin(seed=7), make_cell()
    built = BuiltCell(cell, cell.fresh())
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
