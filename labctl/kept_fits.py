"""What calibrations fitted, kept by bench and device with the runs it came from: one line of JSON each."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from devices.errors import Corrupt, DataError, LabError
from devices.recipes import canonical_hash
from labctl.config.models import BenchFile, StationEntry
from labctl.fact_file import add_line
from labctl.runs.run import Run
from labctl.wiring import is_real

log = logging.getLogger(__name__)

ID_DIGITS = 12
NOT_HASHED = frozenset({"bench", "real", "measured", "exponent_sd"})
"""Fields that the runs of a fit and what is measured tell as well, and that older fits do not have."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What a calibration fitted: JSON values, and tuples of them.

    runs: uids of those it was fitted to; time: label [s since the epoch] of the last of them. bench, real: of which
    bench's device it is, and whether that was real; None where nobody noted. measured: the value and its standard
    uncertainty that it was fitted to, by sample, where it rests on what is entered of samples.
    """

    runs: tuple[str, ...]
    time: float
    bench: str = ""
    real: bool | None = None
    measured: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What names it in bench files and start documents."""
        told = {key: value for key, value in asdict(self).items() if key not in NOT_HASHED}
        return canonical_hash(json.loads(json.dumps(told)))[:ID_DIGITS]


Kind = TypeVar("Kind", bound=Fit)


