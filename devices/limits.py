"""What a station refuses, apart from what its instruments can: set by the lab in config/limits.toml."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit


@dataclass(frozen=True, config=STRICT)
class LampLimits:
    """A lamp's limits: bank voltage [V], pulse length [s], pulses in one train, repetition [Hz],
    mean electrical power drawn from the charger [W].

    Of a train that goes on: base_temperature [K] of the foil between pulses at most; witness_difference [K] by which
    its two witnesses may differ; least_rise [K] by which every pulse moves it; energy_residual [1] and base_residual
    [K] by which measured and predicted may differ. unpredicted: why a train may go without a prediction; it may not
    where this is empty. finish: whether the rest of a train whose host died is fired once a person agrees, or without
    asking. The defaults are guesses: a foil on aluminium's way to 660 degC, a head set to a wrong
    emissivity, 10 % of the light lost on a window.
    """

    bank_voltage: Annotated[float, Field(gt=0, le=1000), Unit("V")]
    pulse_duration: Annotated[float, Field(gt=0, le=10e-3), Unit("s")]
    pulse_count: Annotated[int, Field(ge=1, le=10_000)]
    rate: Annotated[float, Field(gt=0, le=1.0), Unit("Hz")]
    average_power: Annotated[float, Field(gt=0, le=1e4), Unit("W")]
    base_temperature: Annotated[float, Field(ge=200, le=1500), Unit("K")] = 773.15
    witness_difference: Annotated[float, Field(gt=0, le=500), Unit("K")] = 50.0
    least_rise: Annotated[float, Field(gt=0, le=500), Unit("K")] = 2.0
    energy_residual: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.15
    base_residual: Annotated[float, Field(gt=0, le=500), Unit("K")] = 60.0
    unpredicted: Annotated[str, Field(max_length=1000)] = ""
    finish: Literal["ask", "allow"] = "ask"


@dataclass(frozen=True, config=STRICT)
class LampException:
    """What of the limits is another for one lamp; None is as for every lamp."""

    bank_voltage: Annotated[float | None, Field(gt=0, le=1000), Unit("V")] = None
    pulse_duration: Annotated[float | None, Field(gt=0, le=10e-3), Unit("s")] = None
    pulse_count: Annotated[int | None, Field(ge=1, le=10_000)] = None
    rate: Annotated[float | None, Field(gt=0, le=1.0), Unit("Hz")] = None
    average_power: Annotated[float | None, Field(gt=0, le=1e4), Unit("W")] = None
    base_temperature: Annotated[float | None, Field(ge=200, le=1500), Unit("K")] = None
    witness_difference: Annotated[float | None, Field(gt=0, le=500), Unit("K")] = None
    least_rise: Annotated[float | None, Field(gt=0, le=500), Unit("K")] = None
    energy_residual: Annotated[float | None, Field(gt=0, le=1), Unit("1")] = None
    base_residual: Annotated[float | None, Field(gt=0, le=500), Unit("K")] = None


@dataclass(frozen=True, config=STRICT)
class ChannelLimits:
    """A potentiostat channel's limits: voltage window [V] and current [A] a program may ask for at most."""

    voltage_min: Annotated[float, Field(ge=-10, le=10), Unit("V")]
    voltage_max: Annotated[float, Field(ge=-10, le=10), Unit("V")]
    current: Annotated[float, Field(gt=0, le=10), Unit("A")]


