"""How fast films grow on a machine, and what its thickness monitor makes of them: fitted to witnesses, kept with the
runs they came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import ConfigError, DataError
from devices.roles.films import FilmRate, Tooling
from devices.sputter.conditions import RATE_BY_POWER, Conditions, conditions_of
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.folder import Config
from labctl.config.models import BenchFile, StationEntry
from labctl.kept_fits import Fit, KeptFits
from labctl.runs.run import Run
from labctl.samples.measurements import measured
from labctl.samples.parents import Families

WEAR_SD = 0.01
"""By which a rate is uncertain after its target's wear was allowed for; guess: some of what it loses in its life."""
ALIKE = 1e-3
"""Relative difference of powers that tells nothing of an exponent."""
Floats = np.ndarray[Any, np.dtype[np.float64]]
BOAT = "boat"
"""The target of films that come from one."""


@dataclass(frozen=True)
class FilmFit(Fit):
    """What one target gives on one machine, film on sample over film on crystal too.

    rate [m/s] at a power [W], in proportion to a power law of the power with this exponent; pressure [Pa]; tooling.
    rate_sd and tooling_sd, relative. powers [W]: lowest and highest; worn [J]: what the target had in their middle, 0
    where nobody noted. Of films from a boat, whose power follows the rate, only the tooling counts. bias_power [W] and
    temperature [K] of the substrate, gases [1]: under which they grew, as devices.sputter.conditions has them.
    measured [m]: the thickness of the film on each witness. exponent_sd: how well they tell the exponent, 0 where
    nobody noted; 1 is taken for one that they do not tell as well as anybody knows it.
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
    worn: float = 0.0
    bias_power: float = 0.0
    temperature: float | None = None
    gases: Mapping[str, float] = field(default_factory=dict)
    exponent_sd: float = 0.0

    @property
    def in_proportion(self) -> str:
        """Why its rate goes in proportion to the power, in words; empty where its witnesses tell how it goes."""
        if self.exponent_sd <= RATE_BY_POWER:
            return ""
        return (
            f"in proportion to the power, for its witnesses give an exponent to +-{self.exponent_sd:.1f} only"
        )

    @property
    def conditions(self) -> Conditions:
        """Under which its films grew."""
        return Conditions(self.pressure, self.bias_power, self.temperature, self.gases)

    def rate_at(self, power: float) -> float:
        """Return the rate [m/s] at a power [W]."""
        return float(self.rate * (power / self.power) ** self.exponent)


@dataclass(frozen=True)
class _Witness:
    """One film on a witness: what its run says of it, how thick it was measured to be and its uncertainty [m]."""

    sample: str
    target: str
    material: str
    conditions: Conditions
    power: float
    worn: float
    duration: float
    shown: float | None
    measured: float
    sd: float


def fit_films(runs: Sequence[Run]) -> FilmFit:
    """Fit one target's rate over its power, and the monitor's tooling, to films whose thickness was measured.

    Raises DataError for runs without a film of one gun, of several targets or conditions, for doubtful films, and where
    nobody measured.
    """
    if not runs:
        raise DataError("there is no film to fit a rate to")
    found = [_witness(run) for run in runs]
    first = found[0]
    for each in found:
        if (each.target, each.material, each.conditions) != (first.target, first.material, first.conditions):
            raise DataError(
                "films of several targets, materials, pressures, gases, bias powers or temperatures make no one"
                " calibration"
            )
    power = np.array([each.power for each in found])
    rate = np.array([each.measured / each.duration for each in found])
    middle = float(np.exp(np.log(power).mean()))
    exponent, exponent_sd = _law(power, rate, np.array([each.sd / each.measured for each in found]))
    scaled = rate * (middle / power) ** exponent
    factors = np.array([
        float(run.start["tooling"]["value"]) * each.measured / each.shown
        for run, each in zip(runs, found, strict=True)
        if each.shown
    ])  # fmt: skip
    profiler = math.sqrt(sum((each.sd / each.measured) ** 2 for each in found)) / len(found)
    return FilmFit(
        target=first.target,
        material=first.material,
        rate=float(np.exp(np.log(scaled).mean())),
        power=middle,
        exponent=exponent,
        rate_sd=math.hypot(max(_spread(scaled), profiler), WEAR_SD),
        pressure=first.conditions.pressure,
        tooling=float(factors.mean()) if len(factors) else None,
        tooling_sd=max(_spread(factors), profiler) if len(factors) else 0.0,
        powers=(float(power.min()), float(power.max())),
        runs=tuple(run.uid for run in runs),
        time=float(max(run.start["time"] for run in runs)),
        worn=float(np.mean([each.worn for each in found])),
        bias_power=first.conditions.bias_power,
        temperature=first.conditions.temperature,
        gases=first.conditions.gases,
        exponent_sd=exponent_sd,
        measured={each.sample: (each.measured, each.sd) for each in found},
    )


def _law(power: Floats, rate: Floats, sds: Floats) -> tuple[float, float]:
    """Return the exponent of rates over powers, and how well it is told by their scatter and by their relative sds.

    Proportional, which anybody knows to RATE_BY_POWER, where it is told no better than that.
    """
    apart = np.log(power) - np.log(power).mean()
    if np.ptp(apart) <= ALIKE:
        return 1.0, RATE_BY_POWER
    among = float(apart @ apart)
    exponent, level = np.polyfit(apart, np.log(rate), 1)
    left = np.log(rate) - exponent * apart - level
    scatter = math.sqrt(float(left @ left) / (len(power) - 2) / among) if len(power) > 2 else 0.0
    own = math.sqrt(float(apart**2 @ (sds**2 + WEAR_SD**2))) / among
    sd = max(scatter, own)
    return (float(exponent) if sd <= RATE_BY_POWER else 1.0), sd


def _spread(values: Floats) -> float:
    """Return the relative standard uncertainty of a mean; 0 of one value."""
    return float(values.std(ddof=1) / values.mean() / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _witness(run: Run) -> _Witness:
    body, sample = run.start["recipe"]["body"], run.start["sample"]["id"]
    films = run.table("layers") if "layers" in run.streams else {}
    sources = [str(gun["target"]) for gun in body["guns"]] if "guns" in body else [BOAT]
    if len(sources) != 1 or len(films.get("material", ())) != 1:
        raise DataError(f"{run.uid}: a rate is calibrated by one film of one source in a run")
    if films["doubtful"][0]:
        raise DataError(f"{run.uid}: its film is doubtful ({films['reasons'][0]}); fit the others without it")
    material, duration = str(films["material"][0]), float(films["duration"][0])
    thickness = _thickness(run.data, sample, material)
    if thickness is None:
        raise DataError(f"nobody measured how thick the {material} on {sample} is")
    shown = float(films["thickness_monitor"][0])
    return _Witness(
        sample,
        sources[0],
        material,
        conditions_of(body),
        float(films["energy"][0]) / duration,
        float(films["target_energy_total"][0]) - 0.5 * float(films["energy"][0]),
        duration,
        shown if math.isfinite(shown) and run.start.get("tooling") else None,
        *thickness,
    )


def _thickness(
    data: Path, sample: str, material: str, families: Families | None = None
) -> tuple[float, float] | None:
    """Return how thick the film of a material on a sample was measured to be, and its uncertainty [m]."""
    for each in measured(data, sample, families=families):
        if (each.quantity, each.layer) == ("thickness", material):
            return each.value, each.sd
    return None


class FilmRates(KeptFits[FilmFit]):
    """Fits rates and keeps the fits. Predicts. A fit counts from the moment it was kept: start documents name it."""

    roles = frozenset({"SputterSystem", "Evaporator"})

    def __init__(self, data: Path, bench: BenchFile) -> None:
        super().__init__(data, bench, FilmFit, fit_films)
        self._devices = bench.devices

    def standing(self) -> Callable[[FilmFit], bool]:
        """Return what tells whether a fit's witnesses are as thick as when it was made, as far as anybody says."""
        families = Families(self._data)

        def stands(fit: FilmFit) -> bool:
            now = (
                (_thickness(self._data, on, fit.material, families), was) for on, was in fit.measured.items()
            )
            return bool(fit.measured) and all(is_ in (None, was) for is_, was in now)

        return stands

    def film_rate(self, station: str, recipe: DepositionRecipe, worn: Mapping[str, float]) -> FilmRate | None:
        """Return the mean rate of a recipe's film as it was calibrated; None when none of its targets was.

        A target that was not goes by the bench file. worn: what the target on each gun had [J] before.
        """
        # A bench without such a station does not wait for its packages.
        from devices.sputter.parameters import SputterParameters
        from labctl.films.calibrated import calibrated_rate

        entry = self._devices.get(station)
        built = entry.parameters if isinstance(entry, StationEntry) else None
        if not isinstance(built, SputterParameters):
            return None
        return calibrated_rate(built, self.fits(station), recipe, worn)

    def tooling(self, station: str, recipe: DepositionRecipe | EvaporationRecipe) -> Tooling | None:
        """Return film on the sample over film on the crystal, the mean over its targets; None when nobody measured."""
        from labctl.films.calibrated import calibrated_tooling

        return calibrated_tooling(self.fits(station), recipe)


