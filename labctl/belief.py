"""Belief: what the lab knows of a sample, a replay of its journals and facts through the physics.

Only belief predicts; the twins' world is never looked at. On hardware there is no world to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devices.errors import InterlockError
from devices.recipes import AnnealRecipe, canonical_hash, to_json
from devices.roles import Prediction
from devices.samples import SampleRef
from labctl.facts import Facts
from labctl.runs import Run, made_by
from sim.foil import Foil, FoilError, Surroundings
from sim.materials.thermal import LCO
from sim.physics.anneal import AnnealResult
from sim.physics.heat import HeatError
from sim.physics.lamp import Bank, Discharge, discharge

MODEL = "flash-anneal-1d"
COLD = 600.0
"""Seconds after its last pulse at which a foil is predicted: cold, whatever it was."""


class Believer:
    """Replays samples and predicts anneals."""

    def __init__(self, data: Path, bank: Bank, surroundings: Surroundings) -> None:
        self._data, self._bank, self._surroundings = data, bank, surroundings
        self._facts = Facts(data)
        self.parameters_hash = canonical_hash(
            {
                "bank": asdict(bank),
                "surroundings": asdict(surroundings),
                "kinetics": asdict(LCO.kinetics),
                "absorption": LCO.absorption,
            }
        )

    def foil(self, sample: SampleRef) -> Foil:
        """Return the foil as the journals tell it."""
        foil = Foil(to_json(sample), self._surroundings)
        for run in self._anneals(sample):
            # Labels, not durations: between two runs there is nothing else to go by.
            first = float(run.times()[0])
            for elapsed, pulse in pulses_of(run, self._bank):
                foil.flash(first + elapsed, pulse)
        for fact in self._facts.of(sample.id):
            if fact["fact"] == "assembled":
                foil.assemble(fact["time"])
        return foil

    def anneal(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        """Predict a train on this sample, with the pulses it already had.

        Raises InterlockError when such a sample does not belong under the lamp, or no model knows it.
        """
        try:
            return self._predict(sample, recipe)
        except (FoilError, HeatError) as error:
            raise InterlockError("sample", f"{error}; nothing was switched on") from error

    def _predict(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        foil = self.foil(sample)
        begin = foil.history[-1]["time"] + COLD if foil.history else 0.0
        pulse = discharge(self._bank, recipe.voltage, recipe.pulse_duration)
        for number in range(recipe.pulse_count):
            foil.flash(begin + number * recipe.period, pulse)
        return Prediction(MODEL, self.parameters_hash, summary(foil.annealed()))

    def _anneals(self, sample: SampleRef) -> Iterator[Run]:
        for uid in made_by(self._data, sample.id):
            run = Run(uid, self._data)
            if "primary" in run.streams and len(run.table()["pulse"]):
                yield run


def pulses_of(run: Run, bank: Bank) -> Iterator[tuple[float, Discharge]]:
    """Yield when each recorded pulse of an anneal run fell [s since the first] and what it was."""
    table = run.table()
    for elapsed, voltage, duration in zip(
        table["elapsed"], table["bank_voltage_before"], table["duration"], strict=True
    ):
        yield float(elapsed), discharge(bank, float(voltage), float(duration))


def summary(result: AnnealResult) -> dict[str, Any]:
    """Return a result as plain values in SI: peaks [K], shares [1], the bound on capacity [C/m3]."""
    return {
        "surface_peak": result.surface_peak,
        "foil_peak": result.foil_peak,
        "molten_share": result.molten,
        "crystalline_mean": result.mean,
        "crystalline_bottom": result.bottom,
        "crystalline_bound": result.crystalline_bound,
    }
