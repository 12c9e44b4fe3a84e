"""What is doubted of stacks before they are run: materials that do not go together, layers of odd thickness, films that
are to be of another thickness than described."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devices.samples import SampleRef
from labctl.config.check import kind_of
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.config.readers import sample as read_sample
from labctl.films.meant import odd_films
from labctl.materials.doubts import doubts_about_stack
from labctl.materials.library import Library


def all_samples(folder: Config) -> list[Path]:
    """Return the files of all samples of a configuration."""
    return [folder.path("sample", name) for name in folder.names("sample")]


def stack_doubts(files: Sequence[Path], folder: Config) -> list[str]:
    """Return what is odd about the samples in files and in experiments, and about these' films: a line each."""
    library, lines = Library(folder.directory), []
    for path in files:
        sample = _sample(path, folder)
        found = [] if sample is None else doubts_about_stack(sample, library)
        lines += [f"DOUBT: {shown(path)}: {said}" for said in found]
        if kind_of(path) == "experiment":
            lines += [f"DOUBT: {shown(path)}: {said}" for said in odd_films(folder.experiment(path))]
    return lines


def experiment_doubts(experiments: Sequence[Experiment], folder: Config) -> list[str]:
    """Return what is odd about the samples of experiments, and about their films: a line each."""
    library = Library(folder.directory)
    samples = {each.sample.id: each.sample for each in experiments if each.sample is not None}
    return [
        *(
            f"DOUBT: {name}: {said}"
            for name, sample in samples.items()
            for said in doubts_about_stack(sample, library)
        ),
        *(f"DOUBT: {said}" for each in experiments for said in odd_films(each)),
    ]


def _sample(path: Path, folder: Config) -> SampleRef | None:
    kind = kind_of(path)
    if kind == "sample":
        return read_sample(path)
    return folder.experiment(path).sample if kind == "experiment" else None
