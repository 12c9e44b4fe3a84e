"""What the lab believes of a cathode film that runs put on: made as their start documents and rows say it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labctl.runs.films import FilmPutOn
from sim.cell_on_foil import CATHODE
from sim.grown_film import GrownFilm
from sim.physics.growth.as_deposited import active_share, density
from sim.physics.growth.deposit import Deposit, molar_mass
from sim.physics.growth.geometry import Throw
from sim.physics.growth.lithium_cobalt import lithium_per_cobalt, phases
from sim.physics.vacuum.gases import AVOGADRO

ROOM = 295.0
"""K of a substrate that nobody heated."""


def cathode_parts(films: Iterable[FilmPutOn], thickness: float) -> Iterator[tuple[float, GrownFilm]]:
    """Yield when each run put its part of the cathode on, as a label [s], and the part; together a thickness [m].

    Nothing where one of them does not say in which gas it grew.
    """
    parts = [film for film in films if film.material == CATHODE]
    if any(film.pressure is None for film in parts):
        return
    scale = thickness / (sum(film.thickness for film in parts) or 1.0)
    for film in parts:
        yield film.time, GrownFilm(CATHODE, _deposit(film, scale * film.thickness))


def _deposit(film: FilmPutOn, thickness: float) -> Deposit:
    """Return a part of a film: lithium and cobalt after gas and bias, what is active after bias and heat."""
    bias = film.bias or 0.0
    ratio = lithium_per_cobalt(1.0, film.pressure or 0.0, Throw().distance, film.oxygen or 0.0, bias)
    unit = {"Li": ratio, "Co": 1.0, "O": phases(ratio).oxygen}
    units = density(bias) * thickness / molar_mass(unit) * AVOGADRO
    atoms = {element: count * units for element, count in unit.items()}
    active = active_share(bias, film.temperature or ROOM) * thickness
    return Deposit(thickness, density(bias) * thickness, atoms, active)
