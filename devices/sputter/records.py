"""The rows of a deposition: one a second, what happened beside them, and one for each layer that was put on."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from devices.base import Column, RowStream
from devices.clock import Clock
from devices.flown.account import FlightLog

CELSIUS = 273.15
GRAIN = 1e-9
"""m of film that a station counts as one: its unit of work."""


LEAST = 2e-11
"""m of film that is counted where it came through a shutter that stood open: the noise of a crystal; guess."""


class FilmFlag(enum.IntFlag):
    """What a row, or a layer, may have to say about itself."""

    OK = 0
    HELD = 1  # held meanwhile, the shutter closed
    BY_TIME = 2  # its thickness goes by rate times time: the monitor cannot be gone by
    ARC = 4  # arcs came, or the power was cut for one
    STRIKING = 8  # the plasma is being lit
    PRESPUTTER = 16  # sources work behind the closed shutter
    DOUBTFUL = 32  # something did not go as asked; the layer's reasons say what
    RAMPING = 64  # the power is on its way to what was asked


@dataclass
class Film:
    """What was put on so far, in all openings of the shutter.

    monitor and by_time [m]: by the thickness monitor, by rate times time; NaN where neither is known. open_time [s];
    openings of the shutter; then energy [J] of all sources, bias [V s] and heat [K s] of the substrate; arcs; paused
    [s]; reasons why it is doubtful.
    """

    monitor: float = 0.0
    by_time: float = 0.0
    open_time: float = 0.0
    openings: int = 0
    energy: float = 0.0
    bias: float = 0.0
    heat: float = 0.0
    arcs: int = 0
    paused: float = 0.0
    flags: FilmFlag = FilmFlag.OK
    doubts: list[str] = field(default_factory=list)

    def doubt(self, why: str) -> None:
        """Note why nobody should rely on it; each reason once."""
        self.flags |= FilmFlag.DOUBTFUL
        if why not in self.doubts:
            self.doubts.append(why)

    def came_through(self, thickness: float) -> None:
        """Note film [m] that was seen to grow although the shutter was told to be closed."""
        if math.isnan(self.monitor):
            self.by_time += thickness
        else:
            self.monitor += thickness
        self.openings = max(self.openings, 1)

    @property
    def thickness(self) -> float:
        """The thickness [m] that counts: the monitor's, or rate times time where that was given up."""
        by_time = self.flags & FilmFlag.BY_TIME or math.isnan(self.monitor)
        return self.by_time if by_time else self.monitor


LAYER_COLUMNS: Mapping[str, Column] = {
    "material": Column("1", "string"),
    "thickness": Column("m"),
    "thickness_monitor": Column("m", part="monitor"),
    "thickness_by_time": Column("m"),
    "duration": Column("s"),
    "openings": Column("1", "integer", low=0),
    "paused": Column("s"),
    "energy": Column("J"),
    "target_energy_total": Column("J"),
    "substrate_bias": Column("V", precision=1, part="bias"),
    "substrate_temperature": Column("degC", precision=1, part="heater"),
    "crystal_life": Column("1", precision=3, part="monitor"),
    "arcs": Column("1", "integer", low=0),
    "area": Column("m^2"),
    "doubtful": Column("1", "integer", low=0, high=1),
    "reasons": Column("1", "string"),
    "flags": Column("1", "integer", low=0),
}
"""duration: how long the shutter was open; the substrate's bias and temperature are means over that. area: of the
mask's opening, no number without one. crystal_life: of the monitor's crystal, what is left of it after this layer; no
number without one."""

SHARED: Mapping[str, Column] = {
    "rate": Column("m/s", part="monitor"),
    "thickness": Column("m", part="monitor"),
    "thickness_by_time": Column("m"),
    "open_time": Column("s"),
    "substrate_temperature": Column("degC", precision=1, part="heater"),
    "shutter_open": Column("1", "integer", low=0, high=1),
    "flags": Column("1", "integer", low=0),
}


def film_columns(sources: Iterable[str], gases: Sequence[str], parts: Iterable[str]) -> dict[str, Column]:
    """Return the columns of a second's row in a chamber with these sources, gases and other parts.

    All is of the row's own second but the substrate's temperature, which is up to nine rows old.
    """
    there = set(parts)
    columns: dict[str, Column] = {
        "elapsed": Column("s"),
        "state": Column("1", "string"),
        "pressure": Column("Pa", part="gas"),
    }
    columns |= {f"flow_{gas.lower()}": Column("mol/s", part="gas") for gas in gases}
    if "valve" in there:
        columns["valve_position"] = Column("1", low=0, high=1, part="valve")
    for source in sources:
        columns[f"{source}_forward"] = Column("W", precision=1, part=source)
        columns[f"{source}_reflected"] = Column("W", precision=1, part=source)
        columns[f"{source}_power"] = Column("W", precision=1, part=source)
        columns[f"{source}_bias"] = Column("V", precision=1, part=source)
    if "bias" in there:
        columns["substrate_bias_reflected"] = Column("W", precision=1, part="bias")
        columns["substrate_bias_power"] = Column("W", precision=1, part="bias")
        columns["substrate_bias"] = Column("V", precision=1, part="bias")
    shared = dict(SHARED)
    if "monitor" not in there:
        shared["rate"], shared["thickness"] = Column("m/s"), Column("m")
    if "heater" not in there:
        del shared["substrate_temperature"]
    return columns | shared


def resting_row(
    columns: Mapping[str, Column], known: Mapping[str, float | str]
) -> dict[str, float | int | str]:
    """Return a second's row of a chamber in which no film is made: what is known, no number for the rest."""
    empty: Mapping[str, float | int | str] = {"string": "", "integer": 0, "number": math.nan}
    return {key: known.get(key, empty[column.dtype]) for key, column in columns.items()}


class FilmLog(FlightLog):
    """Counts film and writes rows. flight: in nanometres of it. layers: a stream. last: the last layer, in words."""

    def __init__(self, clock: Clock, rows: RowStream, events: RowStream, layers: RowStream) -> None:
        super().__init__(clock, rows, events)
        self._layers = layers
        self.last = "none yet"

    def progress(self, share: float, *, whole: bool = False) -> None:
        """Count what was done, as a share of what was asked; all of it is done only where that is said."""
        with self._lock:
            asked = self.flight.asked
            self.reached(asked if whole else min(max(int(share * asked), 0), asked - 1))

    def layer(
        self, material: str, film: Film, target_energy: float, area: float, crystal_life: float
    ) -> None:
        """Write what was put on."""
        by_time, duration = film.by_time, film.open_time or math.nan
        row: dict[str, float | int | str] = {
            "material": material,
            "thickness": film.thickness,
            "thickness_monitor": film.monitor,
            "thickness_by_time": by_time,
            "duration": film.open_time,
            "openings": film.openings,
            "paused": film.paused,
            "energy": film.energy,
            "target_energy_total": target_energy,
            "substrate_bias": film.bias / duration,
            "substrate_temperature": film.heat / duration - CELSIUS,
            "crystal_life": crystal_life,
            "arcs": film.arcs,
            "area": area,
            "doubtful": int(bool(film.doubts)),
            "reasons": "; ".join(film.doubts),
            "flags": int(film.flags),
        }
        self._layers.append(self._clock.time(), row)
        doubtful = ", doubtful" if film.doubts else ""
        self.last = f"{film.thickness * 1e9:.1f} nm {material} in {film.open_time:.0f} s{doubtful}"


def grains(thickness: float) -> int:
    """Return a thickness [m] in a station's unit of work."""
    return max(1, round(thickness / GRAIN))
