"""Chambers in which films are made: what they are prepared with, and who knows of their films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.roles.flown import Flown
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from devices.sputter.unfinished import UnfinishedFilm


@dataclass(frozen=True)
class DepositionJob:
    """What a sputter system is prepared with. goes_on: with a film that broke off, as a person agreed to."""

    sample: SampleRef
    recipe: DepositionRecipe
    goes_on: bool = False


@dataclass(frozen=True)
class ConditioningJob:
    """What a sputter system is prepared with to have targets burn behind the closed shutter, on no sample.

    until_calm: until arcs and bias have settled, after the recipe's pre-sputtering. inside: the sample that is in the
    chamber meanwhile, where one is: it is doubtful if its shutter does not stay closed.
    """

    recipe: DepositionRecipe
    until_calm: bool = False
    inside: SampleRef | None = None

    @property
    def sample(self) -> None:
        """There is none."""
        return None


@dataclass(frozen=True)
class EvaporationJob:
    """What an evaporator is prepared with. goes_on: as a DepositionJob's."""

    sample: SampleRef
    recipe: EvaporationRecipe
    goes_on: bool = False


@dataclass(frozen=True)
class FilmRate:
    """How fast a film is believed to grow [m/s], its relative sd, and which calibration says so ("" for a guess).

    elsewhere: of which other conditions that is known, in words; empty where it is of the film's own.
    """

    rate: float
    sd: float
    calibration: str
    elsewhere: str = ""


@dataclass(frozen=True)
class Tooling:
    """Film on the sample over film on the crystal [1], its relative sd, which calibration says so ("" for a guess).

    elsewhere: as of a FilmRate.
    """

    value: float
    sd: float
    calibration: str
    elsewhere: str = ""


class Depositing(Flown, Protocol):
    """What every chamber has in which films are made. A film is never made twice: what was begun is accounted for."""

    @property
    def unfinished(self) -> UnfinishedFilm | None:
        """The film under way, or the last one that did not come to its end; None when all was done."""

    def accounted(self) -> None:
        """Take note that what was put on the last sample is recorded, or known to a person."""

    def require_ready(self, sample: SampleRef | None, *, goes_on: bool = False) -> None:
        """Raise InterlockError or LabError where prepare would refuse a sample as the chamber is; nothing is asked.

        goes_on: with the film that was cut off here, for which a person accounts.
        """

    def pump_down(self, pressure: float) -> StatusBase:
        """Pump to a pressure [Pa]; InterlockError when that may not be done now."""

    def vent(self) -> StatusBase:
        """Let air in; InterlockError with plasma, gas, or a hot chuck. One that is depositing ends its film for it."""

    def is_vented(self) -> bool:
        """Return whether the chamber is open to air."""

    def leak_check(self, pressure: float, duration: float) -> StatusBase:
        """Pump to a pressure [Pa], close it off for a time [s]; stream `leaks` has what was fitted to its rise."""

    @property
    def load_lock(self) -> bool:
        """Whether samples come in and out without venting."""

    def reset(self) -> None:
        """Leave FAULT, by a person's command."""


@runtime_checkable
class SputterSystem(Depositing, Protocol):
    """Sputters a film: `prepare(DepositionJob)`, then fly. Streams `primary`, one row a second, and `layers`.

    A ConditioningJob burns targets behind the closed shutter.
    """

    def check(self, recipe: DepositionRecipe, *, film: bool = True) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is sent.

        film: whether one is made, for which the crystal may be too worn; else targets only burn.
        """

    def prepare(self, job: DepositionJob | ConditioningJob) -> StatusBase:
        """Check the job, have the sample brought, if there is one."""

    def film_rate(self, recipe: DepositionRecipe) -> FilmRate | None:
        """Return the rate at which the film is believed to grow; None when nobody knows."""

    def tooling(self, recipe: DepositionRecipe) -> Tooling | None:
        """Return the tooling factor that the monitor will be set to; None when it does not watch the film."""

    def inside(self) -> SampleRef | None:
        """Return the sample that is in the chamber, as far as is known; None without one."""

    def target_life(self) -> Mapping[str, float]:
        """Return what the target of each gun may still have [J]."""

    def wear(self) -> Mapping[str, Mapping[str, Any]]:
        """Return of the target of each gun its `material`, the `energy` it had and its whole `life` [J]."""


@runtime_checkable
class Evaporator(Depositing, Protocol):
    """Evaporates a film from a boat: `prepare(EvaporationJob)`, then fly. Streams as a sputter system's."""

    def check(self, recipe: EvaporationRecipe) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is sent."""

    def tooling(self, recipe: EvaporationRecipe) -> Tooling:
        """Return the tooling factor that the monitor will be set to."""

    def prepare(self, job: EvaporationJob) -> StatusBase:
        """Check the job, have the sample brought, with the mask on it."""


class FilmPredictor(Protocol):
    """Says how fast films grow, from what was measured on a machine; never from physics. A Predictor may be one too."""

    def film_rate(self, station: str, recipe: DepositionRecipe, worn: Mapping[str, float]) -> FilmRate | None:
        """Return the mean rate of a recipe's film on the station of that name; None when nothing was measured.

        worn: what the target on each gun had [J] before.
        """

    def tooling(self, station: str, recipe: DepositionRecipe | EvaporationRecipe) -> Tooling | None:
        """Return film on the sample over film on the crystal, of a recipe; None when nothing was measured."""


@dataclass(frozen=True)
class FilmSoFar:
    """What the journals tell of a film that did not come to its end.

    first, last: uids of the run that began it and of the newest that goes on with it, and the hash of that one's
    recipe. thickness [m] and open_time [s] of the shutter, of all of them. doubts: why the film is doubtful.
    """

    first: str
    last: str
    recipe: str
    thickness: float
    open_time: float
    doubts: str = ""


class FilmRecords(Protocol):
    """Tells of films that did not come to their ends."""

    def so_far(self, run: str, sample: SampleRef, recipe: DepositionRecipe | EvaporationRecipe) -> FilmSoFar:
        """Return what is known of the film that a run began on this sample by this recipe; DataError for another."""


class FilmCalibration(Protocol):
    """Fits rates of films, and the monitor's tooling, to films that were measured, and keeps the fits."""

    def fit(self, station: str, uids: Sequence[str]) -> Any:
        """Fit what the runs of these uids put on, on the station of that name, and keep the fit with them."""
