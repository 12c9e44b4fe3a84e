"""The shadow of one cell: what was measured drives the model, what differs is told, what lasts is an alarm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from devices.limits import ShadowLimits
from labctl.shadow.causes import STRAY, Causes
from labctl.shadow.cell import ShadowCell, Sight
from labctl.shadow.free import COULOMBS, FreeCell, is_to_voltage, mean_current

APART = 10.0
"""Seconds between two comparisons at most as often, but for a voltage that moved by VOLTAGE_APART."""

VOLTAGE_APART = 5e-3
"""V between two comparisons."""

TOLD_APART = 60.0
"""Seconds between two rows of voltage that are told, but for a difference that moved by VOLTAGE_APART."""

STEEP = 5.0
"""V per x from which on a voltage says more of the filling than what was counted: 5 mV are a thousandth; guess."""

AGREES = 0.03
"""V by which the voltage that past runs lead to may be off the measured one, to be believed; guess."""

BLIND = 0.1
"""V of uncertainty from which on nothing is compared: there a film is full, and its voltage says nothing."""

COUNTED = 1e-3
"""Of the sites: how sure the charge is; guess, a thousandth of the current's range."""

VAGUE = 0.1
"""Of x: how sure a run that goes on is of where it begins, on a plateau and with what the host's end lost; guess."""

SERIES_SD = 0.1
"""Of what a current takes on its way through the cell; guess."""

MOST_SAID = 3
"""Times an alarm is said in a run, each time looking like another cause."""

SIGNIFICANT = 2.0
"""Standard uncertainties from which on a difference is one."""


class Measured(NamedTuple):
    """A good row of a cycling run: times [s], V, A, net charge [Ah] and energy [Wh]."""

    label: float
    time: float
    voltage: float
    current: float
    charge: float
    energy: float
    step: int
    cycle: int


@dataclass(frozen=True)
class Difference:
    """A row of the stream `residual`, with its time label."""

    label: float
    t: float
    quantity: str
    measured: float
    predicted: float
    sd: float


class Listener(Protocol):
    """Who is told."""

    def differs(self, difference: Difference) -> None:
        """Take a difference."""

    def alarms(self, label: float, t: float, severity: str, text: str) -> None:
        """Take an alarm, or a word of how the shadow goes about it (severity info)."""


@dataclass
class _Energy:
    """The energy of a step [Wh]: where it began, what the model says, how sure, and whether it saw all of it."""

    began: float
    predicted: float = 0.0
    sd: float = 0.0
    seen: bool = True


