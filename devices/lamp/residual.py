"""What is measured during a train, held against what was predicted for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devices.errors import InterlockError
from devices.lamp.parameters import LampParameters
from devices.lamp.records import CELSIUS, PulseLog
from devices.limits import LampLimits

ENERGY_SD = 0.03
"""Of a pulse's energy: what meter and lamp may differ by from one calibration to the next; guess."""
BASE_SD = 10.0
"""K, of a predicted base temperature; guess."""


class Residual:
    """Compares energy and base temperature with the prediction, pulse by pulse.

    exposure [J/m2] and base_temperature [K], one per pulse, are taken from the prediction; what it does not say is
    not compared. `first` is the number of the pulse that its first value is for.
    """

    def __init__(self, log: PulseLog, limits: LampLimits, built: LampParameters) -> None:
        self._log, self._limits, self._built = log, limits, built
        self._exposure = math.nan
        self._bases: list[float] = []
        self._first = 1

    def expect(self, values: Mapping[str, Any] | None, first: int = 1) -> None:
        """Compare with this prediction from pulse `first` on; None compares nothing."""
        told = values or {}
        self._exposure = float(told.get("exposure", math.nan))
        self._bases = [float(each) for each in told.get("base_temperature", ())]
        self._first = first

    def base(self, number: int, measured: float) -> None:
        """Compare the base temperature [K] just before a pulse. Raises InterlockError beyond the limit."""
        index = number - self._first
        if math.isnan(measured) or not 0 <= index < len(self._bases):
            return
        predicted = self._bases[index]
        self._log.compare("base_temperature_degC", measured - CELSIUS, predicted - CELSIUS, BASE_SD)
        if not abs(measured - predicted) <= (limit := self._limits.base_residual):
            self._stop(
                f"before pulse {number} the base is {measured - CELSIUS:.0f} degC, predicted were"
                f" {predicted - CELSIUS:.0f} degC: more than {limit:g} K apart (limits.toml, lamp.base_residual)"
            )

    def energy(self, number: int, measured: float) -> None:
        """Compare the energy [J] of a pulse. Raises InterlockError beyond the limit."""
        built = self._built
        predicted = self._exposure * built.aperture_area / built.meter_calibration
        if math.isnan(measured) or math.isnan(predicted):
            return
        self._log.compare("pulse_energy_J", measured, predicted, ENERGY_SD * predicted)
        if not abs(measured - predicted) <= (limit := self._limits.energy_residual) * predicted:
            self._stop(
                f"pulse {number} had {measured:.4g} J, predicted were {predicted:.4g} J: more than {limit:.0%} apart"
                " (limits.toml, lamp.energy_residual)"
            )

    @staticmethod
    def _stop(why: str) -> None:
        raise InterlockError("residual", f"{why}; no further pulse is fired")