class KeptFits(Generic[Kind]):
    """Fits devices of a bench to runs and keeps the fits, in calibrations/<bench>/<device>.jsonl of the data folder.

    A fit is a function of its runs and of what is measured now: where a measurement was entered since, it is made and
    kept anew, and what was kept before stays on record. A twin's fit never counts for a real device, nor a real one's
    for a twin: that is said once. calibrations/<device>.jsonl, of before fits were kept by bench, is read where its
    runs tell which bench and whether real, and is never written.
    """

    roles: ClassVar[frozenset[str]] = frozenset()
    """Of the stations that have such fits."""

    def __init__(
        self, data: Path, bench: BenchFile, kind: type[Kind], fitted: Callable[[Sequence[Run]], Kind]
    ) -> None:
        self._data, self._bench, self._fitted = data, bench, fitted
        self._reads = TypeAdapter(kind)
        self._said: set[str] = set()
        self._made_of: dict[tuple[tuple[str, ...], str], tuple[str, bool] | None] = {}

    def fit(self, device: str, uids: Sequence[str]) -> Kind:
        """Fit a device to some runs and keep the fit.

        Raises DataError as its fit does, for runs of another bench, or of a twin of a real device, or the reverse, and
        where it cannot be kept.
        """
        runs = [Run(uid, self._data) for uid in uids]
        for run in runs:
            if (made := _made_on(run, device)) != (self._bench.name, self._real(device)):
                raise DataError(
                    f"{run.uid[:8]} was made {_in_words(made, device)}: it calibrates no {self._whose(device)}"
                )
        found = self._of_here(self._fitted(runs), device)
        self.keep(device, found)
        return found

    def keep(self, device: str, *fits: Kind) -> None:
        """Keep fits of a device. Raises DataError when the folder cannot be written."""
        for each in fits:
            add_line(self.path(device), asdict(each))

    def path(self, device: str) -> Path:
        """Return where the fits of a device are kept."""
        return self._data / "calibrations" / self._bench.name / f"{device}.jsonl"

    def devices(self) -> list[str]:
        """Return the stations of the bench that have such fits."""
        return [
            name
            for name, entry in self._bench.devices.items()
            if isinstance(entry, StationEntry) and getattr(entry.station_class, "role", "") in self.roles
        ]

    def fits(self, device: str) -> tuple[Kind, ...]:
        """Return the fits that count for a device, oldest first, by what is measured now. Raises Corrupt."""
        return tuple(now for _, now in self.anew(device))

    def anew(self, device: str) -> list[tuple[Kind, Kind]]:
        """Return each fit of a device as it was kept last, and by what is measured now, which is kept. Raises Corrupt.

        Of several from the same runs the newest counts, in the place of the first.
        """
        newest = {each.runs: each for each in self.kept(device)}
        if not newest:
            return []
        stands = self.standing()
        return [(each, self._by_now(device, each, stands)) for each in newest.values()]

    def kept(self, device: str) -> list[Kind]:
        """Return all that were ever kept of a device as it is here, real or a twin, oldest first. Raises Corrupt."""
        if device not in self._bench.devices:
            return []
        found = [*self._of_before(device), *self._read(self.path(device))]
        here = [each for each in found if each.real is self._real(device)]
        if others := len({each.runs for each in found if each not in here}):
            made = "a twin, and it is real" if self._real(device) else "the real one, and it is a twin"
            self._say(f"{_counted(others)} not used for {device} of bench {self._bench.name}: made on {made}")
        return here

    def standing(self) -> Callable[[Kind], bool]:
        """Return what tells of fits whether what each was fitted to is measured so still, as it is known now.

        One that rests on no samples stands.
        """
        return lambda fit: True

    def _by_now(self, device: str, fit: Kind, stands: Callable[[Kind], bool]) -> Kind:
        try:
            if stands(fit):
                return fit
            runs = [Run(uid, self._data) for uid in fit.runs]
            found = self._of_here(self._fitted(runs), device)
        except LabError as error:
            self._say(
                f"fit {fit.id} of {device} goes by what was measured before, it cannot be made anew: {error}"
            )
            return fit
        try:
            self.keep(device, found)
        except DataError as error:
            self._say(str(error))
        return found

    def _of_before(self, device: str) -> Iterator[Kind]:
        """Yield the fits of this bench that were kept by the device's name alone."""
        path = self._data / "calibrations" / f"{device}.jsonl"
        unknown = 0
        for each in self._read(path):
            made = self._made(each, device)
            unknown += made is None
            if made is not None and made[0] == self._bench.name:
                yield replace(each, bench=made[0], real=made[1])
        if unknown:
            self._say(
                f"{path}: {_counted(unknown)} left alone: its runs do not tell of which bench, or whether real"
            )

    def _made(self, fit: Kind, device: str) -> tuple[str, bool] | None:
        """Return on which bench the runs of a fit were made, and whether the device was real; None: not known."""
        # What runs say of it never changes, and rates are asked for again and again.
        if (fit.runs, device) not in self._made_of:
            try:
                made = {_made_on(Run(uid, self._data), device) for uid in fit.runs}
            except LabError:
                return None
            self._made_of[fit.runs, device] = made.pop() if len(made) == 1 else None
        return self._made_of[fit.runs, device]

    def _read(self, path: Path) -> Iterator[Kind]:
        if not path.exists():
            return
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            try:
                yield self._reads.validate_json(line)
            except ValidationError as error:
                raise Corrupt(f"{path}:{number} is no fit; mend or remove the line") from error

    def _of_here(self, fit: Kind, device: str) -> Kind:
        return replace(fit, bench=self._bench.name, real=self._real(device))

    def _real(self, device: str) -> bool:
        return is_real(self._bench, device)

    def _whose(self, device: str) -> str:
        return f"{'real' if self._real(device) else 'twin'} {device} of bench {self._bench.name}"

    def _say(self, said: str) -> None:
        """Say something, once."""
        if said not in self._said:
            self._said.add(said)
            log.warning("%s", said)


def _made_on(run: Run, device: str) -> tuple[str, bool] | None:
    """Return on which bench a run was made, and whether a device was real there; None where it does not say."""
    bench = (run.start.get("bench") or {}).get("name")
    real = ((run.start.get("devices") or {}).get(device) or {}).get("real")
    return (bench, real) if isinstance(bench, str) and isinstance(real, bool) else None


def _in_words(made: tuple[str, bool] | None, device: str) -> str:
    if made is None:
        return f"nobody knows on which {device}"
    return f"on {'the real' if made[1] else 'a twin of'} {device} of bench {made[0]}"


def _counted(number: int) -> str:
    return "a fit is" if number == 1 else f"{number} fits are"
