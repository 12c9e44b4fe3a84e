"""How fast films grow on a machine, and what its thickness monitor makes of them: fitted to witnesses, kept with the
runs they came from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError
from devices.recipes import canonical_hash
from devices.roles.films import FilmRate, Tooling
from devices.sputter.recipe import DepositionRecipe
from labctl.config.models import BenchFile, StationEntry
from labctl.runs.run import Run
from labctl.samples.measurements import measured

WEAR_SD = 0.01
"""By which a rate is uncertain after its target's wear was allowed for; guess: some of what it loses in its life."""
ID_DIGITS = 12
BOAT = "boat"
"""The target of films that come from one."""


@dataclass(frozen=True)
class FilmFit:
    """What one target gives on one machine, film on sample over film on crystal too.

    rate [m/s] at a power [W], in proportion to a power law of the power with this exponent; pressure [Pa]; tooling.
    rate_sd and tooling_sd, relative. powers [W]: lowest and highest; runs: uids of the films it was fitted to; time:
    label [s since the epoch] of the last of them. worn [J]: what the target had in their middle, 0 where nobody noted.
    Of films from a boat, whose power follows the rate, only the tooling counts.
    """

    target: str
    material: str
    rate: float
    power: float
    exponent: float
    rate_sd: float
    pressure: float
    tooling: float | None
    tooling_sd: float
    powers: tuple[float, float]
    runs: tuple[str, ...]
    time: float
    worn: float = 0.0

    @property
    def id(self) -> str:
        """What names it in start documents."""
        return canonical_hash(json.loads(json.dumps(asdict(self))))[:ID_DIGITS]

    def rate_at(self, power: float) -> float:
        """Return the rate [m/s] at a power [W]."""
        return float(self.rate * (power / self.power) ** self.exponent)


@dataclass(frozen=True)
class _Witness:
    """One film on a witness: what its run says of it, and how thick it was measured to be [m], relative sd."""

    target: str
    material: str
    pressure: float
    power: float
    worn: float
    duration: float
    shown: float | None
    measured: float
    sd: float


def fit_films(runs: Sequence[Run]) -> FilmFit:
    """Fit one target's rate over its power, and the monitor's tooling, to films whose thickness was measured.

    Raises DataError for runs without a film of one gun, of several targets or pressures, and where nobody measured.
    """
    if not runs:
        raise DataError("there is no film to fit a rate to")
    found = [_witness(run) for run in runs]
    first = found[0]
    for each in found:
        if (each.target, each.material, each.pressure) != (first.target, first.material, first.pressure):
            raise DataError("films of several targets, materials or pressures make no one calibration")
    power = np.array([each.power for each in found])
    rate = np.array([each.measured / each.duration for each in found])
    middle = float(np.exp(np.log(power).mean()))
    several = len(found) > 1 and float(np.ptp(np.log(power))) > 1e-3
    exponent = float(np.polyfit(np.log(power), np.log(rate), 1)[0]) if several else 1.0
    scaled = rate * (middle / power) ** exponent
    factors = np.array([
        float(run.start["tooling"]["value"]) * each.measured / each.shown
        for run, each in zip(runs, found, strict=True)
        if each.shown
    ])  # fmt: skip
    profiler = math.sqrt(sum(each.sd**2 for each in found)) / len(found)
    return FilmFit(
        target=first.target,
        material=first.material,
        rate=float(np.exp(np.log(scaled).mean())),
        power=middle,
        exponent=exponent,
        rate_sd=math.hypot(max(_spread(scaled), profiler), WEAR_SD),
        pressure=first.pressure,
        tooling=float(factors.mean()) if len(factors) else None,
        tooling_sd=max(_spread(factors), profiler) if len(factors) else 0.0,
        powers=(float(power.min()), float(power.max())),
        runs=tuple(run.uid for run in runs),
        time=float(max(run.start["time"] for run in runs)),
        worn=float(np.mean([each.worn for each in found])),
    )


