"""Films that are grown on a foil: what the chambers hand over, part by part, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from sim.physics.growth.as_deposited import basal_share
from sim.physics.growth.deposit import Deposit
from sim.physics.growth.lipon import Lipon


@dataclass(frozen=True)
class GrownFilm:
    """A film, or a part of one, as it grew.

    material: what the film is. deposit: what came down, in sums, which add. conductivity [S/m] of an electrolyte where
    it does not follow from its composition. pinholes [1/m2]. area [m2] of the mask's opening, None without a mask.
    doubts: what truly went wrong; no lab knows it. provenance: of each kind of part once, in JSON values.
    """

    material: str
    deposit: Deposit
    conductivity: float | None = None
    pinholes: float = 0.0
    area: float | None = None
    doubts: tuple[str, ...] = ()
    provenance: tuple[Mapping[str, Any], ...] = ()

    @property
    def thickness(self) -> float:
        """Thickness [m]."""
        return self.deposit.thickness

    @property
    def density(self) -> float:
        """Density [kg/m3]."""
        return self.deposit.mass / self.thickness

    @property
    def li_co(self) -> float:
        """Li/Co [1]."""
        return self.deposit.ratio("Li", "Co")

    @property
    def li_p(self) -> float:
        """Li/P [1]."""
        return self.deposit.ratio("Li", "P")

    @property
    def n_p(self) -> float:
        """N/P [1]."""
        return self.deposit.ratio("N", "P")

    @property
    def active(self) -> float:
        """The share [1] that takes lithium as the crystal does before any anneal."""
        return self.deposit.active / self.thickness

    @property
    def stress(self) -> float:
        """The stress of growth [Pa], positive for tension, mean over the thickness."""
        return self.deposit.stress / self.thickness

    @property
    def texture(self) -> float:
        """The share [1] that lies with (003) in plane."""
        return basal_share(self.thickness)

    @property
    def ionic_conductivity(self) -> float:
        """Conductivity [S/m] at room temperature: as told, else what follows from N/P and Li/P."""
        return self._glass.conductivity() if self.conductivity is None else self.conductivity

    @property
    def activation(self) -> float:
        """Activation energy [eV] of conductivity times temperature."""
        return self._glass.activation

    @property
    def _glass(self) -> Lipon:
        return Lipon(self.n_p, self.li_p)

    def __add__(self, other: Self) -> Self:
        """Return both, one on the other, as one film; a cell is where both are.

        Raises ValueError for films of two materials.
        """
        if other.material != self.material:
            raise ValueError(f"{other.material} on {self.material} are two films")
        told = self.conductivity is not None or other.conductivity is not None
        areas = [each.area for each in (self, other) if each.area is not None]
        return replace(
            self,
            deposit=self.deposit + other.deposit,
            conductivity=_in_series(self, other) if told else None,
            pinholes=self.pinholes + other.pinholes,
            area=min(areas, default=None),
            doubts=(*self.doubts, *(each for each in other.doubts if each not in self.doubts)),
            provenance=(
                *self.provenance,
                *(each for each in other.provenance if each not in self.provenance),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the film as JSON values."""
        return {
            **vars(self),
            "deposit": self.deposit.to_dict(),
            "doubts": list(self.doubts),
            "provenance": [dict(each) for each in self.provenance],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the film that to_dict wrote."""
        return cls(
            **{
                **fields,
                "deposit": Deposit.from_dict(fields["deposit"]),
                "doubts": tuple(fields["doubts"]),
                "provenance": tuple(fields["provenance"]),
            }
        )


def _in_series(below: GrownFilm, above: GrownFilm) -> float:
    """Return the conductivity [S/m] of two films on one another: their resistances add."""
    resistance = sum(each.thickness / each.ionic_conductivity for each in (below, above))
    return (below.thickness + above.thickness) / resistance
