"""What a sputter system asks of its instruments: roles, not makes. A driver fits a role by having its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from devices.roles.lamp_parts import BoardDeed


@dataclass(frozen=True)
class SupplyState:
    """One reading of a plasma supply.

    Powers [W], bias [V] (of the target against ground, as a positive number: the self-bias of an RF supply, the
    voltage of a DC one), current [A] (0 where it has none), temperature [K] or None. flags: what it complains of, in
    words. in_control: whether this host may set it.
    """

    on: bool
    forward: float
    reflected: float
    load: float
    bias: float
    current: float
    in_control: bool
    flags: frozenset[str]
    temperature: float | None = None


class PlasmaSupply(Protocol):
    """Drives one gun, RF or DC.

    guard: called before the power is switched on, or set to more than none; raises InterlockError when nobody may.
    acting: whether who asks now is the loop that acts: what feeds a watchdog is said for nobody else while the power
    is on.
    """

    guard: Callable[[], None]
    acting: bool

    @property
    def limit(self) -> float:
        """The most power [W] it may be set to."""

    @property
    def watchdog(self) -> float | None:
        """Seconds of silence after which it switches off by itself; None if it never does."""

    def take_control(self) -> None:
        """Take it from its front panel; InstrumentError when it does not let go."""

    def set_power(self, power: float) -> None:
        """Set the power [W] and read it back; LimitError beyond the limit. Nothing is switched on."""

    def on(self) -> None:
        """Switch the power on, if the guard allows."""

    def off(self) -> None:
        """Switch the power off."""

    def state(self) -> SupplyState:
        """Ask for the present state, which feeds its watchdog; whoever only looks is told the last one."""

    def safe(self) -> None:
        """Off, and control given back."""


@dataclass(frozen=True)
class Pressure:
    """One gauge's answer: a pressure [Pa], or None and what it said instead."""

    value: float | None
    said: str = ""


@dataclass(frozen=True)
class Flow:
    """One mass flow controller: what flows and what it was set to [mol/s], and its mode in words."""

    actual: float
    wanted: float
    mode: str


class GasController(Protocol):
    """Reads gauges and holds flows; channels go by the names of the bench file (`gauges`, `gases`)."""

    guard: Callable[[str], None]
    """Called with a gas before it is let in, a hot gauge before it is on; raises InterlockError when nobody may."""

    def pressures(self) -> Mapping[str, Pressure]:
        """Return all gauges by name."""

    def flows(self) -> Mapping[str, Flow]:
        """Return all gases by name."""

    def set_flow(self, gas: str, flow: float) -> None:
        """Let a gas in at a flow [mol/s], or (0) close it, and read back; LimitError outside its range."""

    def full_scale(self, gas: str) -> float:
        """Return the most of a gas that it lets in [mol/s]."""

    def close_gases(self) -> None:
        """Close every gas."""

    def gauge_power(self, gauge: str, on: bool) -> None:
        """Switch a hot gauge on or off."""

    def safe(self) -> None:
        """Close every gas; the gauges go on."""


class ThrottleState(Protocol):
    """One reading of a throttle valve."""

    @property
    def position(self) -> float:
        """Where it is, 0 to 1."""

    @property
    def fails(self) -> bool:
        """Whether it no longer does what it is told."""


class ThrottleValve(Protocol):
    """Throttles the pump, and holds a pressure by itself once it has learnt the chamber.

    guard: called before it is closed or holds anything; raises InterlockError when nobody may.
    """

    guard: Callable[[], None]

    @property
    def full_scale(self) -> float:
        """The highest pressure [Pa] that it holds."""

    def set_pressure(self, pressure: float) -> None:
        """Hold a pressure [Pa]; LimitError outside its range, InterlockError when it has not learnt."""

    def set_position(self, position: float) -> None:
        """Go to a position, 0 (closed) to 1 (open)."""

    def open(self) -> None:
        """Open wholly."""

    def close(self) -> None:
        """Close wholly."""

    def hold(self) -> None:
        """Stay where it is."""

    def state(self) -> ThrottleState:
        """Return where it is, and whether it fails."""

    def complaint(self) -> str:
        """Return what it complains of, in words; empty if nothing."""

    def safe(self) -> None:
        """Open: keep pumping; an error that stands is reset for that."""