@dataclass(frozen=True, config=STRICT)
class FilmMaking:
    """From what a film grows: every one of these targets, in every one of these gases; what else may burn besides."""

    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    gases: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class SputterLimits:
    """What a sputter system refuses, and from when on its loop takes something for a fault.

    thickness [m] of one film; base_pressure [Pa] by the film's material, and of any other, before which nothing is
    begun, base_pressure_least what no chamber reaches; pump_time [s] within which it is reached, turbo_time [s] within
    which a turbo pump can be started, and then is at its speed. plasma_pressure [Pa] at the most in a plasma;
    strike_pressure [Pa] and strikes of a plasma that does not light. vent_temperature [K] of a chuck. life_left [1] of
    a target and crystal_left [1] of a crystal, that stay over. Of the loop: flow [1] by which a flow may be off for
    `flow_time` [s]; pressure [1] by which the pressure may; bias_step and rate_step [1] at constant power and pressure;
    throttle_step [1] of its way at constant pressure and flows (by the middle of some rows a part of it is one);
    throttle_chance [1] below which one that stirred and
    stands still is stuck, 0 for never, as of one with a dead band; strike_time [s] in which a plasma lights; turbo_step
    [1] of full speed; arcs a minute, or half as many on one target in a third of one; rate_share [1] of the believed
    rate below which for rate_time [s] the shutter counts as stuck, or above which behind a closed one;
    monitor_difference [1] from rate times time; turbo_share [1] of full speed. hold [s]: how long a plasma burns on
    behind the shutter in a pause. strike_power [W] on a gun at once, before any ramp. flow_zero [1] of a flow
    controller's range by which it may be off at any flow; crystal_heat [Hz] that a plasma's heat may take from a
    crystal's frequency, 0.8 nm of LiCoO2; crystal_noise [Hz], an sd, of its readings, the most of what monitors have,
    0.03 to 0.1; substrate_deviation [K] for substrate_time [s] from the temperature of a heated substrate; presputter
    [s] at full power at the least, which cleans a target (guess: recipes have minutes; the ramp before it is not
    counted). films: from what each grows, by its material (FLA paper: LiCoO2 in argon with oxygen, LiPON in nitrogen
    from Li3PO4 with Li2O). Sources: the deposition twins' fault table; the rest are guesses: strike_power is 2.5 W/cm2
    on 2 inches, a little above the 40 W that light there; flow_zero is what thermal flow controllers drift by;
    throttle_step three times what they repeat to, 0.2 %; throttle_chance comes once in 15000 films of 18 h; strike_time
    lights all but 1.1 % of plasmas at a hazard of 1/2 a second, and those are tried again; rate_step seven times the
    noise of the slowest film by a monitor of 0.03 Hz; base_pressure_least is what air through elastomer seals leaves at
    a turbo pump.
    """

    thickness: Annotated[float, Field(gt=0, le=100e-6), Unit("m")] = 10e-6
    base_pressures: dict[str, Annotated[float, Field(gt=0, le=1), Unit("Pa")]] = Field(
        default_factory=lambda: {"LiPON": 1e-5, "Li": 1e-4}
    )
    base_pressure: Annotated[float, Field(gt=0, le=1), Unit("Pa")] = 1e-3
    base_pressure_least: Annotated[float, Field(gt=0, le=1), Unit("Pa")] = 1e-7
    pump_time: Annotated[float, Field(gt=0, le=1e6), Unit("s")] = 24 * 3600.0
    turbo_time: Annotated[float, Field(gt=0, le=1e5), Unit("s")] = 1800.0
    plasma_pressure: Annotated[float, Field(gt=0, le=100), Unit("Pa")] = 10.0
    strike_pressure: Annotated[float, Field(gt=0, le=20), Unit("Pa")] = 3.0
    strike_power: Annotated[float, Field(gt=0, le=300), Unit("W")] = 50.0
    strikes: Annotated[int, Field(ge=0, le=10)] = 3
    strike_time: Annotated[float, Field(gt=0, le=120), Unit("s")] = 9.0
    vent_temperature: Annotated[float, Field(ge=273, le=500), Unit("K")] = 333.15
    life_left: Annotated[float, Field(ge=0, le=1), Unit("1")] = 0.02
    crystal_left: Annotated[float, Field(ge=0, le=1), Unit("1")] = 0.4
    flow: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.05
    flow_time: Annotated[float, Field(ge=0, le=60), Unit("s")] = 3.0
    flow_zero: Annotated[float, Field(ge=0, le=1), Unit("1")] = 0.005
    pressure: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.1
    bias_step: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.05
    rate_step: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.1
    throttle_step: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.001
    throttle_chance: Annotated[float, Field(ge=0, le=1e-3), Unit("1")] = 1e-9
    turbo_step: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.005
    arcs: Annotated[int, Field(ge=0, le=60)] = 5
    rate_share: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.3
    rate_time: Annotated[float, Field(gt=0, le=3600), Unit("s")] = 60.0
    monitor_difference: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.1
    turbo_share: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.9
    crystal_heat: Annotated[float, Field(gt=0, le=1e4), Unit("Hz")] = 30.0
    crystal_noise: Annotated[float, Field(gt=0, le=100), Unit("Hz")] = 0.1
    substrate_deviation: Annotated[float, Field(gt=0, le=500), Unit("K")] = 10.0
    substrate_time: Annotated[float, Field(ge=0, le=1e5), Unit("s")] = 20.0
    presputter: Annotated[float, Field(ge=0, le=1e5), Unit("s")] = 30.0
    hold: Annotated[float, Field(ge=0, le=1e5), Unit("s")] = 600.0
    films: dict[str, FilmMaking] = Field(
        default_factory=lambda: {
            "LiCoO2": FilmMaking(("LiCoO2",), ("O2",), ("Li2O",)),
            "LiPON": FilmMaking(("Li3PO4",), ("N2",), ("Li2O",)),
        }
    )


