"""From an address in a bench file to a station with its wires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devices.base import Instrument, Station
from devices.clock import Clock
from devices.lamp.arming import LampOwner
from devices.limits import Limits
from devices.ports import Endpoint, SerialPort, TwinPort, UnixPort, VisaPort
from devices.roles.films import FilmPredictor
from devices.roles.hands import Hands
from devices.roles.potentiostat import CellRecords
from devices.roles.predictor import Predictor
from devices.wire import Port, Wire
from labctl.config.models import Address, BenchFile, DeviceEntry, Part, StationEntry

EndpointOf = Callable[[str, str], Endpoint]


def is_twin(entry: StationEntry | DeviceEntry) -> bool:
    """Return whether nothing real is behind a device."""
    if isinstance(entry, DeviceEntry):
        return entry.twin
    return all(part.address.kind == "twin" for part in entry.parts.values())


def is_real(bench: BenchFile, name: str) -> bool:
    """Return whether a device of a bench is hardware: no twin of the session's, nor one that another process serves."""
    entry = bench.devices[name]
    served = bench.world is not None and bench.world.served != "" and isinstance(entry, StationEntry)
    return not (served or is_twin(entry))


def open_port(
    address: Address, clock: Clock, lane: str, endpoint: Callable[[], Endpoint], latency: float
) -> Port:
    """Open what an address names. Raises OwnershipError, WireError."""
    if address.kind == "twin":
        return TwinPort(endpoint(), clock, lane, latency)
    if address.kind == "visa":
        return VisaPort(address.target, clock)
    if address.kind == "unix":
        return UnixPort(address.target)
    return SerialPort(address.target, clock, baud=address.baud, parity=address.parity)


def build_instrument(
    station: str, name: str, part: Part, clock: Clock, endpoint_of: EndpointOf, latency: float
) -> Instrument:
    """Open a part's port and put its driver on it. Raises OwnershipError, WireError."""
    driver: Any = part.driver_class
    port = open_port(part.address, clock, station, lambda: endpoint_of(station, name), latency)
    wire = Wire(port, clock, name=f"{station}.{name}", lane=station, sync=driver.sync)
    parameters = {} if part.parameters is None else asdict(part.parameters)
    instrument: Instrument = driver(wire, clock, name=f"{station}_{name}", **parameters)
    return instrument


def build_station(
    name: str,
    entry: StationEntry,
    instruments: Mapping[str, Instrument],
    *,
    clock: Clock,
    limits: Limits,
    hands: Hands,
    predictor: Predictor,
    films: FilmPredictor,
    records: CellRecords,
    session: str,
    locks: Path,
) -> Station:
    """Put a station's instruments together, under the limits of its role.

    session names this session in what it permits; locks: the folder in which others would lock the same station.
    """
    kind: Any = entry.station_class
    of_role: Mapping[str, Mapping[str, Any]] = {
        "FlashLamp": {
            "limits": limits.of_lamp(name),
            "predictor": predictor,
            "session": session,
            "owner": LampOwner(name, clock, locks),
        },
        "Potentiostat": {"limits": limits.potentiostat, "records": records},
        "SputterSystem": {"limits": limits.sputter, "predictor": films},
        "Evaporator": {"limits": limits.sputter, "predictor": films},
        "Furnace": {"limits": limits.furnace},
        "Multiplexer": {"limits": limits.potentiostat},
        "Instrument": {},
    }
    station: Station = kind(
        name=name,
        clock=clock,
        lane=name,
        instruments=instruments,
        parameters=entry.parameters,
        hands=hands,
        **of_role[kind.role],
    )
    return station
