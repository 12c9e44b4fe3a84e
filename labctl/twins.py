"""From a station in a bench file to its twins on the bench: the same for a session and for a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from devices.bridges.squidstat import SquidstatBridge
from devices.clock import Clock
from labctl.belief import surroundings_from
from labctl.config.models import StationEntry, World
from sim.bench import Bench
from sim.detuning import Detuning
from sim.parts import TwinPart
from sim.potentiostats import SquidstatTwins
from sim.stations import STATIONS


def make_world(now: Callable[[], float], seed: int, world: World, directory: Path) -> Bench:
    """Return an empty bench in the surroundings that a bench file describes; its foils are kept in `directory`."""
    surroundings = surroundings_from(asdict(world), "back_heat_transfer")
    told = [asdict(cell) for cell in world.cell]
    detuned = {cell.pop("sample"): Detuning(**cell) for cell in told}
    truths = {name: asdict(chamber) for name, chamber in world.chambers.items()}
    return Bench(
        now,
        seed=seed,
        surroundings=surroundings,
        detuned=detuned,
        truths=truths,
        directory=directory,
        wall=monotonic,
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
    twins = STATIONS[role](bench, name, parts, built)
    bench.add(name, twins)
    if isinstance(twins, SquidstatTwins):
        bridge = SquidstatBridge(twins.library, port=twins.squidstat.port, boot=boot, now=clock.time)
        twins.attach(bridge.connect().exchange)
        return bridge
    return None
