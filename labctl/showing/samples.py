"""Samples for the terminal: a tree of one's story, a list of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from labctl.fact_file import Fact
from labctl.how_many import how_many
from labctl.plain_text import plain
from labctl.runs.films import FilmPutOn
from labctl.runs.quantities import AH
from labctl.runs.states import DAMAGED, NEWER
from labctl.samples.attachments import attachments
from labctl.samples.measurements import Measurement
from labctl.samples.parents import CUT
from labctl.samples.story import Step, Story
from labctl.showing.runs import LONGEST, PIPED, when

ZERO_CELSIUS = 273.15

COLUMNS = (
    "sample", "label", "film", "cell", "pulses", "surface", "foil", "baked", "crystalline", "capacity", "kept",
    "last run", "",
)  # fmt: skip
ALWAYS = frozenset({"sample", "film", "capacity", "last run"})
"""Columns of the list of samples that are there even where all are empty."""

PEAK = "peak_temperature"
"""The value that says how hot a furnace was, as measured [K]."""


def print_story(story: Story, data: Path) -> None:
    """Print what is known of a sample as a tree."""
    console = Console()
    if not console.is_terminal:
        console.width = PIPED
    tree = Tree(_line(f"{story.id}  {plain(story.label)}".strip()))
    for title, lines in _branches(story, data):
        if lines:
            branch = tree.add(_line(title))
            for line in lines:
                branch.add(_line(line))
    console.print(tree)


def print_stories(found: Sequence[Story], directory: Path, *, of: int) -> None:
    """Print samples in one line each; of: how many there are, whether they fit what was asked or not."""
    console = Console()
    if not found:
        which = f"none of the {how_many(of, 'sample')} in {plain(directory)} fits"
        console.print(_line(which if of else f"no samples in {plain(directory)}"), soft_wrap=True)
        return
    if not console.is_terminal:
        console.width = PIPED
    table, rows = Table(), [tuple(_columns(each)) for each in found]
    shown = [place for place, name in enumerate(COLUMNS) if name in ALWAYS or any(row[place] for row in rows)]
    for place in shown:
        table.add_column(COLUMNS[place], no_wrap=COLUMNS[place] not in ("label", ""))
    for row in rows:
        table.add_row(*(_line(row[place]) for place in shown))
    console.print(table)


def _columns(story: Story) -> Iterator[str]:
    """Yield what stands under each of COLUMNS."""
    values = story.values
    yield story.id
    yield plain(story.label, LONGEST)
    yield f"{values['thickness'] * 1e6:.4g} um" if "thickness" in values else ""
    yield plain("/".join(story.upper), LONGEST)
    yield f"{values['pulses']:.0f}" if "pulses" in values else ""
    for name in ("surface_peak", "foil_peak", PEAK):
        yield _celsius(values[name]) if name in values else ""
    yield f"{values['crystalline_mean']:.0%}" if "crystalline_mean" in values else ""
    yield _charge(values["capacity"]) if "capacity" in values else ""
    yield f"{values['retention']:.1%}" if "retention" in values else ""
    yield "" if story.last is None else when(story.last)[: len("2026-11-01")]
    yield plain(story.trouble) or ", ".join(_remarks(story))


def _remarks(story: Story) -> Iterator[str]:
    """Yield what one must know of a sample before its numbers are taken, and what it was cut from."""
    if story.gaps:
        yield "past not known"
    yield from dict.fromkeys(f"{film.material} DOUBTFUL" for film in story.films if film.doubts)
    for step in story.steps:
        brief = step.brief
        said = [brief.mark.upper()] if brief.mark else []
        said += [brief.status.upper()] if brief.status in (DAMAGED, NEWER) else []
        if said:
            yield f"{plain(brief.plan) or 'run'} {brief.uid[:8]} {' and '.join(said)}"
    yield from (f"from {each.id}" for each in story.parents)


def _branches(story: Story, data: Path) -> Iterator[tuple[str, list[str]]]:
    if story.trouble:
        yield "its facts cannot be read", [plain(story.trouble)]
    yield "its past is not known", [plain(each) for each in story.gaps]
    yield "cut from", [f"{each.id}{(each.cut and f', {when(each.cut)}') or ''}" for each in story.parents]
    yield "cut into", list(story.children)
    yield "layers, from the bottom up", list(_layers(story))
    area = [] if story.area is None else [f"{story.area * 1e4:.4g} cm2{_measured(story, 'area', '')}"]
    yield "area", area
    yield "measured capacity", [_told(each) for each in story.by if each.quantity == "capacity"]
    yield "steps", [line for _, line in sorted([*_runs(story), *_done(story)])]
    yield "came to", list(_came_to(story))
    yield (
        "notes",
        [f"{plain(each.get('text', ''))} ({_who(each)})" for each in story.facts if each["fact"] == "note"],
    )
    yield "attached", [] if story.trouble else list(_attached(story, data))


def _layers(story: Story) -> Iterator[str]:
    for material, thickness, sd in story.layers:
        spread = f" +- {sd * 1e6:.2g}" if sd else ""
        yield f"{material} {thickness * 1e6:.4g}{spread} um{_measured(story, 'thickness', material)}"
    for film in story.films:
        yield f"{_put_on(film)}{_measured(story, 'thickness', film.material, 'deposited')}"


def _put_on(film: FilmPutOn) -> str:
    """Return a film that was put on, in words."""
    words = [f"{film.material} {film.thickness * 1e6:.4g} +- {film.sd * 1e6:.2g} um"]
    words += [f"by {plain(film.tool)}"] if film.tool else []
    words += [f"from {plain(film.targets)}"] if film.targets else []
    doubts = f", DOUBTFUL: {plain(film.doubts)}" if film.doubts else ""
    return f"{' '.join(words)} ({film.how}){doubts}"


def _measured(story: Story, quantity: str, layer: str, said: str = "intended") -> str:
    """Return what was measured instead of a value that was said, in words; empty where nothing was."""
    for each in story.by:
        if (each.quantity, each.layer) == (quantity, layer):
            return f" {said}; measured {_told(each)}"
    return ""


def _told(measurement: Measurement) -> str:
    factor, unit = {"thickness": (1e6, "um"), "area": (1e4, "cm2"), "capacity": (1e6 / AH, "uAh")}[
        measurement.quantity
    ]
    spread = f" +- {measurement.sd * factor:.2g}" if measurement.sd else ""
    how = f" ({plain(measurement.how)})" if measurement.how else ""
    return f"{measurement.value * factor:.4g}{spread} {unit}{how}"


def _runs(story: Story) -> Iterator[tuple[float, str]]:
    for step in story.steps:
        brief = step.brief
        words = [when(brief.time), plain(brief.plan), brief.uid[:8], plain(brief.body), *_came_of(step)]
        words += [_put_on(film) for film in story.films if film.run == brief.uid]
        if brief.status != "success":
            words.append(brief.status)
        if brief.mark:
            words.append(f"{brief.mark.upper()}{brief.why and f': {plain(brief.why)}'}")
        if not step.own:
            words.append(f"as part of {brief.sample}")
        yield brief.time, ", ".join(filter(None, words))


def _came_of(step: Step) -> Iterator[str]:
    values = step.values
    yield from _heat(values)
    if PEAK in values:
        yield f"{_celsius(values[PEAK])} at most, as measured"
    if "best_discharge" in values:
        yield f"{how_many(values['cycles'], 'cycle')}, {_charge(values['best_discharge'])} at best"
    if "retention" in values:
        yield f"{values['retention']:.1%} kept"


def _done(story: Story) -> Iterator[tuple[float, str]]:
    """Yield what was done to it by hand, with its time label."""
    for fact in story.facts:
        words = {
            "assembled": "cell built on it",
            "brought": f"brought to {plain(fact.get('place', ''))}",
            "treated": f"went through {plain(fact.get('treatment', ''))} {plain(fact.get('how', ''))}".rstrip(),
            CUT: f"cut from {plain(fact.get('parent', ''))}",
            "measured": f"{plain(fact.get('layer', ''))} {plain(fact.get('quantity', ''))} measured".strip(),
            "confirmed": f"agreed: {plain(fact.get('question', ''))}",
        }.get(fact["fact"])
        if words is not None:
            yield fact["time"], f"{when(fact['time'])}, {words}"


def _heat(values: Mapping[str, float]) -> Iterator[str]:
    """Yield what flashes did: how many there were, and what was predicted of them."""
    if "pulses" in values:
        yield how_many(values["pulses"], "pulse")
    for name, word in (("surface_peak", "surface"), ("foil_peak", "foil")):
        if name in values:
            yield f"{word} {_celsius(values[name])} predicted"
    if "crystalline_mean" in values:
        yield f"{values['crystalline_mean']:.0%} crystalline predicted"


def _came_to(story: Story) -> Iterator[str]:
    values = story.values
    yield from _heat(values)
    if PEAK in values:
        yield f"baked at {_celsius(values[PEAK])} at most, as measured"
    if "capacity" in values:
        yield f"capacity {_charge(values['capacity'])}, {_charge(values['last_discharge'])} last"
    if "retention" in values:
        yield f"{values['retention']:.1%} of its first discharge kept, the same step compared"


def _attached(story: Story, data: Path) -> Iterator[str]:
    for fact, path in attachments(data, story.id):
        note = f": {plain(fact['note'])}" if fact.get("note") else ""
        missing = "" if path.exists() else " (MISSING)"
        yield f"{plain(fact.get('name', ''), LONGEST)}, {fact.get('size')} bytes, {path}{missing}{note}"


def _who(fact: Fact) -> str:
    return f"{plain(fact.get('who', ''))}, {when(fact['time'])}"


def _celsius(temperature: float) -> str:
    return f"{temperature - ZERO_CELSIUS:.0f} degC"


def _charge(charge: float) -> str:
    return f"{charge / AH * 1e6:.4g} uAh"


def _line(text: str) -> Text:
    return Text(text)
