"""What is odd about a stack's materials together: windows of voltage and thickness, and what nobody can run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from devices.materials import Kind
from devices.samples import Layer, SampleRef, as_meant
from labctl.config.checking import nearest
from labctl.materials.library import Library
from labctl.materials.reading import Entry

MICRO = 1e6

BARE_CYCLES = 1000
"""In which the twins lose what an overlayer would have kept, see sim.materials.interfaces."""

UPPER: tuple[tuple[Kind, ...], ...] = (("electrolyte",), ("anode", "collector"))
"""What lies on a cathode, from there up; above that is a cover, of whatever it is."""


def doubts_about_stack(sample: SampleRef, library: Library) -> Iterator[str]:
    """Yield what is odd, each with its numbers. Raises ConfigError for a mistake in a material's file."""
    meant = as_meant(sample)
    if not meant.cell_layers:
        return
    parts: list[tuple[tuple[Kind, ...], Layer]] = [(("cathode",), meant.layers[-1])]
    parts += [(kinds, each) for kinds, each in zip_longest(UPPER, meant.cell_layers) if kinds and each]
    entries = []
    for kinds, layer in parts:
        found = (library.entry(kind, layer.material) for kind in kinds)
        entry = next((each for each in found if each is not None), None)
        entries.append(entry)
        if entry is None:
            known = [name for kind in kinds for name in library.names(kind)]
            yield f"nothing is known of {layer.material} as {' or '.join(kinds)}{nearest(layer.material, known)}"
        else:
            yield from _of_one(entry, layer)
    cathode, electrolyte, top = (*entries, None, None)[:3]
    if top is not None and top.kind == "collector" and len(meant.cell_layers) == len(UPPER):
        yield (
            f"no overlayer lies on {top.name}: the twins lose 45 % of the lithium in {BARE_CYCLES} cycles by that"
            " (Neudecker 2000; guess: he is quoted without a number of cycles), unless the sample's story has one"
        )
    if cathode is not None and electrolyte is not None:
        yield from _windows(cathode, electrolyte)


def _of_one(entry: Entry, layer: Layer) -> Iterator[str]:
    if entry.why_not:
        yield f"the twins cannot run {entry.name} as {entry.kind}: {entry.why_not}"
    thinnest, thickest = entry.numbers.get("thinnest"), entry.numbers.get("thickest")
    told = f"{entry.name} of {layer.thickness * MICRO:.3g} um"
    if thinnest is not None and layer.thickness < thinnest.value:
        least = f"{thinnest.value * MICRO:.3g} um ({thinnest.stated.status}, {thinnest.stated.source})"
        yield f"{told} is thinner than the thinnest, {least}"
    if thickest is not None and layer.thickness > thickest.value:
        most = f"{thickest.value * MICRO:.3g} um ({thickest.stated.status}, {thickest.stated.source})"
        yield f"{told} is thicker than the thickest, {most}"


def _windows(cathode: Entry, electrolyte: Entry) -> Iterator[str]:
    """Yield by how much a cathode is used beyond where its electrolyte is stable."""
    high, most = cathode.value("upper"), electrolyte.value("upper")
    if high is not None and most is not None and high > most:
        yield (
            f"{cathode.name} is charged to {high:g} V against lithium, {electrolyte.name} is stable to {most:g} V:"
            f" {high - most:.2f} V beyond"
        )
    low, least = cathode.value("lower"), electrolyte.value("lower")
    if low is not None and least is not None and low < least:
        yield (
            f"{cathode.name} is discharged to {low:g} V against lithium, {electrolyte.name} is stable from {least:g} V:"
            f" {least - low:.2f} V below"
        )
