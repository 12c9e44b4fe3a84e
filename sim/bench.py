"""The bench: which twins stand where, which foil lies in which, and how a touch brings them up to now.

Nothing here reads a clock: the bench is handed the time. Each twin is touched through its station's endpoint; the
touch first fires what was due in the station, in time order, then integrates up to now.
"""

from __future__ import annotations

import json
import math
import os
import re
import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from sim.foil import Differing, Foil, FoilError, Surroundings, check_cell_layers, check_mask

if TYPE_CHECKING:
    from sim.sheets import SheetTruth

SLACK = 1e-6
"""Seconds by which an event counts as due: event times are floats, the clock counts nanoseconds."""

SAVE_EVERY = 120.0
"""Seconds of bench time after which the cells of a station that is spoken to are written down again: what a killed
session's journal and its world may differ by, where bench time does not run ahead of the wall's."""

SAVE_REST = 5.0
"""Seconds of the wall between two such savings at the least: each settles what the twins would solve in one piece, and
where time jumps a month would have twenty thousand of them."""

STEP_SD, STEP_SHARE = 2e-9, 0.003
"""m, and share of a film's step, by which a stylus profilometer is uncertain; guesses."""

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Twin(Protocol):
    """One instrument of a station; times [s] are the bench's.

    log: its black box, what happened to it in the world: time [s], event, in words.
    """

    log: list[tuple[float, str, str]]

    def advance(self, now: float) -> None:
        """Integrate up to `now`."""

    def next_event(self) -> float | None:
        """Return when it next does something by itself."""

    def fire_event(self, now: float) -> None:
        """Do it."""


