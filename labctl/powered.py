"""What is powered now, in words, from what stations report of themselves; no instrument is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devices.base import Station

CONNECTED: Mapping[str, str] = {
    "running": "its cell stays connected, and what it runs goes on",
    "left running": "its cell stays connected: its instrument goes on by itself, and safe() opens the cell",
    "unknown": "its cell may be connected: nobody answered for too long; look at the instrument",
}
"""What each state of a channel means for its cell, where that is not open."""


MEANWHILE: Mapping[str, str] = {
    "FlashLamp": "no pulse falls meanwhile",
    "SputterSystem": "no film grows meanwhile: the shutter is closed, a target that burns goes on for up to {hold:g} s"
    " and is then ramped down",
    "Evaporator": "no film grows meanwhile: the shutter is closed, a boat that is hot stays so for up to {hold:g} s and"
    " is then ramped down",
    "Furnace": "the furnace stays as hot as it is led now",
}
"""What a pause means at a station of each role; hold: how long its limits let a source go on [s]."""


def paused(stations: Iterable[Station]) -> str:
    """Return a sentence on what a pause means at stations, what each is doing and what is powered there."""
    there = list(stations)
    meant = dict.fromkeys(
        MEANWHILE[each.role].format(hold=getattr(each.limits, "hold", 0.0))
        for each in there
        if getattr(each, "role", "") in MEANWHILE
    )
    return f"Paused{', and ' if meant else ''}{'; '.join(meant)}: {in_words(there)}"


def in_words(stations: Iterable[Station]) -> str:
    """Return a sentence on what each station is doing and what is powered there."""
    said = [_of(station.name, station.report()) for station in stations]
    return "; ".join(said) if said else "no station was begun with"


def _of(name: str, report: Mapping[str, Any]) -> str:
    words = [f"{name} is {report['state']}"]
    train = report.get("train")
    if train is not None:
        # A pulse that was triggered is counted when its row is there.
        least = "at least " if report["state"] == "firing" else ""
        words.append(f"{least}{train['done']} of {train['asked']} pulses done")
    bank = report.get("reading", {}).get("bank")
    if bank is not None:
        power = "on" if bank["high_voltage_on"] else "off"
        words.append(f"{bank['voltage']:.0f} V on its bank, high voltage {power}")
    if report.get("latched"):
        words.append(str(report["latched"]))
    if report["state"] in CONNECTED:
        words.append(CONNECTED[report["state"]])
    return ", ".join(words)
