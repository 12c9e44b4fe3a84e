"""What a SourceMeter is set to for a cell, as the commands of one line or several."""

from __future__ import annotations

from collections.abc import Sequence

from devices.cycling.programs import CellLimits
from devices.sourcemeter.abilities import (
    BUFFER_ROWS,
    PROTECTIONS,
    RAIL_SHARE,
    VOLTAGE_RANGE,
    place,
    protection,
)
from devices.sourcemeter.dialect import text
from devices.sourcemeter.notebook import BUFFERS, of_job

MARK = "ONCE"
"""How buffers fill in a job, and CONT after a power-up: asked before a step begins, it tells of one."""

LOOK = ':TRAC:MAKE "look", 10;:OUTP ON;:READ? "look";:OUTP OFF;:TRAC:DEL "look"'
"""One reading, in a buffer that is gone again: those of the steps stay as they are."""


def prepared(limits: CellLimits, token: str) -> tuple[tuple[str, ...], ...]:
    """Return the settings of a job: plain numbers, sense at the cell, empty buffers, and whose they are."""
    filters = (f":SENS:{each}:{math} OFF" for each in ("CURR", "VOLT") for math in ("AVER", "REL:STAT"))
    return (
        ("*CLS", ":FORM:DATA ASC", ":FORM:ASC:PREC 16", *filters),
        (
            protected(limits),
            ":SENS:CURR:RSEN ON",
            ":SENS:VOLT:RSEN ON",
            ":SOUR:VOLT:READ:BACK ON",
            ":SOUR:CURR:READ:BACK ON",
            ":SENS:CURR:NPLC 1",
            ":SENS:VOLT:NPLC 1",
        ),
        (
            *(command for buffer in BUFFERS for command in _emptied(buffer)),
            *of_job(token),
        ),
    )


def protected(limits: CellLimits) -> str:
    """Return the setting of the protection against too much voltage for a cell."""
    return f":SOUR:VOLT:PROT PROT{protection(limits):g}"


def _emptied(buffer: str) -> tuple[str, ...]:
    return (
        f':TRAC:CLE "{buffer}"',
        f':TRAC:POIN {BUFFER_ROWS}, "{buffer}"',
        f':TRAC:FILL:MODE {MARK}, "{buffer}"',
    )


def voltmeter(limits: CellLimits | None, ranges: Sequence[float]) -> tuple[str, ...]:
    """Return the settings of a source of no current, which reads voltage; None: of a cell nobody knows."""
    rail = PROTECTIONS[-1] if limits is None else protection(limits)
    return (
        ':SENS:FUNC "VOLT"',
        ":SENS:VOLT:RSEN ON",
        ":SOUR:FUNC CURR",
        f":SOUR:CURR:RANG {text(ranges[0])}",
        ":SOUR:CURR 0",
        ":SENS:VOLT:RANG:AUTO ON",
        f":SOUR:CURR:VLIM {text(RAIL_SHARE * rail)}",
        f":SENS:VOLT:RANG {text(VOLTAGE_RANGE)}",
    )


def source(volts: float, most: float, ranges: Sequence[float]) -> tuple[str, ...]:
    """Return the settings of a source of a voltage [V] that never passes a current [A]."""
    full = ranges[place(most, ranges)]
    return (
        ':SENS:FUNC "CURR"',
        ":SOUR:FUNC VOLT",
        f":SOUR:VOLT:RANG {text(VOLTAGE_RANGE)}",
        f":SOUR:VOLT {text(volts)}",
        ":SENS:CURR:RANG:AUTO ON",
        f":SOUR:VOLT:ILIM {text(most)}",
        f":SENS:CURR:RANG {text(full)}",
    )
