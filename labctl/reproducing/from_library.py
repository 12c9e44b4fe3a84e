"""Experiments that try each runnable material of the library, and what was published of its capacity and plateau."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from devices.cycling.macros import RateTest
from devices.errors import ConfigError
from devices.recipes import canonical_hash, to_json
from devices.samples import Layer, SampleRef
from labctl.config.checking import validate
from labctl.config.folder import Config
from labctl.config.models import Compare, Experiment
from labctl.energy_density import cathode_of
from labctl.materials.kinds import Report
from labctl.materials.library import OWN, Library, plain
from labctl.materials.reading import Entry
from labctl.reproducing.published import FromLibrary
from labctl.units import UnitError, parse

FLASHES = "fla-850V-20"
"""Who makes a film of the twins' own cathode, which is nothing before: a recipe of the FLA paper for 0.7 um."""

FLASHED = 0.7e-6
"""m, of that film."""

SUBSTRATE, ELECTROLYTE, LITHIUM = 100e-6, 1e-6, 2e-6
"""m: foil, electrolyte and anode of the FLA paper."""

SILICON, HOST = 0.18e-6, 1e-6
"""m: the thickest silicon of the review's cells (Le Cras 2015), and any other host; a guess."""

COLLECTOR, OVERLAYER = 0.3e-6, (("parylene", 1e-6), ("Ti", 0.1e-6))
"""m, of a cell without an anode; thicknesses are guesses, the overlayer is of Neudecker 2000."""

PRINTED = re.compile(r"~?(\d+(?:\.\d+)?)(?: V)?")
"""A plateau that is a number; ranges and slopes are none."""

AGAINST_LITHIUM = re.compile(r"/ Li\b")
"""Of the cells that reports are of: voltages of others say nothing of the cathode alone."""

MARGIN, WIDE = "50 mV", "0.5 V"
"""Of the safety limits around a window; wide for a cathode that is made charged and rests above its window, and for a
host that is made empty, on which a cell rests below it."""

CYCLES = 2
"""At each rate."""


@dataclass(frozen=True)
class Trial:
    """A material with its experiment, the reports of one film it is held against, and the plateau printed there [V].

    half_digit [V]: half of the plateau's last printed digit. experiment: None where no program can be made for it;
    trouble: why.
    """

    entry: Entry
    experiment: Experiment | None
    reports: tuple[Report, ...] = ()
    plateau: float | None = None
    half_digit: float = 0.0
    thickness: float = 0.0
    trouble: str = ""


def trials(library: Library, asked: FromLibrary, config: Config) -> Iterator[Trial]:
    """Yield a trial of every cathode, electrolyte, anode and collector that runs. Raises ConfigError."""
    for entry in library.entries(("cathode",)):
        if not entry.why_not:
            yield _tried(entry, partial(_cathode, entry, library, asked, config))
    for entry in library.entries(("electrolyte", "anode", "collector")):
        if not entry.why_not:
            yield _tried(entry, partial(_beside, entry, library, asked))


def _tried(entry: Entry, make: Callable[[], Trial]) -> Trial:
    try:
        return make()
    except ConfigError as error:
        return Trial(
            entry,
            None,
            _reports(entry) if entry.kind == "cathode" else (),
            trouble="; ".join(each.allowed for each in error.mistakes),
        )


def _cathode(entry: Entry, library: Library, asked: FromLibrary, config: Config) -> Trial:
    reports = _reports(entry)
    is_own = ("cathode", entry.name) in OWN
    thickness = FLASHED if is_own else _film(entry, reports) or asked.thickness
    sample = _sample(f"review-{entry.name}", entry.name, thickness, "LiPON", ("Li", LITHIUM))
    currents = [each.current for each in reports if each.current is not None]
    is_charged = getattr(entry.file, "made", "") == "charged"
    program = _program(entry.name, asked.rate, currents, *_window(entry), WIDE if is_charged else MARGIN)
    points = tuple(
        Compare(each.current, each.capacity * thickness, each.source)
        for each in reports
        if each.capacity is not None and each.current is not None
    )
    experiment = _experiment(entry.name, library.described(sample), program, points, is_own, config)
    printed = next((found for each in reports if (found := _printed(each)) is not None), None)
    volts, half_digit = printed or (None, 0.0)
    return Trial(entry, experiment, reports, volts, half_digit, thickness)


