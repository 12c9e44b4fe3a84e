"""What in a program is unlikely to be meant: milli for micro, above all. Nothing is refused for it.

Each case has a name, and a function that says what is odd about a step in its place, or nothing. What a case
needs and nobody knows (a film's capacity, its materials) is NaN or has no window, which no comparison exceeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devices.cycling.cells import SECONDS_PER_HOUR, CellSize
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    VoltageRamp,
    setpoint_current,
)

FASTEST = 20.0
"""C-rate above which a current is doubted; the FLA paper cycles at 10C."""

SLOWEST = 1e-3
"""C-rate below which a charge or discharge is doubted; guess: six weeks one way."""

FULLEST = 3.0
"""Capacities of the film above which a charge is doubted; guess: LiCoO2 holds two of the halves that are used."""

ANOTHER = 0.1
"""Relative difference from which a file's capacity is another cell's; guess: film thicknesses are known better."""

WINDOWS: Mapping[str, tuple[float, float]] = {"LiCoO2": (2.5, 4.55)}
"""V against lithium between which a cathode is itself: LiCoO2 leaves its layers above (Chen and Dahn 2002: a phase
change at 4.55 V) and takes no more lithium below (guess: far below its plateau at 3.9 V)."""

STABLE: Mapping[str, tuple[float, float]] = {"LiPON": (0.0, 5.0)}
"""V against lithium between which an electrolyte is stable: LiPON bears lithium, and 5 V (review of PVD cathodes,
2021)."""

NEAR = 1e-3
"""V by which a window may be left unsaid: a mean potential of an anode is not known better; guess."""

TEMPERATURES: Mapping[str, tuple[float, float]] = {"LiPON": (248.15, 373.15), "Li": (0.0, 453.65)}
"""K between which a material serves: cells with LiPON were cycled from -25 to 100 degC (Bates et al., Solid State
Ionics 135 (2000) 33); lithium melts (CRC Handbook)."""

FASTEST_SWEEP = 0.1
"""V/s above which a sweep charges the double layer only; guess: films are swept at 0.1 to 10 mV/s."""

LONGEST_SWEEP = 7 * 86400.0
"""Seconds above which a sweep is doubted; guess."""

QUIETEST = 1e-9
"""V/s below which a rest does not come to an end: 0.06 uV/min is below any instrument's drift; guess."""

MOST_ROWS, LEAST_ROWS = 1e6, 5.0
"""Rows of one step beyond which its record is doubted; guesses: 0.5 GB on disk, and too few to draw a line."""

LONGEST_SPECTRUM = 3600.0
"""Seconds above which a spectrum is doubted: the cell drifts meanwhile; guess."""

PERIODS = 3.0
"""Periods of a sine that a point of a spectrum takes, with its settling; guess."""

LOUDEST = 0.05
"""Volts above which a sine is not a small one: twice kT/e at room temperature."""

CLOSE = 5e-3
"""Volts within which an end and the safety limit behind it are met by the same noise; guess."""

CLOSE_SHARE = 0.99
"""Share of a safety limit above which a setpoint is as good as at it; guess."""


@dataclass(frozen=True)
class Seen:
    """A step in its place: the step before it (None: none), the limits, the cell; capacity [C], NaN if unknown."""

    step: Step
    before: Step | None
    limits: CellLimits
    cell: CellSize

    @property
    def capacity(self) -> float:
        """The film's capacity [C]."""
        return math.nan if self.cell.capacity is None else self.cell.capacity

    @property
    def holds(self) -> str:
        """The film's capacity in words."""
        return f"the film's {_micro(self.capacity / SECONDS_PER_HOUR)}Ah"

    @property
    def window(self) -> tuple[float, float]:
        """The voltages [V] of the cell at which the cathode is itself; all there are, where it is not known."""
        return _window_of(self.cell)

    @property
    def stable(self) -> tuple[float, float]:
        """The voltages [V] of the cell at which the electrolyte is stable; all there are, where it is not known."""
        return _against(self.cell, self.cell.stable or STABLE.get((*self.cell.materials, "", "")[1]))

    @property
    def lowest(self) -> float:
        """The least voltage [V] that power or load meets."""
        return max(self.limits.voltage_min, 0.1)

    def rate(self, current: float) -> float:
        """Return a current [A] as a C-rate [1/h]."""
        return current * SECONDS_PER_HOUR / self.capacity

    @property
    def lasts(self) -> float:
        """How long [s] the step takes at the most; NaN where nothing tells it but a current no film bears."""
        run, known = self.step.run, [self.step.until.duration]
        known += [run.duration] if isinstance(run, CurrentRamp | VoltageRamp) else []
        if isinstance(run, ConstantCurrent) and 0 < self.rate(abs(run.current)) <= FASTEST:
            known.append(self.capacity / abs(run.current))
        return min((each for each in known if each is not None), default=math.nan)


