"""One material's file becomes numbers in SI, or mistakes with file and key."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.errors import ConfigError, Mistake
from devices.materials import Kind
from labctl.config.checking import Collected, nearest, validate
from labctl.config.documents import named, quoted, read
from labctl.materials.formula import charge_density, molar_mass
from labctl.materials.held import held
from labctl.materials.kinds import FILES, NEEDED, Bounds, CathodeFile, Curve, MaterialFile, Stated, bounds_of
from labctl.units import UnitError, parse

MORE = 1.02
"""By which a film's capacity may be above what density and formula allow: both are known to a hundredth or so."""

SUM = 1e-6
"""By which shares of reactions may miss one."""

LITHIUM = "Li"
"""The anode that needs no open-circuit potential: all potentials are against it."""


@dataclass(frozen=True)
class Quantity:
    """A number of a material in SI, with its standard uncertainty where that is known, and how it was stated."""

    value: float
    sd: float | None
    unit: str
    stated: Stated


@dataclass(frozen=True)
class Entry:
    """A material of the library. numbers: by their names, in the order of its kind."""

    path: Path
    file: MaterialFile
    numbers: Mapping[str, Quantity]

    @property
    def name(self) -> str:
        """Its name, which is its file's."""
        return self.file.name

    @property
    def kind(self) -> Kind:
        """What it is for."""
        return self.file.kind

    @property
    def curve(self) -> Curve | None:
        """Its open-circuit potential; None without one."""
        return getattr(self.file, "ocp", None)

    @property
    def why_not(self) -> str:
        """Why the twins cannot run it; empty where they can."""
        return self.file.why_not

    @property
    def is_own(self) -> bool:
        """Whether the twins go by all of its numbers already: their own code holds them."""
        needed = [_held_in(self, name) for name in NEEDED[self.kind] if name in self.numbers]
        if isinstance(self.file, CathodeFile) and self.curve is not None:
            held_ones = ("site_charge", "exchange_current", "utilisation")
            needed = [self.curve.held_in, *(_held_in(self, name) for name in held_ones)]
        return bool(needed) and all(needed) and not missing_of(self)

    def value(self, name: str) -> float | None:
        """Return a number in SI; None where nobody states it."""
        found = self.numbers.get(name)
        return None if found is None else found.value


def material(path: Path, kind: Kind, references: Collection[str]) -> Entry:
    """Return the material in a file; references: those there are. Raises ConfigError with every mistake."""
    document = read(path)
    body = {**named(document, path.stem), "kind": document.body.get("kind", kind)}
    file = validate(FILES[kind], body, file=document.file)
    collected, numbers = Collected(), {}
    if file.kind != kind:
        reason = f"must be {quoted(kind)}, as the folder says; or leave it out"
        collected.mistakes.append(Mistake(document.file, "kind", quoted(file.kind), reason))
    for name, bounds in bounds_of(kind).items():
        stated = getattr(file, name)
        quantity = (
            None if stated is None else collected.attempt(_quantity, stated, bounds, document.file, name)
        )
        if quantity is not None:
            numbers[name] = quantity
    entry = Entry(path, file, numbers)
    collected.mistakes += [*_sources(file, references, document.file), *_curve(entry, document.file)]
    if not collected.mistakes:
        collected.mistakes += [*_together(entry, document.file), *_running(entry, document.file)]
    collected.settle()
    return entry


def _quantity(stated: Stated, bounds: Bounds, file: str, name: str) -> Quantity:
    if bool(stated.value) == bool(stated.held_in):
        raise ConfigError([Mistake(file, name, "", "give value, or held_in: where labctl's own code has it")])
    key = f"{name}.value" if stated.value else f"{name}.held_in"
    typed = stated.value or stated.held_in
    try:
        value = parse(stated.value, bounds.unit) if stated.value else float(held(stated.held_in))
        sd = parse(stated.sd, bounds.unit) if stated.sd else None
    except (UnitError, ValueError, TypeError) as error:
        raise ConfigError([Mistake(file, key, quoted(typed), str(error))]) from error
    if not bounds.low <= value <= bounds.high and not math.isinf(value):
        reason = f"must be between {bounds.low:g} and {bounds.high:g} {bounds.unit}".rstrip(" 1")
        raise ConfigError([Mistake(file, key, quoted(typed), reason)])
    return Quantity(value, sd, bounds.unit, stated)


