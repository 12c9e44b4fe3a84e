"""How a film is made: sputtered from guns, or evaporated from a boat. Frozen, strict, stored whole in the start."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

RecipeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Material = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")]
Gas = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,7}$")]
Thickness = Annotated[float, Field(gt=0, le=100e-6), Unit("m")]
BasePressure = Annotated[float, Field(gt=0, le=1e-2), Unit("Pa")]

SCCM = 7.4358e-7
"""mol/s of 1 sccm: 1 cm3 at 273.15 K and 101325 Pa in 60 s."""

End = Literal["monitor", "time", "rate"]
"""What ends a film: the thickness monitor, a given time, or its thickness over the believed rate."""

Unmonitored = Literal["end", "go_on"]
"""What becomes of a film whose thickness monitor fails: it is ended, or gone on with by a calibrated rate."""


@dataclass(frozen=True, config=STRICT)
class GasFlow:
    """A gas and how much of it is let in [mol/s]; 1 sccm is 7.4358e-7 mol/s."""

    gas: Gas
    flow: Annotated[float, Field(gt=0, le=1e-3), Unit("mol/s")]


@dataclass(frozen=True, config=STRICT)
class GunSetting:
    """One gun: the material of its target, its power [W] or that over the target's area [W/m2].

    ramp [W/s]: how fast its power may change, where that is less than its target bears. gun: which, where several
    bear the same target.
    """

    target: Material
    power: Annotated[float | None, Field(gt=0, le=2000), Unit("W")] = None
    power_density: Annotated[float | None, Field(gt=0, le=1e6), Unit("W/m^2")] = None
    ramp: Annotated[float | None, Field(gt=0, le=100), Unit("W/s")] = None
    gun: Annotated[str, Field(pattern=r"^(gun[1-9])?$")] = ""

    @model_validator(mode="after")
    def _has_one_power(self) -> Self:
        if (self.power is None) == (self.power_density is None):
            raise ValueError("give either power or power_density")
        return self


@dataclass(frozen=True, config=STRICT)
class Strike:
    """How a plasma is lit that would not light at its process pressure: at a pressure [Pa], with a power [W] on each
    gun, with other gas flows where there are any."""

    pressure: Annotated[float, Field(gt=0, le=20), Unit("Pa")]
    power: Annotated[float, Field(gt=0, le=300), Unit("W")] = 40.0
    gases: Annotated[tuple[GasFlow, ...], Field(max_length=4)] = ()


@dataclass(frozen=True, config=STRICT)
class DepositionRecipe:
    """A film sputtered from one gun or several.

    material of the film and its thickness [m]; gases and process pressure [Pa]; base_pressure [Pa] to be reached
    before. presputter [s] behind the shutter at the final power. substrate_temperature [K], None for a cold one;
    bias_power [W] of the substrate; rotation. end: by what it ends, `duration` [s] of the open shutter where that is
    time. strike: where it does not light at its process pressure. monitor_failure: whether the film ends when the
    thickness monitor fails, or goes on by rate times time; it is doubtful either way.
    """

    name: RecipeName
    material: Material
    guns: Annotated[tuple[GunSetting, ...], Field(min_length=1, max_length=4)]
    gases: Annotated[tuple[GasFlow, ...], Field(min_length=1, max_length=4)]
    pressure: Annotated[float, Field(gt=0, le=20), Unit("Pa")]
    base_pressure: BasePressure
    presputter: Annotated[float, Field(ge=0, le=1e5), Unit("s")]
    thickness: Thickness
    end: End = "monitor"
    duration: Annotated[float | None, Field(gt=0, le=1e6), Unit("s")] = None
    monitor_failure: Unmonitored = "end"
    strike: Strike | None = None
    substrate_temperature: Annotated[float | None, Field(ge=300, le=1300), Unit("K")] = None
    bias_power: Annotated[float, Field(ge=0, le=300), Unit("W")] = 0.0
    rotation: bool = True

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.duration is not None) != (self.end == "time"):
            raise ValueError('duration is given with end = "time", and only then')
        for flows in (self.gases, () if self.strike is None else self.strike.gases):
            if len({each.gas for each in flows}) != len(flows):
                raise ValueError("a gas is given twice")
        return self


@dataclass(frozen=True, config=STRICT)
class EvaporationRecipe:
    """A film evaporated from a boat, its rate [m/s] held by the boat's power, up to a thickness [m].

    power [W]: the most the boat gets, by a ramp [W/s]; soak [s] at the rate before the shutter opens. mask: which lies
    on the sample, and mask_area [m2] of its opening.
    """

    name: RecipeName
    material: Material
    rate: Annotated[float, Field(gt=0, le=1e-6), Unit("m/s")]
    thickness: Thickness
    base_pressure: BasePressure
    power: Annotated[float, Field(gt=0, le=5000), Unit("W")]
    ramp: Annotated[float, Field(gt=0, le=100), Unit("W/s")] = 1.0
    soak: Annotated[float, Field(ge=0, le=1e4), Unit("s")] = 60.0
    mask: Annotated[str, Field(max_length=100)] = ""
    mask_area: Annotated[float | None, Field(gt=0, le=1), Unit("m^2")] = None
