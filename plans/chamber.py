"""What a chamber is asked to do of its own: be pumped, be vented, be looked at for leaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bluesky.utils import MsgGenerator

from devices.roles.films import Depositing
from plans.films import FLUSH, LEASE_EVERY, service_metadata
from plans.flying import watched


def pump_down(
    chamber: Depositing, pressure: float, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Pump a chamber to a pressure [Pa] and return the run's uid; its rows are the pump-down.

    Raises InterlockError when the cover is open, and when the pressure is not reached in the time limits.toml allows.
    """
    metadata = {**service_metadata("pump_down", chamber, pressure=pressure), **(md or {})}
    begin = partial(chamber.pump_down, pressure)
    return (yield from watched(chamber, begin, metadata, flush=FLUSH, renew=LEASE_EVERY))


def vent(chamber: Depositing, *, md: Mapping[str, Any] | None = None) -> MsgGenerator[str]:
    """Let air into a chamber and return the run's uid.

    Raises InterlockError with plasma, gas or a hot chuck; nothing is vented then.
    """
    metadata = {**service_metadata("vent", chamber), **(md or {})}
    return (yield from watched(chamber, chamber.vent, metadata, flush=FLUSH, renew=LEASE_EVERY))


def leak_check(
    chamber: Depositing, pressure: float, duration: float, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Pump a chamber to a pressure [Pa], close it off for a time [s], fit how its pressure rises; return the run's uid.

    The stream `leaks` holds what comes in [Pa m3/s] (1 is 10 mbar l/s), from outside or off the walls. Raises
    InterlockError as pump_down does, and for a chamber that has no valve to close.
    """
    told = service_metadata("leak_check", chamber, pressure=pressure, duration=duration)
    begin = partial(chamber.leak_check, pressure, duration)
    return (yield from watched(chamber, begin, {**told, **(md or {})}, flush=FLUSH, renew=LEASE_EVERY))
