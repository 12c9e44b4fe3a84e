"""The instruments of a bench: does each answer, and is it who it should be. Nothing that acts is sent."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from devices.errors import Garbled, InstrumentError, LabError, OwnershipError, Timeout
from devices.locks import LOCKS, lock_path
from devices.ports import Endpoint
from labctl.clock.wall import WallClock
from labctl.config.models import Address, BenchFile, DeviceEntry, Part, StationEntry
from labctl.doctor.findings import Finding, note, ok, trouble
from labctl.doctor.holders import holder_of
from labctl.doctor.ports import permission, stable_names
from labctl.wiring import build_instrument

CHANGING = re.compile(r"/dev/tty(USB|ACM)\d+")
"""Names that go to another adapter when one is plugged in again."""


def instruments(bench: BenchFile, deadline: float) -> Iterator[Finding]:
    """Yield what is found of each instrument of a bench, stations side by side, each part for `deadline` [s]."""
    clock = WallClock()
    found: dict[tuple[str, str], list[Finding]] = {}
    looks = [
        threading.Thread(
            target=_look_at, args=(name, entry, clock, found), name=f"doctor {name}", daemon=True
        )
        for name, entry in bench.devices.items()
        if isinstance(entry, StationEntry)
    ]
    parts = {name: len(each.parts) for name, each in bench.devices.items() if isinstance(each, StationEntry)}
    for look in looks:
        look.start()
    began = clock.now()
    for look, count in zip(looks, parts.values(), strict=True):
        look.join(timeout=max(0.0, began + deadline * count - clock.now()))
    for name, entry in bench.devices.items():
        if isinstance(entry, DeviceEntry):
            yield note(name, f"{entry.device_class.__name__} is somebody else's class and was not asked")
            continue
        for part, each in entry.parts.items():
            silent = trouble(
                f"{name}.{part}",
                f"{_shown(each.address)}: no answer within {deadline:g} s",
                "switch it on, look at its cable and its host's address; then labctl doctor again",
            )
            yield from tuple(found.get((name, part), (silent,)))
    # A port that hangs is left to its thread, which ends with this process.
    if not any(look.is_alive() for look in looks):
        clock.close()


def _look_at(
    station: str, entry: StationEntry, clock: WallClock, found: dict[tuple[str, str], list[Finding]]
) -> None:
    for name, part in entry.parts.items():
        where = f"{station}.{name}"
        try:
            found[station, name] = list(_of_part(where, station, name, part, clock))
        except Exception as error:  # noqa: BLE001 - whatever one instrument does, the others are looked at
            found[station, name] = [trouble(where, f"{type(error).__name__}: {error}", "look at its driver")]


def _of_part(where: str, station: str, name: str, part: Part, clock: WallClock) -> Iterator[Finding]:
    address = part.address
    if address.kind == "twin":
        yield ok(where, f"{part.driver}, a twin")
        return
    if address.kind in ("serial", "unix"):
        hindrance = _of_path(where, address)
        if hindrance is not None:
            yield hindrance
            return
        if CHANGING.fullmatch(address.target):
            stable = stable_names().get(Path(address.target).resolve())
            advice = f'address = "serial:{stable}?baud={address.baud}"' if stable else "see udev above"
            yield note(where, f"{address.target} changes when adapters are plugged in again", advice)
    yield _asked(where, lambda: _identity(station, name, part, clock), address)


def _of_path(where: str, address: Address) -> Finding | None:
    path = Path(address.target)
    if not path.exists():
        if address.kind == "unix":
            mend = f"python -m devices.bridges.squidstat_server --socket {path} ...   # start its bridge"
            return trouble(where, f"{path}: there is no such socket", mend)
        there = ", ".join(map(str, sorted(stable_names().values()))) or "none"
        mend = f"plug it in, or put another address into the bench file; names that stay: {there}"
        return trouble(where, f"{path}: there is no such port", mend)
    wrong = permission(path)
    return None if wrong is None else trouble(where, wrong.what, wrong.mend)


def _asked(where: str, ask: Callable[[], str], address: Address) -> Finding:
    shown = _shown(address)
    try:
        return ok(where, f"{shown}: {ask()}")
    except OwnershipError as error:
        who = holder_of(lock_path(address.target, LOCKS)) or error.holder
        return note(where, f"{shown} is in use by {who}, so it was not asked", "end that process to ask it")
    except Timeout as error:
        mend = "switch it on; look at cable, baud rate and terminator; is it set to remote?"
        return trouble(where, f"{shown}: {error}", mend)
    except (Garbled, InstrumentError) as error:
        mend = "another instrument, or another baud rate: look at what is on this address"
        return trouble(where, f"{shown}: {error}", mend)
    except LabError as error:
        return trouble(where, f"{shown}: {error}", "look at cable, network and address")


def _identity(station: str, name: str, part: Part, clock: WallClock) -> str:
    instrument = build_instrument(station, name, part, clock, _no_twin, 0.0)
    try:
        return instrument.identify()
    finally:
        instrument.wire.close()


def _no_twin(station: str, part: str) -> Endpoint:
    raise LabError(f"{station}.{part} is a twin")


def _shown(address: Address) -> str:
    return address.target or address.kind
