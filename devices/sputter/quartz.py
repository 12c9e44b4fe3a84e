"""What readings of a crystal are worth, beside any film: its mass, its noise, how often it measures.

Numbers without a source are guesses.
"""

from __future__ import annotations

import math

from devices.limits import SputterLimits

MASS_PER_HERTZ = 1.23e-7
"""kg/m2 on a crystal that take 1 Hz from its 6 MHz: 1668 Hz m times 2649 kg/m3 over their square [Sauerbrey 1959]."""
LEAP_SDS = 6.0 * math.sqrt(2.0)
"""Standard deviations of a reading by which two of them may differ."""
LEAP = 3.0
"""Times the wanted rate by which a film grows within a row at the most; guess, a row may see two measurements."""
INTERVAL = 1.0
"""Seconds in which a monitor measures once."""
SMOOTHED = 7.0
"""Seconds between the first and the last of the eight measurements over which a monitor takes its rate [SQM-160]."""


def noise_of(limits: SputterLimits, density: float, tooling: float = 1.0) -> float:
    """Return by how much [m of film] two readings of a crystal may differ by noise; density [kg/m3], tooling [1]."""
    return LEAP_SDS * limits.crystal_noise * MASS_PER_HERTZ * tooling / density
