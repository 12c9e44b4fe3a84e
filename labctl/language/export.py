"""The languages a program can be printed in, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from devices.cycling.cells import CellSize
from devices.cycling.programs import Program
from labctl.language.printer import print_program
from labctl.language.pybamm import breaks_off, show_pybamm, to_pybamm
from labctl.language.unicycler import to_unicycler


def _text(program: Program, _: CellSize) -> str:
    return print_program(program)


def _pybamm(program: Program, cell: CellSize) -> str:
    return show_pybamm(to_pybamm(program), breaks_off(program, cell))


def _unicycler(program: Program, cell: CellSize) -> str:
    return json.dumps(to_unicycler(program, cell), indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Program, CellSize], str]] = {
    "text": _text,
    "pybamm": _pybamm,
    "unicycler": _unicycler,
}
"""How a program on a cell is printed; each raises ProgramError for what it has no words for."""