def _window_of(cell: CellSize) -> tuple[float, float]:
    return _against(cell, cell.window or WINDOWS.get((*cell.materials, "")[0]))


def _against(cell: CellSize, window: tuple[float, float] | None) -> tuple[float, float]:
    """Return a window against lithium [V] as one against the cell's own anode."""
    low, high = window or (-math.inf, math.inf)
    return low - cell.anode, high - cell.anode


def emptied_below(cell: CellSize) -> float:
    """Return the voltage [V] below which a cell without an anode has no lithium to give; -inf for all others."""
    return _window_of(cell)[0] - NEAR if cell.anodeless else -math.inf


def fast_current(seen: Seen) -> str:
    """Milliamperes where microamperes were meant."""
    current = setpoint_current(seen.step.run) or 0.0
    if seen.rate(current) > FASTEST:
        said = f"{_micro(current)}A is {seen.rate(current):.3g}C of {seen.holds}"
        return f"{said}; was a smaller unit meant (uA, not mA)?"
    return ""


def slow_current(seen: Seen) -> str:
    """Nanoamperes where microamperes were meant."""
    rate = seen.rate(setpoint_current(seen.step.run) or 0.0)
    if 0 < rate < SLOWEST and seen.step.until.duration is None and _drives(seen.step):
        current = _micro(setpoint_current(seen.step.run) or 0.0)
        return (
            f"{current}A is {rate:.3g}C of {seen.holds}, {1 / rate:.3g} h one way; was a larger unit meant?"
        )
    return ""


def power_of_another_cell(seen: Seen) -> str:
    """A power whose current at the lowest voltage no film bears, or none feels."""
    run = seen.step.run
    if not isinstance(run, ConstantPower):
        return ""
    rate = seen.rate(abs(run.power) / seen.lowest)
    if rate > FASTEST or (0 < rate < SLOWEST and seen.step.until.duration is None):
        return f"{_micro(abs(run.power))}W draws {rate:.3g}C of {seen.holds}; was another unit meant (uW, not mW)?"
    return ""


def load_of_another_cell(seen: Seen) -> str:
    """A load that is a short to this cell, or nothing."""
    run = seen.step.run
    if not isinstance(run, ConstantResistance):
        return ""
    high = seen.rate(seen.limits.voltage_max / run.resistance)
    if high > FASTEST:
        return f"{_ohm(run.resistance)} draws {high:.3g}C of {seen.holds}: a short; was a larger unit meant (kOhm)?"
    if 0 < high < SLOWEST and seen.step.until.duration is None:
        return f"{_ohm(run.resistance)} draws {high:.3g}C of {seen.holds}; was a smaller unit meant?"
    return ""


def charge_of_another_cell(seen: Seen) -> str:
    """An end by a charge that the film does not hold."""
    charge = seen.step.until.charge
    if charge is not None and charge > FULLEST * seen.capacity:
        said = f"{_micro(charge / SECONDS_PER_HOUR)}Ah is {charge / seen.capacity:.3g} times {seen.holds}"
        return f"an end at {said}; was a smaller unit meant (uAh, not mAh)?"
    return ""


def energy_of_another_cell(seen: Seen) -> str:
    """An end by an energy that the film does not hold."""
    energy, full = seen.step.until.energy, seen.capacity * seen.limits.voltage_max
    if energy is not None and energy > FULLEST * full:
        said = f"{_micro(energy / SECONDS_PER_HOUR)}Wh is {energy / full:.3g} times what the film holds"
        return f"an end at {said}; was a smaller unit meant (uWh, not mWh)?"
    return ""


def cutoff_at_once(seen: Seen) -> str:
    """A hold whose current is below its end from the beginning."""
    below = seen.step.until.current_below
    if below is not None and seen.rate(below) > FASTEST:
        return f"an end below {_micro(below)}A is {seen.rate(below):.3g}C of {seen.holds}; it ends at once"
    return ""