@dataclass(frozen=True, config=STRICT)
class FurnaceLimits:
    """A furnace's limits: temperature [K] at the most; by how much [K], for how long [s], it may be off what is set."""

    temperature: Annotated[float, Field(ge=300, le=2000), Unit("K")] = 1273.15
    deviation: Annotated[float, Field(gt=0, le=500), Unit("K")] = 25.0
    deviation_time: Annotated[float, Field(gt=0, le=1e5), Unit("s")] = 120.0


Beyond = Literal["refuse", "ask"]
"""What becomes of an anneal that is predicted beyond a fault: it is refused, or a person is asked."""


class _Rising:
    """Two thresholds, the warning below the fault."""

    warn: float
    fault: float

    @model_validator(mode="after")
    def _warns_before_it_faults(self) -> Self:
        if not self.warn < self.fault:
            raise ValueError(f"warn = {self.warn:g} must be below fault = {self.fault:g}")
        return self


@dataclass(frozen=True, config=STRICT)
class ShareThresholds(_Rising):
    """Above which share [1] a damage term warns, and above which it is a fault."""

    warn: Annotated[float, Field(ge=0, le=1), Unit("1")]
    fault: Annotated[float, Field(ge=0, le=1), Unit("1")]
    beyond: Beyond = "refuse"


@dataclass(frozen=True, config=STRICT)
class TimeThresholds(_Rising):
    """Above which time [s] a damage term warns, and above which it is a fault."""

    warn: Annotated[float, Field(ge=0, le=1e9), Unit("s")]
    fault: Annotated[float, Field(ge=0, le=1e9), Unit("s")]
    beyond: Beyond = "refuse"


@dataclass(frozen=True, config=STRICT)
class TemperatureThresholds(_Rising):
    """Above which temperature [K] a damage term warns, and above which it is a fault."""

    warn: Annotated[float, Field(ge=200, le=2500), Unit("K")]
    fault: Annotated[float, Field(ge=200, le=2500), Unit("K")]
    beyond: Beyond = "refuse"


@dataclass(frozen=True, config=STRICT)
class DifferenceThresholds(_Rising):
    """Above which difference of temperatures [K] a damage term warns, and above which it is a fault."""

    warn: Annotated[float, Field(ge=-1000, le=1000), Unit("K")]
    fault: Annotated[float, Field(ge=-1000, le=1000), Unit("K")]
    beyond: Beyond = "refuse"


