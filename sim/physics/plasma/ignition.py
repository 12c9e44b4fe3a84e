"""When gas breaks down before a magnetron: Paschen's law, and the luck of the first electron."""

import math
from dataclasses import dataclass

from sim.physics.vacuum.gases import GASES, Amounts


@dataclass(frozen=True)
class Townsend:
    """Describe a gas that breaks down: A [1/(m Pa)] and B [V/(m Pa)] of Townsend's first coefficient."""

    a: float
    b: float


ARGON = Townsend(8.63, 132.0)  # recalled from gas discharge textbooks
NITROGEN = Townsend(9.0, 256.0)  # likewise; taken for all other gases too, of which there is little: guess
TOWNSEND = tuple(ARGON if gas.name == "Ar" else NITROGEN for gas in GASES)
SECONDARY = 0.1  # electrons per ion at the target, guess
PATH = 0.5  # m, guess: a gap of 5 cm, which the magnets make ten times as long
STRIKING_RATE = 0.5  # 1/s, once the voltage suffices, guess
FAINTEST_PRESSURE = 0.08  # Pa, below which a discharge goes out, guess
FAINTEST_POWER = 5.0  # W, below which it goes out, guess
LINE = 50.0  # ohm, of radio-frequency cables


def breakdown_voltage(pressures: Amounts, path: float = PATH) -> float:
    """Return the voltage [V] at which gas breaks down, infinite where none is enough.

    pressures [Pa] by gas, whose A and B are weighted by them; path d [m] of an electron. Paschen's law:
    V = B p d / (ln(A p d) - ln ln(1 + 1/g)) with g = SECONDARY.
    """
    total = sum(pressures)
    if total <= 0.0:
        return math.inf
    a = sum(gas.a * pressure for gas, pressure in zip(TOWNSEND, pressures, strict=True)) / total
    b = sum(gas.b * pressure for gas, pressure in zip(TOWNSEND, pressures, strict=True)) / total
    margin = math.log(a * total * path / math.log1p(1.0 / SECONDARY))
    return b * total * path / margin if margin > 0.0 else math.inf


def radio_frequency_amplitude(power: float) -> float:
    """Return the voltage [V] that a forward power [W] brings about before a match box without plasma.

    4 sqrt(2 Z P): twice the amplitude on an open line, peak to peak; guess.
    """
    return 4.0 * math.sqrt(2.0 * LINE * power)


def goes_out(pressure: float, power: float) -> bool:
    """Return whether a discharge at a pressure [Pa] and a forward power [W] goes out."""
    return pressure < FAINTEST_PRESSURE or power < FAINTEST_POWER
