"""A bench file: devices of known classes with known parameters, real ones on real time only."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

import devices.instruments
from devices.base import Instrument
from devices.errors import ConfigError, Mistake
from devices.quantities import STRICT, Unit
from devices.samples import SafeId
from labctl.config import tools
from labctl.config.chamber_faults import fault_mistakes
from labctl.config.checking import Collected, joined, nearest, validate
from labctl.config.documents import Document, named, quoted, read
from labctl.config.models import (
    LOOK_AROUND,
    Address,
    BenchFile,
    ClockChoice,
    DeviceEntry,
    Part,
    Seed,
    StationEntry,
    World,
)
from labctl.config.own import imported

STATIONS: Mapping[str, str] = {
    "FlashLampStation": "devices.flash_lamp.FlashLampStation",
    "RemoteLampStation": "devices.remote_lamp.RemoteLampStation",
    "PotentiostatStation": "devices.potentiostat.PotentiostatStation",
    "SingleInstrument": "devices.single.SingleInstrument",
    "SputterStation": "devices.sputter_system.SputterStation",
    "EvaporatorStation": "devices.evaporator.EvaporatorStation",
    "FurnaceStation": "devices.furnace.FurnaceStation",
    "MultiplexerStation": "devices.multiplexer.MultiplexerStation",
}
"""The stations of ours that a bench may name without a dot."""

MOST_CHANNELS = 256
"""Channels that one table may make; guess, far above any potentiostat's."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Table = dict[str, Any]

SHARED = frozenset({"twin", "unix"})
"""Kinds of addresses behind which several channels may be; a bridge leases each to one client."""


@dataclass(frozen=True, config=STRICT)
class _Bench:
    name: SafeId
    seed: Seed
    clock: ClockChoice
    devices: Annotated[dict[Name, Table], Field(min_length=1)]
    description: str = ""
    world: World | None = None
    wiring: dict[SafeId, Name] = Field(default_factory=dict)
    look_around: Annotated[float, Field(ge=1, le=3600), Unit("s")] = LOOK_AROUND


@dataclass(frozen=True, config=STRICT)
class _Station:
    parts: Annotated[dict[Name, Table], Field(min_length=1)]
    parameters: Table = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class _Other:
    arguments: Table = Field(default_factory=dict)
    twin: bool = False


@dataclass(frozen=True, config=STRICT)
class _Part:
    driver: Name
    address: str


def bench(path: Path) -> BenchFile:
    """Return the bench in this file; raises ConfigError with all its mistakes."""
    document = read(path)
    collected = Collected()
    header = collected.attempt(_header, document, path.stem)
    tables = document.body.get("devices")
    expanded = collected.attempt(written_out, tables if isinstance(tables, dict) else {}, document.file) or {}
    entries = {
        device: collected.attempt(_device, device, table, document.file)
        for device, table in expanded.items()
        if isinstance(table, dict)
    }
    collected.settle()
    assert header is not None
    known = {device: entry for device, entry in entries.items() if entry is not None}
    mistakes = [
        *_time_mistakes(header, known, document.file),
        *_shared_addresses(known, document.file),
        *_wiring_mistakes(header.wiring, known, document.file),
        *fault_mistakes(header.world, known, document.file),
    ]
    has_twins = any(part.address.kind == "twin" for _, part in _parts(known))
    served = header.world is not None and header.world.served != ""
    if header.world is not None and not has_twins and not served:
        mistakes.append(Mistake(document.file, "world", "", "there is no twin on this bench to live in it"))
    if served and has_twins:
        reason = "its twins are served by another process, so no address can be twin"
        mistakes.append(Mistake(document.file, "world.served", "", reason))
    if mistakes:
        raise ConfigError(mistakes)
    return BenchFile(
        file=path.absolute(),
        name=header.name,
        description=header.description,
        seed=header.seed,
        clock=header.clock,
        devices=known,
        world=(header.world or World()) if has_twins or served else None,
        config_hash=tools.hash_with(document.config_hash, (part for _, part in _parts(known))),
        wiring=header.wiring,
        look_around=header.look_around,
    )


