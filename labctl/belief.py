"""Belief: what the lab knows of a sample, a replay of its journals and facts through the physics.

Only belief predicts; the twins' world is never looked at. On hardware there is no world to look at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from devices.errors import InterlockError
from devices.limits import DamageLimits
from devices.recipes import AnnealRecipe, FurnaceRecipe, canonical_hash, to_json
from devices.roles.hands import Heat
from devices.roles.predictor import Prediction
from devices.samples import SampleRef
from labctl.config.models import BenchFile, StationEntry
from labctl.pictures.drawing import CELSIUS
from labctl.predicting.damage import faults, judge
from labctl.runs.films import FilmPutOn
from labctl.runs.making import course_of, heated, making_runs
from labctl.runs.run import Run
from labctl.samples.believed import Believed, believed
from labctl.samples.facts import Facts
from labctl.samples.next_step import OnIt
from labctl.samples.past import Gaps, in_the_way
from labctl.samples.treatments import treatments_of
from sim.apparatus import bank_from
from sim.cell_on_foil import CATHODE
from sim.foil import Foil, FoilError, Surroundings
from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import LCO_ABSORPTANCE, LCO_MODULUS, MODELS
from sim.physics.anneal.damage import Damage, damage
from sim.physics.anneal.state import AnnealResult
from sim.physics.heat.errors import HeatError
from sim.physics.lamp.bank import Bank, Discharge, discharge
from sim.physics.lamp.load import lamp_load
from sim.under_lamp import film_mechanics

MODEL = "flash-anneal-1d"
SHORTEST_BREAK = 1.0
"""Seconds between the last pulse of a run and the first of the next at least, whatever their labels say."""
BASE_DIGITS = 1
"""Of predicted base temperatures [K]: 300 of them stand in a start document."""
ANODE = "Li"
"""With it a stack is a cell."""
COLD = 600.0
"""Seconds after its last pulse at which a foil is predicted: cold, whatever it was."""


class Believer:
    """Replays samples and predicts anneals.

    limits: damage beyond which an anneal is refused; without them it is only told.
    """

    def __init__(
        self,
        data: Path,
        bank: Bank,
        surroundings: Surroundings,
        *,
        limits: DamageLimits | None = None,
    ) -> None:
        self._data, self._bank, self._surroundings = data, bank, surroundings
        self._limits = limits
        self._facts = Facts(data)

    @cached_property
    def parameters_hash(self) -> str:
        """Whatever a prediction and its verdict go by; the same sample and recipe then predict the same."""
        return canonical_hash(
            _plain(
                {
                    "bank": self._bank,
                    "surroundings": self._surroundings,
                    "model": MODELS[self._surroundings.model],
                    "absorptance": LCO_ABSORPTANCE,
                    "substrates": SUBSTRATES,
                    "modulus": LCO_MODULUS,
                    "thresholds": self._limits,
                }
            )
        )

    def foil(self, sample: SampleRef) -> Foil:
        """Return the foil as the journals tell it."""
        return self._foil_before(sample, math.inf)

    def _foil_before(self, sample: SampleRef, label: float) -> Foil:
        """Return the foil as the runs tell it that began before a time label [s], with all that grew on it.

        As thick as measured, else as its tools say.
        """
        # Only what grew on record asks for the packages of growth: a session opens without.
        from labctl.films.believed_growth import cathode_parts

        found = believed(self._data, sample)
        described = {**to_json(found.sample), "treatments": treatments_of(self._data, sample)}
        top = found.sample.layers[-1]
        parts = list(cathode_parts(found.films, top.thickness)) if top.material == CATHODE else []
        if parts:
            described["layers"] = described["layers"][:-1]
        foil = Foil(described, self._surroundings)
        for time, part in parts:
            foil.deposit(part, time)
        begin = -math.inf
        for run in self._anneals(sample):
            # Labels, not durations: between two runs there is nothing else to go by.
            first = max(float(run.times()[0]), begin)
            if first >= label:
                continue
            if course := course_of(run):
                begin = first + course[-1][0]
                foil.bake(course, begin)
                continue
            for elapsed, pulse in pulses_of(run, self._bank):
                foil.flash(first + elapsed, pulse)
                begin = first + elapsed + SHORTEST_BREAK
        for fact in self._facts.of(sample.id):
            if fact["fact"] == "assembled":
                foil.assemble(fact["time"])
        if (grown := _grown_upper(found)) and grown[-1].material == ANODE:
            foil.assemble(grown[-1].time)
        return foil

    def _require_known(self, sample: SampleRef) -> None:
        """Raise FoilError where a journal that cannot be read may tell of heat that a sample had."""
        if why := in_the_way(Gaps(self._data).of(sample.id, sample.parents), sample.id, lasting=True):
            raise FoilError(why)

    def _require_open(self, sample: SampleRef, heat: Heat | AnnealRecipe) -> None:
        """Raise FoilError where something lies on the cathode already that such heat would spoil."""
        if why := OnIt.of(self._data, sample).refusal(heat):
            raise FoilError(why)

    def anneal(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        """Predict a train on this sample, with the pulses it already had.

        Raises InterlockError when such a sample does not belong under the lamp, no model knows it, or the anneal
        would do more damage than the lab allows.
        """
        return self._judged(lambda: self._predict(sample, recipe))

    def rest(
        self,
        sample: SampleRef,
        recipe: AnnealRecipe,
        passed: Sequence[tuple[float, float]],
        elapsed: float,
        began: float,
    ) -> Prediction:
        """Predict the rest of a train that was held, after the pulses that passed; as devices.roles.predictor says.

        Raises InterlockError as anneal does.
        """

        def predict() -> Prediction:
            self._require_open(sample, recipe)
            foil = self._foil_before(sample, began)
            start = _cold(foil)
            for at, voltage in passed:
                foil.flash(start + at, discharge(self._bank, voltage, recipe.pulse_duration, recipe.lit))
            return self._flashed(foil, recipe, start + elapsed, recipe.pulse_count - len(passed))

        return self._judged(predict)

    def _judged(self, predict: Callable[[], Prediction]) -> Prediction:
        """Return a prediction, with what a person is to be asked; InterlockError where the lab refuses it."""
        try:
            prediction = predict()
        except (ValueError, HeatError) as error:
            raise InterlockError("prediction", f"{error}; nothing was switched on") from error
        if self._limits is None:
            return prediction
        terms = judge(prediction.values, self._limits)
        peaks = in_words(prediction)
        if beyond := faults(terms, "refuse"):
            raise InterlockError("damage", f"predicted {beyond}; {peaks}; nothing was switched on")
        if beyond := faults(terms, "ask"):
            return replace(prediction, ask=f"predicted {beyond}; {peaks}")
        return prediction

    def furnace(self, sample: SampleRef, recipe: FurnaceRecipe) -> tuple[Prediction, AnnealResult]:
        """Predict a furnace anneal of this sample, with the pulses it already had; and the film over its depth.

        Raises InterlockError when such a sample does not belong into a furnace or no model knows it.
        """
        try:
            self._require_known(sample)
            self._require_open(sample, Heat.of(recipe))
            foil = self.foil(sample)
            result = foil.heated(recipe.profile)
        except (ValueError, HeatError) as error:
            raise InterlockError("prediction", str(error)) from error
        harm = damage(result, film_mechanics(foil.layers), explosion_share=0.0)
        return Prediction(MODEL, self.parameters_hash, summary(result, harm)), result

    def _predict(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        self._require_known(sample)
        self._require_open(sample, recipe)
        foil = self.foil(sample)
        return self._flashed(foil, recipe, _cold(foil), recipe.pulse_count)

    def _flashed(self, foil: Foil, recipe: AnnealRecipe, begin: float, pulses: int) -> Prediction:
        """Flash a foil from a moment on and return what comes of it, the base temperature [K] before each pulse too."""
        pulse = discharge(self._bank, recipe.voltage, recipe.pulse_duration, recipe.lit)
        bases = []
        for number in range(pulses):
            foil.flash(begin + number * recipe.period, pulse)
            bases.append(round(foil.base_temperature, BASE_DIGITS))
        result = foil.annealed()
        load = lamp_load(self._bank, pulse, recipe.period)
        harm = damage(result, film_mechanics(foil.layers), load.explosion_share)
        expected = {"exposure": pulse.exposure, "base_temperature": bases}
        return Prediction(MODEL, self.parameters_hash, summary(result, harm) | expected)

    def _anneals(self, sample: SampleRef) -> Iterator[Run]:
        return heated(making_runs(self._data, sample.id, sample.parents))


def _grown_upper(found: Believed) -> list[FilmPutOn]:
    """Return the films that were put on the cathode, oldest first."""
    return [film for film in found.films if film.is_upper]


def in_words(prediction: Prediction) -> str:
    """Return the peak temperatures that are predicted, as people read them."""
    surface, foil = (prediction.values[name] - CELSIUS for name in ("surface_peak", "foil_peak"))
    return f"the surface reaches {surface:.0f} degC, the foil {foil:.0f} degC"


def _cold(foil: Foil) -> float:
    """Return a moment [s] at which a foil is cold, whatever it was."""
    return 0.0 if foil.history.last is None else foil.history.last + COLD


def bank_of(bench: BenchFile) -> Bank:
    """Return the bank of the bench's lamp as its file describes it; the twins' own when there is no lamp."""
    return bank_from(_built(bench))


def surroundings_of(bench: BenchFile) -> Surroundings:
    """Return where foils lie under the bench's lamp, as its file describes it, and how they are calculated."""
    return surroundings_from(_built(bench))