def cutoff_never(seen: Seen) -> str:
    """A hold that waits for a current which leaks and noise exceed."""
    until = seen.step.until
    if (
        until.current_below is not None
        and until.duration is None
        and seen.rate(until.current_below) < SLOWEST
    ):
        rate = seen.rate(until.current_below)
        end = f"an end below {_micro(until.current_below)}A is {rate:.2g}C of {seen.holds}"
        return f"{end} and may never come; say `for`"
    return ""


def wrong_direction(seen: Seen) -> str:
    """A charge until a voltage below, a discharge until one above, and no other voltage."""
    way, until = _direction(seen.step), seen.step.until
    if way > 0 and until.voltage_below is not None and until.voltage_above is None:
        return f"a charge that ends below {until.voltage_below:g} V: it rises; was a discharge, or `above`, meant?"
    if way < 0 and until.voltage_above is not None and until.voltage_below is None:
        return f"a discharge that ends above {until.voltage_above:g} V: it falls; was a charge, or `below`, meant?"
    return ""


def already_there(seen: Seen) -> str:
    """A charge to where a hold right before it has brought the cell already, or a discharge."""
    if seen.before is None or not isinstance(seen.before.run, ConstantVoltage):
        return ""
    way, until, held = _direction(seen.step), seen.step.until, seen.before.run.voltage
    if way > 0 and until.voltage_above is not None and held >= until.voltage_above:
        return f"a charge to {until.voltage_above:g} V after a hold at {held:g} V ends at once"
    if way < 0 and until.voltage_below is not None and held <= until.voltage_below:
        return f"a discharge to {until.voltage_below:g} V after a hold at {held:g} V ends at once"
    return ""


def voltage_of_another_cathode(seen: Seen) -> str:
    """A hold, or an end, at a voltage at which the cathode is no longer itself."""
    low, high = seen.window
    for volts in _voltages(seen.step):
        if volts < emptied_below(seen.cell):
            # Said of a cell without an anode by `over_discharge`, and what it means.
            continue
        if not low - NEAR <= volts <= high + NEAR:
            return f"{volts:g} V is outside of {low:.4g} to {high:.4g} V, where {seen.cell.materials[0]} is itself"
    return ""


def voltage_of_another_electrolyte(seen: Seen) -> str:
    """A hold, an end or a sweep at a voltage that the electrolyte does not bear."""
    run, (low, high) = seen.step.run, seen.stable
    asked = [*_voltages(seen.step), *((run.start, run.end) if isinstance(run, VoltageRamp) else ())]
    for volts, bound, beyond in ((max(asked, default=low), high, 1.0), (min(asked, default=high), low, -1.0)):
        if beyond * (volts - bound) > NEAR:
            side = "up to" if beyond > 0.0 else "down to"
            return (
                f"{volts:g} V is {abs(volts - bound):.2f} V beyond the {bound:.4g} V {side} which"
                f" {seen.cell.materials[1]} is stable here"
            )
    return ""


def _voltages(step: Step) -> list[float]:
    """Return the voltages [V] at which a step is held, or ends."""
    held = step.run.voltage if isinstance(step.run, ConstantVoltage) else None
    asked = (held, step.until.voltage_above, step.until.voltage_below)
    return [volts for volts in asked if volts is not None]


def sweep_of_another_cathode(seen: Seen) -> str:
    """A sweep beyond the voltages at which the cathode is itself."""
    run, (low, high) = seen.step.run, seen.window
    if (
        isinstance(run, VoltageRamp)
        and not low - NEAR <= min(run.start, run.end) <= max(run.start, run.end) <= high + NEAR
    ):
        itself = f"{low:.4g} to {high:.4g} V, where {seen.cell.materials[0]} is itself"
        return f"a sweep from {run.start:g} to {run.end:g} V leaves {itself}"
    return ""


def lithium_at_an_end(seen: Seen) -> str:
    """A discharge of more than the film holds that no voltage ends, of a cell whose lithium is what was charged."""
    until = seen.step.until
    if not seen.cell.anodeless or _direction(seen.step) >= 0 or until.voltage_below is not None:
        return ""
    current = setpoint_current(seen.step.run) or math.nan
    asked = min(until.charge or math.inf, abs(current) * (until.duration or math.inf))
    if asked < seen.capacity:
        return ""
    return (
        "a discharge without an end by voltage, and no anode has lithium of its own: once what was charged is back in"
        f" the cathode, the voltage falls to the limit of {seen.limits.voltage_min:g} V, which ends the run"
    )


