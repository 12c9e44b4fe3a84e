"""A burning magnetron discharge: voltage against ground, and ions on the target."""

from dataclasses import dataclass

from sim.physics.plasma.ignition import radio_frequency_amplitude


@dataclass(frozen=True)
class Discharge:
    """Describe a discharge by its voltage at one power and pressure and two exponents.

    V = voltage (P / power)^power_exponent (p / pressure)^pressure_exponent [V]; ion_share f: the current of ions is
    f P / V. striking_voltage [V] without plasma, None for a radio-frequency supply, whose power decides.
    """

    voltage: float
    power: float
    pressure: float
    power_exponent: float
    pressure_exponent: float
    ion_share: float
    striking_voltage: float | None = None

    def bias(self, power: float, pressure: float) -> float:
        """Return the voltage of the target against ground [V], as a positive number.

        power [W] that the plasma takes, pressure [Pa]. 0 without power.
        """
        if power <= 0.0:
            return 0.0
        return float(
            self.voltage
            * (power / self.power) ** self.power_exponent
            * (pressure / self.pressure) ** self.pressure_exponent
        )

    def ion_current(self, power: float, bias: float) -> float:
        """Return the current of ions [A] onto the target; power [W], bias [V]."""
        return self.ion_share * power / bias if bias > 0.0 else 0.0

    def open_voltage(self, power: float) -> float:
        """Return the voltage [V] that a supply set to power [W] brings about where nothing burns."""
        return radio_frequency_amplitude(power) if self.striking_voltage is None else self.striking_voltage


RADIO_FREQUENCY = Discharge(180.0, 120.0, 3.0, 0.45, -0.15, 0.65)
"""A 2-inch magnetron at 13.56 MHz; guess, all of it."""

DIRECT_CURRENT = Discharge(350.0, 100.0, 0.7, 0.1, -0.1, 0.9, striking_voltage=1000.0)
"""A 2-inch magnetron on a DC supply: nearly constant voltage; guess."""

SUBSTRATE_BIAS = Discharge(50.0, 20.0, 3.0, 0.5, -0.15, 0.65)
"""Radio frequency on the substrate's holder; guess."""
