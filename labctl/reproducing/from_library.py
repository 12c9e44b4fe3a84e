"""Experiments that try each runnable material of the library, and what was published of its capacity and plateau."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
"""Of the safety limits around a window; wide for a cathode that is made charged and rests above its window."""


@dataclass(frozen=True)
class Trial:
    """A material with its experiment, the report it is held against, and the plateau printed there [V], if any.

    experiment: None where no program can be made for it; trouble: why.
    """

    entry: Entry
    experiment: Experiment | None
    report: Report | None = None
    plateau: float | None = None
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
            _report(entry) if entry.kind == "cathode" else None,
            trouble="; ".join(each.allowed for each in error.mistakes),
        )


def _cathode(entry: Entry, library: Library, asked: FromLibrary, config: Config) -> Trial:
    report = _report(entry)
    is_own = ("cathode", entry.name) in OWN
    thickness = FLASHED if is_own else _thickness(report) or asked.thickness
    sample = _sample(f"review-{entry.name}", entry.name, thickness, "LiPON", ("Li", LITHIUM))
    current = None if report is None else report.current
    is_charged = getattr(entry.file, "made", "") == "charged"
    program = _program(entry.name, asked.rate, current, *_window(entry), WIDE if is_charged else MARGIN)
    points: tuple[Compare, ...] = ()
    if report is not None and report.capacity is not None and current is not None:
        points = (Compare(current, report.capacity * thickness, report.source),)
    experiment = _experiment(entry.name, library.described(sample), program, points, is_own, config)
    return Trial(entry, experiment, report, _printed(report), thickness)


def _beside(entry: Entry, library: Library, asked: FromLibrary) -> Trial:
    electrolyte, upper, shift = "LiPON", [("Li", LITHIUM)], 0.0
    if entry.kind == "electrolyte":
        electrolyte = entry.name
    elif entry.kind == "collector":
        upper = [(entry.name, COLLECTOR), *OVERLAYER]
    elif entry.name != "Li":
        upper = [(entry.name, SILICON if entry.name == "Si" else HOST)]
        shift = sum(potential * share for potential, share, _ in plain(entry).reactions)
    name = f"{entry.kind}-{entry.name}"
    sample = _sample(f"review-{name}", asked.partner, asked.thickness, electrolyte, *upper)
    low, high = _window(cathode_of(asked.partner, library))
    program = _program(name, asked.rate, None, low - shift, high - shift, MARGIN)
    return Trial(entry, _experiment(name, library.described(sample), program, (), False, None))


def _window(entry: Entry) -> tuple[float, float]:
    """Return between which potentials [V] a cathode that runs is used."""
    low, high = entry.value("lower"), entry.value("upper")
    assert low is not None
    assert high is not None
    return low, high


def _report(entry: Entry) -> Report | None:
    """Return the report that a cathode's capacity is from, else the first with one."""
    reports = [each for each in getattr(entry.file, "reports", ()) if each.capacity is not None]
    source = entry.numbers["capacity"].stated.source
    return next((each for each in reports if each.source == source), reports[0] if reports else None)


def _thickness(report: Report | None) -> float | None:
    try:
        return None if report is None or not report.thickness else parse(report.thickness, "m")
    except UnitError:
        return None


def _printed(report: Report | None) -> float | None:
    """Return the plateau [V] that a report prints of a cell against lithium; None where it has no number."""
    if report is None or not AGAINST_LITHIUM.search(report.cell):
        return None
    found = PRINTED.fullmatch(report.voltage)
    return None if found is None else float(found[1])


def _sample(
    name: str, cathode: str, thickness: float, electrolyte: str, *upper: tuple[str, float]
) -> SampleRef:
    layers = (Layer("Al", SUBSTRATE), Layer(cathode, thickness))
    on_top = (Layer(electrolyte, ELECTROLYTE), *(Layer(each, much) for each, much in upper))
    return SampleRef(name, layers, on_top, label=f"{cathode} / {electrolyte} / {upper[0][0]}")


def _program(name: str, rate: str, current: float | None, low: float, high: float, margin: str) -> RateTest:
    rates = [rate, *([f"{current!r} A/m^2"] if current else [])]
    body = {
        "name": name,
        "rates": rates,
        "lower": f"{low:.4g} V",
        "upper": f"{high:.4g} V",
        "cycles": 2,
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