def _spread(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return the relative standard uncertainty of a mean; 0 of one value."""
    return float(values.std(ddof=1) / values.mean() / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _witness(run: Run) -> _Witness:
    body, sample = run.start["recipe"]["body"], run.start["sample"]["id"]
    films = run.table("layers") if "layers" in run.streams else {}
    sources = [str(gun["target"]) for gun in body["guns"]] if "guns" in body else [BOAT]
    if len(sources) != 1 or len(films.get("material", ())) != 1:
        raise DataError(f"{run.uid}: a rate is calibrated by one film of one source in a run")
    material, duration = str(films["material"][0]), float(films["duration"][0])
    known = [
        each
        for each in measured(run.path.parents[3], sample)
        if (each.quantity, each.layer) == ("thickness", material)
    ]
    if not known:
        raise DataError(f"nobody measured how thick the {material} on {sample} is")
    shown = float(films["thickness_monitor"][0])
    return _Witness(
        sources[0],
        material,
        float(body.get("pressure", body["base_pressure"])),
        float(films["energy"][0]) / duration,
        float(films["target_energy_total"][0]) - 0.5 * float(films["energy"][0]),
        duration,
        shown if math.isfinite(shown) and run.start.get("tooling") else None,
        known[0].value,
        known[0].sd / known[0].value,
    )


class FilmRates:
    """Fits rates and keeps the fits: one line of JSON each in calibrations/<station>.jsonl of the data. Predicts.

    A fit counts from the moment it was kept: start documents name it.
    """

    def __init__(self, data: Path, bench: BenchFile) -> None:
        self._data = data
        self._devices = bench.devices

    def fit(self, station: str, uids: Sequence[str]) -> FilmFit:
        """Fit a rate to some runs and keep the fit. Raises DataError as fit_films does."""
        fitted = fit_films([Run(uid, self._data) for uid in uids])
        path = self.path(station)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(asdict(fitted)) + "\n")
        return fitted

    def path(self, station: str) -> Path:
        """Return where the fits of a station are kept."""
        return self._data / "calibrations" / f"{station}.jsonl"

    def fits(self, station: str) -> tuple[FilmFit, ...]:
        """Return the fits of a station, oldest first."""
        path = self.path(station)
        told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return tuple(
            FilmFit(**{**each, "powers": tuple(each["powers"]), "runs": tuple(each["runs"])}) for each in told
        )

    def latest(self, station: str) -> dict[tuple[str, str], FilmFit]:
        """Return the newest fit of a station for each target and material."""
        return {(fit.target, fit.material): fit for fit in self.fits(station)}

    def film_rate(self, station: str, recipe: DepositionRecipe, worn: Mapping[str, float]) -> FilmRate | None:
        """Return the mean rate of a recipe's film as it was calibrated; None when none of its targets was.

        A target that was not goes by the bench file. worn: what the target on each gun had [J] before.
        """
        # A bench without such a station does not wait for its packages.
        from devices.sputter.parameters import SputterParameters
        from labctl.calibrated_films import calibrated_rate

        entry = self._devices.get(station)
        built = entry.parameters if isinstance(entry, StationEntry) else None
        if not isinstance(built, SputterParameters):
            return None
        return calibrated_rate(built, self.latest(station), recipe, worn)

    def tooling(self, station: str, material: str) -> Tooling | None:
        """Return film on the sample over film on the crystal, the mean over its targets; None when nobody measured."""
        known = [
            fit
            for (_, made), fit in self.latest(station).items()
            if made == material and fit.tooling is not None
        ]
        if not known:
            return None
        weights = [1.0 / max(fit.tooling_sd, 1e-4) ** 2 for fit in known]
        mean = sum(w * (fit.tooling or 0.0) for w, fit in zip(weights, known, strict=True)) / sum(weights)
        return Tooling(mean, sum(weights) ** -0.5, "+".join(fit.id for fit in known))
