"""What a foreign file holds, in our units and with our signs, whatever it was called there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHORT = 40
"""Characters of a cell or a header that a message repeats."""


@dataclass(frozen=True)
class Rows:
    """Rows of a cell's test, arrays (n,) each, in the order of the file.

    line: where each stands, from 1; test_time [s] since the test's start; voltage [V], current [A] positive on
    charge, NaN where a reading failed; step_index: its place in the program; step_count: number of the step in the
    test; unix_time [s since the epoch], charge [Ah] and energy [Wh], net and cumulative: None where the file does
    not say; temperature [degC] of the surroundings, NaN where unknown.
    """

    line: Integers
    test_time: Floats
    voltage: Floats
    current: Floats
    step_index: Integers
    step_count: Integers
    cycle: Integers
    unix_time: Floats | None = None
    charge: Floats | None = None
    energy: Floats | None = None
    temperature: Floats | None = None

    def __len__(self) -> int:
        return len(self.line)


@dataclass(frozen=True)
class Spectra:
    """Points of impedance spectra, arrays (n,) each, in the order of the file.

    spectrum: from 1; frequency [Hz]; z_real, z_imag [ohm], z_imag negative when capacitive; dc_voltage [V],
    dc_current [A]; amplitude of the sine [V]; the last three NaN where unknown. The others as in Rows.
    """

    line: Integers
    spectrum: Integers
    test_time: Floats
    frequency: Floats
    z_real: Floats
    z_imag: Floats
    dc_voltage: Floats
    dc_current: Floats
    amplitude: Floats
    cycle: Integers
    step_index: Integers
    step_count: Integers

    def __len__(self) -> int:
        return len(self.line)


@dataclass(frozen=True)
class Readings:
    """A file as read: format and software that wrote it, when the test began, rows, spectra, remarks in words.

    began [s since the epoch] is None where the file does not say; technique as the file calls it.
    """

    format: str
    rows: Rows | None
    spectra: Spectra | None = None
    software: str = ""
    technique: str = ""
    began: float | None = None
    remarks: tuple[str, ...] = field(default=())


def refusal(path: Path, line: int, text: str) -> DataError:
    """Return the error that refuses a file, or a line of it (from 1; 0 for none)."""
    place = shortened(str(path), 200) + (f":{line}" if line else "")
    return DataError(f"{place}: {text}; nothing was imported")


def shortened(value: Any, most: int = SHORT) -> str:
    """Return a text that fits a message, without control characters."""
    text = "".join(each if each.isprintable() else "?" for each in str(value))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def not_kept(names: Iterable[str]) -> list[str]:
    """Return a remark that names the columns that become no part of a run; none where all do."""
    told = [shortened(each.strip()) for each in names if each.strip()]
    return [f"columns that labctl does not keep: {', '.join(told)}"] if told else []


def whole_numbers(path: Path, line: Integers, values: Floats | None, name: str) -> Integers:
    """Return a column (n,) of whole numbers, ones where the file has none. Raises DataError on any other number."""
    if values is None:
        return np.ones(len(line), dtype=np.int64)
    # Beyond 2^53 a float no longer is one whole number.
    bad = ~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2.0**53))
    if bad.any():
        row = int(np.argmax(bad))
        raise refusal(path, int(line[row]), f"{name} is {values[row]}, which is not a whole number")
    return values.astype(np.int64)


def step_counts(*changing: NDArray[Any]) -> Integers:
    """Return the number of the step in the test, from 1: a new one wherever any of the arrays (n,) changes."""
    new = np.zeros(len(changing[0]), dtype=bool)
    for values in changing:
        new[1:] |= values[1:] != values[:-1]
    return np.cumsum(new) + 1
