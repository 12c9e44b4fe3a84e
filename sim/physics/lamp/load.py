"""What a train of pulses asks of a lamp and its charger: how near to its explosion, how much power, how fast."""

import math
from dataclasses import dataclass

from sim.physics.lamp.bank import Bank, Discharge, charging_time

LIFE_EXPONENT = 8.5  # [flash-lamp textbooks], for quartz tubes driven well below their explosion energy


@dataclass(frozen=True)
class LampLoad:
    """Hold what a train asks of a lamp.

    explosion_share [1]: electrical energy of a pulse over the one that bursts the tube; life [pulses] at it;
    average_power [W] drawn from the bank; recharge_time [s] after a pulse; fastest_rate [Hz] the charger allows.
    """

    explosion_share: float
    life: float
    average_power: float
    recharge_time: float
    fastest_rate: float


def explosion_energy(constant: float, lit_duration: float) -> float:
    """Return the electrical energy [J] of one pulse that bursts a tube: Ex = Ke sqrt(tp).

    constant Ke [J s^-0.5], lit_duration tp [s], [flash-lamp textbooks]: at one energy the shorter pulse is worse.
    """
    return constant * math.sqrt(lit_duration)


def lamp_load(bank: Bank, pulse: Discharge, period: float) -> LampLoad:
    """Return what a pulse every period [s] asks of lamp and charger; life is (Ex / E)^8.5.

    Micro-pulses count as one of their summed light time, a guess on the safe side of none between them.
    Raises ValueError for a period that is not longer than the pulse.
    """
    if not period > pulse.duration:
        raise ValueError(f"period = {period} s is not longer than the pulse, {pulse.duration} s")
    share = pulse.electrical_energy / explosion_energy(bank.explosion_constant, pulse.lit_duration)
    recharge = charging_time(
        pulse.voltage_after, pulse.voltage_before, bank.charger_power, bank.capacitance, bank.charger_current
    )
    return LampLoad(
        explosion_share=share,
        life=share**-LIFE_EXPONENT,
        average_power=pulse.electrical_energy / period,
        recharge_time=recharge,
        fastest_rate=1.0 / (recharge + pulse.duration),
    )
