"""What a station is asked to do: frozen, strict, written once, stored whole in the start document."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, TypeAdapter, model_serializer, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

ROOM = 298.15
"""K, from where a furnace starts."""


@dataclass(frozen=True, config=STRICT)
class MicroPulse:
    """A part of a pulse's envelope: its length [s], and for which share of it, from its start, the lamp burns."""

    duration: Annotated[float, Field(ge=10e-6, le=10e-3), Unit("s")]
    duty: Annotated[float, Field(gt=0, le=1), Unit("1")] = 1.0


@dataclass(frozen=True, config=STRICT)
class AnnealRecipe:
    """A train of equal flashes.

    voltage [V] of the bank, pulse_duration [s], pulse_count, rate [Hz]. The ranges are those of a
    PulseForge-class tool of the FLA paper (850-900 V, 1.8 ms, 0.4 Hz, up to 300 pulses) with room around them;
    a lamp's own, narrower limits stand in its bench file. micro_pulses, where there are any, fill the pulse one
    after the other: pulse_duration is then the envelope that they make up.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    voltage: Annotated[float, Field(ge=200, le=1000), Unit("V")]
    pulse_duration: Annotated[float, Field(ge=50e-6, le=10e-3), Unit("s")]
    pulse_count: Annotated[int, Field(ge=1, le=10_000)]
    rate: Annotated[float, Field(ge=0.01, le=1.0), Unit("Hz")]
    micro_pulses: Annotated[tuple[MicroPulse, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _micro_pulses_fill_the_envelope(self) -> Self:
        filled = math.fsum(each.duration for each in self.micro_pulses)
        if self.micro_pulses and not math.isclose(filled, self.pulse_duration, rel_tol=1e-6):
            raise ValueError(
                f"the micro_pulses last {filled:.6g} s together; pulse_duration is {self.pulse_duration:.6g} s"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_before_without_micro_pulses(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the key out where there are none: recipes keep the hash they always had."""
        body: dict[str, Any] = inner(self)
        if not self.micro_pulses:
            del body["micro_pulses"]
        return body

    @property
    def period(self) -> float:
        """Seconds from one pulse to the next."""
        return 1 / self.rate

    @property
    def lit(self) -> tuple[tuple[float, float], ...]:
        """Start and end [s] of each micro-pulse's light within the pulse; empty without micro-pulses."""
        windows, start = [], 0.0
        for each in self.micro_pulses:
            windows.append((start, start + each.duty * each.duration))
            start += each.duration
        return tuple(windows)


@dataclass(frozen=True, config=STRICT)
class FurnaceSegment:
    """A stretch in a furnace: the temperature [K] it goes to by a ramp [K/s], up or down, and how long it stays [s]."""

    temperature: Annotated[float, Field(ge=200, le=2000), Unit("K")]
    ramp: Annotated[float, Field(gt=0, le=1e4), Unit("K/s")]
    duration: Annotated[float, Field(ge=0, le=1e7), Unit("s")] = 0.0


@dataclass(frozen=True, config=STRICT)
class FurnaceRecipe:
    """An anneal in a furnace or by a rapid thermal annealer: segments from room temperature on, in an atmosphere.

    After the last segment it cools without power until it may be opened: a slow cooling is a segment of its own. The
    atmosphere is a note.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    atmosphere: Annotated[str, Field(min_length=1, max_length=1000)]
    segments: Annotated[tuple[FurnaceSegment, ...], Field(min_length=1, max_length=100)]

    @property
    def profile(self) -> tuple[tuple[float, float], ...]:
        """Points (time [s], temperature [K]) with straight lines between, from room temperature at 0 s."""
        points = [(0.0, ROOM)]
        for segment in self.segments:
            time, before = points[-1]
            reached = time + abs(segment.temperature - before) / segment.ramp
            points += [(reached, segment.temperature), (reached + segment.duration, segment.temperature)]
        return tuple(dict.fromkeys(points))


def to_json(value: Any) -> Any:
    """Return a recipe, program or sample as plain JSON values in SI."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def canonical_hash(body: Any) -> str:
    """Return the sha256 of canonical JSON (sorted keys, SI, no spaces) of a plain JSON value."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