def _beside(entry: Entry, library: Library, asked: FromLibrary) -> Trial:
    electrolyte, upper, shift, margin = "LiPON", [("Li", LITHIUM)], 0.0, MARGIN
    if entry.kind == "electrolyte":
        electrolyte = entry.name
    elif entry.kind == "collector":
        upper = [(entry.name, COLLECTOR), *OVERLAYER]
    elif entry.name != "Li":
        upper = [(entry.name, SILICON if entry.name == "Si" else HOST)]
        shift = sum(potential * share for potential, share, _ in plain(entry).reactions)
        margin = WIDE
    name = f"{entry.kind}-{entry.name}"
    sample = _sample(f"review-{name}", asked.partner, asked.thickness, electrolyte, *upper)
    low, high = _window(cathode_of(asked.partner, library))
    program = _program(name, asked.rate, [], low - shift, high - shift, margin)
    return Trial(entry, _experiment(name, library.described(sample), program, (), False, None))


def _window(entry: Entry) -> tuple[float, float]:
    """Return between which potentials [V] a cathode that runs is used."""
    low, high = entry.value("lower"), entry.value("upper")
    assert low is not None
    assert high is not None
    return low, high


def _reports(entry: Entry) -> tuple[Report, ...]:
    """Return what was printed of the film whose number its capacity is, at any current; of the first, where of none.

    Of the twins' own cathode that is the film which is tried.
    """
    reports = [each for each in getattr(entry.file, "reports", ()) if each.capacity is not None]
    if ("cathode", entry.name) in OWN:
        return tuple(each for each in reports if _thickness(each) == FLASHED)[:1]
    source, value = entry.numbers["capacity"].stated.source, entry.value("capacity")
    same = [each for each in reports if each.source == source]
    first = next((each for each in same if each.capacity == value), None) or next(iter(same or reports), None)
    if first is None:
        return ()
    film = first.source, first.cell, first.composition, first.thickness
    others = (
        each
        for each in reports
        if each.current is not None and (each.source, each.cell, each.composition, each.thickness) == film
    )
    return first, *(each for each in others if each is not first)


def _film(entry: Entry, reports: tuple[Report, ...]) -> float | None:
    """Return the thickness [m] of the film of some reports, else of any film against lithium; None where none is."""
    others = (each for each in getattr(entry.file, "reports", ()) if AGAINST_LITHIUM.search(each.cell))
    return next((found for each in (*reports, *others) if (found := _thickness(each)) is not None), None)


def _thickness(report: Report) -> float | None:
    try:
        return parse(report.thickness, "m") if report.thickness else None
    except UnitError:
        return None


def _printed(report: Report) -> tuple[float, float] | None:
    """Return the plateau [V] that a report prints against lithium, and half of its last digit; None without."""
    found = PRINTED.fullmatch(report.voltage) if AGAINST_LITHIUM.search(report.cell) else None
    if found is None:
        return None
    decimals = len(found[1].partition(".")[2])
    return float(found[1]), 0.5 * 10.0**-decimals


def _sample(
    name: str, cathode: str, thickness: float, electrolyte: str, *upper: tuple[str, float]
) -> SampleRef:
    layers = (Layer("Al", SUBSTRATE), Layer(cathode, thickness))
    on_top = (Layer(electrolyte, ELECTROLYTE), *(Layer(each, much) for each, much in upper))
    return SampleRef(name, layers, on_top, label=f"{cathode} / {electrolyte} / {upper[0][0]}")


def _program(
    name: str, rate: str, currents: Sequence[float], low: float, high: float, margin: str
) -> RateTest:
    rates = [rate, *(f"{current!r} A/m^2" for current in currents)]
    body = {
        "name": name,
        "rates": rates,
        "lower": f"{low:.4g} V",
        "upper": f"{high:.4g} V",
        "cycles": CYCLES,
        "margin": margin,
        "record": {"voltage_change": "5 mV"},
    }
    return validate(RateTest, body, file="library")


def _experiment(
    name: str,
    sample: SampleRef,
    program: RateTest,
    points: tuple[Compare, ...],
    flashed: bool,
    config: Config | None,
) -> Experiment:
    recipe = config.recipe(FLASHES) if flashed and config is not None else None
    plan = "assemble_then_cycle" if recipe is None else "anneal_then_cycle"
    body = {
        "plan": plan,
        "sample": to_json(sample),
        "program": to_json(program),
        "recipe": recipe and to_json(recipe),
    }
    return Experiment(
        name=f"review-{name}",
        plan=plan,
        sample=sample,
        recipe=recipe,
        program=program,
        compare=points,
        notes="A material of the library on the twins.",
        operator="",
        config_hash=canonical_hash(body),
    )
