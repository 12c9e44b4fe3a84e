"""Equivalent circuits of spectra, with errors, and whether each spectrum may be fitted at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from devices.base import Column
from devices.cycling.columns import CycleFlag
from labctl.analysis.kramers_kronig import linear_test
from labctl.analysis.spectra import best_fit
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source
from labctl.runs.run import Table

VALUES: Mapping[str, str] = {
    "r0": "ohm",
    "r1": "ohm",
    "q1": "S s^n",
    "q1_n": "1",
    "r2": "ohm",
    "q2": "S s^n",
    "q2_n": "1",
    "d_R": "ohm",
    "d_T": "s",
}
COLUMNS: Mapping[str, Column] = {
    "spectrum": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "dc_voltage": Column("V"),
    "points": Column("1", "integer"),
    "left_out": Column("1", "integer"),
    "lowest_frequency": Column("Hz"),
    "highest_frequency": Column("Hz"),
    "kramers_kronig_rms": Column("1", precision=9),
    "kramers_kronig": Column("1", "string"),
    "circuit": Column("1", "string"),
    "fit_rms": Column("1", precision=9),
    **{f"{name}{end}": Column(unit, precision=12) for name, unit in VALUES.items() for end in ("", "_sd")},
    "undetermined": Column("1", "string"),
    "doubts": Column("1", "string"),
    "flags": Column("1", "integer"),
}
"""Residuals are relative to |Z|; a value that the circuit does not have is NaN. r0 in series, r1 beside q1 and so on;
d: diffusion in a film with a wall."""

KEYS = ("frequency", "z_real", "z_imag")
WORSE, QUIET = 3.0, 1e-3
"""A fit that misses by so many times what the Kramers-Kronig test leaves, or 0.1 %, does not describe the cell."""
VERDICTS = {"doubtful": DerivedFlag.KK_DOUBTFUL, "inconsistent": DerivedFlag.KK_FAILED}


def _spectra(source: Source) -> Table | None:
    also = ("spectrum", "cycle", "dc_voltage", "flags")
    return source.stream("impedance", *KEYS, also=also) or source.stream("primary", *KEYS, also=also)


def _applies(source: Source) -> bool:
    table = _spectra(source)
    return table is not None and np.asarray(table["frequency"]).ndim == 1


def _rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _fits(source)}


def _fits(source: Source) -> Iterator[dict[str, Any]]:
    table = _spectra(source)
    assert table is not None
    count = len(table["frequency"])
    numbers = np.asarray(table.get("spectrum", np.ones(count, dtype=int)))
    for number in np.unique(numbers).tolist():
        rows = {key: np.asarray(column)[numbers == number] for key, column in table.items()}
        yield {"spectrum": int(number), **_fitted(rows)}


def _fitted(rows: Table) -> dict[str, Any]:
    frequency, real, imag = (np.asarray(rows[key], dtype=np.float64) for key in KEYS)
    good = np.isfinite(frequency) & np.isfinite(real) & np.isfinite(imag) & (frequency > 0.0)
    if "flags" in rows:
        good &= (rows["flags"].astype(np.int64) & int(CycleFlag.SATURATED)) == 0
    frequency, impedance = frequency[good], (real + 1j * imag)[good]
    said: dict[str, Any] = {
        "cycle": int(rows["cycle"][0]) if "cycle" in rows else 0,
        "dc_voltage": _middle(rows.get("dc_voltage")),
        "points": int(good.sum()),
        "left_out": int((~good).sum()),
        "lowest_frequency": float(frequency.min(initial=math.inf)) if good.any() else math.nan,
        "highest_frequency": float(frequency.max(initial=0.0)) if good.any() else math.nan,
        "kramers_kronig_rms": math.nan,
        "kramers_kronig": "",
        "circuit": "",
        "fit_rms": math.nan,
        **{f"{name}{end}": math.nan for name in VALUES for end in ("", "_sd")},
        "undetermined": "",
        "doubts": "",
    }
    flags = DerivedFlag.OK if good.all() else DerivedFlag.ROWS_LEFT_OUT
    try:
        test = linear_test(frequency, impedance)
        said |= {"kramers_kronig_rms": test.rms, "kramers_kronig": test.verdict}
        flags |= VERDICTS.get(test.verdict, DerivedFlag.OK)
        best = best_fit(frequency, impedance)
    except ValueError as error:
        return {**said, "doubts": str(error), "flags": int(flags | DerivedFlag.NOT_CALCULATED)}
    flags |= DerivedFlag.UNDETERMINED if best.fit.undetermined else 0
    missed = best.fit.residual > WORSE * max(test.rms, QUIET)
    flags |= DerivedFlag.DOUBTFUL if missed else 0
    return {
        **said,
        "doubts": "no circuit tried describes the spectrum to its noise" if missed else "",
        "circuit": best.circuit,
        "fit_rms": best.fit.residual,
        **best.fit.values,
        **{f"{name}_sd": error for name, error in best.fit.errors.items()},
        "undetermined": ", ".join(best.fit.undetermined),
        "flags": int(flags),
    }


def _middle(column: Any) -> float:
    known = np.asarray([] if column is None else column, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else math.nan


SPECTRA = Kind(
    "eis_fit",
    "equivalent circuits of spectra, with errors and the Kramers-Kronig test",
    {"primary": COLUMNS},
    _applies,
    _rows,
)
