"""The instruments of a chamber by what they are to it, and the names of what its relays switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from devices.base import Instrument
from devices.roles.lamp_parts import PermissiveBoard
from devices.sputter.parts import (
    EndSwitches,
    GasController,
    HeaterController,
    PlasmaSupply,
    Relays,
    ThicknessMonitor,
    ThrottleValve,
    TurboPump,
)

SUBSTRATE_SHUTTER = "substrate_shutter"
VENT_VALVE = "vent_valve"
ROUGHING_VALVE = "roughing_valve"
ROTATION = "rotation"
GUNS = ("gun1", "gun2", "gun3", "gun4")
BOAT = "boat"


def shutter_of(source: str) -> str:
    """Return what the relay of a source's own shutter is called, where it has one."""
    return f"{source}_shutter"


def ends_of(shutter: str) -> tuple[str, str]:
    """Return what a shutter's end switches are called, the open one first; the substrate's is "the shutter"."""
    which = shutter.removesuffix("_shutter") if shutter != SUBSTRATE_SHUTTER else "shutter"
    return f"{which}_open", f"{which}_closed"


@dataclass(frozen=True)
class Equipment:
    """What a chamber has; None for what not every chamber has. supplies: of its sources, by their names.

    more_ends: reads the end switches for which the board has no inputs left.
    """

    supplies: Mapping[str, PlasmaSupply]
    gas: GasController
    relays: Relays
    board: PermissiveBoard
    valve: ThrottleValve | None = None
    monitor: ThicknessMonitor | None = None
    bias: PlasmaSupply | None = None
    heater: HeaterController | None = None
    turbo: TurboPump | None = None
    more_ends: EndSwitches | None = None

    @property
    def powered(self) -> dict[str, PlasmaSupply]:
        """Everything that drives a plasma or a source, the bias of the substrate too."""
        return dict(self.supplies) if self.bias is None else {**self.supplies, "bias": self.bias}

    @property
    def shutters(self) -> list[str]:
        """The relays of all shutters there are, the substrate's first."""
        there = self.relays.names()
        wanted = (SUBSTRATE_SHUTTER, *(shutter_of(each) for each in self.supplies))
        return [each for each in wanted if each in there]

    @property
    def end_switches(self) -> tuple[str, ...]:
        """The end switches there are, by their names."""
        more = () if self.more_ends is None else self.more_ends.end_switches
        return (*self.board.end_switches, *more)

    @property
    def unseen_shutters(self) -> list[str]:
        """The shutters of which not both end switches are there."""
        there = self.end_switches
        return [each for each in self.shutters if not all(end in there for end in ends_of(each))]

    def read_ends(self) -> Mapping[str, bool]:
        """Return for each end switch whether it is made; every board is asked once."""
        more = {} if self.more_ends is None else self.more_ends.ends()
        return {**self.board.ends(), **more}


def equipment_of(instruments: Mapping[str, Instrument], sources: tuple[str, ...]) -> Equipment:
    """Return the instruments by what they are to a chamber; `sources` are the parts that may be sources."""
    return Equipment(
        {each: cast(PlasmaSupply, instruments[each]) for each in sources if each in instruments},
        cast(GasController, instruments["gas"]),
        cast(Relays, instruments["relays"]),
        cast(PermissiveBoard, instruments["permissives"]),
        cast(ThrottleValve | None, instruments.get("valve")),
        cast(ThicknessMonitor | None, instruments.get("monitor")),
        cast(PlasmaSupply | None, instruments.get("bias")),
        cast(HeaterController | None, instruments.get("heater")),
        cast(TurboPump | None, instruments.get("turbo")),
        cast(EndSwitches | None, instruments.get("ends")),
    )
