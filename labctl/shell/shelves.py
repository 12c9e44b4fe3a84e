"""What lies ready at the prompt by name: samples, recipes, programs, experiments, runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from devices.cycling.programs import Program
from devices.samples import SampleRef
from labctl.config.checking import nearest
from labctl.config.folder import Config
from labctl.config.readers import any_recipe
from labctl.how_many import how_many
from labctl.mistyped import Mistyped
from labctl.plain_text import plain
from labctl.runs.briefs import LAST, Brief, briefs
from labctl.runs.run import Run
from labctl.samples.believed import believed
from labctl.samples.facts import Facts

LISTED = 20
"""Runs that are listed at the prompt."""


class Shelf(Mapping[str, Any]):
    """Files of the configuration by name, read when they are asked for: samples["lco-0.7um"].

    Raises Mistyped for a name that is none, ConfigError where the file has mistakes.
    """

    def __init__(self, config: Config, kind: str, read: Callable[[str], Any]) -> None:
        self._config, self._kind, self._read = config, kind, read

    def __getitem__(self, name: str) -> Any:
        names = self._config.names(self._kind)
        if name not in names and not str(name).endswith(".toml"):
            near = nearest(str(name), names)
            raise Mistyped(
                f"there is no {self._kind} {name!r}{near or f'; {self._kind}s lists those that there are'}"
            )
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._config.names(self._kind))

    def __len__(self) -> int:
        return len(self._config.names(self._kind))

    def __contains__(self, name: object) -> bool:
        return name in self._config.names(self._kind)

    def __repr__(self) -> str:
        names = "\n".join(f"  {self._kind}s[{name!r}]" for name in self)
        return f"{self._kind}s in {self._config.directory}:\n{names or '  none'}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


class Recipes(Shelf):
    """Recipes by name: recipes["fla-850V-20"]; of a furnace and of films as well."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, "recipe", lambda name: any_recipe(config.path("recipe", name)))


class Samples(Shelf):
    """Samples by name: samples["lco-0.7um"]; those of the configuration."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, "sample", config.sample)


class Programs(Shelf):
    """Cycling programs by name: programs["formation"] as its file says, programs.on("formation", cell) for a cell."""

    def __init__(self, config: Config, data: Path) -> None:
        super().__init__(config, "program", config.program)
        self._data = data

    def on(self, name: str, sample: SampleRef) -> Program:
        """Return a program for a cell as it is believed to be: its area, its capacity. Raises ConfigError, LabError."""
        program: Program = self[name].on(believed(self._data, sample).cell)
        return program


class Experiments(Shelf):
    """Experiments by name: lab.run(experiments["fla-0.7um"])."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, "experiment", config.experiment)


class Runs:
    """Runs that were kept: runs["last"], runs[-1], runs["1a2b"] by the beginning of a uid; runs.of("film-1")."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __getitem__(self, which: str | int) -> Run:
        if isinstance(which, str):
            return Run(which, self._data)
        found = list(briefs(self._data))
        try:
            return Run(found[which].uid, self._data)
        except IndexError:
            raise Mistyped(f"{how_many(len(found), 'run')} in {self._data}, no number {which}") from None

    def __len__(self) -> int:
        return sum(1 for _ in briefs(self._data))

    def __iter__(self) -> Iterator[Brief]:
        return briefs(self._data)

    def __repr__(self) -> str:
        return self._listed(list(briefs(self._data)))

    def of(self, sample: str | SampleRef) -> list[Brief]:
        """Return the runs of a sample, each in one line, oldest first. Raises Mistyped for one that nothing knows."""
        name = sample if isinstance(sample, str) else sample.id
        found = [each for each in briefs(self._data) if each.sample == name]
        if not found and not any(Facts(self._data).of(name)):
            known = sorted({each.sample for each in briefs(self._data)} - {""})
            raise Mistyped(f"no run of {name!r} is kept in {self._data}{nearest(name, known)}")
        return found

    def _listed(self, found: list[Brief]) -> str:
        from labctl.showing.runs import when

        lines = [
            f"  {each.uid[:8]}  {when(each.time)}  {plain(each.plan, 18):18}  {plain(each.sample, 18):18}  "
            + each.status
            for each in found[-LISTED:]
        ]
        older = f"  ({len(found) - LISTED} older ones: labctl runs)\n" if len(found) > LISTED else ""
        if not found:
            return f"no run is kept in {self._data} yet"
        return f"{how_many(len(found), 'run')} in {self._data}:\n{older}" + "\n".join(lines)

    def _ipython_key_completions_(self) -> list[str]:
        newest = islice(reversed(list(briefs(self._data))), LISTED)
        return [LAST, *(each.uid[:8] for each in newest)]
