"""What a SourceMeter is set to for a cell, as the commands of one line or several."""

from __future__ import annotations

from collections.abc import Sequence

from devices.cycling.programs import CellLimits
from devices.sourcemeter.abilities import PROTECTIONS, RAIL_SHARE, VOLTAGE_RANGE, place, protection
from devices.sourcemeter.dialect import text

MARK = "ONCE"
"""How the buffer fills in a job, and CONT after a power-up: asked before a step begins, it tells of one."""


def prepared(limits: CellLimits, rows: int) -> tuple[tuple[str, ...], ...]:
    """Return the settings of a job: plain numbers, sense at the cell, an empty buffer of so many rows."""
    filters = (f":SENS:{each}:{math} OFF" for each in ("CURR", "VOLT") for math in ("AVER", "REL:STAT"))
    return (
        ("*CLS", ":FORM:DATA ASC", ":FORM:ASC:PREC 16", *filters),
        (
            f":SOUR:VOLT:PROT PROT{protection(limits):g}",
            ":SENS:CURR:RSEN ON",
            ":SENS:VOLT:RSEN ON",
            ":SOUR:VOLT:READ:BACK ON",
            ":SOUR:CURR:READ:BACK ON",
            ":SENS:CURR:NPLC 1",
            ":SENS:VOLT:NPLC 1",
            ':TRAC:CLE "defbuffer1"',
            f':TRAC:POIN {rows}, "defbuffer1"',
            f':TRAC:FILL:MODE {MARK}, "defbuffer1"',
        ),
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