@dataclass(frozen=True)
class MonitorReading:
    """One reading of a thickness monitor: rate [m/s], thickness [m], frequency [Hz], life left (1 for a new crystal).

    ok: whether the crystal oscillates and the sensor is valid.
    """

    rate: float
    thickness: float
    frequency: float
    life: float
    ok: bool


class ThicknessMonitor(Protocol):
    """Weighs what falls on a crystal.

    guard: called before it is set or zeroed; raises InterlockError when nobody may.
    """

    guard: Callable[[], None]

    def prepare(self, density: float, z_ratio: float, tooling: float) -> None:
        """Set the film: density [kg/m3], ratio of acoustic impedances [1], tooling factor [1]; read back."""

    def zero(self) -> None:
        """Count the thickness from now."""

    def read_film(self) -> MonitorReading:
        """Return the present reading."""

    def safe(self) -> None:
        """Nothing to make safe; answers all the same."""


class Relays(Protocol):
    """Switches shutters and valves, by the names of the bench file."""

    guard: Callable[[str], None]
    """Called with a name before it is switched on; raises InterlockError when nobody may."""
    guard_off: Callable[[str], None]
    """The same before it is switched off; safe() asks nobody."""

    def names(self) -> frozenset[str]:
        """Return the names."""

    def switch(self, name: str, on: bool) -> None:
        """Switch one on or off and read back; InstrumentError when it does not follow."""

    def states(self) -> Mapping[str, bool]:
        """Return which are on."""

    def safe(self) -> None:
        """Switch off everything."""


class EndSwitches(Protocol):
    """Reads the end switches of shutters."""

    guard: Callable[[BoardDeed], None]
    """Called before each deed of a board; raises InterlockError when it may not be done."""

    @property
    def contacts(self) -> tuple[str, ...]:
        """The contacts of an interlock loop that are wired to it: none, or they would be asked by nobody."""

    @property
    def end_switches(self) -> tuple[str, ...]:
        """The names of the switches."""

    def ends(self) -> Mapping[str, bool]:
        """Return for each end switch by name whether it is made."""

    def safe(self) -> None:
        """Open an output that nothing is wired to; answers all the same."""


class HeaterController(Protocol):
    """Holds the substrate's temperature.

    guard: called before a temperature is set; raises InterlockError when nobody may.
    """

    guard: Callable[[], None]

    @property
    def limit(self) -> float:
        """The highest temperature [K] that it may be set to."""

    def set_temperature(self, temperature: float) -> None:
        """Hold a temperature [K]; LimitError outside its range."""

    def read_temperature(self) -> float:
        """Return the temperature [K]; InstrumentError when the sensor is broken."""

    def output(self) -> float:
        """Return how much of its power it gives, 0 to 1."""

    def off(self) -> None:
        """Give no power."""

    def safe(self) -> None:
        """Off."""


@dataclass(frozen=True)
class TurboState:
    """A turbo pump: rotation [Hz], that of full speed, its current [A], whether it is switched on, its error."""

    speed: float
    full_speed: float
    current: float
    on: bool
    error: str = ""


class TurboPump(Protocol):
    """Pumps to high vacuum.

    guard: called before it is started or stopped; raises InterlockError when nobody may.
    """

    guard: Callable[[], None]

    def start(self) -> None:
        """Run up."""

    def stop(self) -> None:
        """Run down."""

    def state(self) -> TurboState:
        """Ask for the present state."""

    def read_speed(self) -> float:
        """Ask for the rotation [Hz] alone."""

    def safe(self) -> None:
        """Keep pumping: nothing is done; answers all the same."""