def fitted_anew(data: Path, config: Config) -> Iterator[str]:
    """Yield a line for each fit that goes by other measurements than when it was kept last: it is made and kept anew.

    Of all benches of which there are fits, and that there still are.
    """
    for folder in sorted((data / "calibrations").glob("*/")):
        try:
            rates = FilmRates(data, config.bench(folder.name))
        except ConfigError as error:
            yield f"fits of {folder.name} stay as they are: {error}"
            continue
        for device in rates.devices():
            for was, now in rates.anew(device):
                if now is not was:
                    yield f"{device} of bench {folder.name}: {_changed(was, now)}"


def _changed(was: FilmFit, now: FilmFit) -> str:
    tooling = f"tooling {_factor(now)}, before {_factor(was)}"
    rates = [f"{each.rate_at(now.power) * 6e10:.2f} nm/min (+-{each.rate_sd:.0%})" for each in (now, was)]
    law = f", {now.in_proportion}" if now.in_proportion else ""
    rate = f"{rates[0]} at {now.power:.1f} W{law}, before {rates[1]}; "
    return f"{now.material}: {'' if now.target == BOAT else rate}{tooling}; fit {now.id} instead of {was.id}"


def _factor(fit: FilmFit) -> str:
    return "unknown" if fit.tooling is None else f"{fit.tooling:.3f} (+-{fit.tooling_sd:.0%})"
