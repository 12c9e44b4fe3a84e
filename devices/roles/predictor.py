"""Who says beforehand what a lamp will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from devices.recipes import AnnealRecipe
from devices.samples import SampleRef


@dataclass(frozen=True)
class Prediction:
    """What a model expects: its name, the hash of its parameters, and plain JSON values in SI.

    ask: what a person must agree to before it is done, in words; empty where nobody need be asked.
    """

    model: str
    parameters_hash: str
    values: Mapping[str, Any]
    ask: str = ""


class Predictor(Protocol):
    """Predicts from belief (journals and facts), never from a twin's world."""

    def anneal(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        """Predict what the lamp will do to this sample, with the pulses it already had."""

    def rest(
        self,
        sample: SampleRef,
        recipe: AnnealRecipe,
        passed: Sequence[tuple[float, float]],
        elapsed: float,
        began: float,
    ) -> Prediction:
        """Predict the rest of a train that was held.

        passed: of each pulse so far the time [s] since the first and the bank's voltage [V]; elapsed: when it goes
        on [s since the first]; began: the time label [s] of the train, after which no run is looked at.
        """
