"""Faults of lamps and potentiostats by name, for whoever wants to see what a lab does about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sim.apparatus import FlashHead
from sim.sputter.faults import Fault, FaultBook
from sim.twins.icpdas_7050 import ICPDAS7050Twin


class Tripping(Protocol):
    """A charger that can latch a fault."""

    def trip(self, now: float, reason: str) -> None:
        """Latch it."""


def lamp_faults(head: FlashHead, charger: Tripping, board: ICPDAS7050Twin | None) -> FaultBook:
    """Return what may befall a lamp made of instruments.

    tube_dark: it does not light. charger_trip: the supply latches, until its host resets it. contact_open: a contact
    of the interlock loop.
    """
    lights_from = head.ignition_voltage

    def dark(of: str, value: float | None, now: float) -> None:
        head.ignition_voltage = math.inf

    def lights(of: str, now: float) -> None:
        head.ignition_voltage = lights_from

    faults = {
        "tube_dark": Fault(("",), dark, lights),
        "charger_trip": Fault(
            ("",), lambda of, value, now: charger.trip(now, "a fault that was asked for"), nothing
        ),
    }
    if board is not None:
        faults["contact_open"] = Fault(
            tuple(board.contacts), lambda of, value, now: board.open_contact(of, now), board.close_contact
        )
    return FaultBook(faults, (), untold)


def lead_faults(
    channels: Sequence[str], off: Callable[[str, float], None], on: Callable[[str, float], None]
) -> Mapping[str, Fault]:
    """Return that a lead falls off a cell, by channel, and is put on again."""
    return {"lead_off": Fault(tuple(channels), lambda of, value, now: off(of, now), on)}


def nothing(of: str, now: float) -> None:
    """Mend nothing: a latched fault is its host's to reset."""


def untold(event: str, text: str) -> None:
    """Say nothing: whoever switches it writes it down."""
