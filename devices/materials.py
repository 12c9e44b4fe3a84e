"""What is known of a material beyond its name, as plain numbers: what a sample carries to twins and belief."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT

Kind = Literal["cathode", "electrolyte", "anode", "substrate", "collector"]
"""What a material is for; one name may be several, as Al is."""

Potential = Annotated[float, Field(ge=-1, le=10)]
Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class Material:
    """A material in SI; what does not go with its kind is left out.

    lower, upper [V] against lithium: of a cathode, between which its capacity [C/m3] is used; of an electrolyte,
    between which it is stable. site_charge [C/m3]: of all sites of a film, x from 0 to 1, lithium's own for lithium.
    reactions: potential [V], share of the sites and width [1] of each, whose sum is the open-circuit potential; none
    for lithium. diffusivity [m2/s]; exchange_current [A/m2] at x = 0.5; as_made [1]: x of a film as made; utilisation
    [1] of the sites. conductivity [S/m] and permittivity [F/m] of an electrolyte. lost [1]: of the lithium that comes
    to an anode in a charge, and never leaves.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")]
    kind: Kind
    lower: Potential | None = None
    upper: Potential | None = None
    capacity: Annotated[float, Field(gt=0, le=1e11)] | None = None
    site_charge: Annotated[float, Field(gt=0, le=1e11)] | None = None
    reactions: Annotated[tuple[tuple[Potential, Share, float], ...], Field(max_length=64)] = ()
    diffusivity: Annotated[float, Field(gt=0, le=1)] | None = None
    exchange_current: Annotated[float, Field(gt=0, le=1e6)] | None = None
    as_made: Annotated[float, Field(gt=0, lt=1)] | None = None
    utilisation: Share | None = None
    conductivity: Annotated[float, Field(gt=0, le=1e9)] | None = None
    permittivity: Annotated[float, Field(gt=0, le=1)] | None = None
    lost: Annotated[float, Field(gt=0, le=0.5)] | None = None

    @model_serializer(mode="wrap")
    def _what_is_known(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not."""
        body: dict[str, Any] = inner(self)
        return {key: value for key, value in body.items() if value not in (None, [], ())}