def written_out(tables: Table, file: str) -> Table:
    """Return the devices with every station of `channels = n` written out: name_0, name_1, ..., one channel each."""
    expanded: Table = {}
    for name, table in tables.items():
        if not isinstance(table, dict) or "channels" not in table:
            expanded[name] = table
            continue
        rest = {key: value for key, value in table.items() if key != "channels"}
        count, parts = table["channels"], rest.get("parts")
        if type(count) is not int or not 1 <= count <= MOST_CHANNELS:
            reason = f"must be a whole number from 1 to {MOST_CHANNELS}"
            raise ConfigError([Mistake(file, joined("devices", name, "channels"), quoted(count), reason)])
        part = parts.get("channels") if isinstance(parts, dict) else None
        if not isinstance(parts, dict) or not isinstance(part, dict):
            reason = "is for a station with the part `channels`, a potentiostat"
            raise ConfigError([Mistake(file, joined("devices", name, "channels"), quoted(count), reason)])
        for channel in range(count):
            numbered = {**part, "channel": channel}
            expanded[f"{name}_{channel}"] = {**rest, "parts": {**parts, "channels": numbered}}
    return expanded


def _wiring_mistakes(
    wiring: Mapping[str, str], entries: Mapping[str, StationEntry | DeviceEntry], file: str
) -> list[Mistake]:
    """Name every cell that is wired to something else than a potentiostat of this bench, or to a taken one."""
    potentiostats = [
        name
        for name, entry in entries.items()
        if isinstance(entry, StationEntry) and getattr(entry.station_class, "role", "") == "Potentiostat"
    ]
    mistakes, taken = [], dict[str, str]()
    for sample, station in wiring.items():
        key, other = joined("wiring", sample), taken.setdefault(station, sample)
        if station not in potentiostats:
            reason = (
                f"no such potentiostat{nearest(station, potentiostats)}; there are {', '.join(potentiostats)}"
            )
            mistakes.append(Mistake(file, key, quoted(station), reason))
        elif other != sample:
            mistakes.append(Mistake(file, key, quoted(station), f"{other} hangs on it already"))
    return mistakes


def _header(document: Document, stem: str) -> _Bench:
    return validate(_Bench, named(document, stem), file=document.file)


def _device(name: str, table: Table, file: str) -> StationEntry | DeviceEntry:
    key = joined("devices", name)
    named = table.get("class")
    rest = {inner: value for inner, value in table.items() if inner != "class"}
    choices = f"one of {', '.join(STATIONS)}, or the dotted path of an ophyd class"
    if not isinstance(named, str):
        reason = f"missing; give {choices}" if named is None else f"must be {choices}"
        raise ConfigError(
            [Mistake(file, joined(key, "class"), "" if named is None else quoted(named), reason)]
        )
    if "." not in named and named not in STATIONS:
        reason = f"must be {choices}{nearest(named, STATIONS)}"
        raise ConfigError([Mistake(file, joined(key, "class"), quoted(named), reason)])
    found = _class_at(STATIONS.get(named, named), file, joined(key, "class"))
    return _station(found, rest, file, key) if named in STATIONS else _other(found, name, rest, file, key)


def _station(station: type, table: Table, file: str, key: str) -> StationEntry:
    read = validate(_Station, table, file=file, key=key)
    collected = Collected()
    wanted: tuple[str, ...] = station.parts  # type: ignore[attr-defined]
    for part in wanted:
        if part not in read.parts:
            reason = "missing; give a table with driver and address"
            collected.mistakes.append(Mistake(file, joined(key, "parts", part), "", reason))
    known = (*wanted, *getattr(station, "optional_parts", ()))
    for part in read.parts:
        if part not in known:
            reason = f"unknown part{nearest(part, known)}; the parts are {', '.join(known)}"
            collected.mistakes.append(Mistake(file, joined(key, "parts", part), "", reason))
    parts = {
        part: collected.attempt(_part, read.parts[part], file, joined(key, "parts", part))
        for part in read.parts
    }
    parameters = collected.attempt(_parameters, station, read.parameters, file, joined(key, "parameters"))
    collected.settle()
    return StationEntry(station, {part: made for part, made in parts.items() if made is not None}, parameters)


