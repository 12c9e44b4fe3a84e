"""A night rehearsed: the very same list on twins in virtual time, in a folder of its own, from what is known of the
samples; what it takes, what it would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.limits import Limits
from labctl.config.folder import Config
from labctl.config.models import BenchFile
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.conductor import Conductor, Resume
from labctl.night.listing import Night
from labctl.rehearsing.call import samples_in
from labctl.rehearsing.stage import staged
from labctl.rehearsing.work import charge_in_words, clock_time, size_in_words, work_of
from labctl.runs.briefs import find_run
from labctl.runs.run import Run
from labctl.runs.spectra import Spectrum, spectra_of

COLUMNS = ("item", "state", "from", "to", "pulses", "charge through", "rows", "disk")


@dataclass(frozen=True)
class Effort:
    """What an item takes: began and ended [s] after the night's start, pulses, energy of the lamp [J], charge moved in
    and out of cells [C], energy the same way [J], rows, bytes, impedance spectra in their order."""

    state: ItemState
    began: float
    ended: float
    pulses: int = 0
    lamp_energy: float = 0.0
    charge: float = 0.0
    energy: float = 0.0
    rows: int = 0
    disk: int = 0
    spectra: tuple[Spectrum, ...] = ()


@dataclass(frozen=True)
class Rehearsal:
    """What came of it: efforts by item, how long it took [s], questions a person would be asked, what fails."""

    efforts: Mapping[str, Effort]
    duration: float
    questions: tuple[str, ...]
    failures: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def disk(self) -> int:
        """Bytes that the night will write."""
        return sum(effort.disk for effort in self.efforts.values())


def rehearse(
    night: Night, bench: BenchFile, limits: Limits, config: Config, data: Path, resume: Resume
) -> Rehearsal:
    """Run the night on twins in virtual time and say what came of it; `data` is only read.

    Twins behave as their parameters say; foils and cells begin as the lab's records have them, or as the twin bench
    truly has them.
    """
    samples = list(samples_in([(item.experiment.sample, item.experiment.arguments) for item in night.items]))
    with staged(bench, limits, data, samples) as stage:
        with stage.session() as lab:
            begin = lab.clock.time()
            chronicle = Chronicle(stage.folder / "nights" / "rehearsal", {"night": night.name})
            try:
                states = Conductor(lab, night, chronicle, config, resume, answered=False).run()
            finally:
                chronicle.close()
            end = lab.clock.time()
        efforts = {name: _effort(stage.folder, state, begin, end) for name, state in states.items()}
    failures = [
        f"{name}: {state.reason}" for name, state in states.items() if state.state in ("failed", "stopped")
    ]
    return Rehearsal(efforts, end - begin, tuple(stage.questions), tuple(failures), stage.left_out)


def table(rehearsal: Rehearsal) -> Iterator[tuple[str, ...]]:
    """Yield the lines of what it takes, in the units of the bench; the first has the columns' names."""
    yield COLUMNS
    for name, effort in rehearsal.efforts.items():
        yield (
            name,
            effort.state.state,
            "" if effort.state.began is None else clock_time(effort.began),
            "" if effort.state.began is None else clock_time(effort.ended),
            str(effort.pulses) if effort.pulses else "",
            charge_in_words(effort.charge),
            str(effort.rows),
            size_in_words(effort.disk),
        )


def _effort(stage: Path, state: ItemState, begin: float, end: float) -> Effort:
    journals = [find_run(stage, uid) for uid in state.runs]
    spectra = tuple(spectrum for path in journals for spectrum in spectra_of(Run(path)))
    began, ended = (state.began or end) - begin, (state.ended or end) - begin
    return Effort(state, began, ended, **vars(work_of(journals)), spectra=spectra)