def _sources(file: MaterialFile, references: Collection[str], where: str) -> Iterator[Mistake]:
    """Yield sources that nobody can look up."""
    said = {
        f"{name}.source": stated.source for name in bounds_of(file.kind) if (stated := getattr(file, name))
    }
    if (curve := getattr(file, "ocp", None)) is not None:
        said["ocp.source"] = curve.source
    said |= {f"reports[{index}].source": each.source for index, each in enumerate(file.reports)}
    for key, source in said.items():
        if source not in references:
            reason = f"there is no materials/references/{source}.toml{nearest(source, references)}"
            yield Mistake(where, key, quoted(source), reason)


def _curve(entry: Entry, where: str) -> Iterator[Mistake]:
    """Yield what is wrong with an open-circuit potential: it falls as lithium goes in, whatever it is."""
    curve = entry.curve
    if curve is None:
        return
    if sum(map(bool, (curve.reactions, curve.points, curve.held_in))) != 1:
        yield Mistake(where, "ocp", "", "give reactions, points, or held_in, and one of them only")
    if curve.reactions and abs((total := sum(each.share for each in curve.reactions)) - 1.0) > SUM:
        yield Mistake(where, "ocp.reactions", "", f"their shares add up to {total:g}, and must to 1")
    before = None
    for index, point in enumerate(curve.points):
        if before is not None and not (point.x > before.x and point.potential < before.potential):
            reason = "must fall: more lithium, a lower potential, from each point to the next"
            said = f"x = {point.x:g}, {point.potential:g} V"
            yield Mistake(where, f"ocp.points[{index}]", quoted(said), reason)
        before = point


def _together(entry: Entry, where: str) -> Iterator[Mistake]:
    """Yield numbers that cannot be true together."""
    formula, density, lithium = entry.file.formula, entry.value("density"), entry.value("lithium")
    if formula:
        try:
            molar_mass(formula)
        except ValueError as error:
            yield Mistake(where, "formula", quoted(formula), str(error))
            return
    for low, high in (("lower", "upper"), ("thinnest", "thickest"), ("coldest", "hottest")):
        least, most = entry.value(low), entry.value(high)
        if least is not None and most is not None and not least < most:
            yield Mistake(where, low, f"{least:g}", f"must be below {high} = {most:g}")
    for name in ("capacity", "site_charge"):
        value = entry.value(name)
        if value is None or density is None or lithium is None or not formula:
            continue
        most = charge_density(formula, density, lithium)
        if value > MORE * most:
            typed = entry.numbers[name].stated.value or f"{value:g} C/m^3"
            reason = (
                f"is more than {most / 3.6e7:.1f} uAh/cm^2/um, all that {lithium:g} Li per {formula} of"
                f" {density / 1e3:g} g/cm^3 can be"
            )
            yield Mistake(where, f"{name}.value", quoted(typed), reason)


def _running(entry: Entry, where: str) -> Iterator[Mistake]:
    missing = missing_of(entry)
    if missing and not entry.why_not:
        reason = f"missing; the twins need {', '.join(missing)}, which nobody states: say why, or state them"
        yield Mistake(where, "why_not", "", reason)
    if not missing and entry.why_not and entry.kind != "collector":
        yield Mistake(where, "why_not", "", "nothing is missing that the twins need; leave it out")


def missing_of(entry: Entry) -> list[str]:
    """Return what the twins would need to run a material."""
    needed = [*NEEDED[entry.kind], *(["ocp"] if entry.kind == "anode" and entry.name != LITHIUM else [])]
    return [name for name in needed if name not in entry.numbers and not (name == "ocp" and entry.curve)]


def _held_in(entry: Entry, name: str) -> str:
    return entry.numbers[name].stated.held_in if name in entry.numbers else ""
