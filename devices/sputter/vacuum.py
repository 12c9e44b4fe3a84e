"""Pumping a chamber to its base pressure, and venting it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

from devices.clock import Poller
from devices.errors import InterlockError
from devices.sputter.crew import Crew
from devices.sputter.equipment import ROUGHING_VALVE, VENT_VALVE
from devices.sputter.interlocks import THROTTLE, TURBO
from devices.sputter.leaks import Rise, rise_of
from devices.sputter.recipe import SCCM
from devices.sputter.states import ChamberState
from devices.sputter.watch import Lasting

ROUGH = 20.0
"""Pa below which a turbo pump is started [deposition twins]."""
ATMOSPHERE = 0.9e5
"""Pa above which a gauge that shows a number says that air is in; guess, of weather, altitude and its own error."""
THIN_AIR = 6.1e4
"""Pa above which a number that rises no more lets another gauge's word count: 61.6 kPa at 4000 m [ISO 2533]."""
STEADY = 0.03
"""Share by which a number that rises no more may differ from that of a row before; guess, above what gauges waver."""
FILLS = 2.5
"""Times of what it took until a gauge said that air is in, for which the vent valve stays open then. A Pirani says so
from half an atmosphere on, where a door still bears tons a square metre: choked up to 0.53 of the outer pressure, then
ever slower, the rest takes 1.6 times as long [ISO 6358]; from 0.36 on 2.5 times."""
FILLS_LEAST = 60.0
"""Seconds for which it stays open at the least; guess. How long a chamber fills that somebody left half vented nobody
knows, and it is told so."""
AIR = 5e4
"""Pa above which somebody left a chamber vented, whoever looks at it first: nothing else fills it so; guess."""
SLOW_ENOUGH = 0.3
"""Share of its full speed below which a turbo pump is vented; guess, vendors vent while it runs down."""
VENTING = 3600.0
"""Seconds that may pass until a gauge says that air is in, the turbo pump's running down included; guess."""
GAUGE_AGAIN = 30.0
"""Seconds after which a hot gauge that shows nothing is switched on again: it protects itself at too high pressures."""

RISEN = 0.05
"""Pa up to which a closed chamber is watched: its hot gauge protects itself above 0.1 Pa."""
CLOSING = 3.0
"""Seconds after a throttle was told to close until nothing is pumped any more: it moves by a half in one."""

STRAY = 1e-6
"""mol/s (1.3 sccm) above which a gas flows that was not let in; guess, above the zero of controllers of 100 sccm."""
STRAY_TIME = 60.0
"""Seconds that a gas may flow into a chamber that is pumped: that of a film before is closed by then; guess."""

Tick = Callable[[], Poller]
"""Lets a second pass and looks at gauges, relays and the pump meanwhile."""


class StrayGas:
    """No gas flows into a chamber that is pumped."""

    def __init__(self, crew: Crew) -> None:
        self._crew, self._flowing = crew, Lasting(STRAY_TIME)

    def look(self) -> None:
        """Raise InterlockError that names those that flow though none should."""
        flows = self._crew.looks.seen.flows
        stray = [gas for gas, flow in flows.items() if flow.actual > STRAY]
        if self._flowing.holds(self._crew.clock.now(), bool(stray)):
            said = ", ".join(f"{gas} flows at {flows[gas].actual / SCCM:.1f} sccm" for gas in stray)
            raise InterlockError(
                "flow",
                f"{said} though no gas was let in, and {self._crew.name} cannot be pumped so: the controller is stuck"
                " or its valve leaks; close the bottle and look at it",
            )


def require_pumpable(crew: Crew) -> None:
    """Look at everything. Raises InterlockError when it may not be pumped now."""
    with crew.permits.granting("board forget"):
        # Who loaded the sample had the cover open: what counts is that it is closed now.
        crew.equipment.board.forget()
    crew.looks.everything()
    crew.require("pump", "nothing was done")


def require_ventable(crew: Crew) -> None:
    """Look at everything. Raises InterlockError with plasma, gas, or a chuck that is not known to be cold."""
    crew.looks.everything()
    crew.require("vent", "nothing was vented")