def _part(table: Table, file: str, key: str) -> Part:
    collected = Collected()
    own = {inner: value for inner, value in table.items() if inner in ("driver", "address")}
    rest = {inner: value for inner, value in table.items() if inner not in own}
    read = validate(_Part, own, file=file, key=key)
    driver = collected.attempt(driver_of, read.driver, file, joined(key, "driver"))
    address = collected.attempt(_address, read.address, file, joined(key, "address"))
    if driver and address and address.kind == "twin" and find_spec(f"sim.twins.{read.driver}") is None:
        reason = f"{read.driver} has no twin"
        collected.mistakes.append(Mistake(file, joined(key, "address"), quoted(read.address), reason))
    if isinstance(rest.get("table"), str):
        rest["table"] = collected.attempt(tools.body_of, rest["table"], file, joined(key, "table"))
    no_table = "table" in rest and rest["table"] is None
    parameters = None if no_table else driver and collected.attempt(_parameters, driver, rest, file, key)
    collected.settle()
    assert driver is not None
    assert address is not None
    return Part(read.driver, driver, address, parameters)


def _other(found: type, name: str, table: Table, file: str, key: str) -> DeviceEntry:
    read = validate(_Other, table, file=file, key=key)
    try:
        inspect.signature(found).bind(**{**read.arguments, "name": name})
    except TypeError as error:
        raise ConfigError(
            [Mistake(file, joined(key, "arguments"), "", f"{found.__name__}: {error}")]
        ) from error
    return DeviceEntry(found, read.arguments, read.twin)


def driver_of(stem: str, file: str, key: str) -> type[Instrument]:
    """Return the one Instrument that `devices.instruments.<stem>` defines."""
    stems = sorted(module.name for module in pkgutil.iter_modules(devices.instruments.__path__))
    if stem not in stems:
        reason = f"no such driver{nearest(stem, stems)}; there are {', '.join(stems)}"
        raise ConfigError([Mistake(file, key, quoted(stem), reason)])
    module = imported(f"devices.instruments.{stem}", file, key, quoted(stem))
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Instrument) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        reason = f"devices/instruments/{stem}.py defines {len(found)} instruments; it must be one"
        raise ConfigError([Mistake(file, key, quoted(stem), reason)])
    return found[0]


def _address(text: str, file: str, key: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise ConfigError([Mistake(file, key, quoted(text), str(error))]) from error


def _parameters(owner: type, table: Table, file: str, key: str) -> Any:
    """Return the owner's `Parameters`; None when it declares none, and then the table must be empty."""
    kind = getattr(owner, "Parameters", None)
    if kind is not None:
        return validate(kind, table, file=file, key=key)
    reason = f"unknown key; {owner.__name__} takes no parameters"
    mistakes = [Mistake(file, joined(key, name), quoted(value), reason) for name, value in table.items()]
    if mistakes:
        raise ConfigError(mistakes)
    return None


def _class_at(path: str, file: str, key: str) -> type:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # somebody else's module may fail at import in any way; the file named it
        reason = f"cannot be imported ({type(error).__name__}: {error})"
        raise ConfigError([Mistake(file, key, quoted(path), reason)]) from error
    if not inspect.isclass(found):
        raise ConfigError([Mistake(file, key, quoted(path), "is not a class")])
    return found


def _parts(entries: Mapping[str, StationEntry | DeviceEntry]) -> list[tuple[str, Part]]:
    """Return every instrument with its dotted key."""
    return [
        (joined("devices", name, "parts", part), made)
        for name, entry in entries.items()
        if isinstance(entry, StationEntry)
        for part, made in entry.parts.items()
    ]


def _time_mistakes(
    header: _Bench, entries: Mapping[str, StationEntry | DeviceEntry], file: str
) -> list[Mistake]:
    """Name every real device on a virtual clock: hardware cannot be made to wait or to hurry."""
    if header.clock.kind == "wall":
        return []
    reason = 'real, so it needs clock.kind = "wall"; a virtual clock drives twins only'
    real = [joined(key, "address") for key, part in _parts(entries) if part.address.kind != "twin"]
    real += [
        joined("devices", name, "class")
        for name, entry in entries.items()
        if isinstance(entry, DeviceEntry) and not entry.twin
    ]
    return [Mistake(file, key, "", reason) for key in real]


def _shared_addresses(entries: Mapping[str, StationEntry | DeviceEntry], file: str) -> list[Mistake]:
    """Name every instrument that claims another one's port."""
    holders: dict[tuple[str, str], str] = {}
    mistakes = []
    for key, part in _parts(entries):
        place = (part.address.kind, part.address.target)
        if part.address.kind not in SHARED and holders.setdefault(place, key) != key:
            reason = (
                f"is already the address of {holders[place]}; one instrument serves one part, take a second"
            )
            mistakes.append(Mistake(file, joined(key, "address"), quoted(part.address.target), reason))
    return mistakes
