"""A multiplexer of the bench: relay matrices, a meter on each of their rows, and the sheet under the probes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.sheets import CONTACT_NOISE, UNDEFINED_VOLTAGE, VOLTAGE_NOISE, SheetOfCells
from sim.twins.keysight_34980a import Keysight34980ATwin
from sim.twins.keysight_e4980a import KeysightE4980ATwin

MATRIX, METER = "keysight_34980a", "keysight_e4980a"


class RowLeads:
    """What a row's meter hangs on: the cells on the columns that its row is connected to."""

    def __init__(self, twins: MultiplexerTwins, row: int, random: np.random.Generator) -> None:
        self._twins, self._row, self._random = twins, row, random
        self._held: tuple[float, float, list[tuple[int, int]]] | None = None

    def open_circuit(self, now: float) -> float:
        """Return the voltage [V] of the one cell that is connected; NaN for none or several."""
        sheet, places = self._twins.sheet, self._twins.places_on(self._row)
        if sheet is None or len(places) != 1 or sheet.missing[places[0]]:
            return np.nan
        if not sheet.formed[places[0]]:
            return float(UNDEFINED_VOLTAGE * self._random.standard_normal())
        return sheet.open_circuit(places[0], now) + VOLTAGE_NOISE * float(self._random.standard_normal())

    def impedance(self, frequencies: NDArray[np.float64], now: float) -> NDArray[np.complex128]:
        """Return the impedance [ohm] of all cells that are connected, in parallel."""
        sheet, places = self._twins.sheet, self._twins.places_on(self._row)
        if sheet is None or not places:
            return np.full(len(frequencies), complex(np.inf, 0.0))
        there = [place for place in places if not sheet.missing[place]]
        if not there:
            return np.full(len(frequencies), complex(np.inf, 0.0))
        touch = 1.0 + CONTACT_NOISE * float(self._random.standard_normal())
        admittance = np.sum([1.0 / sheet.impedance(place, frequencies) for place in there], axis=0)
        return np.asarray(touch / admittance)

    def hold(self, voltage: float | None, now: float) -> None:
        """Hold what is connected at a voltage [V], or float: what was held until now was charged by it.

        At its own voltage, as for a sweep, nothing flows worth counting.
        """
        self.let_go(now)
        places = self._twins.places_on(self._row)
        if voltage is not None and len(places) > 0:
            self._held = voltage, now, places

    def let_go(self, now: float) -> None:
        """Reckon what was held until now."""
        held, self._held = self._held, None
        sheet = self._twins.sheet
        if held is None or sheet is None:
            return
        voltage, since, places = held
        # A bias for a sweep is the cell's own voltage: nothing flows.
        new = [place for place in places if not sheet.formed[place] or len(places) > 1]
        if new and now - since > 0.0:
            sheet.hold(new, voltage, now - since, now)


class MultiplexerTwins:
    """Matrices and meters; relays that open let go of what was held on their rows."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
    ) -> None:
        wrong = {part: each.stem for part, each in parts.items() if each.stem not in (MATRIX, METER)}
        if wrong:
            raise ValueError(f"{name}: a twin multiplexer is made of {MATRIX} and {METER}, not {wrong}")
        self._name = name
        self.sheet: SheetOfCells | None = None
        self._foil: Foil | None = None
        self.matrices = {
            part: Keysight34980ATwin(**each.taken("slots"))
            for part, each in parts.items()
            if each.stem == MATRIX
        }
        meters = [part for part, each in parts.items() if each.stem == METER]
        self._leads = [
            RowLeads(self, row, bench.generator(f"{name}.{part}")) for row, part in enumerate(meters)
        ]
        made: dict[str, Any] = {**self.matrices}
        made |= {part: KeysightE4980ATwin(self._leads[row]) for row, part in enumerate(meters)}
        self.parts: Mapping[str, Any] = made
        self.twins: Sequence[Twin] = tuple(made.values())

    def places_on(self, row: int) -> list[tuple[int, int]]:
        """Return the cells that a row is connected to."""
        if self.sheet is None:
            return []
        found, first = [], 0
        for matrix in self.matrices.values():
            found += [first + column for column in matrix.columns_on(row)]
            first += matrix.columns
        columns = self.sheet.shape[1]
        count = self.sheet.shape[0] * columns
        return [divmod(number, columns) for number in found if number < count]

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to an instrument."""
        if part in self.matrices:
            for leads in self._leads:
                leads.let_go(now)
        answer: bytes = self.parts[part].receive(data, now)
        return answer

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one instrument off and on."""
        self.parts[part].power_up(now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """The sheet is written as it goes."""

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a sheet lies already, and for a foil that is none."""
        if self._foil is not None and self._foil not in aside:
            raise FoilError(f"{place}: {self._foil.id} lies under the probes already")
        foil.as_sheet()

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a sheet under the probes."""
        self.check_put(foil, place)
        self.sheet, self._foil = foil.as_sheet(), foil

    def check_take(self, foil: Foil) -> None:
        """It may be taken at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Take it away."""
        for leads in self._leads:
            leads.let_go(now)
        self.sheet = self._foil = None
