"""The cell: a planar insertion film, a solid electrolyte and lithium, under constant current or at rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from sim.physics.diffusion import PlanarFilm, SurfaceHistory
from sim.physics.ocp import OpenCircuitPotential, thermal_voltage
from sim.physics.smooth_history import SmoothHistory

Floats = NDArray[np.float64]

# The surface counts as full or empty this close to 1 or 0: a LiCoO2 electrode is then below 2.5 V or above
# 5.5 V.
SURFACE_MARGIN = 1e-12
# Logarithmic in time, about 12 a decade: only a hump of voltage shorter than a fifth of its age passes
# unseen.
_SCAN_POINTS = 97
_TIME_RESOLUTION = 1e-14  # s; with 4 eps of the time itself it leaves an event within 1 nV of its cut-off
_SAME_INSTANT = 1e-9  # of the sample interval: a regular sample this close to the end is the last one


class EndReason(StrEnum):
    """Say why a segment ended."""

    DURATION = "duration"
    UPPER_VOLTAGE = "upper_voltage"
    LOWER_VOLTAGE = "lower_voltage"
    LIMITING_CURRENT = "limiting_current"


class CellError(ValueError):
    """A parameter, a state or a request that the cell cannot take."""


@dataclass(frozen=True)
class CellParameters:
    """Describe one cell, per unit of its area where a quantity scales with it.

    area [m2]
    edges [m] (n + 1,): finite volumes of the film, 0 at the electrolyte, the last is the thickness
    diffusivity [m2/s] (n,)
    active_share [-] (n,): part of the sites of the dense crystal that takes part, in (0, 1]
    site_charge [C/m3]: charge of all sites of the dense crystal (x from 0 to 1)
    cathode_exchange_current [A/m2]: i0 at x = 0.5 (the law is 2 i0 sqrt(x (1 - x)))
    anode_exchange_current [A/m2]
    electrolyte_resistance, contact_resistance [ohm m2]
    anode_lithium [C/m2]: lithium on the anode as made
    as_made_lithium [-]: x of the film as made
    ocp: open-circuit potential of the film, which also sets the temperature

    Raises CellError when a number is not finite or outside its range.
    """

    area: float
    edges: tuple[float, ...]
    diffusivity: tuple[float, ...]
    active_share: tuple[float, ...]
    site_charge: float
    cathode_exchange_current: float
    anode_exchange_current: float
    electrolyte_resistance: float
    contact_resistance: float
    anode_lithium: float
    as_made_lithium: float
    ocp: OpenCircuitPotential

    def __post_init__(self) -> None:
        positive = ("area", "site_charge", "cathode_exchange_current", "anode_exchange_current")
        not_negative = ("electrolyte_resistance", "contact_resistance", "anode_lithium")
        for name in positive + not_negative:
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0.0 or (value == 0.0 and name in not_negative))):
                raise CellError(f"{name} = {value!r} is outside its range")
        if not all(0.0 < share <= 1.0 for share in self.active_share):
            raise CellError(f"active_share must be in (0, 1] in every cell, got {self.active_share!r}")
        if not SURFACE_MARGIN < self.as_made_lithium < 1.0 - SURFACE_MARGIN:
            raise CellError(f"as_made_lithium = {self.as_made_lithium!r} is not inside (0, 1)")

    @property
    def thickness(self) -> float:
        """Return the thickness of the film [m]."""
        return self.edges[-1]


@dataclass(frozen=True)
class CellState:
    """Hold what a cell remembers.

    lithium [-] (n,): x of each finite volume of the film
    anode_lithium [C]: lithium on the anode
    charge [C], energy [J]: net counters since the cell was made, charging positive
    """

    lithium: tuple[float, ...]
    anode_lithium: float
    charge: float
    energy: float

    def to_dict(self) -> dict[str, object]:
        """Return the state as plain numbers and lists; floats survive JSON exactly."""
        return {**asdict(self), "lithium": list(self.lithium)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> CellState:
        """Rebuild a state from `to_dict`.

        Raises CellError when a key is missing, unknown, or not a finite number.
        """
        expected = {"lithium", "anode_lithium", "charge", "energy"}
        if set(data) != expected:
            raise CellError(f"a cell state has the keys {sorted(expected)}, got {sorted(data)}")
        lithium = data["lithium"]
        if not isinstance(lithium, list | tuple):
            raise CellError("lithium of a cell state must be a list of numbers")
        return cls(
            lithium=tuple(_number("lithium", value) for value in lithium),
            anode_lithium=_number("anode_lithium", data["anode_lithium"]),
            charge=_number("charge", data["charge"]),
            energy=_number("energy", data["energy"]),
        )


@dataclass(frozen=True)
class Segment:
    """Hold one step from its first to its last instant: rows, why it ended, and the state it left.

    time [s], voltage [V], current [A], charge [C], energy [J], all (n,); time, charge and energy count from
    the start of the step. The rows are fixed when the step is computed: reading some of them early changes
    nothing.
    """

    time: Floats
    voltage: Floats
    current: Floats
    charge: Floats
    energy: Floats
    end: EndReason
    state: CellState

    def rows_by(self, elapsed: float) -> int:
        """Return how many rows lie at or before an elapsed time [s]."""
        return int(np.searchsorted(self.time, elapsed, side="right"))


class Cell:
    """Step a cell under a constant total current: charging, discharging (negative), or rest (zero).

    V = U(x_s) + eta_c + eta_a + i (R_electrolyte + R_contact), eta = (2 R T / F) asinh(i / (2 i0)) on both
    sides (Butler-Volmer with equal transfer coefficients, double layers quasi-static), i = current / area
    [A/m2], x_s the lithium fraction at the surface of the film. Every method is a pure function of its
    arguments.
    """

    def __init__(self, parameters: CellParameters) -> None:
        """Build the modes of the film.

        Raises CellError for parameters that do not fit together.
        """
        self.parameters = parameters
        sites = parameters.site_charge * np.array(parameters.active_share)
        try:
            self._film = PlanarFilm(np.array(parameters.edges), np.array(parameters.diffusivity), sites)
        except ValueError as error:
            raise CellError(f"the film of this cell cannot be built: {error}") from error
        self._fastest = 1.0 / float(self._film.rates[-1])

    @property
    def site_charge(self) -> float:
        """Return the charge of all active sites [C], x from 0 to 1."""
        return self._film.capacity * self.parameters.area

    def fresh(self) -> CellState:
        """Return the cell as made: discharged, the film at as_made_lithium throughout."""
        lithium = (self.parameters.as_made_lithium,) * len(self.parameters.diffusivity)
        return CellState(lithium, self.parameters.anode_lithium * self.parameters.area, 0.0, 0.0)

    def voltage(self, state: CellState, current: float) -> float:
        """Return the voltage [V] at the instant a current [A] flows from a state.

        Raises CellError when the surface of the film cannot carry the current.
        """
        density = self._density(current)
        surface = self._film.surface(self._profile(state), density)(np.zeros(1))
        if not _can_carry(surface)[0]:
            raise CellError(f"the surface of the film cannot carry {current!r} A from this state")
        return float(self._voltage(surface, density)[0])

    def current_step(
        self,
        state: CellState,
        current: float,
        duration: float,
        lower: float | None = None,
        upper: float | None = None,
        sample_interval: float | None = None,
        sample_voltage_change: float | None = None,
    ) -> Segment:
        """Run a constant current until its duration or its first limit, whichever comes first.

        current [A], duration [s] (infinite is allowed under a current), lower and upper cut-off [V], both
        active for either sign of the current. Rows: the first and the last instant, every sample_interval
        [s] counted from the start, and wherever the voltage has moved by sample_voltage_change [V] since the
        row before. LIMITING_CURRENT: the surface of the film, or the lithium of the anode, is used up before
        a cut-off. A current that the surface cannot carry from the first instant gives one row at rest:
        nothing has flowed. To stop a step early, run it again from its start with the shorter duration.
        Raises CellError for a request that is not finite and positive where it must be.
        """
        density = self._density(current)
        _check_request(current, duration, lower, upper, sample_interval, sample_voltage_change)
        surface = self._film.surface(self._profile(state), density)
        end, reason = self._find_end(state, current, duration, surface, *_window(lower, upper))
        if reason is EndReason.LIMITING_CURRENT and end == 0.0:
            current, density = 0.0, 0.0
            surface = self._film.surface(self._profile(state), density)

        def voltage(times: Floats) -> Floats:
            return self._voltage(surface(times), density)

        times = _regular_times(end, sample_interval)
        energy = np.zeros_like(times)
        if end > 0.0:
            history = SmoothHistory(voltage, end, self._fastest)
            if sample_voltage_change is not None:
                times = np.union1d(times, history.crossings(times, sample_voltage_change))
            energy = current * history.integral(times)
        return Segment(
            time=times,
            voltage=voltage(times),
            current=np.full_like(times, current),
            charge=current * times,
            energy=energy,
            end=reason,
            state=self._advance(state, current, end, float(energy[-1])),
        )

    def _advance(self, state: CellState, current: float, duration: float, energy: float) -> CellState:
        if duration == 0.0:
            return state
        lithium = self._film.advance(self._profile(state), current / self.parameters.area, duration)
        charge = current * duration
        return CellState(
            lithium=tuple(lithium.tolist()),
            anode_lithium=state.anode_lithium + charge,
            charge=state.charge + charge,
            energy=state.energy + energy,
        )

    def _find_end(
        self,
        state: CellState,
        current: float,
        duration: float,
        surface: SurfaceHistory,
        low: float,
        high: float,
    ) -> tuple[float, EndReason]:
        """Return when [s] and why a step ends: scan for the first instant beyond a limit, then solve."""
        density = current / self.parameters.area

        def voltage_at(time: float) -> float:
            return float(self._voltage(surface(np.array(time)), density))

        horizon = min(duration, self._time_to_empty(state, current))
        times = _scan_times(horizon, self._fastest)
        fractions = surface(times)
        carried = _can_carry(fractions)
        voltages = self._voltage(np.where(carried, fractions, 0.5), density)
        beyond = ~carried | (voltages <= low) | (voltages >= high)
        if not beyond.any():
            return horizon, EndReason.DURATION if horizon == duration else EndReason.LIMITING_CURRENT
        first = int(np.argmax(beyond))
        before, after = float(times[max(first - 1, 0)]), float(times[first])
        if not carried[first]:
            if first == 0:
                return 0.0, EndReason.LIMITING_CURRENT
            bound = SURFACE_MARGIN if fractions[first] < 0.5 else 1.0 - SURFACE_MARGIN
            after = _root(lambda time: float(surface(np.array(time))) - bound, before, after)
        last_voltage = voltage_at(after)
        if low < last_voltage < high:
            return after, EndReason.LIMITING_CURRENT
        reason, limit = EndReason.LOWER_VOLTAGE, low
        if last_voltage >= high:
            reason, limit = EndReason.UPPER_VOLTAGE, high
        if first == 0:
            return 0.0, reason
        return _root(lambda time: voltage_at(time) - limit, before, after), reason

    def _time_to_empty(self, state: CellState, current: float) -> float:
        """Return when [s] the sites of the film or the lithium of the anode are used up by a current [A]."""
        if current == 0.0:
            return math.inf
        mean = self._film.mean(self._profile(state))
        if current > 0.0:
            return mean * self.site_charge / current
        left = min((1.0 - mean) * self.site_charge, state.anode_lithium)
        return max(left, 0.0) / -current

    def _voltage(self, surface: Floats, density: float) -> Floats:
        parameters = self.parameters
        double_thermal = 2.0 * thermal_voltage(parameters.ocp.temperature)
        cathode_exchange = 2.0 * parameters.cathode_exchange_current * np.sqrt(surface * (1.0 - surface))
        cathode = double_thermal * np.arcsinh(density / (2.0 * cathode_exchange))
        anode = double_thermal * math.asinh(density / (2.0 * parameters.anode_exchange_current))
        ohmic = density * (parameters.electrolyte_resistance + parameters.contact_resistance)
        return np.asarray(parameters.ocp.potential(surface) + cathode + anode + ohmic)

    def _density(self, current: float) -> float:
        if not math.isfinite(current):
            raise CellError(f"current = {current!r} A is not finite")
        return current / self.parameters.area

    def _profile(self, state: CellState) -> Floats:
        if len(state.lithium) != len(self.parameters.diffusivity):
            expected = len(self.parameters.diffusivity)
            raise CellError(f"the state has {len(state.lithium)} volumes, the cell {expected}")
        return np.array(state.lithium)


def cycled_capacity(cell: Cell, current: float, lower: float, upper: float, cycles: int) -> float:
    """Return the discharge capacity [C] of the last of some cycles of a fresh cell.

    current [A] > 0 both ways, cut-offs [V]; no hold at either end.
    """
    state = cell.fresh()
    capacity = 0.0
    for _ in range(cycles):
        state = cell.current_step(state, current, math.inf, upper=upper).state
        discharge = cell.current_step(state, -current, math.inf, lower=lower)
        state, capacity = discharge.state, abs(float(discharge.charge[-1]))
    return capacity


def _can_carry(surface: Floats) -> NDArray[np.bool_]:
    return np.asarray((surface > SURFACE_MARGIN) & (surface < 1.0 - SURFACE_MARGIN))


def _root(function: Callable[[float], float], before: float, after: float) -> float:
    return float(brentq(function, before, after, xtol=_TIME_RESOLUTION, rtol=4.0 * np.finfo(np.float64).eps))


def _scan_times(horizon: float, shortest: float) -> Floats:
    """Return 0 and times on a logarithmic scale up to the horizon [s]."""
    if horizon == 0.0:
        return np.zeros(1)
    times = horizon * np.geomspace(min(shortest / horizon, 0.01), 1.0, _SCAN_POINTS)
    return np.concatenate(([0.0], times))


def _regular_times(end: float, interval: float | None) -> Floats:
    """Return 0, every whole interval before the end, and the end [s]."""
    if end == 0.0:
        return np.zeros(1)
    if interval is None:
        return np.array([0.0, end])
    regular = interval * np.arange(math.ceil(end / interval) + 1)
    return np.append(regular[end - regular > _SAME_INSTANT * interval], end)


def _window(lower: float | None, upper: float | None) -> tuple[float, float]:
    return -math.inf if lower is None else lower, math.inf if upper is None else upper


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CellError(f"{name} of a cell state must be a finite number, got {value!r}")
    return float(value)


def _check_request(
    current: float,
    duration: float,
    lower: float | None,
    upper: float | None,
    sample_interval: float | None,
    sample_voltage_change: float | None,
) -> None:
    if not duration >= 0.0 or (math.isinf(duration) and current == 0.0):
        raise CellError(f"duration = {duration!r} s is not possible at {current!r} A")
    for name, limit in (("lower", lower), ("upper", upper)):
        if limit is not None and not math.isfinite(limit):
            raise CellError(f"{name} = {limit!r} V is not finite")
    if lower is not None and upper is not None and lower >= upper:
        raise CellError(f"lower = {lower!r} V is not below upper = {upper!r} V")
    spacings = (("sample_interval", sample_interval), ("sample_voltage_change", sample_voltage_change))
    for name, spacing in spacings:
        if spacing is not None and not (math.isfinite(spacing) and spacing > 0.0):
            raise CellError(f"{name} = {spacing!r} is not a positive number")