def surroundings_from(fields: Mapping[str, Any], transfer: str = "chuck_transfer") -> Surroundings:
    """Return the surroundings that a station's parameters or a world describe; transfer names that of the chuck."""
    plain = Surroundings()
    course = tuple((point["time"], point["temperature"]) for point in fields.get("chuck_course", ()))
    return Surroundings(
        chuck_temperature=fields.get("chuck_temperature", plain.chuck_temperature),
        back_transfer=fields.get(transfer, plain.back_transfer),
        chuck_course=course,
        hanging=fields.get("mount") == "hanging",
        model=fields.get("model", plain.model),
    )


def _built(bench: BenchFile) -> Mapping[str, Any]:
    """Return the parameters of the bench's lamp; none where it has no lamp."""
    for entry in bench.devices.values():
        if isinstance(entry, StationEntry) and hasattr(entry.parameters, "bank_capacitance"):
            return asdict(entry.parameters)
    return {}


def pulses_of(run: Run, bank: Bank) -> Iterator[tuple[float, Discharge]]:
    """Yield when each recorded pulse of an anneal run fell [s since the first] and what it was."""
    table = run.table()
    body = run.start.get("recipe", {}).get("body")
    lit = () if body is None else TypeAdapter(AnnealRecipe).validate_python(body, strict=False).lit
    for elapsed, voltage, duration in zip(
        table["elapsed"], table["bank_voltage_before"], table["duration"], strict=True
    ):
        yield float(elapsed), discharge(bank, float(voltage), float(duration), lit)


def summary(result: AnnealResult, harm: Damage) -> dict[str, Any]:
    """Return a result as plain values in SI: peaks [K], shares [1], the bound on capacity [C/m3], damage terms."""
    return {
        "surface_peak": result.surface_peak,
        "foil_peak": result.foil_peak,
        **asdict(harm),
        "crystalline_mean": result.mean,
        "crystalline_bottom": result.bottom,
        "crystalline_bound": result.crystalline_bound,
    }


def _plain(value: Any) -> Any:
    """Return parameters as JSON can hold them: dataclasses and mappings as tables, what is infinite as a word."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list | np.ndarray):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | bool) or math.isfinite(value) else str(value)
