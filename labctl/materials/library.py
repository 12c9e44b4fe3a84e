"""The library: the lab's own materials, then those that came with labctl, and what a sample takes from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.errors import ConfigError, Mistake
from devices.materials import Kind, Material
from devices.quantities import STRICT
from devices.samples import SampleRef, as_meant
from labctl.config.checking import Collected, nearest, validate
from labctl.config.documents import quoted, read, shown
from labctl.config.finder import config_dir, shipped_dir
from labctl.materials.held import held

if TYPE_CHECKING:
    from labctl.materials.reading import Entry

FOLDER = "materials"
REFERENCES = "references"

KINDS: tuple[Kind, ...] = get_args(Kind)

CARRIED = (
    *("lower", "upper", "capacity", "site_charge", "diffusivity", "exchange_current", "utilisation"),
    *("conductivity", "permittivity", "lost"),
)
"""The numbers that a sample carries as they are."""

OWN: tuple[tuple[Kind, str], ...] = (("cathode", "LiCoO2"), ("electrolyte", "LiPON"), ("anode", "Li"))
"""What the twins know themselves: their code holds its numbers, and its files say where."""

NOT_FULL, NOT_EMPTY = 1.0 - 1e-6, 1e-6
"""x of a film as made, within; guess: 1e-6 of the sites are vacant, or taken, in the best crystal."""


@dataclass(frozen=True, config=STRICT)
class Source:
    """Where numbers are from. read_in: the reference through which it is known, of one that was not read itself."""

    authors: Annotated[str, Field(max_length=500)] = ""
    title: Annotated[str, Field(max_length=500)] = ""
    journal: Annotated[str, Field(max_length=200)] = ""
    year: Annotated[int, Field(ge=0, le=2200)] = 0
    doi: Annotated[str, Field(max_length=200)] = ""
    read_in: Annotated[str, Field(max_length=64)] = ""

    def in_words(self) -> str:
        """Return it on a line."""
        where = " ".join(filter(None, (self.journal, str(self.year or ""))))
        parts = (self.authors, self.title, where, self.doi, self.read_in and f"as cited in {self.read_in}")
        return ", ".join(filter(None, parts))


def folder_of(kind: Kind) -> str:
    """Return the folder of a kind of material."""
    return f"{kind}s"


class Library:
    """Materials by kind and name. folders: the first that has one wins; the library that came with labctl is last."""

    def __init__(self, *labs: Path) -> None:
        self._folders = list(dict.fromkeys(each / FOLDER for each in (*labs, shipped_dir())))
        self._read: dict[tuple[Kind, str], Entry] = {}

    def names(self, kind: Kind) -> list[str]:
        """Return the names of the materials of a kind."""
        return sorted(
            {path.stem for folder in self._folders for path in (folder / folder_of(kind)).glob("*.toml")}
        )

    def path(self, kind: Kind, name: str) -> Path | None:
        """Return the file of a material; None where there is none."""
        paths = (folder / folder_of(kind) / f"{name}.toml" for folder in self._folders)
        return next((path for path in paths if path.is_file()), None)

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """Return a material, None where there is none. Raises ConfigError with every mistake in its file."""
        # A sample of the twins' own materials asks for none, and does not wait for what reads them.
        from labctl.materials.reading import material

        path = self.path(kind, name)
        if path is None:
            return None
        if (kind, name) not in self._read:
            self._read[kind, name] = material(path, kind, self.references)
        return self._read[kind, name]

    def found(self, name: str) -> list[Entry]:
        """Return the materials of a name, of every kind. Raises ConfigError where there is none."""
        entries = [entry for kind in KINDS if (entry := self.entry(kind, name)) is not None]
        if not entries:
            known = sorted({each for kind in KINDS for each in self.names(kind)})
            reason = f"no material has this name{nearest(name, known)}; `labctl materials` lists them"
            raise ConfigError([Mistake(shown(self._folders[0]), "", quoted(name), reason)])
        return entries

    def entries(self, kinds: Iterable[Kind] = KINDS) -> Iterator[Entry]:
        """Yield the materials of some kinds. Raises ConfigError with the mistakes of all files."""
        collected = Collected()
        found = [collected.attempt(self.entry, kind, name) for kind in kinds for name in self.names(kind)]
        collected.settle()
        yield from (each for each in found if each is not None)

    @cached_property
    def references(self) -> Mapping[str, Path]:
        """The files of the sources, by their names."""
        found: dict[str, Path] = {}
        for folder in reversed(self._folders):
            found |= {path.stem: path for path in (folder / REFERENCES).glob("*.toml")}
        return found

    def source(self, name: str) -> Source:
        """Return a source by its name. Raises ConfigError where its file is none."""
        document = read(self.references[name])
        return validate(Source, document.body, file=document.file)

    def mistakes(self) -> list[Mistake]:
        """Return what is wrong with any of its files."""
        collected = Collected()
        collected.attempt(lambda: list(self.entries()))
        for name in self.references:
            collected.attempt(self.source, name)
        return collected.mistakes

    def described(self, sample: SampleRef) -> SampleRef:
        """Return a sample with the numbers of its cell's materials that are not the twins' own.

        What no file is about stays without. Raises ConfigError for a mistake in a file.
        """
        meant = as_meant(sample)
        parts: list[tuple[tuple[Kind, ...], str]] = [(("cathode",), meant.layers[-1].material)]
        kinds: tuple[tuple[Kind, ...], ...] = (("electrolyte",), ("anode", "collector"))
        parts += [(kind, layer.material) for kind, layer in zip(kinds, meant.cell_layers, strict=False)]
        taken = []
        for kinds_of_part, name in parts:
            if self._is_shipped_own(kinds_of_part[0], name):
                continue
            found = (self.entry(kind, name) for kind in kinds_of_part)
            entry = next((each for each in found if each is not None), None)
            if entry is not None and not entry.why_not and not entry.is_own:
                taken.append(plain(entry))
        return replace(sample, materials=tuple(taken)) if taken else sample

    def _is_shipped_own(self, kind: Kind, name: str) -> bool:
        """Return whether it is the twins' own and no lab has a file of its own: nothing need be read for that."""
        path = self.path(kind, name)
        return (kind, name) in OWN and path is not None and path.is_relative_to(shipped_dir())


