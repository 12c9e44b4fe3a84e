"""The lamp's model fitted to what bank and meter said over a range of voltages, kept with the runs it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.errors import ConfigError, DataError, Mistake
from devices.lamp.fate import GATE_MARGIN
from labctl.config.models import BenchFile, StationEntry
from labctl.kept_fits import Fit, KeptFits
from labctl.runs.run import Run
from sim.physics.lamp.bank import Bank, charge, discharge

Floats = NDArray[np.float64]

EXPOSURE_SD = 0.01
"""Of an exposure: two readings of a thermal head on one lamp; guess."""
VOLTAGE_SD = 1.0
"""V, of a bank's voltage after a pulse: 10 bits of 1 kV."""
LATEST = "latest"
FEWEST = 3
"""Pulses that two numbers are fitted to, at the least."""


@dataclass(frozen=True)
class LampFit(Fit):
    """What was fitted: efficiency [1] and lamp_constant [ohm A^0.5], each with its standard uncertainty.

    deviation [1]: of the exposures from the fit, relative, rms; voltages [V]: lowest and highest; pulses: how many.
    It rests on the energies that its runs recorded, and on nothing that is entered of samples.
    """

    efficiency: float
    efficiency_sd: float
    lamp_constant: float
    lamp_constant_sd: float
    deviation: float
    voltages: tuple[float, float]
    pulses: int


def calibrated(bench: BenchFile, calibration: FluenceCalibration) -> tuple[BenchFile, dict[str, str]]:
    """Return a bench with what its lamps' fits say where it asks for them, and the id of the fit by lamp.

    A lamp that wants its latest fit and has none stays as the file says. Raises ConfigError for a fit that is not
    there.
    """
    devices, used = dict(bench.devices), {}
    for name, entry in bench.devices.items():
        wanted = getattr(getattr(entry, "parameters", None), "calibration", "")
        if not wanted or not isinstance(entry, StationEntry):
            continue
        fits = calibration.fits(name) if wanted == LATEST else calibration.kept(name)
        found = [fit for fit in fits if wanted in (LATEST, fit.id)]
        if not found and wanted != LATEST:
            there = ", ".join(fit.id for fit in fits) or "none"
            key, why = (
                f"devices.{name}.parameters.calibration",
                f"there is no such fit of this lamp; there is {there}",
            )
            raise ConfigError([Mistake(f"benches/{bench.name}.toml", key, repr(wanted), why)])
        if found:
            fit = found[-1]
            numbers = {"efficiency": fit.efficiency, "lamp_constant": fit.lamp_constant}
            devices[name] = replace(entry, parameters=replace(entry.parameters, **numbers))
            used[name] = fit.id
    return replace(bench, devices=devices), used


def fit_lamp(runs: Sequence[Run]) -> LampFit:
    """Fit a lamp's efficiency and constant to the pulses that some runs recorded.

    The bank's capacitance and the exposed area are taken from the runs' start documents. Raises DataError when there
    are too few pulses with an energy, or only one voltage.
    """
    before, after, exposure, duration = _measured(runs)
    if len(before) < FEWEST or np.ptp(before) < VOLTAGE_SD:
        raise DataError(
            f"{len(before)} pulses from {_span(before)} are too few for a fit; take more voltages"
        )
    # A session asks for the fits there are; this and the next are for making one only, and slow to import.
    from labctl.replay import recorded_bank

    bank = recorded_bank(runs[0])

    def apart(numbers: Floats) -> Floats:
        tried = replace(bank, efficiency=float(numbers[0]), lamp_constant=float(numbers[1]))
        given = [discharge(tried, volt, length) for volt, length in zip(before, duration, strict=True)]
        light = np.array([each.exposure for each in given])
        left = np.array([_seen_after(bank, each.voltage_after, each.voltage_before) for each in given])
        return np.concatenate([(light / exposure - 1.0) / EXPOSURE_SD, (left - after) / VOLTAGE_SD])

    from scipy.optimize import least_squares

    found = least_squares(apart, _start(bank), bounds=((1e-6, 1e-3), (1.0, 1e3)), x_scale=(1.0, 10.0))
    slopes = np.asarray(found.jac, dtype=float)
    sd = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))
    residual = apart(found.x)[: len(before)] * EXPOSURE_SD
    return LampFit(
        efficiency=float(found.x[0]),
        efficiency_sd=float(sd[0]),
        lamp_constant=float(found.x[1]),
        lamp_constant_sd=float(sd[1]),
        deviation=float(np.sqrt(np.mean(residual**2))),
        voltages=(float(before.min()), float(before.max())),
        pulses=len(before),
        runs=tuple(run.uid for run in runs),
        time=float(max(run.start["time"] for run in runs)),
    )


class FluenceCalibration(KeptFits[LampFit]):
    """Fits lamps and keeps the fits."""

    roles = frozenset({"FlashLamp"})

    def __init__(self, data: Path, bench: BenchFile) -> None:
        super().__init__(data, bench, LampFit, fit_lamp)


def _measured(runs: Sequence[Run]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return bank voltages before and after [V], exposures [J/m2] and lengths [s] of the pulses with an energy."""
    names = ("bank_voltage_before", "bank_voltage_after", "exposure", "duration")
    columns = [np.concatenate([np.asarray(run.table()[name], dtype=float) for run in runs]) for name in names]
    known = np.all(np.isfinite(columns), axis=0)
    before, after, exposure, duration = (column[known] for column in columns)
    return before, after, exposure, duration


def _seen_after(bank: Bank, after: float, target: float) -> float:
    """Return what a charger reads [V] of a bank that a pulse left at a voltage [V], and that it fills already."""
    return charge(
        after, target, bank.charger_power, GATE_MARGIN, bank.capacitance, bank.charger_current
    ).voltage


def _start(bank: Bank) -> tuple[float, float]:
    return bank.efficiency, bank.lamp_constant


def _span(voltages: Floats) -> str:
    return f"{voltages.min():.0f} to {voltages.max():.0f} V" if len(voltages) else "no voltage"
