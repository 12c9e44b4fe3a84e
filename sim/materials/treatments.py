"""What can have been done to the parts of a sample beside its anneals: names, and what they are in words.

Apart from the numbers they have, in sim.materials.interfaces, which bring the packages of a cell along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

AIR = "air-before-electrolyte"
RTA = "rta-of-cathode"
ANNEALED = "electrolyte-at-250C"
OVERLAYER = "overlayer"

TREATMENTS: Mapping[str, str] = {
    AIR: "its cathode was in air before the electrolyte came",
    RTA: "a rapid thermal anneal took the Li-O layer off its cathode",
    ANNEALED: "its LiPON was held at 250 C for 10 min on the cathode",
    OVERLAYER: "an overlayer lies on the collector of a cell without an anode",
}
"""What can be done to a sample, in words."""


def unknown_of(treatments: Collection[str]) -> list[str]:
    """Return those that are none."""
    return [each for each in treatments if each not in TREATMENTS]