def over_discharge(seen: Seen) -> str:
    """A discharge of a cell without an anode below its window."""
    run, low = seen.step.run, seen.window[0]
    swept = (run.start, run.end) if isinstance(run, VoltageRamp) else ()
    volts = min((*_voltages(seen.step), *swept), default=math.inf)
    if volts >= emptied_below(seen.cell):
        return ""
    return (
        f"{volts:g} V is below {low:.4g} V, to which {seen.cell.materials[0]} is discharged: the cell has no lithium"
        " but what was charged, which is back in its cathode or lost before; this over-discharges it"
    )


def fast_sweep(seen: Seen) -> str:
    """Volts where millivolts were meant."""
    run = seen.step.run
    if isinstance(run, VoltageRamp) and run.rate > FASTEST_SWEEP:
        return f"a sweep at {run.rate:g} V/s sees the double layer only; was a smaller unit meant (mV/s)?"
    return ""


def slow_sweep(seen: Seen) -> str:
    """A sweep that takes weeks."""
    run = seen.step.run
    if isinstance(run, CurrentRamp | VoltageRamp) and seen.lasts > LONGEST_SWEEP:
        return f"a sweep of {run.duration / 86400.0:.3g} days; was a larger unit meant?"
    return ""


def endless_rest(seen: Seen) -> str:
    """A rest that waits for what does not come: stillness beyond measure, or a charge at no current."""
    until = seen.step.until
    if not isinstance(seen.step.run, OpenCircuit) or until.duration is not None:
        return ""
    still = until.voltage_rate_below
    if still is not None and still < QUIETEST:
        return (
            f"a rest until {still * 6e7:.2g} uV/min, below any instrument's drift, may never end; say `for`"
        )
    return ""


def end_at_rest(seen: Seen) -> str:
    """A rest with an end that needs a current."""
    until = seen.step.until
    ends = {"charge": until.charge, "energy": until.energy, "current above": until.current_above}
    asked = [name for name, value in ends.items() if value is not None]
    if isinstance(seen.step.run, OpenCircuit) and asked:
        return f"a rest with an end by {asked[0]}: no current flows, it never comes"
    return ""


def many_rows(seen: Seen) -> str:
    """A record that fills the disk."""
    rows = seen.lasts / seen.step.record.interval
    if rows > MOST_ROWS:
        every = f"a row every {seen.step.record.interval:g} s"
        return f"{every} makes {rows:.2g} rows of this step; was a larger interval meant?"
    return ""


def few_rows(seen: Seen) -> str:
    """A record that misses the step."""
    record = seen.step.record
    is_short = seen.lasts / record.interval < LEAST_ROWS
    if is_short and record.voltage_change is None and record.current_change is None and _drives(seen.step):
        every = f"a row every {record.interval:g} s"
        return f"{every}, and the step takes {seen.lasts:.3g} s at the most; record more often"
    return ""


def limit_at_the_end(seen: Seen) -> str:
    """A safety limit that the noise at the step's own end reaches."""
    until, limits = seen.step.until, seen.limits
    for end, limit in ((until.voltage_above, limits.voltage_max), (until.voltage_below, limits.voltage_min)):
        if end is not None and abs(limit - end) < CLOSE:
            return f"an end at {end:g} V and the limit at {limit:g} V: either may come first, and a limit ends the run"
    if until.charge is not None and limits.charge_max is not None and until.charge >= limits.charge_max:
        return "limits.charge_max comes before the end by charge, and ends the run"
    return ""


def limit_at_the_current(seen: Seen) -> str:
    """A current that is as good as at its safety limit."""
    current = setpoint_current(seen.step.run)
    if current and CLOSE_SHARE * seen.limits.current_max < current:
        most = _micro(seen.limits.current_max)
        return f"{_micro(current)}A under limits.current_max = {most}A: noise ends the run; leave some room"
    return ""


