"""One run, read as documents and as tables: its journal, and those of the runs that went on with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.errors import DataError
from labctl.analysis.joining import AMBIENT
from labctl.config.finder import data_dir
from labctl.runs.briefs import Brief, brief_from, find_run
from labctl.runs.chain import IDENTITY, chain_of, joined
from labctl.runs.member import Member
from labctl.runs.rows import Rows
from labctl.runs.rows import Table as Table
from labctl.runs.surroundings import DataKeys, Surroundings, surroundings_of

if TYPE_CHECKING:
    from labctl.pictures.of_run import Pictures


class Documents:
    """The documents of journals, read anew whenever they are gone through."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for each in self._members:
            yield from each.documents()


class Run:
    """One run, its rows read when they are asked for.

    `Run(uid)` looks in the data directory; a beginning of the uid that fits one run only is enough, and "last" is
    the run that began last. A run that died and was gone on with is one run with all that followed, whichever uid
    of it is named: start is the first journal's, stop the last one's, tables go through all. alone, and any
    `Run(path)`: that journal only. A damaged journal is refused, unless until_damage: then it is read up to there.
    """

    def __init__(
        self,
        uid: str | Path,
        data: str | Path | None = None,
        *,
        alone: bool = False,
        until_damage: bool = False,
    ) -> None:
        """Read what the run says of itself. Raises DataError when there is none, several, or it is damaged."""
        self.data = folder = data_dir(None if data is None else Path(data))
        paths = [uid if isinstance(uid, Path) else find_run(folder, uid)]
        if not alone and not isinstance(uid, Path):
            paths = chain_of(folder, paths[0].stem) or paths
        self.members = tuple(Member(path, until_damage=until_damage) for path in paths)
        first, last = self.members[0], self.members[-1]
        self.path, self.uid, self.start, self.stop = first.path, first.uid, first.start, last.stop
        if not self.start:
            raise DataError(f"{self.path} ends before its start document; there is nothing to read")

    def __repr__(self) -> str:
        sample = self.start.get("sample")
        on = f" on {sample['id']}" if isinstance(sample, dict) and "id" in sample else ""
        status = "without an end" if self.stop is None else self.stop["exit_status"]
        streams = ", ".join(f"{name} ({count})" for name, count in self.counts().items())
        return f"<run {self.uid[:8]}: {self.start.get('plan_name', 'run')}{on}, {status}; {streams}>"

    def _repr_html_(self) -> str:
        # What only a notebook asks for.
        from labctl.notebook import run_html

        return run_html(self)

    def plot(self) -> Pictures:
        """Return its pictures, with units: a notebook shows them, save() keeps them. Raises DataError for none."""
        # By name: runs know nothing of what draws them, and whoever reads tables need not wait for matplotlib.
        drawn: Pictures = import_module("labctl.pictures.plot").pictures_of(self, self.data / "pictures")
        return drawn

    @property
    def chain(self) -> list[str]:
        """The uids of the runs it consists of: its own, and those of the runs that went on with it."""
        return [each.uid for each in self.members]

    @property
    def damage(self) -> list[str]:
        """What is wrong with its journals, in words."""
        return [each.damage for each in self.members if each.damage]

    @property
    def documents(self) -> Documents:
        """Its documents as the engine emitted them; of a chain one journal after the other."""
        return Documents(self.members)

    @property
    def streams(self) -> dict[str, list[dict[str, Any]]]:
        """The descriptors of each stream, by stream name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for each in self.members:
            for stream, descriptors in each.streams.items():
                found.setdefault(stream, []).extend(descriptors)
        return found

    def counts(self) -> dict[str, int]:
        """Return how many rows each stream has; of a chain, rows that two journals have count twice."""
        return {stream: sum(each.counts.get(stream, 0) for each in self.members) for stream in self.streams}

    def units(self, stream: str = "primary") -> dict[str, str]:
        """Return the unit of each column of `table`."""
        keys = self.data_keys(stream)
        keys = {**keys, **self.surroundings.keys_beside(stream, keys)}
        return {key: str(described.get("units", "")) for key, described in keys.items()}

    @cached_property
    def surroundings(self) -> Surroundings:
        """What was read around its cell."""
        return surroundings_of(self.members)

    def data_keys(self, stream: str = "primary") -> DataKeys:
        """Return the data keys of a stream as its journal has them."""
        keys: DataKeys = self._descriptors(stream)[0]["data_keys"]
        return keys

    def table(self, stream: str = "primary", columns: Sequence[str] | None = None) -> Table:
        """Return a stream's rows, one array per key, in the order they were taken; only some columns if asked.

        What was last read around a cell stands beside its rows, and what of it is called "ambient" in their column of
        the ambient temperature; `recorded` leaves them as they were. Memory goes with the columns asked for. Raises
        DataError when there is no such stream or column.
        """
        keys = self.data_keys(stream)
        read = self.surroundings.keys_beside(stream, keys)
        wanted = [*keys, *read] if columns is None else list(columns)
        if unknown := [key for key in wanted if key not in keys and key not in read]:
            raise DataError(
                f"stream {stream} has no {', '.join(unknown)}; it has {', '.join([*keys, *read])}"
            )
        labels, table = self._rows(stream, [key for key in wanted if key in keys])
        if read and any(key in read or key == AMBIENT for key in wanted):
            table = self.surroundings.beside(labels, table, keys)
        return Rows({key: table[key] for key in wanted}, self.units(stream), stream)

    def recorded(self, stream: str = "primary", columns: Sequence[str] | None = None) -> Table:
        """Return a stream's rows as the journal has them. Raises DataError when there is no such stream or column."""
        keys = list(self.data_keys(stream))
        wanted = keys if columns is None else list(columns)
        if unknown := [key for key in wanted if key not in keys]:
            raise DataError(f"stream {stream} recorded no {', '.join(unknown)}; it has {', '.join(keys)}")
        _, table = self._rows(stream, wanted)
        return {key: table[key] for key in wanted}

    def times(self, stream: str = "primary") -> np.ndarray[Any, Any]:
        """Return the time labels of a stream's rows [s since the epoch]."""
        self._descriptors(stream)
        return self._rows(stream, [])[0]

    def brief(self) -> Brief:
        """Return the run in one line, by its first journal; its mark is that of all."""
        return brief_from(*(each.path for each in self.members))

    def _rows(self, stream: str, keys: list[str]) -> tuple[np.ndarray[Any, Any], Table]:
        members = [each for each in self.members if stream in each.streams]
        if len(self.members) == 1:
            return members[0].rows(stream, keys)
        identity = [key for key in IDENTITY.get(stream, ()) if key not in keys]
        return joined(stream, [(each.start, *each.rows(stream, [*keys, *identity])) for each in members])

    def _descriptors(self, stream: str) -> list[dict[str, Any]]:
        streams = self.streams
        if stream not in streams:
            raise DataError(
                f"run {self.uid[:8]} has no stream {stream!r}; it has {', '.join(streams) or 'none'}"
            )
        return streams[stream]
