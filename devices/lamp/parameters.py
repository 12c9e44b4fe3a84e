"""A flash lamp's station as built and as the lab knows it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.places import ChuckCourse, ChuckTemperature, ChuckTransfer, FilmModel, Mount, require_chuck
from devices.quantities import STRICT, Unit


@dataclass(frozen=True, config=STRICT)
class LampParameters:
    """Of the station as built and as the lab knows it: the meter, the lamp with its charger, where foils lie.

    aperture_area [m2] and calibration [1] of the meter. Of the lamp: bank_capacitance [F], lamp_constant [ohm
    A^0.5], explosion_constant [J s^-0.5]; efficiency [1], the share of the bank's energy that comes out as light
    on exposed_area [m2]; charger_power [W] and charger_current [A] that reach the bank; bleed_time_constant [s]
    with which the bank, switched off, discharges. Of the foil's
    place: mount, chuck_temperature [K] or chuck_course over the time since a foil's first flash,
    chuck_transfer [W/(m2 K)] between foil and chuck; model, the set by which films are predicted. calibration: which
    fit of this lamp stands above efficiency and lamp_constant, "latest" or a fit's id; none if empty.

    The defaults are the example lamp: a tube of 15 cm by 5 mm (guess) on a 600 W, 1 kV charger, its efficiency and
    chuck_transfer fitted to the FLA paper, its bleed resistor a guess. Bank, lamp and charger bound mean power and
    rate; predictions use all.
    """

    aperture_area: Annotated[float, Field(gt=0, le=1e-2), Unit("m^2")]
    meter_calibration: Annotated[float, Field(gt=0, le=10), Unit("1")]
    bank_capacitance: Annotated[float, Field(gt=0, le=1), Unit("F")]
    lamp_constant: Annotated[float, Field(gt=0, le=1000), Unit("ohm A^0.5")]
    efficiency: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.49213
    exposed_area: Annotated[float, Field(gt=0, le=1), Unit("m^2")] = 20e-4
    explosion_constant: Annotated[float, Field(gt=0, le=1e8), Unit("J/s^0.5")] = 1.5e5
    charger_power: Annotated[float, Field(gt=0, le=1e5), Unit("W")] = 600.0
    charger_current: Annotated[float, Field(gt=0, le=1e3), Unit("A")] = 0.6
    mount: Mount = "chuck"
    chuck_temperature: ChuckTemperature = 298.15
    chuck_course: ChuckCourse = ()
    chuck_transfer: ChuckTransfer = 100.0
    model: FilmModel = "S1"
    bleed_time_constant: Annotated[float, Field(gt=0, le=600), Unit("s")] = 20.0
    calibration: Annotated[str, Field(pattern=r"^(latest|[0-9a-f]{12})?$")] = ""

    @model_validator(mode="after")
    def _chuck_is_there_for_its_course(self) -> Self:
        require_chuck(self.mount, self.chuck_course)
        return self