@dataclass(frozen=True, config=STRICT)
class EnergyThresholds(_Rising):
    """Above which energy per area [J m-2] a damage term warns, and above which it is a fault."""

    warn: Annotated[float, Field(ge=0, le=1e6), Unit("J/m^2")]
    fault: Annotated[float, Field(ge=0, le=1e6), Unit("J/m^2")]
    beyond: Beyond = "refuse"


@dataclass(frozen=True, config=STRICT)
class DamageLimits:
    """What an anneal may do to film, substrate and lamp; above `warn` it is said, above `fault` refused, or asked.

    molten_share of any layer of the substrate (guess); substrate_margin, by how much a layer's solid is hotter than
    it bears for hours (guess: milliseconds of 50 K more destroy it); a layer that bears all up to its melting point
    is judged by its molten_share; lithium_loss as time at 900 degC (5 h there begin to show,
    Antolini 2001; guess: a thousandth warns); film_peak: the loss changes its mechanism at 1050 degC (Antolini 2001),
    the film melts at 1100 degC (FLA paper); energy_release of thermal stress (guess: above what the FLA paper's films
    bore); explosion_share of the lamp (textbook: a tenth for long life, at half of it 360 pulses are left).
    """

    molten_share: ShareThresholds = ShareThresholds(0.0, 0.3)
    substrate_margin: DifferenceThresholds = DifferenceThresholds(0.0, 50.0)
    lithium_loss: TimeThresholds = TimeThresholds(18.0, 1800.0)
    film_peak: TemperatureThresholds = TemperatureThresholds(1323.15, 1373.15)
    energy_release: EnergyThresholds = EnergyThresholds(5.0, 20.0)
    explosion_share: ShareThresholds = ShareThresholds(0.2, 0.5)


@dataclass(frozen=True, config=STRICT)
class DiskLimits:
    """Room on the disk of the data folder [B]: below `alarm` it is said, below `reserve` nothing is begun and what runs
    is ended in good order. Guesses: ten nights of 64 channels at 1 Hz; and two of them.
    """

    reserve: Annotated[float, Field(ge=0, le=1e15), Unit("B")] = 200e6
    alarm: Annotated[float, Field(ge=0, le=1e15), Unit("B")] = 1e9

    @model_validator(mode="after")
    def _alarms_first(self) -> Self:
        if self.alarm < self.reserve:
            raise ValueError(f"alarm = {self.alarm:g} B must not be below reserve = {self.reserve:g} B")
        return self


@dataclass(frozen=True, config=STRICT)
class ShadowLimits:
    """By how much a cell under test may differ from its model before it is said; all guesses.

    voltage [V] for as long as `lasting` [s]; capacity [1] of a step against the predicted one; resistance [1] in
    series beyond the model's, over that; charge_loss [1]: charge that leaks within a cycle, over the cell's capacity.
    ends: whether the run is ended then, too.
    """

    voltage: Annotated[float, Field(gt=0, le=10), Unit("V")] = 0.05
    lasting: Annotated[float, Field(ge=0, le=1e7), Unit("s")] = 600.0
    capacity: Annotated[float, Field(gt=0, le=10), Unit("1")] = 0.1
    resistance: Annotated[float, Field(gt=0, le=1e3), Unit("1")] = 0.5
    charge_loss: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.05
    ends: bool = False


@dataclass(frozen=True, config=STRICT)
class Limits:
    """Everything in limits.toml; thresholds of damage, disk and shadow are as in their classes where it says nothing.

    lamps: what is another for the lamp of that device name.
    """

    lamp: LampLimits
    potentiostat: ChannelLimits
    damage: DamageLimits = DamageLimits()
    disk: DiskLimits = DiskLimits()
    shadow: ShadowLimits = ShadowLimits()
    sputter: SputterLimits = SputterLimits()
    furnace: FurnaceLimits = FurnaceLimits()
    lamps: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], LampException] = Field(
        default_factory=dict
    )

    def of_lamp(self, name: str) -> LampLimits:
        """Return the limits of the lamp of this device name."""
        own = self.lamps.get(name, LampException())
        return replace(self.lamp, **{field: value for field, value in vars(own).items() if value is not None})
