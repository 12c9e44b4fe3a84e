"""Each technique as the commands of a script: how the cell is set up, and the loop that measures it.

A loop's own first variable is what is set (x), the measured V and A are p and c: `meas_loop_cp` gives the voltage
measured and the current set, so `add_meas` asks for the current measured, and the other way round for the others.
Constant power and resistance are constant currents of one sample each, P/V or -V/R of the sample before: what
PalmSens's own scripts do. Sines are rms in the language, peaks in a technique.

Sources: the measurement loops of PalmSens/MethodSCRIPT_Examples; `add_meas(0 ab p)` and `eis_acdc(...)` as an
aurora-unicycler fork writes them. Not yet seen on hardware: all of it; above all that amplitudes are rms, that a
sweep's first sample lies where it starts, and that the first sample of a hold lies one interval after its start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    Impedance,
    OpenCircuit,
    PotentiostaticImpedance,
    VoltageRamp,
)
from devices.methodscript.abilities import Abilities
from devices.methodscript.judging import (
    CURRENT_TOLERANCE,
    TOLERANCE,
    ends,
    judged,
    kept,
    leave,
    number_of,
    started,
)
from devices.methodscript.sampling import Sampling
from devices.methodscript.text import absolute, integer, literal, package, when

DIRECT, FAST, CURRENT = 2, 3, 6
"""PGStat modes: potentiostat at low and at high speed, galvanostat."""

BANDWIDTH = 6.0
"""Hertz of bandwidth for one sample a second, as in PalmSens's example scripts."""

SHORT = 3e-7
"""Part by which a sweep's step is short, so that no rounding of its literal leaves its last sample out."""

PERIODS = 5.0
SETTLING = 2.0
"""A frequency of a spectrum takes at most so many of its periods and seconds; guess."""


STAIR = "hv"
"""The variable with the voltage of a hold that is one of a staircase."""


@dataclass(frozen=True)
class Frame:
    """What every technique needs to know: the cell's limits, how it is sampled, what the instrument can.

    stair: the lowest and the highest voltage [V] of the staircase that a hold is one of; its own stands in STAIR.
    """

    limits: CellLimits
    sampling: Sampling
    abilities: Abilities
    stair: tuple[float, float] | None = None


def element(step: Step, frame: Frame) -> list[str]:
    """Return the commands of one step of direct current, from an open cell to the end of its loop."""
    body = judged(step, frame.limits, frame.sampling, frame.abilities)
    measuring = [*_loop(step, frame), *body, "endloop"]
    if frame.sampling.count:
        measuring += _swept()
    else:
        through = literal(frame.sampling.duration)
        left = [f"store_var h {through} eb", "sub_var h t", *when("h < g", "copy_var h g")]
        measuring = ["loop r == 0i", *left, *measuring, "endloop"]
    return [*_set_up(step, frame), *started(frame.sampling), *measuring]


def points_of(run: Impedance) -> int:
    """Return how many frequencies a spectrum has."""
    return 1 + round(abs(math.log10(run.last / run.first)) * run.per_decade)


def spectrum(run: Impedance, limits: CellLimits, abilities: Abilities) -> list[str]:
    """Return the commands of a spectrum, from an open cell to the end of its loop."""
    points, sweep = integer(points_of(run)), f"{literal(run.first)} {literal(run.last)}"
    rms = literal(run.amplitude / math.sqrt(2.0))
    most = literal(min(limits.current_max, abilities.current))
    window, options = (limits.voltage_min, limits.voltage_max), "eis_acdc(g p h c)"
    if isinstance(run, PotentiostaticImpedance):
        bias = "x" if run.bias is None else literal(run.bias)
        measured = ["meas 100m x ab"] if run.bias is None else []
        set_up = [f"set_pgstat_mode {FAST}", *measured, *_potentiostat(window, abilities, limits, "200k")]
        set_up += [f"set_e {bias}", "cell_on"]
        loop = f"meas_loop_eis f i j {rms} {sweep} {points} {bias} {options}"
    else:
        bias = literal(run.bias)
        set_up = [
            f"set_pgstat_mode {CURRENT}",
            *_galvanostat(most, abilities, "200k"),
            f"set_i {bias}",
            "cell_on",
        ]
        loop = f"meas_loop_geis f i j {rms} {sweep} {points} {bias} {options}"
    driven = "g" if isinstance(run, PotentiostaticImpedance) else "h"
    body = [
        "timer_get t",
        *when(f"p > {literal(limits.voltage_max + TOLERANCE)}", ends(101)),
        *when(f"p < {literal(limits.voltage_min - TOLERANCE)}", ends(102)),
        *absolute("c", "a"),
        *when(f"a > {literal(CURRENT_TOLERANCE * limits.current_max)}", ends(103)),
        *package("t", "f", "i", "j", "p", "c", driven),
        *kept(),
        *leave(),
    ]
    return [*set_up, "store_var r 0i jc", loop, *body, "endloop", *_swept()]


def _swept() -> list[str]:
    """Return the lines behind a loop that came to its own end."""
    return when("r == 0i", ends(number_of(EndReason.SWEPT)))


