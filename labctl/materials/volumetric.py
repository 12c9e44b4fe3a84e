"""What `labctl ved` answers: a stack from a sample or from options, its energy density, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.errors import DataError
from devices.samples import Layer, SampleRef, as_meant
from labctl.energy_density import (
    LITHIUM,
    WATT_HOUR_PER_LITRE,
    StackOfLayers,
    capacity_of,
    cathode_of,
    is_charged,
    mean_voltage,
    of_sample,
    substrate_figure,
)
from labctl.materials.doubts import doubts_about_stack
from labctl.materials.library import Library
from labctl.units import UnitError, parse

MICRO = 1e6

UNITS: Mapping[str, str] = {"voltage": "V"}
"""Of what is typed; all else are thicknesses."""

PLAIN: Mapping[str, float] = {"substrate": 10e-6, "electrolyte": 1e-6, "collector": 0.3e-6}
"""m, of a stack without a sample and without a word: guesses."""

SUBSTRATE, ELECTROLYTE, COLLECTOR, OVERLAYER = "steel", "LiPON", "Cu", "Ti"
"""What a stack without a sample is held to be of, where its doubts are looked for."""

HIGHEST = 6.0
"""V against lithium, beyond which no cathode of any paper goes; guess."""

THICKEST = 1e-3
"""m, beyond which nothing is a film; guess."""


@dataclass(frozen=True)
class Asked:
    """What somebody typed: a sample or a cathode's name, texts by the stack's fields (empty: nothing said)."""

    sample: SampleRef | None
    cathode: str
    typed: Mapping[str, str]
    utilisation: float
    swelling: bool


def stack_of(asked: Asked, library: Library) -> StackOfLayers:
    """Return the stack that is asked for. Raises DataError for what makes no cell, ConfigError for unknown names."""
    given: dict[str, Any] = {"utilisation": asked.utilisation, "swelling": asked.swelling}
    for name, text in asked.typed.items():
        try:
            given |= {name: parse(text, UNITS.get(name, "m"))} if text else {}
        except UnitError as error:
            raise DataError(f"{name}: {error}") from error
    _refuse_nonsense(given)
    if asked.sample is not None:
        return _whole(replace(of_sample(asked.sample, library), **given))
    if "cathode" not in given:
        raise DataError('how thick is the cathode? Give --thickness, e.g. "10 um", or --sample')
    entry = cathode_of(asked.cathode, library)
    charged = is_charged(entry)
    if charged and "anode" not in given:
        raise DataError(
            f'{entry.name} is made without lithium: how thick is the anode of lithium? Give --anode, e.g. "2 um"'
        )
    if "voltage" not in given:
        given["voltage"] = mean_voltage(entry)
    plain = {**PLAIN, "capacity": capacity_of(entry), "charged": charged}
    return _whole(StackOfLayers(**{**plain, **given}))


def tell(asked: Asked, library: Library, picture: Path | None) -> Iterator[str]:
    """Yield what there is to say of a stack, what is odd about it, and draw it where a path is given."""
    if picture is not None:
        from labctl.pictures.drawing import require_picture, save

        require_picture(picture)
    stack = stack_of(asked, library)
    parts = ("cathode", "substrate", "electrolyte", "anode", "collector", "packaging")
    layers = [f"{name} {getattr(stack, name) * MICRO:g} um" for name in parts if getattr(stack, name)]
    yield f"{', '.join(layers)}: {stack.thickness * MICRO:.4g} um in all"
    yield (
        f"{stack.areal_capacity / 36.0:.4g} uAh/cm2 ({stack.utilisation:.1%} of"
        f" {stack.capacity / 3.6e7:.4g} uAh/cm2/um), {stack.voltage:.3f} V on average"
    )
    yield f"{stack.lithium * MICRO:.3g} um of lithium {_where_to(stack)}"
    yield f"{stack.energy_density / WATT_HOUR_PER_LITRE:.1f} Wh/l"
    for said in _doubts(asked, stack, library):
        yield f"DOUBT: {said}"
    if picture is not None:
        lines = [("as asked", stack)]
        if stack.utilisation < 1.0:
            lines.append(("all of the cathode used", replace(stack, utilisation=1.0)))
        if not (stack.swelling or stack.charged):
            lines.append(("with the plated lithium", replace(stack, swelling=True)))
        yield str(save(substrate_figure("Energy density of a stack", lines), picture))


def _where_to(stack: StackOfLayers) -> str:
    """Return where the lithium goes, and whether it takes room."""
    if stack.charged:
        return f"taken from the anode on discharge; all {stack.anode * MICRO:.3g} um of that counted"
    return f"plated on charge, {'counted' if stack.swelling else 'not counted'}"


def _refuse_nonsense(given: Mapping[str, Any]) -> None:
    """Raise DataError for a number that no cell has."""
    voltage = given.get("voltage", 1.0)
    if not 0.0 < voltage <= HIGHEST:
        raise DataError(f"voltage: {voltage:g} V is outside of 0 to {HIGHEST:g} V, where cells are")
    for name in ("cathode", "electrolyte", "anode", "collector"):
        if given.get(name, 0.0) > THICKEST:
            raise DataError(f"{name}: {given[name] * 1e3:g} mm is no film: {THICKEST * 1e3:g} mm at most")


def _whole(stack: StackOfLayers) -> StackOfLayers:
    """Return a stack that has what a cell stands on and what parts its electrodes. Raises DataError."""
    for name in ("substrate", "electrolyte"):
        if not getattr(stack, name) > 0.0:
            raise DataError(f"{name}: a cell has one, of more than 0 um")
    return stack


def _doubts(asked: Asked, stack: StackOfLayers, library: Library) -> Iterator[str]:
    """Yield what is odd about a stack: its materials together, and its voltage beside its cathode's window."""
    if asked.sample is None:
        name = asked.cathode
        # All above the electrolyte is one number: whatever of it is an overlayer is in there.
        bare = (Layer(COLLECTOR, stack.collector / 2), Layer(OVERLAYER, stack.collector / 2))
        upper = (Layer(LITHIUM, stack.anode),) if stack.anode else bare if stack.collector else ()
        foil, electrolyte = (
            Layer(SUBSTRATE, min(stack.substrate, 1e-2)),
            Layer(ELECTROLYTE, stack.electrolyte),
        )
        sample = SampleRef("asked", (foil, Layer(name, stack.cathode)), (electrolyte, *upper))
    else:
        meant = as_meant(asked.sample)
        *below, film = meant.layers
        electrolyte, *rest = meant.cell_layers
        layers = (*below, replace(film, thickness=stack.cathode))
        on_top = (replace(electrolyte, thickness=stack.electrolyte), *rest)
        sample, name = replace(meant, layers=layers, cell_layers=on_top, grown=()), film.material
    yield from doubts_about_stack(sample, library)
    entry = cathode_of(name, library)
    low, high = entry.value("lower"), entry.value("upper")
    if low is not None and high is not None and not low <= stack.voltage <= high:
        yield f"{stack.voltage:g} V on average lies outside of {low:g} to {high:g} V, where {name} is used"
