"""Stations of deposition as built and as the lab knows them."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit
from devices.sputter.recipe import Gas, Material

GunName = Annotated[str, Field(pattern=r"^gun[1-9]$")]


@dataclass(frozen=True, config=STRICT)
class Target:
    """What is on a gun: material, diameter [m], how much energy [J] wears it out and what it had before it came here.

    power_density [W/m2] at the most; ramp [W/s] of its power at the most, which keeps ceramics from cracking (practice
    of vendors; 20 W/min); fade: share of its rate that it has lost when it is worn out (guess), by which calibrated
    rates follow its wear. The defaults are a 2-inch LiCoO2 target of 3 mm: 36 h at 120 W (mass balance).
    """

    material: Material
    diameter: Annotated[float, Field(gt=0, le=1), Unit("m")] = 50.8e-3
    life: Annotated[float, Field(gt=0, le=1e10), Unit("J")] = 4.3 * 3.6e6
    worn: Annotated[float, Field(ge=0, le=1e10), Unit("J")] = 0.0
    power_density: Annotated[float, Field(gt=0, le=1e6), Unit("W/m^2")] = 6e4
    ramp: Annotated[float, Field(gt=0, le=100), Unit("W/s")] = 1 / 3
    fade: Annotated[float, Field(ge=0, lt=1), Unit("1")] = 0.08

    @property
    def area(self) -> float:
        """Area [m2] of its face."""
        return math.pi / 4 * self.diameter**2

    def share_of_rate(self, energy: float) -> float:
        """Return what is left of a new one's rate [1] after so much energy [J]."""
        return 1.0 - self.fade * energy / self.life


@dataclass(frozen=True, config=STRICT)
class RateCalibration:
    """The film rate [m/s] that one target gives at a power [W] and a pressure [Pa], and its relative uncertainty.

    Measured or believed, of this machine; never from physics. id: of the calibration, empty for a guess. bias_power [W]
    and substrate_temperature [K] with which it was measured, None unheated.
    """

    rate: Annotated[float, Field(gt=0, le=1e-6), Unit("m/s")]
    power: Annotated[float, Field(gt=0, le=2000), Unit("W")]
    pressure: Annotated[float, Field(gt=0, le=20), Unit("Pa")]
    sd: Annotated[float, Field(ge=0, le=10), Unit("1")] = 0.5
    id: Annotated[str, Field(max_length=64)] = ""
    bias_power: Annotated[float, Field(ge=0, le=300), Unit("W")] = 0.0
    substrate_temperature: Annotated[float | None, Field(ge=300, le=1300), Unit("K")] = None


@dataclass(frozen=True, config=STRICT)
class FilmConstants:
    """What a thickness monitor must know of a film: density [kg/m3], ratio of acoustic impedances, tooling factor."""

    density: Annotated[float, Field(gt=0, le=3e4), Unit("kg/m^3")]
    z_ratio: Annotated[float, Field(gt=0, le=10), Unit("1")] = 1.0
    tooling: Annotated[float, Field(gt=0, le=10), Unit("1")] = 1.0


@dataclass(frozen=True, config=STRICT)
class CrystalWarmth:
    """What a plasma's heat takes from a crystal's frequency: heat [Hz], less than none where it adds, and time [s].

    It presumes that all of this heat comes with the light, whatever the power is then, and moves the crystal by one
    exponential law from the cold: heat (1 - exp(-t / time)). So it holds where the power stays in that minute, or is
    near its end within a second or two. Beside a power that is ramped for longer a crystal may move otherwise: state
    nothing there, and the chamber goes by its own first lighting. The law may be off by a fifth of its slope, by the
    second or the guns' lighting that nobody sees, and by noise of 0.1 Hz.
    """

    heat: Annotated[float, Field(ge=-1e3, le=1e3), Unit("Hz")]
    time: Annotated[float, Field(gt=0, le=60), Unit("s")]


Position = Annotated[float | None, Field(gt=0, lt=1), Unit("1")]


@dataclass(frozen=True, config=STRICT)
class BiasReference:
    """What a sound target showed when it was lit: a bias of `voltage` [V] at a power [W]."""

    power: Annotated[float, Field(gt=0, le=2000), Unit("W")]
    voltage: Annotated[float, Field(gt=0, le=5000), Unit("V")]


