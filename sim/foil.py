"""The world's side of a sample: what a twin foil truly is, and how it came to be so."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sim.cell_on_foil import CATHODE, STACK, Layer, cell_on, of_kind
from sim.cell_on_foil import BuiltCell as BuiltCell
from sim.cell_on_foil import check_cell_layers as check_cell_layers
from sim.grown_film import GrownFilm
from sim.history import History
from sim.materials.treatments import TREATMENTS, unknown_of
from sim.physics.anneal.state import AnnealResult, AnnealState
from sim.physics.evaporation.mask import opening_of
from sim.physics.lamp.bank import Discharge
from sim.under_lamp import FlashedFilm, is_bare
from sim.under_lamp import FoilError as FoilError
from sim.under_lamp import Surroundings as Surroundings

if TYPE_CHECKING:
    from sim.physics.cell.cell import Cell
    from sim.physics.cell.data import CellParameters
    from sim.sheets import OneOfSheet, SheetOfCells, SheetTruth


class Differing(Protocol):
    """How a cell, or some of its layers in parallel, truly differ from what its films and anneals make them."""

    def layers(self, parameters: CellParameters, count: int) -> Sequence[CellParameters]:
        """Return the layers that differ so, of so many equal ones."""


GROWN = (CATHODE, *STACK)
"""The films whose growth makes sense here, in their order."""


class Foil:
    """A foil that films grow on, with its cathode under the lamp or as a cell.

    description: id, layers, cell_layers, area as plain values in SI, and where there are any: materials beside those
    that the twins know themselves, treatments that its parts went through, the mask that lies on it. detuning: how the
    cell on it differs from what they make it. Times [s] are the bench's. grown: the films that came on top of `layers`,
    bottom first.
    """

    def __init__(
        self, description: Mapping[str, Any], surroundings: Surroundings, detuning: Differing | None = None
    ) -> None:
        self.description = dict(description)
        self.surroundings, self._detuning = surroundings, detuning
        self.grown: tuple[GrownFilm, ...] = ()
        self._flashed: FlashedFilm | None = None
        if not self._is_as_described:
            self._flashed = FlashedFilm(self.layers, surroundings)
        self._built: BuiltCell | None = None
        self._sheet: SheetOfCells | None = None
        self._kept_sheet: Mapping[str, Any] | None = None
        self._of_sheet: OneOfSheet | None = None
        self.sheet_truth: SheetTruth | None = None
        self.history = History()

    @property
    def id(self) -> str:
        """The sample's id."""
        return str(self.description["id"])

    @property
    def materials(self) -> Sequence[Mapping[str, Any]]:
        """What it is of, beside what the twins know themselves."""
        return tuple(self.description.get("materials", ()))

    @property
    def _is_as_described(self) -> bool:
        """Whether its cathode is of a material without kinetics under a lamp: it is made as it is described."""
        name = self.description["layers"][-1]["material"]
        return name != CATHODE and of_kind(self.materials, "cathode", name) is not None

    def went_through(self, treatments: Sequence[str]) -> None:
        """Have its parts go through what a person says they did, in its order; a cell that is built stays what it is.

        Raises FoilError for something that is not known.
        """
        if unknown := unknown_of(treatments):
            raise FoilError(f"{', '.join(unknown)}: there are {', '.join(TREATMENTS)}")
        if self._built is None and treatments:
            self.description["treatments"] = list(treatments)

    @property
    def mask(self) -> str:
        """What is written on the mask that lies on it, empty without one."""
        return str(self.description.get("mask", ""))

    def cover(self, mask: str) -> None:
        """Have a mask lie on it, or none; FoilError for one whose opening the twins do not know."""
        check_mask(mask)
        self.description["mask"] = mask

    @property
    def layers(self) -> tuple[Mapping[str, Any], ...]:
        """What lies under the lamp, from the bottom up: substrates, and the cathode."""
        film = self._cathode
        grown = () if film is None else ({"material": CATHODE, "thickness": film.thickness},)
        return (*self.description["layers"], *grown)

    @property
    def upper(self) -> tuple[GrownFilm, ...]:
        """The films that grew on the cathode."""
        return tuple(each for each in self.grown if each.material != CATHODE)

    @property
    def built(self) -> BuiltCell | None:
        """The cell on it, None while there is none; it is one as soon as lithium lies on the electrolyte."""
        if self._built is None and [each.material for each in self.upper] == list(STACK):
            cell = self._cell()
            self._built = BuiltCell(cell, cell.fresh())
        return self._built

    def as_cell(self) -> BuiltCell:
        """Return the cell built on it; FoilError when there is none."""
        if self.built is None:
            raise FoilError(f"{self.id} is no cell yet: its electrolyte and anode are missing")
        return self.built

    def as_sheet(self) -> SheetOfCells:
        """Return the cells on it, all of them; FoilError when it is no sheet, or no cells yet."""
        if self._sheet is None:
            grid = self.description.get("sheet")
            if grid is None:
                raise FoilError(f"{self.id} is no sheet of cells")
            from sim.sheets import SheetOfCells, SheetTruth

            nominal = self.as_cell().cell
            shape = int(grid["rows"]), int(grid["columns"])
            self._sheet = SheetOfCells(nominal, self.sheet_truth or SheetTruth(), shape)
            if self._kept_sheet is not None:
                self._sheet.restore(self._kept_sheet)
        return self._sheet

    def takes(self, material: str) -> str:
        """Return why a film makes no sense here, empty where it does; nothing is changed."""
        stack = [layer["material"] for layer in self.description["layers"]]
        stack += [film.material for film in self.grown]
        top = stack[-1]
        if is_bare(self.layers) and not self.grown:
            # Whatever grows on a substrate alone tells how fast it does: a witness.
            return ""
        if is_bare(self.layers):
            return "" if top == material else f"{self.id} is a witness of {top}; nothing else grows on it"
        if material not in GROWN:
            return f"no film of {material} is known to the twins, but {', '.join(GROWN)}"
        if self._built is not None and (top != "Li" or self._built.state != self._built.cell.fresh()):
            return f"{self.id} is a cell; nothing grows on it"
        if material == CATHODE:
            return self._takes_cathode(top)
        below = GROWN[GROWN.index(material) - 1]
        if top not in (material, below):
            return f"{material} belongs on {below}; {self.id} is {' / '.join(stack)}"
        return ""

    def _takes_cathode(self, top: str) -> str:
        if self._cathode is None:
            return f"{self.id} has a film of {CATHODE} already"
        if top != CATHODE:
            return f"{self.id} has {top} on its {CATHODE}"
        if self._flashed is not None and not self._flashed.is_as_made:
            return f"the {CATHODE} on {self.id} was annealed; another on it is not known to the twins"
        return ""

    def deposit(self, film: GrownFilm, time: float) -> None:
        """Add a film that grew until a time [s], or a part of the one on top; FoilError where it makes no sense.

        However many parts it comes in, the history holds one event.
        """
        if film.thickness <= 0.0:
            return
        if refused := self.takes(film.material):
            raise FoilError(refused)
        if film.material == CATHODE:
            self._flashed = None
        *below, top = self.grown or (film,)
        if self.grown and top.material == film.material:
            self.grown = (*below, top + film)
        else:
            self.grown = (*self.grown, film)
            self.history.add(event="film", time=time, material=film.material)
        self._built = None

    def cut_from(self, sheet: Foil) -> None:
        """Have the films that grew on the sheet this is a piece of, as they grew."""
        if sheet.grown and not self.grown:
            self.grown = sheet.grown
            self._flashed = None
        if (site := self.description.get("site")) is not None and sheet.description.get("sheet"):
            self._cut_out(sheet, (int(site[0]) - 1, int(site[1]) - 1))

    def _cut_out(self, sheet: Foil, place: tuple[int, int]) -> None:
        """Be one of the cells of a sheet, as it is; FoilError where the sheet has none there."""
        cells = sheet.as_sheet()
        if not (0 <= place[0] < cells.shape[0] and 0 <= place[1] < cells.shape[1]) or cells.missing[place]:
            raise FoilError(f"{sheet.id} has no cell at row {place[0] + 1}, column {place[1] + 1}")
        if sheet._flashed is not None and not self._is_as_described:
            self._film().restart(sheet._film().cold())
        self._of_sheet = cells.one(place)
        cell = self._cell()
        self._built = BuiltCell(cell, cells.state_of(place, cell))

    @property
    def refused_by_lamp(self) -> str:
        """Why it does not belong under a lamp, empty where it does."""
        if self.built is not None:
            return f"{self.id} is a cell; it does not belong under the lamp"
        if self.upper:
            return f"{self.id} has {self.upper[-1].material} on it; it does not belong under the lamp"
        try:
            self._film()
        except ValueError as error:
            return f"{self.id} does not belong under the lamp: {error}"
        return ""

    def flash(self, time: float, discharge: Discharge) -> None:
        """Let one pulse fall on the film; FoilError when a cell is built on it: its lithium would melt."""
        if refused := self.refused_by_lamp:
            raise FoilError(refused)
        self._film().flash(time, discharge)
        self.history.add(
            event="flash", time=time, voltage=discharge.voltage_before, exposure=discharge.exposure
        )

    @property
    def is_warm(self) -> bool:
        """Whether it lies under a lamp, between two flashes of a train perhaps."""
        return self._flashed is not None and self._flashed.is_warm

    @property
    def base_temperature(self) -> float:
        """Temperature [K] of the foil's back just before its last flash; as it was made before the first."""
        return self._film().base_temperature

    def temperature_at(self, time: float) -> float:
        """Return the temperature [K] of the foil's back at a time [s] after its last flash; a look changes nothing."""
        return self._film().temperature_at(time)

    def annealed(self) -> AnnealResult:
        """Return what the flashes so far made of the film, cooled down."""
        film = self._film()
        return film.model.result(film.cold())

    def heated(self, profile: Sequence[tuple[float, float]]) -> AnnealResult:
        """Return what a furnace would make of the film as it is; FoilError when a cell is built on it.

        profile: points (time [s], temperature [K]) with straight lines between.
        """
        return self._film().model.result(self._baked(profile))

    def bake(self, profile: Sequence[tuple[float, float]], time: float) -> None:
        """Heat it along a measured course, as for heated, until a time [s]; FoilError when a cell is built on it."""
        baked = self._baked(profile)
        self._film().restart(baked)
        self.history.add(event="baked", time=time, peak=max(temperature for _, temperature in profile))

    def _baked(self, profile: Sequence[tuple[float, float]]) -> AnnealState:
        if self.built is not None:
            raise FoilError(f"{self.id} is a cell; its lithium would melt in a furnace")
        from sim.physics.anneal.furnace import in_furnace

        film = self._film()
        time, temperature = np.array(profile).T
        return in_furnace(film.model, film.cold(), time, temperature)

    def assemble(self, time: float) -> None:
        """Put the cell layers on: from now on it is a cell. Harmless when it is one already."""
        if self.built is not None:
            return
        if is_bare(self.layers):
            raise FoilError(f"{self.id} has no film; a cell cannot be built on it")
        if not self._is_as_described:
            self._film().cool_down()
        cell = self._cell()
        self._built = BuiltCell(cell, cell.fresh())
        self.history.add(event="assembled", time=time)

    def to_dict(self) -> dict[str, Any]:
        """Return the foil as JSON values; what was still warm has cooled down."""
        if self._flashed is not None:
            self._flashed.cool_down()
        built = self.built
        return {
            "description": self.description,
            "grown": [film.to_dict() for film in self.grown],
            "anneal": None if self._flashed is None else self._flashed.state.to_dict(),
            "cell": None if built is None else built.state.to_dict(),
            **({} if self._sheet is None else {"sheet": self._sheet.to_dict()}),
            **({} if self._of_sheet is None else {"of_sheet": asdict(self._of_sheet)}),
            "history": list(self.history),
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], surroundings: Surroundings, detuning: Differing | None = None
    ) -> Foil:
        """Return the foil that to_dict wrote; of an older version, nothing grew on it."""
        foil = cls(data["description"], surroundings, detuning)
        foil.grown = tuple(GrownFilm.from_dict(each) for each in data.get("grown", ()))
        if foil._cathode is not None:
            foil._flashed = None
        if data["anneal"] is not None:
            foil._film().restart(AnnealState.from_dict(data["anneal"]))
        foil.history = History(data["history"])
        foil._kept_sheet = data.get("sheet")
        if (one := data.get("of_sheet")) is not None:
            from sim.sheets import OneOfSheet

            foil._of_sheet = OneOfSheet(**one)
        if data["cell"] is not None:
            cell = foil._cell()
            foil._built = BuiltCell(cell, cell.state_from(data["cell"]))
        return foil

    @property
    def _cathode(self) -> GrownFilm | None:
        return next((film for film in self.grown if film.material == CATHODE), None)

    def _film(self) -> FlashedFilm:
        """Return its stack under the lamp; ValueError where that is not calculated, as for a film that is too thin."""
        if self._is_as_described:
            name = self.description["layers"][-1]["material"]
            raise FoilError(
                f"only {CATHODE} has kinetics under a lamp or in a furnace; {name} is made as described"
            )
        if self._flashed is None:
            cathode = self._cathode
            active = 0.0 if cathode is None else cathode.active
            self._flashed = FlashedFilm(self.layers, self.surroundings, active)
        return self._flashed

    def _cell(self) -> Cell:
        # Which cell of many it is goes by its name: whoever looks, and how often, changes nothing.
        luck = zlib.crc32(self.id.encode()) / 2**32
        upper: tuple[Layer, ...] = (*self.upper, *self.description["cell_layers"])
        cell = cell_on(
            self._cathode or self.description["layers"][-1],
            None if self._is_as_described else self.annealed(),
            upper,
            self.description["area"],
            luck=luck,
            described=self.materials,
            treatments=self.description.get("treatments", ()),
        )
        parameters = cell.parameters if self._of_sheet is None else self._of_sheet.of(cell.parameters)
        count = int(self.description.get("parallel", 1))
        if self._detuning is not None:
            layers = self._detuning.layers(parameters, count)
        elif self._of_sheet is None and count == 1:
            return cell
        else:
            layers = [parameters] * count
        from sim.physics.cell.stacked import cell_of_layers

        return cell_of_layers(layers)


def check_mask(mask: str) -> None:
    """Raise FoilError for a mask whose opening the twins do not know; none is known, too."""
    if mask:
        try:
            opening_of(mask)
        except ValueError as error:
            raise FoilError(str(error)) from error
