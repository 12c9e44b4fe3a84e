"""One stretch of an element, solved in one go: its rows, when it ends, and why.

The physics is called with everything that may end the stretch: the element's own ends, the channel's limits, the
rails of the instrument. What it says is translated into what the firmware does next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import (
    REST,
    Control,
    Current,
    Power,
    Record,
    Resistance,
    Until,
    Voltage,
)
from sim.physics.cell.data import CellError, CellState, EndReason, Segment
from sim.twins.squidstat_elements import Accuracy, Element, Limits, Sine
from sim.twins.squidstat_leads import Leads

Floats = NDArray[np.float64]

SAMPLE = 1e-3
"""Seconds of one internal sample, within which a limit opens the cell; guess."""

MOST_ROWS = 10_000
"""Rows of one stretch: a longer element is solved in several, so that its rows need not be held all at once."""

ROUND_OFF = 1e-9
"""V, and part of a current, by which a solved end may miss what it was solved for."""


@dataclass(frozen=True)
class Verdict:
    """Why a stretch ends: the experiment stops for a reason (with an error or without), the element goes on in
    another stretch, or (none of these) it is over and the next one begins."""

    stop: str | None = None
    is_error: bool = False
    goes_on: bool = False


@dataclass(frozen=True)
class Spectrum:
    """Impedances as they truly are: Hz, periods, ohm, peaks of the sine in V and A, all (n,)."""

    frequency: Floats
    periods: Floats
    impedance: NDArray[np.complex128]
    voltage_peak: Floats
    current_peak: Floats


@dataclass(frozen=True)
class Solved:
    """A stretch: true time since its start [s], V, A and the charge [C] passed since then at its rows (n,); its end
    [s], the charge [C] it passed, the state it leaves, and a spectrum where its rows are those of one."""

    time: Floats
    voltage: Floats
    current: Floats
    passed: Floats
    end: float
    charge: float
    state: CellState
    verdict: Verdict
    spectrum: Spectrum | None = None


@dataclass(frozen=True)
class Stretch:
    """What of an element is to be solved: seconds and charge [C] since it began, seconds to go at the most."""

    element: Element
    elapsed: float
    charge: float
    longest: float


def solve(stretch: Stretch, leads: Leads, limits: Limits, accuracy: Accuracy) -> Solved:
    """Solve a stretch of an element whose voltages count from zero."""
    trip = _trip(stretch, limits, accuracy)
    if trip is not None:
        return _with(leads.step(REST, Until(duration=SAMPLE)), trip)
    if isinstance(stretch.element.drive, Sine):
        return _spectrum(stretch, leads, limits, accuracy)
    return _rows(stretch, leads, limits, accuracy)


def _rows(stretch: Stretch, leads: Leads, limits: Limits, accuracy: Accuracy) -> Solved:
    element = stretch.element
    control = element.drive.control(stretch.elapsed)
    by_interval = element.voltage_difference is None
    left = max(element.length - stretch.elapsed, SAMPLE)
    most = min(stretch.longest, MOST_ROWS * element.interval)
    duration = min(left, most)
    record = Record(element.interval if by_interval else None, element.voltage_difference)
    until = Until(
        duration=duration,
        lower=max(element.voltage_min, limits.voltage_min, -accuracy.voltage_range),
        upper=min(element.voltage_max, limits.voltage_max, accuracy.voltage_range),
        smallest_current=element.current_min or None,
        charge=_charge_left(stretch),
        voltage_rate=element.voltage_rate_min or None,
        current_rate=element.current_rate_min or None,
    )
    for bound in _current_bounds(element, limits, accuracy):
        segment = leads.step(control, replace(until, largest_current=bound), record)
        if segment.end is not EndReason.LARGEST_CURRENT:
            break
        verdict = _current_end(float(segment.current[-1]), element, limits, accuracy)
        if verdict is not None:
            return _with(segment, verdict)
    if segment.end is EndReason.DURATION:
        return _with(segment, Verdict(goes_on=duration < left))
    return _ended(segment, element, control, limits, accuracy)


def _ended(
    segment: Segment, element: Element, control: Control, limits: Limits, accuracy: Accuracy
) -> Solved:
    """Return a segment that ended before its time."""
    exhausted = segment.end in (EndReason.LIMITING_CURRENT, EndReason.MAXIMUM_POWER)
    if exhausted and isinstance(control, Voltage):
        if element.current_min:
            return _with(segment, Verdict())
        return _with(segment, Verdict(f"Overload: {element.name} cannot hold its voltage", is_error=True))
    if exhausted or segment.end in (EndReason.UPPER_VOLTAGE, EndReason.LOWER_VOLTAGE):
        upward = _charges(control) if exhausted else segment.end is EndReason.UPPER_VOLTAGE
        reached = (
            math.copysign(math.inf, 1.0 if upward else -1.0) if exhausted else float(segment.voltage[-1])
        )
        verdict, bound = _voltage_end(reached, upward, element, limits, accuracy)
        if exhausted:
            # A film that carries no more lets the voltage run away within one sample.
            voltage = segment.voltage.copy()
            voltage[-1] = bound
            segment = replace(segment, voltage=voltage)
        return _with(segment, verdict)
    return _with(segment, Verdict())


def _with(segment: Segment, verdict: Verdict) -> Solved:
    return Solved(
        segment.time,
        segment.voltage,
        segment.current,
        segment.charge,
        float(segment.time[-1]),
        float(segment.charge[-1]),
        segment.state,
        verdict,
    )


def _charge_left(stretch: Stretch) -> float | None:
    if math.isinf(stretch.element.charge_max):
        return None
    return max(stretch.element.charge_max - abs(stretch.charge), math.ulp(stretch.element.charge_max))


def _charges(control: Control) -> bool:
    match control:
        case Current(value=value, rate=rate):
            return (value or rate) > 0.0
        case Power(value=value):
            return value > 0.0
        case Resistance():
            return False
    return True


def _trip(stretch: Stretch, limits: Limits, accuracy: Accuracy) -> Verdict | None:
    """Return why the cell is opened before anything flows."""
    if limits.temperature_max < accuracy.ambient:
        return Verdict(f"Channel maximum temperature limit of {limits.temperature_max:g} C exceeded")
    if not stretch.element.is_sound(accuracy):
        return Verdict(f"Overload: {stretch.element.name} asks for more than the channel can", is_error=True)
    control = stretch.element.drive.control(stretch.elapsed)
    if isinstance(control, Voltage) and not limits.voltage_min <= control.value <= limits.voltage_max:
        return Verdict(_voltage_limit(control.value > limits.voltage_max, limits))
    return None


def _voltage_end(
    reached: float, upward: bool, element: Element, limits: Limits, accuracy: Accuracy
) -> tuple[Verdict, float]:
    """Return what a voltage [V] that was reached means, and the bound [V] that it is.

    Where it jumped past several at once (an open lead) the limit has the first word.
    """
    sign = 1.0 if upward else -1.0
    own = element.voltage_max if upward else element.voltage_min
    limit = limits.voltage_max if upward else limits.voltage_min
    rail = sign * accuracy.voltage_range
    nearest = min((own, limit, rail), key=lambda value: sign * value)
    jumped = math.isfinite(reached) and sign * (reached - limit) > ROUND_OFF
    if nearest == own and not jumped:
        return Verdict(), own
    if nearest == limit or jumped:
        return Verdict(_voltage_limit(upward, limits)), limit
    text = f"Overload: the compliance voltage of {rail:g} V was reached"
    return Verdict(text, is_error=True), rail


def _voltage_limit(upward: bool, limits: Limits) -> str:
    if upward:
        return f"Channel maximum voltage limit of {limits.voltage_max:g} V exceeded"
    return f"Channel minimum voltage limit of {limits.voltage_min:g} V exceeded"


def _current_bounds(element: Element, limits: Limits, accuracy: Accuracy) -> list[float]:
    """Return the |current| [A] at which to look, ascending: limits are signed, the cell's step knows none."""
    largest = accuracy.current_ranges[-1] * (1.0 + ROUND_OFF)
    asked = {abs(limits.current_max), abs(limits.current_min), element.current_max, largest}
    return sorted(each * (1.0 + ROUND_OFF) if each else ROUND_OFF for each in asked if each <= largest)