def pumped(crew: Crew, pressure: float, tick: Tick, *, looked: bool = False) -> Poller:
    """Pump to a pressure [Pa]. Raises InterlockError when it may not be done now, or is not reached in time.

    looked: whether require_pumpable was just asked; what has opened since then the first tick sees.
    """
    if not looked:
        require_pumpable(crew)
    if crew.machine.state is ChamberState.BASE and crew.looks.seen.pressure(crew.gauges.base) <= pressure:
        return
    until = crew.clock.now() + crew.limits.pump_time
    stray = StrayGas(crew)
    crew.machine.go(ChamberState.PUMPING)
    crew.switch(VENT_VALVE, False)
    if crew.equipment.valve is not None:
        crew.equipment.valve.open()
    crew.switch(ROUGHING_VALVE, True)
    rough_until = crew.clock.now() + crew.limits.turbo_time
    while not crew.looks.seen.pressure(*crew.gauges.rough, crew.gauges.base) <= ROUGH:
        stray.look()
        if crew.clock.now() > rough_until:
            raise _not_reached(crew, crew.limits.turbo_time, ROUGH, "with the roughing pump alone")
        yield from tick()
    yield from _turbo_up(crew, stray, tick)
    if not (yield from reached(crew, pressure, until, tick, stray.look)):
        raise _not_reached(crew, crew.limits.pump_time, pressure, "with the turbo pump at its speed")
    crew.machine.go(ChamberState.BASE)


def vented(crew: Crew, tick: Tick) -> Poller:
    """Let air in until the door opens; only then it is VENTED. Who calls it has just asked require_ventable.

    A person's word for a cold chuck is used up by that. Raises InterlockError when no gauge says in time that air is
    in.
    """
    crew.looks.seen.said_cold = False
    if _stands_open(crew):
        crew.log.tell("vent", "info", f"{crew.name} is vented and its cover is open; nothing was done")
        return
    equipment = crew.equipment
    until = crew.clock.now() + VENTING
    equipment.gas.gauge_power(crew.gauges.base, False)
    if crew.machine.state is ChamberState.BASE:
        crew.machine.go(ChamberState.PUMPING)
    if equipment.turbo is not None:
        with crew.permits.granting(TURBO):
            equipment.turbo.stop()
        while crew.looks.seen.turbo_share > SLOW_ENOUGH:
            _require_vented(crew, until)
            yield from tick()
    if equipment.valve is not None:
        with crew.permits.granting(THROTTLE):
            equipment.valve.close()
    crew.switch(ROUGHING_VALVE, False)
    if shows_air(crew):
        crew.log.tell(
            "vent",
            "warning",
            f"a gauge says that air is in before any was let in: the vent valve stays open for {FILLS_LEAST:.0f} s at"
            " the least, and nobody knows whether that is enough; vent it again if its door does not open by itself",
        )
    begun, closes, before = crew.clock.now(), math.inf, math.nan
    crew.switch(VENT_VALVE, True)
    try:
        while (now := crew.clock.now()) < closes:
            if math.isinf(closes):
                if _is_filled(crew, before):
                    closes = now + max(FILLS * (now - begun), FILLS_LEAST)
                else:
                    _require_vented(crew, until)
            before = crew.looks.seen.pressure(*crew.gauges.rough)
            yield from tick()
    finally:
        crew.switch(VENT_VALVE, False)
    crew.machine.go(ChamberState.VENTED)


def risen(crew: Crew, pressure: float, duration: float, tick: Tick) -> Generator[float, None, Rise]:
    """Pump to a pressure [Pa], close off everything that pumps, and return how the pressure rises for a time [s].

    Who calls it has just asked require_pumpable. Raises InterlockError without a throttle that closes, and when it was
    not reached in time. It is pumped again then.
    """
    valve, looks = crew.equipment.valve, crew.looks
    if valve is None:
        raise InterlockError("valve", f"{crew.name} has no valve to close; nothing was done")
    yield from pumped(crew, pressure, tick, looked=True)
    times, pressures = [], []
    try:
        with crew.permits.granting(THROTTLE):
            valve.close()
        crew.switch(ROUGHING_VALVE, False)
        begun = crew.clock.now() + CLOSING
        while (now := crew.clock.now()) < begun + duration:
            yield from tick()
            seen = looks.seen.pressure(crew.gauges.base)
            if now >= begun:
                times.append(looks.seen.at - begun)
                pressures.append(seen)
            if seen > RISEN:
                break
    finally:
        valve.open()
        crew.switch(ROUGHING_VALVE, True)
    return rise_of(times, pressures)


