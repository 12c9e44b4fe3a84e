"""What an instrument that runs MethodSCRIPT can do, as its driver checks it before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Abilities:
    """Ranges of one instrument.

    voltage [V] both ways; current_ranges [A] ascending, current [A] the largest; least_current [A], below which a
    setpoint is its own noise. frequency [Hz] lowest and highest of a spectrum; voltage_sine [V] and least_sine [V]:
    the largest and smallest sine, rms. voltage_step [V] of the output's converter, voltage_resolution [V] and
    current_resolution (a part of the range) of the readings. sampling [s]: the shortest time between two rows, finest
    [s]: between two samples, in which a script of ours can judge them. script [bytes]: its memory.
    """

    voltage: float
    current_ranges: tuple[float, ...]
    current: float
    least_current: float
    frequency: tuple[float, float]
    voltage_sine: float
    least_sine: float
    voltage_step: float
    voltage_resolution: float
    current_resolution: float
    sampling: float
    finest: float
    script: int

    def range_for(self, current: float) -> float:
        """Return the smallest range [A] that holds a current; the largest holds more than its name says."""
        return next((full for full in self.current_ranges if full >= abs(current)), self.current_ranges[-1])


EMSTAT4_HR = Abilities(
    voltage=6.0,
    current_ranges=(1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
    current=0.2,
    least_current=1e-10,
    frequency=(1e-3, 2e5),
    voltage_sine=0.9,
    least_sine=1e-4,
    voltage_step=0.2e-3,
    voltage_resolution=46e-6,
    current_resolution=9.2e-5,
    sampling=0.02,
    finest=1e-3,
    script=32768,
)
"""Of the EmStat4 HR. +-6 V, 100 nA to 100 mA in decades, 200 mA: labmcp-palmsens 0.1.3 and the vendor's example code.
200 kHz and 0.9 V rms: the MethodSCRIPT exporter of an aurora-unicycler fork. Guesses: 1 mHz, 0.1 mV, least current
(a thousandth of the smallest range), 0.2 mV (12 V in 16 bits have 0.183 mV), resolutions, 20 ms, 1 ms for 60
commands, memory.
"""
