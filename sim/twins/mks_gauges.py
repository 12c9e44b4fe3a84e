"""Vacuum gauges as an MKS controller shows them: what each sees, how far off it is, when it says a word instead.

Capacitance manometer: true pressure, 0.25 % of reading (a span error that stays), 1e-4 Pa rms. Pirani: heat conduction,
so argon reads low. Hot cathode: nitrogen equivalent, argon 1.29 times too high. Sensitivities of other gases: tables of
ion gauges [Dushman; MKS and Granville-Phillips manuals agree within 10 %]. Span errors and noise of Pirani and hot
cathode: guesses. All follow with 0.05 s [guess].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from sim.twins.interval_noise import IntervalNoise

LAG = 0.05
"""Seconds, of every gauge."""
INTERVAL = 0.1
"""Seconds of one measurement; guess."""

Composition = Callable[[], Mapping[str, float]]
"""Returns the shares of gases by name; they add up to 1."""


@dataclass(frozen=True)
class GaugeKind:
    """What a gauge is.

    span: largest error of its span [1]; noise_share of the reading [1] and noise_floor [Pa], both rms. lowest and
    highest [Pa]: beyond them it says `too_low` and `too_high`. sensitivity by gas, 1 for one that is not named.
    hot: whether it can be switched, and protects itself.
    """

    span: float
    noise_share: float
    noise_floor: float
    lowest: float
    highest: float
    too_low: str
    too_high: str
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    switched: bool = False
    protected: bool = False


MANOMETER = GaugeKind(0.0025, 0.0, 1e-4, -math.inf, 1.05 * 13.3, "", "OVER")
PIRANI = GaugeKind(
    0.05, 0.01, 1e-3, 0.07, 5e4, "<5.00E-4", "ATM", {"Ar": 0.6, "O2": 1.0, "H2O": 1.4}, switched=True
)
HOT_CATHODE = GaugeKind(
    0.05,
    0.01,
    1e-9,
    1.33e-9,
    1.3,
    "<1.00E-11",
    "OVER",
    {"Ar": 1.29, "O2": 1.01, "H2O": 1.12, "H2": 0.46},
    switched=True,
    protected=True,
)
KINDS: Mapping[str, GaugeKind] = {"manometer": MANOMETER, "pirani": PIRANI, "ion": HOT_CATHODE}
"""By the name of the gauge in the bench file."""

PROTECTION = 0.1
"""Pa (nitrogen equivalent) above which a hot cathode switches itself off; 946: 1e-5 to 1e-2 Torr may be set."""
START = 5.0
"""Seconds a hot cathode says WAIT after it was switched on; guess."""


class Gauge:
    """One gauge on a channel. source returns the true pressure [Pa]."""

    def __init__(
        self, kind: GaugeKind, source: Callable[[], float], composition: Composition, rng: np.random.Generator
    ) -> None:
        self.kind = kind
        self.says = ""
        """What it says instead of a pressure for a reason of its own: OFF, PROT_OFF, MISCONN."""
        self._source, self._composition = source, composition
        self._span = 1.0 + kind.span * float(rng.uniform(-1.0, 1.0))
        self._noise = IntervalNoise(rng, INTERVAL)
        self._starts_at = -math.inf
        self._seen: tuple[float, float, float] | None = None

    def follow(self, now: float) -> bool:
        """Follow the pressure to a time [s]; return whether it switched itself off by that."""
        true = self._source()
        if self.kind.sensitivity:
            weights = self.kind.sensitivity
            true *= sum([weights.get(gas, 1.0) * share for gas, share in self._composition().items()])
        self._seen = (now, true, self._behind(true, now))
        if self.kind.protected and not self.says and self._seen[2] > PROTECTION:
            self.says = "PROT_OFF"
            return True
        return False

    def _behind(self, true: float, now: float) -> float:
        """Return what a first-order lag shows of a pressure that went straight from where it last was to here."""
        if self._seen is None or now - self._seen[0] > 20 * LAG:
            return true
        began, before, followed = self._seen
        step = now - began
        if step <= 0.0:
            return followed
        lagging = (true - before) / step * LAG
        return true - lagging + (followed - before + lagging) * math.exp(-step / LAG)

    def switch(self, on: bool, now: float) -> None:
        """Switch it on, which takes a while, or off."""
        if not on:
            self.says = "OFF"
        elif self.says in ("OFF", "PROT_OFF"):
            self.says = ""
            self._starts_at = now + START if self.kind.protected else now

    def starting(self, now: float) -> bool:
        """Return whether it was switched on just now."""
        return now < self._starts_at

    def measured(self, now: float) -> float:
        """Return the pressure [Pa] that it sees, right or wrong, in the measurement at a time [s]."""
        seen = 0.0 if self._seen is None else self._seen[2]
        noise = math.hypot(self.kind.noise_floor, self.kind.noise_share * seen)
        return seen * self._span + noise * self._noise.at(now)

    def shown(self, now: float, unit: float) -> str:
        """Return what the controller shows: a pressure in a unit [Pa], or a word."""
        if self.says:
            return self.says
        if self.starting(now):
            return "WAIT"
        pressure = self.measured(now)
        if pressure > self.kind.highest:
            return self.kind.too_high
        if pressure < self.kind.lowest:
            return self.kind.too_low
        return number(pressure / unit)


def number(value: float) -> str:
    """Return a pressure with four digits and a short exponent: 7.602E+2."""
    digits, exponent = f"{value:.3E}".split("E")
    return f"{digits}E{int(exponent):+d}"
