"""Cycling programs in files: of every kind, and the macros that become one on a cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from devices.cycling.cycle_macros import (
    ConstantCurrentConstantVoltage,
    CycleLife,
    Formation,
    PotentiostaticCharge,
)
from devices.cycling.macros import Macro, RateTest
from devices.cycling.programs import CellLimits, Program
from devices.cycling.pulse_macros import (
    GalvanostaticTitration,
    HybridPulsePower,
    PotentiostaticTitration,
    Pulses,
    Ragone,
)
from devices.cycling.sweep_macros import Chronoamperometry, CyclicVoltammetry
from devices.errors import ConfigError, Mistake
from labctl.config.checking import joined, validate
from labctl.config.documents import named, quoted, read, shown, text_of
from labctl.language.mistakes import each_of
from labctl.language.text_program import TextProgram

MACROS: Mapping[str, type[Macro]] = {
    "rate_test": RateTest,
    "cccv": ConstantCurrentConstantVoltage,
    "cv_charge": PotentiostaticCharge,
    "formation": Formation,
    "cycle_life": CycleLife,
    "gitt": GalvanostaticTitration,
    "pitt": PotentiostaticTitration,
    "hppc": HybridPulsePower,
    "ragone": Ragone,
    "pulses": Pulses,
    "cyclic_voltammetry": CyclicVoltammetry,
    "chronoamperometry": Chronoamperometry,
    "text": TextProgram,
    "program": Program,
}
"""What `macro` in a program file chooses."""


def program(path: Path, limits: CellLimits | None = None) -> Macro:
    """Return the cycling program in this file, or the macro that becomes one on a cell's area.

    A .txt holds steps in the language of cycling, a .json is aurora-unicycler's; `limits` are the cell's where
    such a file says none.
    """
    if path.suffix == ".json":
        # Its schema is slow to import, and few have such a file.
        from labctl.language.unicycler import UnicyclerProgram, load, protocol_of

        file = shown(path)
        protocol = protocol_of(load(text_of(path, file), file), file)
        return UnicyclerProgram(path.stem, protocol, limits, file=file)
    if path.suffix == ".txt":
        return _text_program(path, limits)
    document = read(path)
    return program_of(named(document, path.stem), file=document.file)


def _text_program(path: Path, limits: CellLimits | None) -> Macro:
    file = shown(path)
    text = text_of(path, file)
    try:
        return TextProgram(path.stem, (text,), limits)
    except ValidationError as error:
        raise ConfigError([Mistake(file, "", "", said) for said in each_of(error)]) from error


def program_of(body: Mapping[str, Any], *, file: str, key: str = "") -> Macro:
    """Return the program in a table; `key` is where the table stands in `file`."""
    macro = body.get("macro")
    if not isinstance(macro, str) or macro not in MACROS:
        choices = f"one of {', '.join(quoted(each) for each in MACROS)}"
        reason = f"missing; give {choices}" if macro is None else f"must be {choices}"
        value = "" if macro is None else quoted(macro)
        raise ConfigError([Mistake(file, joined(key, "macro"), value, reason)])
    rest = {name: value for name, value in body.items() if name != "macro"}
    return validate(MACROS[macro], rest, file=file, key=key)