class TwinStation(Protocol):
    """Twins that act on one another and on the foils in their place."""

    @property
    def twins(self) -> Sequence[Twin]:
        """The twins, in the order in which they are advanced."""

    @property
    def parts(self) -> Mapping[str, Twin]:
        """The twin behind each part."""

    def power_cycle(self, part: str, now: float) -> None:
        """Take the mains from a part and give them back: its memory is gone, foil, cell and bank are as they are."""

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to one part; return what it answers at once."""

    def deliver(self) -> None:
        """Say what the advance made the station say by itself."""

    def settle(self) -> None:
        """Bring the foils in it to the state of now, without disturbing anything."""

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where `put` would, once these foils are put aside; nothing is changed."""

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Take a foil in; FoilError when it does not belong here."""

    def check_take(self, foil: Foil) -> None:
        """Raise FoilError where `take` would; nothing is changed."""

    def take(self, foil: Foil, now: float) -> None:
        """Let a foil go; it is as it was left. FoilError when it cannot be had."""


@runtime_checkable
class LastingStation(Protocol):
    """A station whose own state outlives a session: a worn target, a chamber that was in air, a sample in a vacuum."""

    def kept(self) -> Mapping[str, Any]:
        """Return it as JSON values."""

    def restore(self, kept: Mapping[str, Any], foil: Foil | None) -> None:
        """Be as `kept` said, with the foil that lay in it."""


class Endpoint:
    """What a wire talks to: one part of one station."""

    def __init__(self, bench: Bench, station: str, part: str) -> None:
        self._bench, self._station, self._part = bench, station, part

    def exchange(self, data: bytes) -> bytes:
        """Touch the station, give the bytes to its part, return the answer."""
        return self._bench.exchange(self._station, self._part, data)


class Bench:
    """The world without hardware.

    now: returns the bench's time [s]. seed: one sequence per station is derived from it and the station's name.
    detuned: how cells differ from what they were made as, by the sample's id; sheets: how those of a sheet do. truths:
    what truly holds of a station, by its name, whatever its parameters make a lab believe. directory: where foils, and
    stations that last, are kept between sessions; None keeps them in memory. wall: returns the wall's time [s],
    which only says how often that is worth while; the bench's own if none.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        seed: int,
        surroundings: Surroundings,
        detuned: Mapping[str, Differing] | None = None,
        sheets: Mapping[str, SheetTruth] | None = None,
        truths: Mapping[str, Mapping[str, Any]] | None = None,
        directory: Path | None = None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        self.seed, self.surroundings = seed, surroundings
        self._now, self._wall = now, wall or now
        self._detuned, self._sheets, self._truths = detuned or {}, sheets or {}, truths or {}
        self._directory = directory
        self._made = directory is not None and directory.is_dir()
        self._stations: dict[str, TwinStation] = {}
        self._foils: dict[str, Foil] = {}
        self._place: dict[str, str] = {}
        self._saved: dict[str, tuple[float, float]] = {}
        self._lock = threading.RLock()

    def generator(self, name: str) -> np.random.Generator:
        """Return the random generator of one device."""
        return np.random.default_rng(self.seed_of(name))

    def seed_of(self, name: str) -> tuple[int, int]:
        """Return the seed of one device's sequence."""
        return self.seed, zlib.crc32(name.encode())

    def truth_of(self, name: str) -> Mapping[str, Any]:
        """Return what truly holds of a station."""
        return self._truths.get(name, {})

    def add(self, name: str, station: TwinStation) -> None:
        """Set up a station; one that lasts is as when the last session ended."""
        self._stations[name] = station
        path = self._file_of(name)
        if isinstance(station, LastingStation) and path is not None and path.exists():
            told = json.loads(path.read_text())
            foil = None
            for sample_id, place in told["places"].items():
                if path.parent.parent.joinpath(f"{sample_id}.json").exists():
                    foil = self._known({"id": sample_id})
                    self._place[sample_id] = place
            station.restore(told["kept"], foil)

    def station(self, name: str) -> Any:
        """Return a station's twins, for tests and black boxes."""
        return self._stations[name]

    def endpoint(self, station: str, part: str) -> Endpoint:
        """Return what a wire to a part talks to."""
        return Endpoint(self, station, part)

    def touch(self, name: str) -> TwinStation:
        """Bring one station up to now and return it."""
        with self._lock:
            return self._brought_up(name, self._now())

    def _brought_up(self, name: str, now: float) -> TwinStation:
        station = self._stations[name]
        while (due := _first_event(station.twins)) is not None and due[0] <= now + SLACK:
            for twin in station.twins:
                twin.advance(due[0])
            due[1].fire_event(due[0])
        for twin in station.twins:
            twin.advance(now)
        station.deliver()
        return station

    def next_event(self, name: str) -> float | None:
        """Return when [s] something next happens in a station by itself, or None."""
        with self._lock:
            due = _first_event(self._stations[name].twins)
        return None if due is None else due[0]

    def power_cycle(self, station: str, part: str) -> None:
        """Switch one part off and on."""
        with self._lock:
            self.touch(station).power_cycle(part, self._now())

    def exchange(self, station: str, part: str, data: bytes) -> bytes:
        """Touch a station and give bytes to one of its parts."""
        with self._lock:
            now = self._now()
            touched = self._brought_up(station, now)
            answer = touched.exchange(part, data, now)
            touched.deliver()
            saved = self._saved.get(station)
            if saved is None:
                self._saved[station] = now, self._wall()
            elif now - saved[0] >= SAVE_EVERY and self._wall() - saved[1] >= SAVE_REST:
                self._save_cells(station)
        return answer

    def foil(self, sample_id: str) -> Foil:
        """Return a foil by its sample's id; FoilError when there is none."""
        if sample_id not in self._foils:
            raise FoilError(f"no foil {sample_id!r} on this bench; it has {', '.join(self._foils) or 'none'}")
        return self._foils[sample_id]

    def check(self, description: Mapping[str, Any], *, cell: bool) -> None:
        """Raise ValueError when the twins do not know such a foil, or (cell) such a cell on it."""
        foil = Foil(description, self.surroundings)
        check_mask(foil.mask)
        if cell:
            check_cell_layers(tuple(description["cell_layers"]), foil.materials)

    def bring(self, description: Mapping[str, Any], place: str) -> None:
        """Carry a foil to a place ("lamp", "potentiostat/0"); one never seen before is made as described.

        Whatever lay there is put aside first, as a person would; what lies there already, under the same mask, is not
        touched. The mask is that of the description, none where it names none. FoilError for a place or a mask that is
        not known, and where a station does not let a foil go or take it in; then everything stays where it is.
        """
        mask, station = str(description.get("mask", "")), place.partition("/")[0]
        if station not in self._stations:
            raise FoilError(f"there is no place {place!r} on this bench")
        check_mask(mask)
        with self._lock:
            foil = self._known(description)
            if self._place.get(foil.id) == place and foil.mask == mask:
                return
            lying = [self._foils[each] for each, where in self._place.items() if where == place]
            leaving = [foil, *(each for each in lying if each is not foil)]
            for each in leaving:
                self._check_leave(each)
            self.touch(station).check_put(foil, place, leaving)
            for each in leaving:
                self._leave(each)
            foil.cover(mask)
            self.touch(station).put(foil, place, self._now())
            self._place[foil.id] = place
            self._keep(foil)

    def assemble(self, description: Mapping[str, Any]) -> None:
        """Build the cell on a foil, away from every station."""
        with self._lock:
            foil = self._known(description)
            self._leave(foil)
            foil.assemble(self._now())
            self._keep(foil)

    def measure(self, description: Mapping[str, Any], material: str) -> tuple[float, float]:
        """Return the step [m] of a film that grew on a foil, as a profilometer shows it, and its uncertainty.

        Away from every station; the same foil gives the same reading again. FoilError where no such film grew.
        """
        with self._lock:
            foil = self._known(description)
            self._leave(foil)
            found = sum(film.thickness for film in foil.grown if film.material == material)
            if found <= 0.0:
                raise FoilError(f"no {material} grew on {foil.id}; there is no step to measure")
            sd = math.hypot(STEP_SD, STEP_SHARE * found)
            luck = self.generator(f"profilometer {foil.id} {material} {found:.6e}")
            return found + sd * float(luck.standard_normal()), sd

    def save(self) -> None:
        """Write every foil to the directory, each file replaced at once."""
        for name in self._stations:
            self.touch(name).settle()
        for foil in self._foils.values():
            self._keep(foil)
        for name in self._stations:
            self._keep_station(name)

    def _save_cells(self, name: str) -> None:
        """Write down cells and films in a station; a foil under a lamp is as it was brought until it is taken off."""
        self._saved[name] = self._now(), self._wall()
        there = [self._foils[each] for each, place in self._place.items() if place.partition("/")[0] == name]
        if there:
            self._stations[name].settle()
        for foil in there:
            if foil.built is not None or (foil.grown and not foil.is_warm):
                self._keep(foil, lasting=False)
        self._keep_station(name, lasting=False)

    def _keep(self, foil: Foil, *, lasting: bool = True) -> None:
        """Write a foil's file, whole or not at all; lasting: on the disk before anything goes on."""
        if self._directory is not None and self._is_there(self._directory):
            _write(self._directory / f"{foil.id}.json", foil.to_dict(), lasting=lasting)

    def _keep_station(self, name: str, *, lasting: bool = True) -> None:
        """Write the file of a station that lasts, with the names of what lies in it."""
        station, path = self._stations[name], self._file_of(name)
        if path is None or not isinstance(station, LastingStation) or not self._is_there(path.parents[1]):
            return
        places = {each: place for each, place in self._place.items() if place.partition("/")[0] == name}
        _write(path, {"kept": station.kept(), "places": places}, lasting=lasting)

    def _is_there(self, directory: Path) -> bool:
        """Return whether there is a folder to write to, which is made once: one that is gone since was moved away.

        Made anew it would be a world in which nothing ever happened.
        """
        if not self._made:
            directory.mkdir(parents=True, exist_ok=True)
            self._made = True
        return directory.is_dir()

    def _file_of(self, station: str) -> Path | None:
        return None if self._directory is None else self._directory / "stations" / f"{station}.json"

    def _check_leave(self, foil: Foil) -> None:
        """Bring a foil to the state in which it would leave where it lies. Raises FoilError where it cannot be had."""
        if (place := self._place.get(foil.id)) is not None:
            station = self.touch(place.partition("/")[0])
            station.check_take(foil)
            station.settle()

    def _leave(self, foil: Foil) -> None:
        place = self._place.get(foil.id)
        if place is not None:
            # A station may not let it go: a chamber under vacuum.
            self.touch(place.partition("/")[0]).take(foil, self._now())
            del self._place[foil.id]
            self._keep(foil)

    def _known(self, description: Mapping[str, Any]) -> Foil:
        sample_id = str(description["id"])
        if not SAFE_ID.fullmatch(sample_id):
            raise FoilError(f"{sample_id!r} is not a safe id")
        if sample_id not in self._foils:
            path = None if self._directory is None else self._directory / f"{sample_id}.json"
            detuning = self._detuned.get(sample_id)
            if path is not None and path.exists():
                kept = json.loads(path.read_text())
                self._foils[sample_id] = Foil.from_dict(kept, self.surroundings, detuning)
                self._foils[sample_id].sheet_truth = self._sheets.get(sample_id)
            else:
                self._foils[sample_id] = foil = Foil(description, self.surroundings, detuning)
                foil.sheet_truth = self._sheets.get(sample_id)
                self._inherit(foil)
        foil = self._foils[sample_id]
        foil.went_through(description.get("treatments", ()))
        return foil

    def _inherit(self, piece: Foil) -> None:
        """Let a piece have the films that grew on what it was cut from."""
        for parent in piece.description.get("parents", ()):
            path = None if self._directory is None else self._directory / f"{parent}.json"
            if parent in self._foils:
                piece.cut_from(self._foils[parent])
            elif path is not None and path.exists():
                whole = Foil.from_dict(json.loads(path.read_text()), self.surroundings)
                whole.sheet_truth = self._sheets.get(parent)
                piece.cut_from(whole)


def _write(path: Path, content: Mapping[str, Any], *, lasting: bool) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.stem}.part")
    with temporary.open("w") as file:
        json.dump(content, file, allow_nan=False)
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    temporary.replace(path)


def _first_event(twins: Sequence[Twin]) -> tuple[float, Twin] | None:
    first: tuple[float, Twin] | None = None
    for twin in twins:
        event = twin.next_event()
        if event is not None and (first is None or event < first[0]):
            first = event, twin
    return first