def reached(
    crew: Crew, pressure: float, until: float, tick: Tick, look: Callable[[], None] = lambda: None
) -> Generator[float, None, bool]:
    """Wait for the base gauge to show no more than a pressure [Pa]; return whether it does in time [s].

    look: called with every second, to raise what makes waiting vain.
    """
    gas, gauge = crew.equipment.gas, crew.gauges.base
    again = crew.clock.now()
    while not crew.looks.seen.pressure(gauge) <= pressure:
        now = crew.clock.now()
        if now > until:
            return False
        # A controller refuses to switch a hot gauge on in a pressure that would burn it.
        bearable = not crew.looks.seen.pressure(*crew.gauges.rough) > RISEN
        if bearable and crew.looks.seen.pressures[gauge].value is None and now >= again:
            with crew.permits.granting(f"gas {gauge}"):
                gas.gauge_power(gauge, True)
            again = now + GAUGE_AGAIN
        look()
        yield from tick()
    return True


def _turbo_up(crew: Crew, stray: StrayGas, tick: Tick) -> Poller:
    turbo = crew.equipment.turbo
    if turbo is None:
        return
    if not turbo.state().on:
        with crew.permits.granting(TURBO):
            turbo.start()
    until = crew.clock.now() + crew.limits.turbo_time
    while not crew.looks.seen.turbo_share >= crew.limits.turbo_share:
        stray.look()
        if crew.clock.now() > until:
            raise InterlockError(
                "turbo",
                f"the turbo pump turns at {crew.looks.seen.turbo_share:.0%} of its speed"
                f" {crew.limits.turbo_time:.0f} s after it was started, {crew.limits.turbo_share:.0%} are wanted:"
                " look at its drive and what it pumps against; no gas was let in",
            )
        seen = crew.looks.seen.turbo
        if seen is not None and seen.error:
            raise InterlockError("turbo", f"the turbo pump does not run up: {seen.error}; nothing was let in")
        yield from tick()


def shows_air(crew: Crew) -> bool:
    """Return whether the last look at the gauges is that of a chamber that is open to air."""
    return crew.looks.seen.pressure(*crew.gauges.rough) > AIR or _says_atmosphere(crew)


def _stands_open(crew: Crew) -> bool:
    """Return whether it is VENTED, with air in and its cover open, by the last look."""
    is_open = crew.looks.seen.contacts.get("cover") is False
    return crew.machine.state is ChamberState.VENTED and is_open and shows_air(crew)


def _is_filled(crew: Crew, before: float) -> bool:
    """Return whether a gauge says that air is in: by its number, or by a word that no number contradicts.

    before: the number [Pa] of a row before, NaN without one. One that still rises contradicts, and one of no air.
    """
    shown = crew.looks.seen.pressure(*crew.gauges.rough)
    if math.isnan(shown):
        return _says_atmosphere(crew)
    is_steady = abs(shown - before) <= STEADY * shown
    return shown >= ATMOSPHERE or (_says_atmosphere(crew) and is_steady and shown > THIN_AIR)


def _says_atmosphere(crew: Crew) -> bool:
    """Return whether a gauge says so instead of a number."""
    said = (crew.looks.seen.pressures.get(gauge) for gauge in crew.gauges.rough)
    return any(each is not None and each.said == "ATM" for each in said)


def _not_reached(crew: Crew, after: float, pressure: float, how: str) -> InterlockError:
    """Return the error of a pressure [Pa] that was not reached after a time [s]; how it was pumped, at its best."""
    seen = crew.looks.seen
    shown = seen.pressure(crew.gauges.base, *crew.gauges.rough)
    said = "no gauge shows a pressure" if math.isnan(shown) else f"{shown:.2g} Pa"
    if pressure < ROUGH and seen.turbo_share < crew.limits.turbo_share:
        how = f"with the turbo pump at {seen.turbo_share:.0%} of its speed"
    return InterlockError(
        "base pressure",
        f"{said} after {after:.0f} s {how}, {pressure:.2g} Pa are wanted: look for a leak or water; no gas was let in",
    )


def _require_vented(crew: Crew, until: float) -> None:
    if crew.clock.now() > until:
        raise InterlockError(
            "vent", f"{crew.name} is not vented after {VENTING:.0f} s; the vent valve is closed"
        )
