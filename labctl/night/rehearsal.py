"""A night rehearsed: the very same list on twins in virtual time, in a folder of its own, from what is known of the
samples; what it takes, what it would refuse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devices.limits import Limits
from labctl.belief import bank_of
from labctl.config.folder import Config
from labctl.config.models import BenchFile
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.conductor import Conductor, Resume
from labctl.night.listing import Item, Night
from labctl.rehearsing.call import samples_in
from labctl.rehearsing.margins import Margin, margins, nearest
from labctl.rehearsing.stage import Stage, staged
from labctl.rehearsing.telling import WORDS
from labctl.rehearsing.work import charge_in_words, clock_time, energy_in_words, size_in_words, work_of
from labctl.runs.briefs import find_run
from labctl.runs.run import Run
from labctl.runs.spectra import Spectrum, spectra_of

COLUMNS = ("item", "state", "from", "to", "pulses", "charge through", "energy", "rows", "disk")


@dataclass(frozen=True)
class Effort:
    """What an item takes: began and ended [s] after the night's start, pulses, energy of the lamp [J], charge moved in
    and out of cells [C], energy the same way [J], rows, bytes, impedance spectra in their order; what comes nearest to
    a limit. skipped: why it was not begun, where its conditions do not hold on the twins; what it takes if they do is
    told."""

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
    margin: Margin | None = None
    skipped: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """What came of it: efforts by item, how long it took [s], questions a person would be asked, what fails.

    What its conditions may leave out is in all but `duration`.
    """

    efforts: Mapping[str, Effort]
    duration: float
    questions: tuple[str, ...]
    failures: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def disk(self) -> int:
        """Bytes that the night will write at most."""
        return sum(effort.disk for effort in self.efforts.values())

    @property
    def at_most(self) -> float:
        """How long it takes [s] if everything runs that its conditions may leave out, one after the other."""
        return self.duration + sum(
            effort.ended - effort.began for effort in self.efforts.values() if effort.skipped
        )


def rehearse(
    night: Night, bench: BenchFile, limits: Limits, config: Config, data: Path, resume: Resume
) -> Rehearsal:
    """Run the night on twins in virtual time and say what came of it; `data` is only read.

    Twins behave as their parameters say; foils and cells begin as the lab's records have them, or as the twin bench
    truly has them. What conditions left out is rehearsed on a second stage as if they held.
    """
    first = _rehearse(night, bench, limits, config, data, resume)
    skipped = _skipped(night, first.efforts)
    if not skipped:
        return first
    second = _rehearse(_as_if(night, skipped), bench, limits, config, data, resume)
    efforts = dict(first.efforts)
    for name, reason in skipped.items():
        efforts[name] = replace(second.efforts[name], skipped=reason)
    failures = [
        f"{name}, if it runs: {effort.state.reason}"
        for name, effort in efforts.items()
        if effort.skipped and effort.state.state != "done"
    ]
    questions = [each for each in second.questions if each not in first.questions]
    return replace(
        first,
        efforts=efforts,
        questions=(*first.questions, *questions),
        failures=(*first.failures, *failures),
    )


def _rehearse(
    night: Night, bench: BenchFile, limits: Limits, config: Config, data: Path, resume: Resume
) -> Rehearsal:
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
        efforts = {name: _effort(stage, state, begin, end) for name, state in states.items()}
    failures = [
        f"{name}: {state.reason}" for name, state in states.items() if state.state in ("failed", "stopped")
    ]
    return Rehearsal(efforts, end - begin, tuple(stage.questions), tuple(failures), stage.left_out)


def _skipped(night: Night, efforts: Mapping[str, Effort]) -> dict[str, str]:
    """Return the items that only conditions kept from beginning, their own or those of what they wait for, and why."""
    found: dict[str, str] = {}
    for item in night.items:
        waits_for_skipped = any(name in found for name in item.awaited)
        all_done = all(efforts[name].state.state == "done" for name in item.awaited)
        state = efforts[item.name].state
        # What failed is told already, and so is what another's failure kept from beginning.
        if state.state == "skipped" and (waits_for_skipped or (all_done and item.conditions)):
            found[item.name] = state.reason
    return found


def _as_if(night: Night, skipped: Collection[str]) -> Night:
    """Return a night in which these items run, and before them what they wait for and what their samples go through.

    Of two items of which a condition lets one run only the one that did not is meant: the other is left out.
    """
    wanted = set(skipped)
    for number, item in reversed(list(enumerate(night.items))):
        if item.name in wanted:
            earlier = [each for each in night.items[:number] if each.sample_id and not each.conditions]
            wanted |= {each.name for each in earlier if each.sample_id == item.sample_id}
            wanted |= set(item.awaited)
    items = tuple(_unconditional(item, wanted) for item in night.items if item.name in wanted)
    return replace(night, items=items, deadline=None)


def _unconditional(item: Item, there: Collection[str]) -> Item:
    after = tuple(name for name in item.awaited if name in there)
    return replace(item, conditions=(), entry=replace(item.entry, after=after, when=()))


def table(rehearsal: Rehearsal) -> Iterator[tuple[str, ...]]:
    """Yield the lines of what it takes, in the units of the bench; the first has the columns' names."""
    yield COLUMNS
    for name, effort in rehearsal.efforts.items():
        yield (
            name,
            *_course(effort),
            str(effort.pulses) if effort.pulses else "",
            charge_in_words(effort.charge),
            energy_in_words(effort.lamp_energy, effort.energy),
            str(effort.rows),
            size_in_words(effort.disk),
        )


def nearest_limits(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield what of each item comes nearest to a limit, and how near."""
    for name, effort in rehearsal.efforts.items():
        if (margin := effort.margin) is not None:
            left = ", ".join(filter(None, (margin.left, WORDS[margin.level])))
            yield f"{name} comes nearest to a limit with: {margin.in_words}{f' ({left})' if left else ''}"


def _course(effort: Effort) -> tuple[str, str, str]:
    """Return state, begin and end of an item; of one that is left out on the twins how long it would take."""
    if effort.skipped:
        return "if it runs", "", f"+ {clock_time(effort.ended - effort.began)}"
    state = effort.state
    if state.began is None:
        return state.state, "", ""
    return state.state, clock_time(effort.began), clock_time(effort.ended)


def _effort(stage: Stage, state: ItemState, begin: float, end: float) -> Effort:
    journals = [find_run(stage.folder, uid) for uid in state.runs]
    runs, bank = [Run(path) for path in journals], bank_of(stage.bench)
    spectra = tuple(spectrum for run in runs for spectrum in spectra_of(run))
    margin = nearest(each for run in runs for each in margins(run, stage.limits, bank))
    began, ended = (state.began or end) - begin, (state.ended or end) - begin
    return Effort(state, began, ended, **vars(work_of(journals)), spectra=spectra, margin=margin)
