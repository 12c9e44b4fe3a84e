"""What each kind of file becomes; recipes, programs, samples and limits are the devices' own classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.macros import Macro
from devices.places import ChuckCourse, ChuckTemperature, ChuckTransfer, FilmModel, Mount, require_chuck
from devices.quantities import STRICT, Unit
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import SafeId, SampleRef
from devices.sheet.recipe import SheetRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe

LOOK_AROUND = 60.0
"""Seconds between readings of what is around a cell, on a bench that does not say; guess: a glovebox changes slowly."""

AnyRecipe = AnnealRecipe | FurnaceRecipe | DepositionRecipe | EvaporationRecipe | SheetRecipe
"""What a station is asked to do, of any kind."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


@dataclass(frozen=True, config=STRICT)
class ClockChoice:
    """The bench's clock; pace is for a virtual one: "none" jumps, "1" and "60" wait for the wall."""

    kind: Literal["virtual", "wall"]
    pace: Literal["none", "1", "60"] = "none"

    @model_validator(mode="after")
    def _pace_is_for_virtual_time(self) -> Self:
        if self.kind == "wall" and self.pace != "none":
            raise ValueError('a wall clock has no pace; leave it out, or write kind = "virtual"')
        return self


@dataclass(frozen=True, config=STRICT)
class TrueCell:
    """How the cell of a sample truly differs from what its layers and anneal make it, which no prediction is told.

    series_resistance [ohm] in addition to its own; diffusivity and capacity: factors of the film's; leak_resistance
    [ohm] from terminal to terminal, as through a soft short. layer: the one of layers in parallel that differs, from
    1; all if none is said. The ranges are what the cell's model can solve; guesses.
    """

    sample: SafeId
    layer: Annotated[int | None, Field(ge=1, le=1000)] = None
    series_resistance: Annotated[float, Field(ge=0, le=1e6), Unit("ohm")] = 0.0
    diffusivity: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0
    capacity: Annotated[float, Field(ge=0.05, le=1)] = 1.0
    leak_resistance: Annotated[float, Field(ge=1e3, le=1e15), Unit("ohm")] | None = None


@dataclass(frozen=True, config=STRICT)
class TrueFault:
    """What will befall a chamber: a fault by its name, of what, and when.

    time [s] of the bench, or mean [s]: it comes by chance, drawn from seed, so long after the bench was opened on
    average. lasts [s]; without it, until it is mended. value: how bad, in the fault's own unit. Names: sim/sputter.
    """

    fault: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    of: Annotated[str, Field(max_length=32)] = ""
    time: Annotated[float, Field(ge=0), Unit("s")] | None = None
    mean: Annotated[float, Field(gt=0), Unit("s")] | None = None
    seed: Seed = 0
    lasts: Annotated[float, Field(gt=0), Unit("s")] | None = None
    value: Annotated[float, Field(ge=0, le=1e6)] | None = None

    @model_validator(mode="after")
    def _comes_at_one_time(self) -> Self:
        if (self.time is None) == (self.mean is None):
            raise ValueError("give time, or mean")
        return self


@dataclass(frozen=True, config=STRICT)
class TrueChamber:
    """How a chamber or furnace truly is, which no station and no prediction is told.

    volume [m3] and wall_area [m2]; tooling [1]: film on the sample over film on the crystal; rates [1] by target
    material: what it truly gives over what the twins calculate; target_thickness [m] and target_lithium, Li/Co [1] of
    its powder, by gun; mask_gap [m] between a mask and the sample that it lies on; source of an evaporator, with its
    lithium [kg], throw [m] from there; pumped_for [s]: it stands evacuated when the bench is opened for the first time,
    and was for so long; else it stands open to air. faults: what will befall it.
    """

    volume: Annotated[float, Field(gt=0, le=10), Unit("m^3")] = 60e-3
    wall_area: Annotated[float, Field(gt=0, le=100), Unit("m^2")] = 1.5
    tooling: Annotated[float, Field(gt=0, le=10), Unit("1")] = 1.0
    rates: dict[str, Annotated[float, Field(gt=0, le=10), Unit("1")]] = field(default_factory=dict)
    target_thickness: dict[str, Annotated[float, Field(gt=0, le=0.1), Unit("m")]] = field(
        default_factory=dict
    )
    target_lithium: dict[str, Annotated[float, Field(gt=0, le=2), Unit("1")]] = field(default_factory=dict)
    mask_gap: Annotated[float, Field(ge=0, le=0.01), Unit("m")] = 0.2e-3
    source: Literal["boat", "electron beam"] = "boat"
    lithium: Annotated[float, Field(ge=0, le=1), Unit("kg")] = 1e-3
    throw: Annotated[float, Field(gt=0, le=5), Unit("m")] = 0.3
    pumped_for: Annotated[float, Field(gt=0, le=1e8), Unit("s")] | None = None
    faults: Annotated[tuple[TrueFault, ...], Field(max_length=100)] = ()


