"""The instruments of a lamp by what they are to it, and what makes them all safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from devices.base import Instrument
from devices.clock import Clock
from devices.errors import InterlockError
from devices.flown.station import tried
from devices.roles.lamp_parts import Charger, EnergyMeter, PermissiveBoard, PulseTrigger, TraceRecorder


@dataclass(frozen=True)
class LampParts:
    """The instruments of a lamp; those that not every lamp has are None."""

    charger: Charger
    trigger: PulseTrigger
    meter: EnergyMeter
    board: PermissiveBoard | None = None
    recorder: TraceRecorder | None = None

    @property
    def bursts(self) -> bool:
        """Whether a dead-man in hardware stands behind the trigger, so that one may open several gates."""
        return bool(getattr(self.trigger, "bursts", False))


def parts_of(instruments: Mapping[str, Instrument]) -> LampParts:
    """Return the instruments by what they are to a lamp."""
    return LampParts(
        cast(Charger, instruments["charger"]),
        cast(PulseTrigger, instruments["gate"]),
        cast(EnergyMeter, instruments["meter"]),
        cast(PermissiveBoard | None, instruments.get("permissives")),
        cast(TraceRecorder | None, instruments.get("recorder")),
    )


def refuse_without_a_dead_man(name: str, parts: LampParts) -> None:
    """Raise InterlockError for parts that rely on a dead-man where nothing is one."""
    if parts.bursts and parts.board is None:
        why = "dead_man = true, and there is no part `permissives` whose contact could be one"
        raise InterlockError("dead-man", f"{name}: {why}")
    if parts.charger.watchdog is None and not parts.bursts:
        why = "its charger has no watchdog of its own, so it needs a dead-man (gate: dead_man = true)"
        raise InterlockError("dead-man", f"{name}: {why}")


def made_safe(name: str, clock: Clock, parts: LampParts) -> str:
    """Do everything that makes a lamp safe, whatever fails; return what failed, in words."""
    actions: list[Callable[[], None]] = [parts.trigger.safe, parts.charger.safe, parts.meter.safe]
    if parts.board is not None:
        actions.insert(0, parts.board.safe)
    if parts.recorder is not None:
        actions.append(parts.recorder.safe)
    failures = tried(clock, actions)
    if not failures:
        return ""
    return (
        f"{name} could not be made safe: {failures}. The charger switches itself off 1.5 s after the"
        " last word from here; look at its front panel"
    )