def _current_end(current: float, element: Element, limits: Limits, accuracy: Accuracy) -> Verdict | None:
    """Return what a current [A] that was reached means; None when it is none of the bounds of its sign."""
    near = 1.0 - 2.0 * ROUND_OFF
    if abs(current) >= element.current_max * near:
        return Verdict()
    if current > limits.current_max:
        return Verdict(f"Channel maximum current limit of {limits.current_max:g} A exceeded")
    if current < limits.current_min:
        return Verdict(f"Channel minimum current limit of {limits.current_min:g} A exceeded")
    if abs(current) >= accuracy.current_ranges[-1]:
        return Verdict(f"Overload: {accuracy.current_ranges[-1]:g} A were reached", is_error=True)
    return None


def _spectrum(stretch: Stretch, leads: Leads, limits: Limits, accuracy: Accuracy) -> Solved:
    """Measure frequency after frequency, each in its own time, at the state the cell then has.

    The limits are held against the bias, as the vendor advises against limits for AC elements.
    """
    sine = stretch.element.drive
    if not isinstance(sine, Sine):
        raise TypeError(f"{stretch.element.name} is no spectrum")
    frequencies, periods = sine.frequencies(), sine.periods()
    lower, upper = max(limits.voltage_min, -leads.rail), min(limits.voltage_max, leads.rail)
    ends: list[tuple[float, float, float, float]] = []
    impedances: list[complex] = []
    elapsed, charge, verdict = 0.0, 0.0, Verdict()
    for frequency, length in zip(frequencies.tolist(), (periods / frequencies).tolist(), strict=True):
        left = stretch.longest - elapsed
        until = Until(duration=min(length, left), lower=lower, upper=upper)
        segment = leads.step(sine.control(0.0), until)
        leads = replace(leads, state=segment.state)
        elapsed, charge = elapsed + float(segment.time[-1]), charge + float(segment.charge[-1])
        volts, amperes = float(segment.voltage[-1]), float(segment.current[-1])
        verdict = _bias_end(segment, stretch.element, limits, accuracy)
        if verdict.stop is not None or length > left:
            break
        try:
            impedances.append(leads.impedance(frequency, amperes))
        except CellError as error:
            verdict = Verdict(f"Overload: {error}", is_error=True)
            break
        ends.append((elapsed, volts, amperes, charge))
    return _points(sine, ends, np.array(impedances), (elapsed, charge), leads, verdict)


