"""From a station in a bench file to its twins on the bench: the same for a session and for a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from devices.bridges.squidstat import SquidstatBridge
from devices.clock import Clock
from devices.errors import ConfigError, Mistake
from labctl.belief import surroundings_from
from labctl.config.models import StationEntry, TrueSheet, World
from sim.bench import Bench
from sim.detuning import Detuning, LayerDetunings
from sim.foil import Differing
from sim.parts import TwinPart
from sim.potentiostats import SquidstatTwins
from sim.stations import STATIONS

if TYPE_CHECKING:
    from sim.sheets import SheetTruth


def make_world(now: Callable[[], float], seed: int, world: World, directory: Path) -> Bench:
    """Return an empty bench in the surroundings that a bench file describes; its foils are kept in `directory`."""
    surroundings = surroundings_from(asdict(world), "back_heat_transfer")
    detuned = {name: _differing(name, world) for name in {cell.sample for cell in world.cell}}
    sheets = {sheet.sample: _truth_of(sheet) for sheet in world.sheet}
    truths = {name: asdict(chamber) for name, chamber in world.chambers.items()}
    return Bench(
        now,
        seed=seed,
        surroundings=surroundings,
        detuned=detuned,
        sheets=sheets,
        truths=truths,
        directory=directory,
        wall=monotonic,
    )


def _differing(sample: str, world: World) -> Differing:
    """Return how a cell differs, or the layers of a stack do."""
    each: dict[int | None, Detuning] = {}
    for cell in world.cell:
        if cell.sample == sample:
            told = asdict(cell)
            del told["sample"], told["layer"]
            each[cell.layer] = Detuning(**told)
    others = each.pop(None, Detuning())
    layers = {number: detuning for number, detuning in each.items() if number is not None}
    return LayerDetunings(layers, others) if layers else others


def _truth_of(sheet: TrueSheet) -> SheetTruth:
    """Return how the cells of a sheet differ, as the twins have it: places from 0."""
    # A bench without sheets does not wait for the packages of one.
    from sim.physics.cell.sheet import Variation
    from sim.physics.web import Web
    from sim.sheets import SheetTruth

    told = asdict(sheet)
    spread = {name: told[name] for name in Variation.__dataclass_fields__}
    web = Web(**{name: told[name] for name in Web.__dataclass_fields__ if name in told})

    def from_zero(places: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        return tuple((row - 1, column - 1) for row, column in places)

    return SheetTruth(
        Variation(**spread),
        sheet.seed,
        web if sheet.web_length else None,
        sheet.web_length,
        from_zero(sheet.shorts),
        from_zero(sheet.missing),
    )


def set_up_twins(
    bench: Bench, name: str, entry: StationEntry, clock: Clock, boot: str
) -> SquidstatBridge | None:
    """Add a station's twins to the bench.

    An instrument with a library instead of a wire gets a bridge in between, which is returned, with one client
    connected; `boot` names this life of it.
    """
    parts = {
        part_name: TwinPart(part.driver, {} if part.parameters is None else asdict(part.parameters))
        for part_name, part in entry.parts.items()
    }
    built = {} if entry.parameters is None else asdict(entry.parameters)
    role: str = entry.station_class.role  # type: ignore[attr-defined]
    planned = bench.truth_of(name).get("faults")
    try:
        twins = STATIONS[role](bench, name, parts, built)
    except ValueError as error:
        if not planned:
            raise
        # Which guns, gases and contacts there are, only the twins know.
        raise ConfigError([Mistake("bench file", f"world.chambers.{name}.faults", "", str(error))]) from error
    bench.add(name, twins)
    if isinstance(twins, SquidstatTwins):
        bridge = SquidstatBridge(twins.library, port=twins.squidstat.port, boot=boot, now=clock.time)
        twins.attach(bridge.connect().exchange)
        return bridge
    return None
