"""Flash lamps: what they are prepared with, and who knows of their trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.lamp.unfinished import Unfinished
from devices.recipes import AnnealRecipe
from devices.roles.flown import Flown
from devices.roles.predictor import Prediction
from devices.samples import SampleRef


@dataclass(frozen=True)
class AnnealJob:
    """What a lamp is prepared with."""

    sample: SampleRef
    recipe: AnnealRecipe


@runtime_checkable
class FlashLamp(Flown, Protocol):
    """Flashes a film: `prepare(AnnealJob)`, then fly. Stream `primary`, one row per pulse."""

    def check(self, recipe: AnnealRecipe) -> None:
        """Raise LimitError when lamp or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: AnnealJob) -> StatusBase:
        """Check the job against the lamp's limits, bring the sample, set the instruments, charge nothing yet."""

    def predict(self, job: AnnealJob) -> Prediction | None:
        """Ask the lab's predictor; None when there is none."""

    def arm(self, job: AnnealJob) -> Any:
        """Check everything once more and return the token that lets kickoff() fire this one job."""

    def insert(self, token: Any) -> None:
        """Put in the token that the next kickoff() uses up."""

    def account(self) -> Unfinished | None:
        """Return the train that was not finished, with what the board's counter says of it now."""

    def accounted(self) -> None:
        """Take note that every flash of that train is recorded, or known to a person."""

    @property
    def last_began(self) -> float | None:
        """Time label [s] of the last train that was begun, whatever became of it; None if there was none."""

    @property
    def asks_to_finish(self) -> bool:
        """Whether a person must agree before the rest of a train is fired that did not come to its end."""


@dataclass(frozen=True)
class TrainSoFar:
    """What the journals tell of a train that did not come to its end, and of the runs that went on with it.

    first, last: uids of the run that began it and of the newest that goes on with it. asked, done: pulses. fired: the
    newest run in which the lamp was to fire: hash of its recipe, its time label [s], the pulses recorded of it, those
    recovered too. began: time label [s] of the train's first pulse, of its first run where none is recorded.
    latest: that of the newest pulse, None without one.
    """

    first: str
    last: str
    asked: int
    done: int
    fired_recipe: str
    fired_time: float
    fired_done: int
    began: float
    latest: float | None


class TrainRecords(Protocol):
    """Tells of trains that did not come to their ends."""

    def so_far(self, run: str, sample: SampleRef, recipe: AnnealRecipe) -> TrainSoFar:
        """Return what is known of the train that a run began on this sample by this recipe; DataError for another."""


class LampCalibration(Protocol):
    """Fits a lamp's model to what was measured, and keeps the fits."""

    def fit(self, lamp: str, uids: Sequence[str]) -> Any:
        """Fit the lamp of that name to the runs of these uids, and keep the fit with them."""
