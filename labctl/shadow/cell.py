"""The model cell of a shadow: driven by the charge that was measured, never refused, a step in tens of microseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.data import SURFACE_MARGIN, CellParameters, CellState
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces

SETTLED = 1e-9
"""V; Newton's method on a potential is over below that."""

MOST_STEPS = 60
LARGEST_STEP = 0.1
"""V; steps of Newton's method are not longer, because the potential is nearly a wall where the film is full."""

ALIKE = 1e-9
"""Of x; fillings nearer to each other are one."""

WIDEST = (0.0, 8.0)
"""V; where the potential of the film is looked for."""


@dataclass(frozen=True)
class Sight:
    """What the model says of one instant, beside a voltage that was measured.

    voltage [V]; lithium, surface: x of the whole film and of its surface [-]; slope [V]: how the potential changes
    with x, without its sign, the steeper of model's and measured one; secant [V]: the same between the two.
    """

    voltage: float
    lithium: float
    surface: float
    slope: float
    secant: float


class ShadowCell:
    """The cell of the twins with its film as modes, as `sim.physics.cell.cell.Cell` has it, but led by the current.

    A measured charge always passes: a film that would be overfull is merely not seen, and is seen again later.
    """

    def __init__(self, parameters: CellParameters, state: CellState) -> None:
        """Begin with a cell in a state. Raises ValueError for a film that cannot be built."""
        self._film = PlanarFilm(
            np.array(parameters.edges), np.array(parameters.diffusivity), parameters.site_density
        )
        self._faces = Interfaces.of(parameters, state)
        self._area = parameters.area * self._faces.active
        self.site_charge = self._film.capacity * self._area
        self.resistance = self._resistance(parameters.area)
        self._mean, self._amplitudes = self._film.split(np.array(state.lithium))

    def _resistance(self, area: float) -> float:
        """Return what stands in series [ohm] for a small current, the film half full."""
        faces = self._faces
        passage = faces.ocp.thermal * (
            1.0 / (faces.cathode_exchange * faces.active) + 1.0 / faces.anode_exchange
        )
        return (faces.resistance + passage) / area

    @property
    def lithium(self) -> float:
        """Mean x of the film [-]."""
        return self._mean

    def rest_at(self, lithium: float) -> None:
        """Be at rest with a filling x [-] throughout."""
        self._mean, self._amplitudes = lithium, np.zeros_like(self._amplitudes)

    def advance(self, current: float, duration: float) -> None:
        """Let a constant current [A], charging positive, flow for a duration [s]."""
        self._amplitudes = self._driven(self._amplitudes, current, duration)
        self._mean -= current / self._area * duration / self._film.capacity

    def see(self, voltage: float, current: float) -> Sight | None:
        """Return what the model says beside a measured voltage [V] while a current [A] flows.

        None where its surface could not carry the current.
        """
        surface = self._surface(current)
        if not self._is_inside(surface):
            return None
        ocp = self._faces.ocp
        potential = float(ocp.potential(surface))
        drop = self._faces.at_point(potential, self._density(current))
        # What is off is laid upon the film: where it is a resistance, the slopes hardly differ.
        measured, _, filling = ocp.filling_at(potential + voltage - drop.voltage)
        slope, apart = -1.0 / drop.filling, surface - measured
        secant = (voltage - drop.voltage) / apart if abs(apart) > ALIKE else slope
        steeper = max(slope, -1.0 / filling) if filling < 0.0 else math.inf
        return Sight(drop.voltage, self._mean, surface, steeper, secant)

    def filling_at(self, voltage: float, current: float) -> float | None:
        """Return x of the surface [-] at which a voltage [V] stands while a current [A] flows; None without one."""
        density = self._density(current)
        potential = min(max(voltage, WIDEST[0]), WIDEST[1])
        for _ in range(MOST_STEPS):
            drop = self._faces.at_point(potential, density)
            step = (voltage - drop.voltage) / drop.to_potential
            potential += math.copysign(min(abs(step), LARGEST_STEP), step)
            if not WIDEST[0] <= potential <= WIDEST[1]:
                return None
            if abs(step) < SETTLED:
                return drop.lithium if self._is_inside(drop.lithium) else None
        return None

    def filled_at(self, voltage: float, current: float, duration: float) -> float | None:
        """Return mean x of the film [-] when a current [A] has flowed for a duration [s] from rest to a voltage [V].

        None where no filling has that voltage.
        """
        surface = self.filling_at(voltage, current)
        if surface is None:
            return None
        profile = self._driven(np.zeros_like(self._amplitudes), current, duration)
        return surface - self._above_mean(profile, current)

    def shift_to(self, voltage: float, current: float) -> float | None:
        """Fill or empty the whole film evenly until a voltage [V] stands while a current [A] flows.

        Return the charge [C] that this took out of it, None where no filling gives that voltage.
        """
        lithium = self.filling_at(voltage, current)
        if lithium is None:
            return None
        shift = lithium - self._surface(current)
        self._mean += shift
        return -shift * self.site_charge

    def _surface(self, current: float) -> float:
        return self._mean + self._above_mean(self._amplitudes, current)

    def _above_mean(self, amplitudes: NDArray[np.float64], current: float) -> float:
        """Return how much fuller than its mean the surface is with these amplitudes."""
        film = self._film
        return float(film.drive @ amplitudes) - current / self._area * film.surface_resistance

    def _driven(
        self, amplitudes: NDArray[np.float64], current: float, duration: float
    ) -> NDArray[np.float64]:
        """Return what becomes of amplitudes while a constant current [A] flows for a duration [s]."""
        settled = -current / self._area * self._film.drive / self._film.rates
        return np.asarray(settled + np.exp(-self._film.rates * duration) * (amplitudes - settled))

    def _density(self, current: float) -> float:
        """Return the current through the whole area [A/m2], which is what the interfaces are told."""
        return current / self._area * self._faces.active

    @staticmethod
    def _is_inside(lithium: float) -> bool:
        return SURFACE_MARGIN < lithium < 1.0 - SURFACE_MARGIN
