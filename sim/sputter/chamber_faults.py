"""The faults that chambers know, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sim.physics.vacuum.gases import SCCM
from sim.sputter.chamber import Chamber
from sim.sputter.evaporator_chamber import EvaporatorChamber
from sim.sputter.faults import Fault
from sim.sputter.shutters import SUBSTRATE
from sim.sputter.sources import STORM, GunUnit
from sim.sputter.sputter_chamber import SputterChamber
from sim.twins.aja_0313 import AJA0313Twin
from sim.twins.aja_dcxs import AJADCXSTwin
from sim.twins.icpdas_7050 import ICPDAS7050Twin
from sim.twins.inficon_sqm160 import InficonSQM160Twin

WATER_LEAK = 5e-5
"""Pa m3/s of water through a leak, some 1e-4 Pa on top of the base pressure; guess."""
SUPPLY_FAULT = 2
"""Of a DC supply that lets go; which fault that is, is a guess."""


def chamber_faults(
    chamber: Chamber, gases: Mapping[str, object], ends: Sequence[str] = ()
) -> dict[str, Fault]:
    """Return what may befall any chamber: its gas, pumps, shutters and their end switches."""
    gas = chamber.gas

    def forced(of: str, flow: float | None) -> None:
        if flow is None:
            gas.forced.pop(of, None)
        else:
            gas.forced[of] = flow

    def stuck(of: str, value: float | None, now: float) -> None:
        flow = gas.told[of] if value is None else value * SCCM
        chamber.change(lambda: forced(of, flow))

    shutters = (SUBSTRATE, *(name for name in chamber.shutters.names if name != SUBSTRATE))
    faults = {
        "turbo_slowing": _flag(chamber, lambda on: setattr(gas, "slowing", on)),
        "water_leak": Fault(
            ("",),
            lambda of, value, now: chamber.change(
                lambda: gas.leak_water(WATER_LEAK if value is None else value)
            ),
            lambda of, now: chamber.change(lambda: gas.leak_water(0.0)),
        ),
        "valve_stuck": _flag(chamber, lambda on: setattr(gas, "valve_stuck", on)),
    }
    if gases:
        faults["mfc_dead"] = Fault(
            tuple(gases),
            lambda of, value, now: chamber.change(lambda: forced(of, 0.0)),
            lambda of, now: chamber.change(lambda: forced(of, None)),
        )
        faults["mfc_stuck"] = Fault(
            tuple(gases), stuck, lambda of, now: chamber.change(lambda: forced(of, None))
        )
    if chamber.shutters.names:
        for word, is_open in (("open", True), ("closed", False)):
            faults[f"shutter_stuck_{word}"] = _stuck(chamber, shutters, is_open)
    if ends:
        faults["end_switch_dead"] = Fault(
            ends,
            lambda of, value, now: chamber.shutters.kill(of, True),
            lambda of, now: chamber.shutters.kill(of, False),
        )
    return faults


def gun_faults(chamber: SputterChamber) -> dict[str, Fault]:
    """Return what may befall guns and their targets."""
    guns = tuple(chamber.guns)

    def switched(act: Callable[[GunUnit, bool], object]) -> Fault:
        return Fault(
            guns,
            lambda of, value, now: chamber.change(lambda: act(chamber.guns[of], True)),
            lambda of, now: chamber.change(lambda: act(chamber.guns[of], False)),
        )

    def stormy(of: str, value: float | None, now: float) -> None:
        rate = STORM if value is None else value
        chamber.change(lambda: setattr(chamber.guns[of], "storm", rate))

    def cracked(of: str, value: float | None, now: float) -> None:
        chamber.change(lambda: chamber.guns[of].crack(True))
        chamber.growth.doubt("target cracked")

    return {
        "no_ignition": switched(lambda unit, on: setattr(unit, "dark", on)),
        "arc_storm": Fault(guns, stormy, lambda of, now: stormy(of, 0.0, now)),
        "match_stuck": switched(lambda unit, on: unit.stick_match(on)),
        "target_crack": Fault(
            guns, cracked, lambda of, now: chamber.change(lambda: chamber.guns[of].crack(False))
        ),
    }


def heater_faults(chamber: Chamber) -> dict[str, Fault]:
    """Return what may befall what heats the substrate: its element is broken, whatever power its controller gives."""
    return {"heater_dead": _flag(chamber, lambda on: chamber.holder.switch(not on))}


def boat_faults(chamber: EvaporatorChamber) -> dict[str, Fault]:
    """Return what may befall a boat. Mended, it holds a gram again."""
    return {
        "boat_empty": Fault(
            ("",), lambda of, value, now: chamber.fill(0.0), lambda of, now: chamber.fill(1e-3)
        )
    }


def instrument_faults(
    supplies: Mapping[str, AJA0313Twin | AJADCXSTwin],
    monitor: InficonSQM160Twin | None,
    board: ICPDAS7050Twin | None,
) -> dict[str, Fault]:
    """Return what may befall the instruments themselves, and the contacts of the interlock loop by name."""
    faults = {}

    def lost(of: str, value: float | None, now: float) -> None:
        supply = supplies[of]
        if isinstance(supply, AJA0313Twin):
            supply.lose_control(now)
        else:
            supply.fail(SUPPLY_FAULT, now)

    def found(of: str, now: float) -> None:
        supply = supplies[of]
        if isinstance(supply, AJA0313Twin):
            supply.return_control(now)
        else:
            supply.clear(now)

    if supplies:
        faults["control_lost"] = Fault(tuple(supplies), lost, found)
    if monitor is not None:
        replaced = lambda of, now: monitor.replace_crystal(now)  # noqa: E731 - it is the same end of both
        faults["crystal_failing"] = Fault(("",), lambda of, value, now: monitor.fail_crystal(now), replaced)
        faults["crystal_dead"] = Fault(("",), lambda of, value, now: monitor.kill_crystal(now), replaced)
    if board is not None:
        faults["contact_open"] = Fault(
            board.contacts,
            lambda of, value, now: board.open_contact(of, now),
            lambda of, now: board.close_contact(of, now),
        )
    return faults


def _flag(chamber: Chamber, put: Callable[[bool], object]) -> Fault:
    return Fault(
        ("",),
        lambda of, value, now: chamber.change(lambda: put(True)),
        lambda of, now: chamber.change(lambda: put(False)),
    )


def _stuck(chamber: Chamber, names: tuple[str, ...], is_open: bool) -> Fault:
    return Fault(
        names,
        lambda of, value, now: chamber.change(lambda: chamber.shutters.stick(of, is_open)),
        lambda of, now: chamber.change(lambda: chamber.shutters.free(of)),
    )