def library_at(file: Path) -> Library:
    """Return the library for a file of a lab, in a folder of its configuration or beside those."""
    folder = file.absolute().parent
    return Library(*(each for each in (folder.parent, folder) if (each / FOLDER).is_dir()))


def described(sample: SampleRef) -> SampleRef:
    """Return a sample made in Python with the numbers of its materials, as one from a file has them.

    From the configuration that the working folder has. Raises ConfigError for a mistake in a file.
    """
    return Library(config_dir()).described(sample)


def plain(entry: Entry) -> Material:
    """Return a material as a sample carries it. Raises ValueError for one that cannot be run."""
    if entry.why_not and entry.kind != "collector":
        raise ValueError(f"{entry.name} cannot be run: {entry.why_not}")
    values = {name: value for name in CARRIED if (value := entry.value(name)) is not None}
    reactions = reactions_of(entry)
    if entry.kind == "cathode":
        values |= _filled(entry, reactions, values)
    return Material(name=entry.name, kind=entry.kind, reactions=reactions, **values)


def reactions_of(entry: Entry) -> tuple[tuple[float, float, float], ...]:
    """Return the open-circuit potential of a material: potential [V], share and width of each reaction."""
    curve = entry.curve
    if curve is None:
        return ()
    if curve.reactions:
        return tuple((each.potential, each.share, each.width) for each in curve.reactions)
    if curve.held_in:
        made = held(curve.held_in).reactions
    else:
        # Brings the packages of cells along, which most samples never ask for.
        from sim.materials.described import reactions_through

        made = reactions_through([each.x for each in curve.points], [each.potential for each in curve.points])
    return tuple((each.potential, each.share, each.width) for each in made)


def _filled(
    entry: Entry, reactions: tuple[tuple[float, float, float], ...], values: Mapping[str, float]
) -> dict[str, float]:
    """Return how full a film as made is, and its sites: as many as give the capacity in use within the window."""
    from sim.materials.described import ocp_of

    ocp = ocp_of({"reactions": reactions})
    full, empty = (float(ocp.lithium(values[name])) for name in ("lower", "upper"))
    is_charged = getattr(entry.file, "made", "lithiated") == "charged"
    found = {"as_made": min(max(empty if is_charged else full, NOT_EMPTY), NOT_FULL)}
    if "site_charge" not in values:
        found["site_charge"] = values["capacity"] / (full - empty)
    return found