def slowest_point(run: Impedance) -> float:
    """Return how long [s] the lowest frequency of a spectrum takes at the most."""
    return PERIODS / min(run.first, run.last) + SETTLING


def _loop(step: Step, frame: Frame) -> list[str]:
    """Return the line that opens a measuring loop, and what it needs before."""
    run = step.run
    match run:
        case OpenCircuit():
            return ["meas_loop_ocp p g h"]
        case ConstantCurrent(current=current):
            return [f"meas_loop_cp p x {literal(current)} g h add_meas(0 ba c)"]
        case ConstantVoltage(voltage=voltage):
            held = literal(voltage) if frame.stair is None else STAIR
            return [f"meas_loop_ca x c {held} g h add_meas(0 ab p)"]
        case ConstantPower() | ConstantResistance():
            return [*_next_current(run, frame), "meas_loop_cp p x i g g add_meas(0 ba c)"]
        case VoltageRamp():
            return [f"meas_loop_lsv x c {_sweep(run, frame.sampling)} add_meas(0 ab p)"]
        case CurrentRamp():
            return [f"meas_loop_lsp p x {_sweep(run, frame.sampling)} add_meas(0 ba c)"]
    raise TypeError(f"{run.technique} has no loop of direct current")


def _sweep(run: VoltageRamp | CurrentRamp, sampling: Sampling) -> str:
    """Return start, end, step and rate; the step is a little short, so that the last sample is not left out."""
    steps = max(1, round(run.duration / sampling.period))
    step = abs(run.end - run.start) / steps * (1.0 - SHORT)
    return f"{literal(run.start)} {literal(run.end)} {literal(step)} {literal(step / sampling.period)}"


def _set_up(step: Step, frame: Frame) -> list[str]:
    run, limits, abilities = step.run, frame.limits, frame.abilities
    bandwidth = literal(round(BANDWIDTH / frame.sampling.period, 3))
    whole = literal(abilities.voltage)
    if isinstance(run, OpenCircuit):
        ranges = [f"set_range ab {whole}", f"set_autoranging ab {whole} {whole}"]
        return [f"set_pgstat_mode {DIRECT}", f"set_max_bandwidth {bandwidth}", *ranges, "store_var c 0 ba"]
    if isinstance(run, ConstantVoltage | VoltageRamp):
        voltages = (run.voltage, run.voltage) if isinstance(run, ConstantVoltage) else (run.start, run.end)
        first = f"set_e {literal(voltages[0]) if frame.stair is None else STAIR}"
        voltages = frame.stair or voltages
        return [
            f"set_pgstat_mode {DIRECT}",
            *_potentiostat(voltages, abilities, limits, bandwidth),
            first,
            "cell_on",
        ]
    if isinstance(run, ConstantPower | ConstantResistance):
        most, first_current = limits.current_max, 0.0
    elif isinstance(run, CurrentRamp):
        most, first_current = max(abs(run.start), abs(run.end)), run.start
    elif isinstance(run, ConstantCurrent):
        most, first_current = abs(run.current), run.current
    else:
        raise TypeError(f"{run.technique} is not set up here")
    measured = ["meas 100m p ab"] if isinstance(run, ConstantPower | ConstantResistance) else []
    galvanostat = _galvanostat(literal(abilities.range_for(most)), abilities, bandwidth)
    return [
        f"set_pgstat_mode {CURRENT}",
        *galvanostat,
        *measured,
        f"set_i {literal(first_current)}",
        "cell_on",
    ]


def _potentiostat(
    voltages: Sequence[float], abilities: Abilities, limits: CellLimits, bandwidth: str
) -> list[str]:
    """Return the ranges of a potentiostat: the voltages it sets, and currents up to the cell's limit."""
    least, most = abilities.current_ranges[0], abilities.range_for(limits.current_max)
    return [
        f"set_max_bandwidth {bandwidth}",
        f"set_range_minmax da {literal(min(voltages))} {literal(max(voltages))}",
        f"set_range ba {literal(most)}",
        f"set_autoranging ba {literal(least)} {literal(most)}",
    ]


def _galvanostat(most: str, abilities: Abilities, bandwidth: str) -> list[str]:
    """Return the ranges of a galvanostat: the largest current it sets, and any voltage."""
    whole = literal(abilities.voltage)
    return [
        f"set_max_bandwidth {bandwidth}",
        f"set_range ab {whole}",
        f"set_autoranging ab {whole} {whole}",
        f"set_range db {most}",
        f"set_autoranging db {most} {most}",
    ]


def _next_current(run: ConstantPower | ConstantResistance, frame: Frame) -> list[str]:
    """Return the lines that set `i` to the next current, or end the step before one beyond the limit flows."""
    if isinstance(run, ConstantPower):
        lines = [f"store_var i {literal(run.power)} ba", "div_var i p"]
    else:
        lines = ["copy_var p i", f"div_var i {literal(-run.resistance)}"]
    beyond = f"a > {literal(CURRENT_TOLERANCE * frame.limits.current_max)}"
    return [*lines, *absolute("i", "a"), *when(beyond, ends(103), "breakloop")]