def _points(
    sine: Sine,
    ends: list[tuple[float, float, float, float]],
    impedances: NDArray[np.complex128],
    total: tuple[float, float],
    leads: Leads,
    verdict: Verdict,
) -> Solved:
    time, voltage, current, passed = np.array(ends).reshape(-1, 4).T
    count = len(time)
    peak = np.full(count, sine.amplitude)
    size = np.abs(impedances) if count else np.empty(0)
    by_voltage = sine.what == "voltage"
    spectrum = Spectrum(
        sine.frequencies()[:count],
        sine.periods()[:count],
        impedances.reshape(-1).astype(np.complex128),
        peak if by_voltage else peak * size,
        peak / size if by_voltage else peak,
    )
    state = leads.state if leads.state is not None else CellState((), 0.0, 0.0, 0.0)
    return Solved(time, voltage, current, passed, *total, state, verdict, spectrum)


def _bias_end(segment: Segment, element: Element, limits: Limits, accuracy: Accuracy) -> Verdict:
    """Return whether the bias stops a spectrum."""
    if segment.end in (EndReason.UPPER_VOLTAGE, EndReason.LOWER_VOLTAGE):
        upward = segment.end is EndReason.UPPER_VOLTAGE
        return _voltage_end(float(segment.voltage[-1]), upward, element, limits, accuracy)[0]
    if segment.end is not EndReason.DURATION:
        return Verdict(f"Overload: {element.name} cannot hold its bias", is_error=True)
    return _current_end(float(segment.current[-1]), element, limits, accuracy) or Verdict()