Place = tuple[Annotated[int, Field(ge=1, le=1000)], Annotated[int, Field(ge=1, le=1000)]]
Spread = Annotated[float, Field(ge=0, lt=1), Unit("1")]


@dataclass(frozen=True, config=STRICT)
class TrueSheet:
    """How the cells of a sheet truly differ, which no map is told; drawn from seed.

    Relative standard deviations of thickness, electrolyte, diffusivity and exchange [1] that change over correlation
    [cells]. web_length [m] of a web it was coated on from roll to roll, 0 for none: the film thins by edge_loss [1] at
    its edges, the source drifts by drift [1] over drift_length [m], the speed wavers by waver [1]; guesses. short_share
    [1] of the cells are shorted by short_resistance [ohm m2], and those named in shorts; missing are not there; both by
    row and column, from 1.
    """

    sample: SafeId
    seed: Seed = 0
    thickness: Spread = 0.0
    electrolyte: Spread = 0.0
    diffusivity: Spread = 0.0
    exchange: Spread = 0.0
    correlation: Annotated[float, Field(gt=0, le=1000)] = 5.0
    web_length: Annotated[float, Field(ge=0, le=1e4), Unit("m")] = 0.0
    edge_loss: Spread = 0.04
    drift: Spread = 0.01
    drift_length: Annotated[float, Field(gt=0, le=1e4), Unit("m")] = 2.0
    waver: Spread = 0.003
    short_share: Annotated[float, Field(ge=0, le=1), Unit("1")] = 0.0
    short_resistance: Annotated[float, Field(gt=0, le=1e9), Unit("ohm m^2")] = 1.0
    shorts: Annotated[tuple[Place, ...], Field(max_length=10_000)] = ()
    missing: Annotated[tuple[Place, ...], Field(max_length=10_000)] = ()


@dataclass(frozen=True, config=STRICT)
class World:
    """What the twins live in: where foils truly lie, by which set they truly behave, reply delay [s].

    mount, chuck temperature [K] or its course over the time since a foil's first flash, foil-to-chuck heat transfer
    [W/(m2 K)]; model as in the station. The default transfer is fitted to the FLA paper; the ranges are guesses.
    cell: those that truly differ from what they are believed to be, for whoever wants to see the shadow notice it.
    sheet: how the cells of sheets do.
    chambers: how the sputter systems, evaporators and furnaces truly are, by the device's name.
    served: the path of the socket where another process that serves these twins carries samples; all the rest is
    that process's to say then.
    """

    mount: Mount = "chuck"
    chuck_temperature: ChuckTemperature = 298.15
    chuck_course: ChuckCourse = ()
    back_heat_transfer: ChuckTransfer = 100.0
    model: FilmModel = "S1"
    twin_latency: Annotated[float, Field(ge=0, le=10), Unit("s")] = 0.0
    cell: Annotated[tuple[TrueCell, ...], Field(max_length=1000)] = ()
    sheet: Annotated[tuple[TrueSheet, ...], Field(max_length=100)] = ()
    chambers: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], TrueChamber] = field(
        default_factory=dict
    )
    served: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _chuck_is_there_for_its_course(self) -> Self:
        require_chuck(self.mount, self.chuck_course)
        return self

    @model_validator(mode="after")
    def _no_cell_differs_twice(self) -> Self:
        names = [f"{each.sample} layer {each.layer}" if each.layer else each.sample for each in self.cell]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"cell: {', '.join(twice)} stands there more than once")
        return self


