"""Faults that a bench file may have befall its chambers and furnaces: a name that none has is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devices.errors import Mistake
from labctl.config.checking import joined, nearest
from labctl.config.documents import quoted
from labctl.config.models import DeviceEntry, StationEntry, World

_CHAMBER = (
    "turbo_slowing",
    "water_leak",
    "valve_stuck",
    "mfc_dead",
    "mfc_stuck",
    "shutter_stuck_open",
    "shutter_stuck_closed",
    "end_switch_dead",
    "control_lost",
    "crystal_failing",
    "crystal_dead",
    "contact_open",
    "heater_dead",
)
FAULTS: Mapping[str, tuple[str, ...]] = {
    "SputterSystem": (*_CHAMBER, "no_ignition", "arc_storm", "match_stuck", "target_crack"),
    "Evaporator": (*_CHAMBER, "boat_empty"),
    "Furnace": ("sensor_broken", "sensor_high", "contact_open"),
}
"""What twins of each role may know, by their parts; here, so that a file is read without them. A test compares them."""


def fault_mistakes(
    world: World | None, entries: Mapping[str, StationEntry | DeviceEntry], file: str
) -> Iterator[Mistake]:
    """Yield every chamber of the world that the bench does not have, and every fault that its chamber never has."""
    roles = {
        name: role
        for name, entry in entries.items()
        if isinstance(entry, StationEntry)
        and (role := str(getattr(entry.station_class, "role", ""))) in FAULTS
    }
    for name, chamber in (world.chambers if world is not None else {}).items():
        if name not in roles:
            there = f"; there are {', '.join(roles)}" if roles else ""
            reason = f"no such chamber or furnace{nearest(name, roles)}{there}"
            yield Mistake(file, joined("world", "chambers", name), "", reason)
            continue
        known = FAULTS[roles[name]]
        for number, each in enumerate(chamber.faults):
            if each.fault not in known:
                reason = f"no such fault{nearest(each.fault, known)}; there are {', '.join(known)}"
                key = joined("world", "chambers", name, f"faults[{number}]", "fault")
                yield Mistake(file, key, quoted(each.fault), reason)