def long_spectrum(seen: Seen) -> str:
    """A spectrum during which the cell becomes another."""
    run = seen.step.run
    if not isinstance(run, PotentiostaticImpedance | GalvanostaticImpedance):
        return ""
    slow, decades = min(run.first, run.last), abs(math.log10(run.first / run.last))
    points = max(1, round(decades * run.per_decade)) + 1
    ratio = 10.0 ** (-decades / (points - 1))
    takes = PERIODS / slow * (1.0 - ratio**points) / (1.0 - ratio) if ratio < 1.0 else PERIODS / slow
    if takes > LONGEST_SPECTRUM:
        return (
            f"a spectrum of {takes / SECONDS_PER_HOUR:.2g} h, down to {slow:g} Hz; the cell drifts meanwhile"
        )
    return ""


def loud_spectrum(seen: Seen) -> str:
    """A sine that is not a small one."""
    run = seen.step.run
    if isinstance(run, PotentiostaticImpedance) and run.amplitude > LOUDEST:
        return f"a sine of {1e3 * run.amplitude:g} mV is not a small one; was a smaller amplitude meant?"
    return ""


def temperature_of_another_cell(seen: Seen) -> str:
    """A temperature at which one of the cell's materials does not serve."""
    kelvin = seen.step.temperature
    for material in seen.cell.materials if kelvin is not None else ():
        low, high = TEMPERATURES.get(material, (0.0, math.inf))
        if kelvin is not None and not low <= kelvin <= high:
            bounds = f"{low - 273.15:.0f} to {high - 273.15:.0f} oC"
            return f"{kelvin - 273.15:.4g} oC is outside of {bounds}, where {material} serves"
    return ""


CASES: Mapping[str, Callable[[Seen], str]] = {
    case.__name__: case
    for case in (
        fast_current,
        slow_current,
        power_of_another_cell,
        load_of_another_cell,
        charge_of_another_cell,
        energy_of_another_cell,
        cutoff_at_once,
        cutoff_never,
        wrong_direction,
        already_there,
        voltage_of_another_cathode,
        voltage_of_another_electrolyte,
        sweep_of_another_cathode,
        lithium_at_an_end,
        over_discharge,
        fast_sweep,
        slow_sweep,
        endless_rest,
        end_at_rest,
        many_rows,
        few_rows,
        limit_at_the_end,
        limit_at_the_current,
        long_spectrum,
        loud_spectrum,
        temperature_of_another_cell,
    )
}
"""What is looked for in each step, by name."""


def plausibility(program: Program, cell: CellSize) -> list[str]:
    """Return what of a program is unlikely to be meant, as sentences."""
    steps = program.leaves()
    said = [] if program.rates_on is None else _another_capacity(program.rates_on, cell)
    for index, (before, step) in enumerate(zip((None, *steps), steps, strict=False)):
        seen = Seen(step, before, program.limits, cell)
        said += [f"step {index}: {doubt}" for case in CASES.values() if (doubt := case(seen))]
    return said


def _another_capacity(reckoned: CellSize, cell: CellSize) -> list[str]:
    """Say that the C-rates are those of another cell than this one."""
    if reckoned.capacity is None or cell.capacity is None:
        return []
    if abs(reckoned.capacity - cell.capacity) <= max(ANOTHER * cell.capacity, 2 * cell.capacity_sd):
        return []
    own, film = (_micro(each / SECONDS_PER_HOUR) for each in (reckoned.capacity, cell.capacity))
    return [f"its C-rates are those of {own}Ah ({reckoned.basis}), and the film should hold {film}Ah"]


def _drives(step: Step) -> bool:
    """Tell whether the step moves charge through the cell by itself."""
    return isinstance(
        step.run, ConstantCurrent | ConstantPower | ConstantResistance | CurrentRamp | VoltageRamp
    )


def _direction(step: Step) -> int:
    """Return 1 for a charge, -1 for a discharge, 0 for what may be either."""
    match step.run:
        case ConstantCurrent(current=drive) | ConstantPower(power=drive):
            return int(math.copysign(1, drive)) if drive else 0
        case ConstantResistance():
            return -1
    return 0


def _ohm(value: float) -> str:
    return f"{value / 1e3:.3g} kOhm" if value >= 1e3 else f"{value:.3g} Ohm"


def _micro(value: float) -> str:
    """Return a value with a metric prefix, to three digits."""
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6)):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value / 1e-9:.3g} n"