class Shadow:
    """A model cell beside a real one.

    expected: returns x of the film [-] as past runs lead to; asked where the voltage does not say it. unsure: of the
    cell's capacity [1]. Both are belief's. capacity [C] in use; without it half of the sites, as of LiCoO2. goes_on:
    the run goes on with another, mostly in the middle of a step.
    """

    def __init__(
        self,
        cell: ShadowCell,
        free: FreeCell,
        limits: ShadowLimits,
        listener: Listener,
        *,
        expected: Callable[[], float],
        unsure: float,
        capacity: float | None = None,
        goes_on: bool = False,
    ) -> None:
        self._cell, self._free, self._limits, self._listener = cell, free, limits, listener
        self._expected, self._unsure = expected, unsure
        self._capacity = 0.5 * cell.site_charge if capacity is None else capacity
        self._causes = Causes(cell.resistance, cell.site_charge)
        self._vague = VAGUE if goes_on else 0.0
        self._row: Measured | None = None
        self._compared: Measured | None = None
        self._sight: Sight | None = None
        self._origin = cell.lithium
        self._volt_seconds = 0.0
        self._told: Difference | None = None
        self._energy = _Energy(0.0)
        self._since = math.inf
        self._lost = False
        self._off_since: float | None = None
        self._said: dict[str, set[frozenset[str]]] = {}

    def row(self, row: Measured) -> None:
        """Take the next row."""
        before = self._row
        if before is None or self._compared is None:
            self._row = row
            self._begin(row)
            return
        if row.step != before.step:
            self._end()
            if self._vague:
                self._anchor(before)
            self._row = row
            self._compare(row)
            if row.cycle != before.cycle:
                self._anchor(row)
        elif (
            row.time - self._compared.time >= APART
            or abs(row.voltage - self._compared.voltage) >= VOLTAGE_APART
        ):
            self._compare(row)
        self._row = row

    def step(self, label: float, step: Mapping[str, Any]) -> None:
        """Take a finished step, a row of the stream `steps`."""
        if self._row is not None and step["step_count"] == self._row.step:
            self._end()
        if self._lost or step["t_start"] < self._since:
            # A run that goes on books a step whole of which the model saw the rest only.
            self._lost = not self._find(step)
            return
        predicted = self._free.follow(step)
        measured = float(step["charge"])
        if predicted is None or predicted * measured <= 0.0:
            return
        measured, predicted = abs(measured), abs(predicted)
        difference = Difference(
            label, float(step["t_end"]), "capacity_Ah", measured, predicted, self._unsure * predicted
        )
        self._listener.differs(difference)
        apart = measured / predicted - 1.0
        if abs(apart) > max(self._limits.capacity, SIGNIFICANT * self._unsure):
            self._alarm(
                "capacity",
                label,
                difference.t,
                f"cycle {step['cycle']}: {measured * 1e6:.3g} uAh, predicted were {predicted * 1e6:.3g} uAh,"
                f" {abs(apart):.0%} {'less' if apart < 0.0 else 'more'}",
            )

    def _find(self, step: Mapping[str, Any]) -> bool:
        """Let the free cell be as full as a step that a voltage ended left the cell; return whether one did."""
        if not is_to_voltage(step) or step["charge"] == 0.0:
            return False
        lasted = float(step["t_end"]) - float(step["t_start"])
        lithium = self._cell.filled_at(float(step["v_end"]), mean_current(step), lasted)
        if lithium is None:
            return False
        self._free.rest_at(lithium)
        return True

    def _end(self) -> None:
        """Say what the step of the last row came to: whether another follows, nobody knows yet."""
        if self._row is not None and self._compared is not None:
            self._compare(self._row)
            self._close_energy(self._row)
            self._judge(self._row)

    def _begin(self, row: Measured) -> None:
        """Fill the model as its voltage says; where that says little, as past runs lead to, if the voltage agrees."""
        if self._cell.shift_to(row.voltage, row.current) is None:
            raise ValueError(f"no filling of the model has {row.voltage:.3f} V")
        by, sight = "its voltage", self._cell.see(row.voltage, row.current)
        if sight is not None and sight.slope <= STEEP:
            by_voltage, expected = self._cell.lithium, self._expected()
            self._cell.rest_at(expected)
            sight = self._cell.see(row.voltage, row.current)
            by = "its past runs"
            if sight is None or abs(sight.voltage - row.voltage) > AGREES:
                self._cell.rest_at(by_voltage)
                by = f"its voltage; its past runs lead to x = {expected:.3f}"
        self._free.rest_at(self._cell.lithium)
        self._since = row.time
        self._origin, self._compared = self._cell.lithium, row
        self._energy = _Energy(row.energy)
        self._listener.alarms(
            row.label, row.time, "info", f"the model begins with x = {self._cell.lithium:.3f}, by {by}"
        )

    def _anchor(self, row: Measured) -> None:
        """Be as full as the cell again where its voltage tells: what is counted drifts, what began vague is settled."""
        sight = self._sight
        if sight is None or sight.slope > STEEP:
            if self._cell.shift_to(row.voltage, row.current) is None:
                return
            self._origin, self._volt_seconds, self._vague = self._cell.lithium, 0.0, 0.0
            self._causes.forget()

    def _compare(self, row: Measured) -> None:
        """Bring the model to a row and hold them against each other."""
        last = self._compared
        assert last is not None
        passed, duration = (row.charge - last.charge) * COULOMBS, row.time - last.time
        if duration > 0.0:
            self._cell.advance(passed / duration, duration)
            self._volt_seconds += 0.5 * (row.voltage + last.voltage) * duration
        elif duration < 0.0:
            raise ValueError(f"time went back from {last.time:.3f} to {row.time:.3f} s")
        before, self._compared = self._sight, row
        sight = self._sight = self._cell.see(row.voltage, row.current)
        if sight is None:
            self._energy.seen &= passed == 0.0
            return
        sd = self._uncertainty(sight)
        self._add_energy(row.charge - last.charge, sight, before, sd)
        if sd > BLIND:
            return
        difference = Difference(row.label, row.time, "voltage_V", row.voltage, sight.voltage, sd)
        off = row.voltage - sight.voltage
        if sight.slope <= STEEP and not self._vague:
            passed_x = self._origin - sight.lithium
            self._causes.add(
                off, sight, current=row.current, passed=passed_x, volt_seconds=self._volt_seconds
            )
        self._tell(difference)
        self._look_how_long(row, off, sd)

    def _uncertainty(self, sight: Sight) -> float:
        """Return how sure the predicted voltage is [V]: fit, charge counted, capacity, and the way through the cell."""
        passed = abs(self._origin - sight.lithium)
        row = self._compared
        assert row is not None
        polarised = sight.secant * abs(sight.surface - sight.lithium)
        lost = polarised + abs(row.current) * self._cell.resistance
        filling = math.hypot(COUNTED, passed * self._unsure, self._vague)
        return math.hypot(STRAY, sight.slope * filling, SERIES_SD * lost)

    def _tell(self, difference: Difference) -> None:
        told = self._told
        off = difference.measured - difference.predicted
        if (
            told is None
            or difference.t - told.t >= TOLD_APART
            or abs(off - (told.measured - told.predicted)) >= VOLTAGE_APART
        ):
            self._told = difference
            self._listener.differs(difference)

    def _look_how_long(self, row: Measured, off: float, sd: float) -> None:
        """Raise the alarm of a voltage that has been off for too long."""
        limits = self._limits
        if abs(off) <= max(limits.voltage, SIGNIFICANT * sd):
            self._off_since = None
            return
        if self._off_since is None:
            self._off_since = row.time
        if row.time - self._off_since >= limits.lasting:
            self._alarm(
                "voltage",
                row.label,
                row.time,
                f"the voltage has been off the model's for {(row.time - self._off_since) / 60.0:.0f} min, by"
                f" {off * 1e3:+.0f} mV now",
            )

    def _add_energy(self, charge: float, sight: Sight, before: Sight | None, sd: float) -> None:
        if charge != 0.0:
            middle = sight.voltage if before is None else 0.5 * (sight.voltage + before.voltage)
            self._energy.predicted += middle * charge
            self._energy.sd += min(sd, middle) * abs(charge)

    def _close_energy(self, row: Measured) -> None:
        """Tell the energy of a step that is over."""
        energy, self._energy = self._energy, _Energy(row.energy)
        measured = row.energy - energy.began
        if energy.seen and energy.predicted != 0.0:
            self._listener.differs(
                Difference(row.label, row.time, "energy_Wh", measured, energy.predicted, energy.sd)
            )

    def _judge(self, row: Measured) -> None:
        """Raise the alarms of causes that are too large, whatever they have done to the voltage yet."""
        found = self._causes.found()
        if not found.is_clear:
            return
        if (growth := found.size("resistance")) > self._limits.resistance:
            more = f"the resistance in series is {1.0 + growth:.2g} times the model's"
            self._alarm("resistance", row.label, row.time, more)
        lost = found.size("leak") * self._volt_seconds / self._capacity
        if lost > self._limits.charge_loss:
            self._alarm("leak", row.label, row.time, f"{lost:.0%} of the capacity went without a current")

    def _alarm(self, kind: str, label: float, t: float, text: str) -> None:
        """Say something once in a run, and what it looks like; again when it has come to look like another thing."""
        found = self._causes.found()
        said = self._said.setdefault(kind, set())
        if not said or (found.is_clear and found.kinds not in said and len(said) < MOST_SAID):
            said.add(found.kinds)
            self._listener.alarms(label, t, "warning", f"{text}; it {found.in_words(self._cell.resistance)}")
