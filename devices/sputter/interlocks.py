"""What must be so for a deed in a chamber, as a table; and who may do it: the loop that acts, one deed at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal

from devices.errors import InterlockError
from devices.roles.lamp_parts import BoardDeed
from devices.sputter.conditions import ROOM
from devices.sputter.equipment import BOAT, SUBSTRATE_SHUTTER, VENT_VALVE
from devices.sputter.looks import CELSIUS, Seen
from devices.sputter.recipe import SCCM
from devices.sputter.states import Deed

Verdict = Literal["ok", "missing", "not watched"]

FLOWS = 2e-7
"""mol/s above which a gas flows: a quarter of an sccm, guess above the zero of a controller of 100 sccm."""
POWERED = 1.0
"""W above which a source counts as driven."""
COOLS = 1200.0
"""s in which what a substrate in vacuum is warmer than the room falls to 1/e; guess, of some kg that hold it."""
SURELY_COLD = 6 * 3600.0
"""s after which one that was heated is cold whatever holds it; guess."""


@dataclass(frozen=True)
class Bounds:
    """What the interlocks hold against: the highest pressure [Pa] for a plasma, the hottest chuck [K] that is vented,
    the slowest turbo pump [1]; and by which gauges the pressures go."""

    plasma_pressure: float
    vent_temperature: float
    turbo_share: float
    process_gauges: tuple[str, ...]


@dataclass(frozen=True)
class Situation:
    """What a deed is judged by. lit: whether every source that shall burn does; presputtered: whether that was done.

    name: of the station, for what a person is told to type.
    """

    seen: Seen
    bounds: Bounds
    lit: bool = False
    presputtered: bool = False
    name: str = "<station>"

    @property
    def powered(self) -> bool:
        """Whether any source is on, or has power."""
        return any(each.on or each.forward > POWERED for each in self.seen.supplies.values())


def _contact(name: str) -> Callable[[Situation], bool | None]:
    def closed(now: Situation) -> bool | None:
        if name in now.seen.opened:
            return False
        return now.seen.contacts.get(name)

    return closed


def _pressure(now: Situation) -> bool:
    # A gauge that shows no pressure permits none.
    return now.seen.pressure(*now.bounds.process_gauges) <= now.bounds.plasma_pressure


def _turbo(now: Situation) -> bool | None:
    return None if now.seen.turbo is None else now.seen.turbo_share >= now.bounds.turbo_share


def _shut(relay: str) -> Callable[[Situation], bool | None]:
    def is_off(now: Situation) -> bool | None:
        state = now.seen.relays.get(relay)
        return None if state is None else not state

    return is_off


def _cold(now: Situation) -> bool | None:
    seen = now.seen
    if seen.blind:
        return seen.said_cold
    return None if math.isnan(seen.temperature) else seen.temperature <= now.bounds.vent_temperature


def _shown(now: Situation) -> bool | None:
    # What is heated over a boat is the boat.
    if BOAT in now.seen.supplies:
        return None
    return False if now.seen.blind else None if math.isnan(now.seen.temperature) else True


def _how_hot(now: Situation) -> str:
    seen, most = now.seen, now.bounds.vent_temperature
    if seen.blind:
        return (
            f"nothing shows how hot the substrate is ({seen.blind}): mend that; or, once it is surely cold, some"
            f" {SURELY_COLD / 3600.0:.0f} h after it was heated last (guess), type lab.{now.name}.chuck_is_cold() and"
            " vent again: that is good for one venting"
        )
    shown, cold = seen.temperature - CELSIUS, most - CELSIUS
    said = f"the substrate is hot: {shown:.0f} degC, vented at {cold:.0f} degC at the most"
    if not most > ROOM:
        return said
    wait = COOLS * math.log((seen.temperature - ROOM) / (most - ROOM))
    return f"{said}; with the heater off that takes some {max(math.ceil(wait / 60.0), 1)} min (guess)"


def _no_gas(now: Situation) -> bool:
    return all(each.actual < FLOWS for each in now.seen.flows.values())


def _which_gas(now: Situation) -> str:
    flows = {gas: each for gas, each in now.seen.flows.items() if not each.actual < FLOWS}
    said = ", ".join(f"{gas} {each.actual / SCCM:.1f} sccm" for gas, each in flows.items())
    if any(each.wanted > 0.0 for each in flows.values()):
        return f"gas flows ({said}): close it by lab.{now.name}.safe() and vent again"
    return f"gas flows ({said}): it was closed and runs out, wait 10 s and vent again; if it flows on, close its bottle"


@dataclass(frozen=True)
class Interlock:
    """One line: what is wanted for which deeds, the sentence for its lack, and how it is found out.

    lasting: it must go on to be so for as long as the deed's consequence lasts. holds: None where nothing watches it.
    seen: says more of its lack, by what is seen.
    """

    name: str
    deeds: frozenset[Deed]
    lack: str
    holds: Callable[[Situation], bool | None]
    lasting: bool = True
    seen: Callable[[Situation], str] | None = None

    def words(self, now: Situation) -> str:
        """Return the sentence for its lack."""
        return self.lack if self.seen is None else self.seen(now)


def _line(
    name: str,
    deeds: str,
    lack: str,
    holds: Callable[[Situation], bool | None],
    *,
    lasting: bool = True,
    seen: Callable[[Situation], str] | None = None,
) -> Interlock:
    return Interlock(name, frozenset(deeds.split()), lack, holds, lasting, seen)  # type: ignore[arg-type]


INTERLOCKS: tuple[Interlock, ...] = (
    _line("water", "strike heat open", "cooling water does not flow", _contact("water")),
    _line("cover", "pump gas strike heat open", "the chamber's cover is open", _contact("cover")),
    _line(
        "dead_man", "strike open", "the dead-man has tripped and nobody has reset it", _contact("dead_man")
    ),
    _line(
        "pressure", "strike open", "the pressure is too high for a plasma, or no gauge shows it", _pressure
    ),
    _line("turbo", "gas strike heat open", "the turbo pump is slow", _turbo),
    _line(
        "vent_valve", "pump gas strike heat open", "the vent valve is open", _shut(VENT_VALVE), lasting=False
    ),
    _line(
        "shutter", "strike", "the substrate's shutter is not closed", _shut(SUBSTRATE_SHUTTER), lasting=False
    ),
    _line("plasma", "vent", "a source is on", lambda now: not now.powered),
    _line("gas", "vent", "gas flows", _no_gas, seen=_which_gas),
    _line("chuck", "vent", "the substrate is hot", _cold, seen=_how_hot),
    _line(
        "thermocouple",
        "heat",
        "nothing shows how hot the substrate is",
        _shown,
        seen=lambda now: f"nothing shows how hot the substrate is ({now.seen.blind})",
    ),
    _line("lit", "open", "no plasma burns", lambda now: now.lit, lasting=False),
    _line(
        "presputter", "open", "the target was not pre-sputtered", lambda now: now.presputtered, lasting=False
    ),
)
"""In the order in which they are shown. Contacts: closed permits, so that a cable pulled out does not."""

CONTACTS = ("water", "cover", "dead_man")


@cache
def _lines_of(deed: Deed, lasting: bool) -> tuple[Interlock, ...]:
    return tuple(each for each in INTERLOCKS if deed in each.deeds and (each.lasting or not lasting))


def judged(deed: Deed, now: Situation, *, lasting: bool = False) -> dict[str, Verdict]:
    """Return the verdict on every interlock of a deed; lasting: on those only that must go on to be so."""

    def of(line: Interlock) -> Verdict:
        said = line.holds(now)
        return "not watched" if said is None else "ok" if said else "missing"

    return {each.name: of(each) for each in _lines_of(deed, lasting)}


def require(deed: Deed, now: Situation, consequence: str, *, lasting: bool = False) -> None:
    """Raise InterlockError that names everything that is missing for a deed, and what comes of it."""
    missing = [name for name, verdict in judged(deed, now, lasting=lasting).items() if verdict == "missing"]
    if missing:
        said = "; ".join(
            each.words(now) for each in INTERLOCKS if each.name in missing and deed in each.deeds
        )
        raise InterlockError(", ".join(missing), f"{said}; {consequence}")


HEAT, MONITOR, THROTTLE, TURBO = "heat", "monitor", "throttle", "turbo"
"""Deeds of parts that do one kind each: a temperature set, a film or its zero set, not open any more, run or not."""


class Permits:
    """Lets a deed pass the guards of the instruments while whoever acts does it, and no other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._granted: list[str] = []

    @contextmanager
    def granting(self, deed: str) -> Iterator[None]:
        """Let one deed pass within the block, as often as its driver repeats it; "power" is every source's."""
        self._granted.append(deed)
        try:
            yield
        finally:
            self._granted.remove(deed)

    def permit(self, deed: str) -> None:
        """Raise InterlockError for what nobody was granted."""
        if not any(deed == each or deed.startswith(f"{each} ") for each in self._granted):
            raise InterlockError(
                "permit",
                f"{self._name}: nothing that runs does this now ({deed}); nothing was done. Run a plan",
            )

    def only(self, deed: str) -> Callable[[], None]:
        """Return the guard of an instrument that does one kind of deed."""
        return lambda: self.permit(deed)

    def gas(self, gas: str) -> None:
        """Guard a gas, or a hot gauge."""
        self.permit(f"gas {gas}")

    def relay(self, name: str) -> None:
        """Guard a relay."""
        self.permit(f"relay {name}")

    def board(self, deed: BoardDeed) -> None:
        """Guard the board's own contact and its memory."""
        self.permit(f"board {deed}")


def in_words(verdicts: Mapping[str, Verdict]) -> str:
    """Return verdicts as people read them."""
    return ", ".join(f"{name} {verdict}" for name, verdict in verdicts.items())
