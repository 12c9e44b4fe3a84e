"""Instruments of a flash lamp, as its station asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class ChargerState:
    """One reading of a charger: voltage [V], current [A] and its flags; age [s] of one that is not of now."""

    voltage: float
    current: float
    high_voltage_on: bool
    fault: bool
    age: float = 0.0


class Charger(Protocol):
    """Charges the lamp's bank.

    guard: called before the high voltage is switched on; raises InterlockError when nobody may. acting: whether who
    asks now is the loop that acts. What feeds a watchdog is said for nobody else while the high voltage is on: a look
    is answered with the last reading and its age.
    """

    guard: Callable[[], None]
    acting: bool

    @property
    def watchdog(self) -> float | None:
        """Seconds of silence after which it switches off by itself.

        None if it never does: then only a dead-man in hardware makes a lamp safe whose host died.
        """

    def program(self, voltage: float) -> None:
        """Switch on and charge to `voltage` [V]; LimitError outside its range, InstrumentError when faulted."""

    def state(self) -> ChargerState:
        """Ask for the present state, which feeds its watchdog; whoever only looks is told the last one."""

    def off(self) -> None:
        """Switch the high voltage off; the bank bleeds."""

    def reset(self) -> None:
        """Clear a latched fault; the high voltage stays off."""

    def safe(self) -> None:
        """Off, whatever the state."""


class PulseTrigger(Protocol):
    """Gates the lamp: one gate per software trigger, so that silence means no pulse.

    guard: called before every trigger; raises InterlockError when none may be sent. setting_guard: the same before a
    gate is set and triggers are let through. bursts: whether one trigger may open several gates, which only a dead-man
    in hardware allows.
    """

    guard: Callable[[], None]
    setting_guard: Callable[[], None]
    bursts: bool

    def prepare(self, duration: float) -> None:
        """Set the gate's width [s], enable single shots and read both back."""

    def prepare_burst(self, width: float, count: int, period: float) -> None:
        """Have one trigger open `count` gates of a width [s], one period [s] apart."""

    def require_set(self) -> None:
        """Raise InstrumentError when what was prepared does not stand any more; nothing is sent that acts."""

    def fire(self) -> None:
        """Send one software trigger, if the guard allows. Never repeated."""

    def fired(self) -> bool:
        """Return whether a gate was completed since the last call (the instrument forgets on reading).

        Raises InterlockError when the trigger was inhibited and no gate opened.
        """

    def safe(self) -> None:
        """Inhibit: no trigger can pass."""


class EnergyMeter(Protocol):
    """Measures the energy of each flash."""

    def prepare(self) -> None:
        """Go to single-shot energy mode and discard an old value."""

    def take(self) -> float | None:
        """Return the energy [J] measured since the last call, or None when there is no new value."""

    def safe(self) -> None:
        """Nothing to make safe; answers all the same."""


BoardDeed = Literal["close", "feed", "forget"]
"""What a board is asked to do that only its station may: close its contact, feed its watchdog, forget what was open."""


class PermissiveBoard(Protocol):
    """Reads the contacts of the interlock loop, and holds a contact of its own in it under a watchdog: the dead-man.

    guard: called before each deed; raises InterlockError when it may not be done.
    """

    guard: Callable[[BoardDeed], None]

    @property
    def end_switches(self) -> tuple[str, ...]:
        """The end switches that are wired to it, by their names."""

    def inputs(self) -> Mapping[str, bool]:
        """Return for each permissive by name whether its contact is closed, which permits."""

    def ends(self) -> Mapping[str, bool]:
        """Return for each end switch by name whether it is made; nothing where none is wired to it."""

    def opened(self) -> frozenset[str]:
        """Return the permissives whose contacts were open, however shortly, since forget()."""

    def forget(self) -> None:
        """Forget which contacts were open; one that is open now is latched again."""

    def enable(self) -> None:
        """Close the own contact for as long as alive() is called."""

    def alive(self) -> None:
        """Say that the host lives. Raises InterlockError when the watchdog has opened the contact."""

    def flashes(self) -> int:
        """Return how many flashes the board has counted, modulo 65536; it goes on when the host does not."""

    def was_off(self) -> bool:
        """Return whether it was switched off since this was last asked, or nobody can know: its count is void then."""

    def reset(self) -> None:
        """Clear a watchdog that has tripped; the contact stays open."""

    def safe(self) -> None:
        """Open the own contact: no trigger can pass."""


class Pyrometer(Protocol):
    """Measures the temperature of what lies under the lamp, between flashes; too slow to see one.

    `read` is ophyd's word for all quantities of a device, so one temperature is read_temperature().
    """

    def prepare(self) -> None:
        """Set emissivity and response, and read them back."""

    def read_temperature(self) -> float:
        """Return the temperature [K], fresh and in range.

        Raises InstrumentError with what it said instead of a value: warming, below its range, overflow, stuck.
        """

    def safe(self) -> None:
        """Nothing to make safe; answers all the same."""


Trace = tuple[tuple[float, ...], tuple[float, ...]]
"""Times [s] since the first sample, and volts."""


class TraceRecorder(Protocol):
    """Records one trace per trigger of its own input; the host only waits."""

    def prepare(self, duration: float, samples: int) -> None:
        """Have the next trigger record `samples` in `duration` [s]; so do those after each take()."""

    def take(self) -> Trace | None:
        """Return the trace recorded since the last call, or None when there is no whole one."""

    def safe(self) -> None:
        """Wait for no trigger any more."""
