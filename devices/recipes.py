"""What a station is asked to do: frozen, strict, written once, stored whole in the start document."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit


@dataclass(frozen=True, config=STRICT)
class AnnealRecipe:
    """A train of equal flashes.

    voltage [V] of the bank, pulse_duration [s], pulse_count, rate [Hz]. The ranges are those of a
    PulseForge-class tool of the FLA paper (850-900 V, 1.8 ms, 0.4 Hz, up to 300 pulses) with room around them;
    a lamp's own, narrower limits stand in its bench file.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    voltage: Annotated[float, Field(ge=200, le=1000), Unit("V")]
    pulse_duration: Annotated[float, Field(ge=50e-6, le=10e-3), Unit("s")]
    pulse_count: Annotated[int, Field(ge=1, le=10_000)]
    rate: Annotated[float, Field(ge=0.01, le=1.0), Unit("Hz")]

    @property
    def period(self) -> float:
        """Seconds from one pulse to the next."""
        return 1 / self.rate


def to_json(value: Any) -> Any:
    """Return a recipe, program or sample as plain JSON values in SI."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def canonical_hash(body: Any) -> str:
    """Return the sha256 of canonical JSON (sorted keys, SI, no spaces) of a plain JSON value."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