_ADDRESS = re.compile(
    r"(?P<twin>twin)"
    r"|serial:(?P<serial>/[^?\s]+)(?:\?(?P<options>[a-z]+=\w+(?:&[a-z]+=\w+)*))?"
    r"|(?P<socket>socket://[A-Za-z0-9.-]+:\d{1,5})"
    r"|visa:(?P<visa>[A-Za-z]+\d*::\S+)"
    r"|unix:(?P<unix>/\S+)"
)
_ADDRESS_FORMS = (
    '"twin", "serial:/dev/ttyUSB0?baud=9600", "socket://host:port", "visa:TCPIP::host::INSTR" or'
    ' "unix:/run/user/1000/labctl/squidstat.sock"'
)


@plain_dataclass(frozen=True)
class Address:
    """Where it is: a twin, a serial device, a socket, a VISA resource, the unix socket of a bridge.

    baud and parity are serial's.
    """

    kind: Literal["twin", "serial", "socket", "visa", "unix"]
    target: str = ""
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address written as text; ValueError says how it is written."""
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(f"must be {_ADDRESS_FORMS}")
        if match["serial"]:
            return cls("serial", match["serial"], **_serial_options(match["options"] or ""))
        if match["socket"]:
            return cls("socket", match["socket"])
        if match["unix"]:
            return cls("unix", match["unix"])
        return cls("visa", match["visa"]) if match["visa"] else cls("twin")


def _serial_options(text: str) -> dict[str, Any]:
    options = dict(pair.split("=") for pair in text.split("&") if pair)
    baud, parity = options.pop("baud", "9600"), options.pop("parity", "N")
    if options or not baud.isdecimal() or not 50 <= int(baud) <= 4_000_000 or parity not in ("N", "E", "O"):
        raise ValueError("the options are baud=50...4000000 and parity=N, E or O")
    return {"baud": int(baud), "parity": parity}


@plain_dataclass(frozen=True)
class Part:
    """One instrument of a station: its driver's stem and class, its address, its `Parameters` (or None)."""

    driver: str
    driver_class: type
    address: Address
    parameters: Any


@plain_dataclass(frozen=True)
class StationEntry:
    """A station of ours: its class, its instruments by part, its own `Parameters` (or None)."""

    station_class: type
    parts: Mapping[str, Part]
    parameters: Any


@plain_dataclass(frozen=True)
class DeviceEntry:
    """Any other ophyd class, called with `name` and these keywords; `twin` when nothing is behind it."""

    device_class: type
    arguments: Mapping[str, Any]
    twin: bool


@plain_dataclass(frozen=True)
class BenchFile:
    """A bench: which devices, where they are, on which clock; `world` is None without twins.

    file: where it was read from. wiring: on which potentiostat the cell of a sample hangs, by the sample's id.
    look_around: seconds between readings of what is around a cell.
    """

    file: Path
    name: str
    description: str
    seed: int
    clock: ClockChoice
    devices: Mapping[str, StationEntry | DeviceEntry]
    world: World | None
    config_hash: str
    wiring: Mapping[str, str]
    look_around: float = LOOK_AROUND


@dataclass(frozen=True, config=STRICT)
class Compare:
    """A published point to hold a result against: current density [A/m2], discharge capacity [C/m2]."""

    current_density: Annotated[float, Field(gt=0, le=1e4), Unit("A/m^2")]
    discharge_capacity: Annotated[float, Field(gt=0, le=1e6), Unit("C/m^2")]
    source: Annotated[str, Field(min_length=1, max_length=1000)]


@plain_dataclass(frozen=True)
class Experiment:
    """One plan with everything it is called with, names resolved; arguments: what else its plan takes, by name.

    sample: None for a plan that works with none: a chamber's own affairs.
    """

    name: str
    plan: str
    sample: SampleRef | None
    recipe: AnyRecipe | None
    program: Macro | None
    compare: tuple[Compare, ...]
    notes: str
    operator: str
    config_hash: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
