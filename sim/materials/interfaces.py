"""What a sample's history does to the interfaces of its cell: switches, each with the source of its numbers.

Source: [PVD review] the 2021 review of cathodes by physical vapour deposition, and whom it cites.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sim.materials.treatments import AIR, ANNEALED, RTA, TREATMENTS, unknown_of
from sim.physics.cell.data import CellParameters


@dataclass(frozen=True)
class Rise:
    """By what factors [1] resistances rise: of the electrolyte, between it and the cathode, of the charge transfer."""

    electrolyte: float = 1.0
    interface: float = 1.0
    transfer: float = 1.0


AFTER_AIR: Mapping[str, Rise] = {
    "V2O5": Rise(electrolyte=4.5, interface=15.0, transfer=10.0),  # Jeon 2001 [PVD review]
    "TiO2": Rise(interface=35.0, transfer=35.0),  # Liu 2007 [PVD review]
}
"""Measured, by cathode."""

AFTER_AIR_OTHERWISE = AFTER_AIR["V2O5"]
"""Guess: no other cathode was measured, and V2O5 in all three."""

AT_250_C = Rise(electrolyte=0.5, transfer=0.5)  # LiPON on LiCoO2, Neudecker 2000 [PVD review]

WITHOUT_OVERLAYER = 1.0 - 0.55 ** (1.0 / 1000.0)
"""Share of the lithium that comes to a bare collector and is lost there, beside what is lost under an overlayer:
"-45 %" [Neudecker 2000, PVD review]. Guess: over the 1000 cycles that cells with an overlayer gave; how many is not
printed."""


def in_air(treatments: Sequence[str]) -> bool:
    """Return whether a cathode met its electrolyte with what air had left on it: no anneal took that off since."""
    last = [each for each in treatments if each in (AIR, RTA)][-1:]
    return last == [AIR]


def treated(
    parameters: CellParameters, treatments: Sequence[str], *, cathode: str, covered: bool
) -> CellParameters:
    """Return a cell whose parts went through treatments, in their order.

    cathode: its material. covered: False for a collector without an anode and without an overlayer. Raises ValueError
    for a treatment that is not known.
    """
    if unknown := unknown_of(treatments):
        raise ValueError(f"{', '.join(unknown)}: there are {', '.join(TREATMENTS)}")
    rises = [AFTER_AIR.get(cathode, AFTER_AIR_OTHERWISE)] if in_air(treatments) else []
    rises += [AT_250_C] if ANNEALED in treatments else []
    for rise in rises:
        parameters = replace(
            parameters,
            electrolyte_resistance=rise.electrolyte * parameters.electrolyte_resistance,
            contact_resistance=rise.interface * parameters.contact_resistance,
            cathode_exchange_current=parameters.cathode_exchange_current / rise.transfer,
        )
    if covered:
        return parameters
    kept = (1.0 - parameters.ageing.plating_loss) * (1.0 - WITHOUT_OVERLAYER)
    return replace(parameters, ageing=replace(parameters.ageing, plating_loss=1.0 - kept))