@dataclass(frozen=True, config=STRICT)
class Reference:
    """What a chamber without a fault showed while its throttle held a pressure [Pa] with gases let in [mol/s].

    dark, lit: where the throttle stood [1], without a plasma and with one. biases: of targets as they were lit, by gun.
    """

    pressure: Annotated[float, Field(gt=0, le=20), Unit("Pa")]
    flows: Annotated[dict[Gas, Annotated[float, Field(gt=0, le=1e-3), Unit("mol/s")]], Field(min_length=1)]
    dark: Position = None
    lit: Position = None
    biases: dict[GunName, BiasReference] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class SputterParameters:
    """Of a sputter system: targets by gun; rates by target material; films by material.

    pumping [m3/s] by gas at the chamber with the throttle wide open; chamber_temperature [K] of the gas. monitor:
    whether the thickness monitor stays beside the substrate, behind its shutter ("in_situ"), or only looks before
    ("before"); monitored_life [m]: the film that wears a crystal out. load_lock: whether samples come in without
    venting. volume [m3] of the chamber, by which a leak is reckoned (guess: six 2-inch guns). gauges: which shows the
    process pressure, and which the base pressure. flows [mol/s]: the most that the controller of each gas lets in, for
    checks without a machine; one that is there is asked itself. crystal_warms: how a plasma's heat moves the crystal,
    by which its first lighting is judged; None where nobody measured it. references: what a sound chamber showed, by
    which its first films are judged; it remembers the later ones itself. The defaults are the Orion class with guessed
    pumps.
    """

    targets: Annotated[dict[GunName, Target], Field(min_length=1)]
    rates: dict[Material, RateCalibration] = Field(default_factory=dict)
    films: dict[Material, FilmConstants] = Field(default_factory=dict)
    pumping: dict[Gas, Annotated[float, Field(gt=0, le=100), Unit("m^3/s")]] = Field(
        default_factory=lambda: {"Ar": 0.332, "N2": 0.375, "O2": 0.358}
    )
    flows: dict[Gas, Annotated[float, Field(gt=0, le=1e-2), Unit("mol/s")]] = Field(default_factory=dict)
    chamber_temperature: Annotated[float, Field(ge=200, le=700), Unit("K")] = 295.0
    monitor: Literal["in_situ", "before"] = "in_situ"
    monitored_life: Annotated[float, Field(gt=0, le=1e-3), Unit("m")] = 25e-6
    crystal_warms: CrystalWarmth | None = None
    references: tuple[Reference, ...] = ()
    load_lock: bool = False
    volume: Annotated[float, Field(gt=0, le=100), Unit("m^3")] = 60e-3
    process_gauge: Annotated[str, Field(min_length=1, max_length=32)] = "manometer"
    base_gauge: Annotated[str, Field(min_length=1, max_length=32)] = "ion"
    rough_gauge: Annotated[str, Field(min_length=1, max_length=32)] = "pirani"

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Self:
        given = []
        for each in self.references:
            for kind, names, there in (
                ("gas", each.flows, self.pumping),
                ("gun", each.biases, self.targets),
            ):
                if missing := names.keys() - there.keys():
                    raise ValueError(
                        f"references: no such {kind} as {min(missing)}; there are {', '.join(there)}"
                    )
            if (each.pressure, each.flows) in given:
                raise ValueError(f"references: {each.pressure:g} Pa is given twice with the same flows")
            given.append((each.pressure, each.flows))
        return self


@dataclass(frozen=True, config=STRICT)
class EvaporatorParameters:
    """Of an evaporator: films by material; gauges; the gains with which the boat's power follows the rate.

    volume [m3] of the chamber. gain [W]: power per unit of ln(wanted rate / rate); integral [s]: its time; both guesses
    for a boat of some 100 W. settles [s]: after which its rate stays at one power, of a boat whose heat lags by 2 s and
    a monitor that smoothes over eight; more for a slower boat. full_power [s]: for which it may be given all the power
    of its recipe before the rate is held; degas [s]: for which its charge may give off gas; guesses.
    """

    films: dict[Material, FilmConstants] = Field(default_factory=dict)
    monitored_life: Annotated[float, Field(gt=0, le=1e-3), Unit("m")] = 100e-6
    gain: Annotated[float, Field(gt=0, le=1e3), Unit("W")] = 2.0
    integral: Annotated[float, Field(gt=0, le=1e4), Unit("s")] = 15.0
    settles: Annotated[float, Field(ge=8, le=1e4), Unit("s")] = 15.0
    full_power: Annotated[float, Field(gt=0, le=1e5), Unit("s")] = 300.0
    degas: Annotated[float, Field(gt=0, le=1e5), Unit("s")] = 600.0
    load_lock: bool = False
    volume: Annotated[float, Field(gt=0, le=100), Unit("m^3")] = 60e-3
    base_gauge: Annotated[str, Field(min_length=1, max_length=32)] = "ion"
    rough_gauge: Annotated[str, Field(min_length=1, max_length=32)] = "pirani"


@dataclass(frozen=True, config=STRICT)
class FurnaceParameters:
    """Of a furnace: the fastest it heats and cools by itself [K/s]; row_period [s] between two rows."""

    heating: Annotated[float, Field(gt=0, le=1e3), Unit("K/s")] = 10.0
    cooling: Annotated[float, Field(gt=0, le=1e3), Unit("K/s")] = 10.0
    row_period: Annotated[float, Field(gt=0, le=60), Unit("s")] = 1.0
