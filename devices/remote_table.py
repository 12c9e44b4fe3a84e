"""The command table of a flash lamp tool that takes whole recipes: what to send, what to expect, in which units.

The table is data that somebody writes from the tool's manual. Text with `{value}` is a template: what is sent, or what
is expected, with a number in that place. A wrong table could fire a lamp in the wrong way, so whatever is missing,
unknown or ambiguous in it is refused before anything is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

State = Literal["idle", "charging", "armed", "firing", "fault"]
"""What a tool may be doing, in our words."""

NECESSARY: tuple[State, ...] = ("idle", "armed", "firing", "fault")
"""States without which nobody can tell what the tool does; one that charges says so, or is idle meanwhile."""

ROUND_OFF = 1e-9
"""Share by which a value may differ from what its digits say."""

_PLACE = re.compile(r"\{([^{}]*)\}")


def _plain(text: str) -> str:
    """Return text as it is sent; ValueError when it is not."""
    if not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII; the line's ending stands in [framing]")
    if "{" in text or "}" in text:
        raise ValueError("must not have braces: there is no value to put here")
    if text != text.strip():
        raise ValueError("must not begin or end with a blank")
    return text


def _ending(text: str) -> str:
    if not text.isascii() or any(not each.isprintable() and each not in "\r\n\0" for each in text):
        raise ValueError('must be an ending such as "\\r\\n" or ";"')
    return text


def _with_places(*names: str) -> Callable[[str], str]:
    """Return the check of a template with these places, each once."""

    def check(text: str) -> str:
        found = _PLACE.findall(text)
        wanted = ", ".join(f"{{{name}}}" for name in names)
        if sorted(found) != sorted(names):
            raise ValueError(f"must contain {wanted}, each once and nothing else in braces")
        if "}{" in text:
            raise ValueError("must have something between two places, or they cannot be told apart")
        rest = _PLACE.sub("", text)
        if rest:
            _plain(rest.strip() or "0")
        return text

    return check


Words = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain)]
MaybeWords = Annotated[str, Field(max_length=80), AfterValidator(_plain)]
Ending = Annotated[str, Field(min_length=1, max_length=4), AfterValidator(_ending)]
WithValue = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_with_places("value"))]
WithNumber = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_with_places("number"))]
WithCode = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_with_places("code"))]
WithMicroPulse = Annotated[
    str, Field(min_length=1, max_length=80), AfterValidator(_with_places("number", "duration", "duty"))
]
OfMicroPulse = Annotated[
    str, Field(min_length=1, max_length=80), AfterValidator(_with_places("duration", "duty"))
]
Decimals = Annotated[int, Field(ge=0, le=9)]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Framing:
    """How lines end: those that are sent, and the replies."""

    sent: Ending
    replies: Ending


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Identify:
    """A harmless question, and how its answer begins."""

    send: Words
    begins: Words


class Digits:
    """A number as the tool writes it: multiples of `one`, with so many decimals."""

    one: float
    decimals: int

    def text(self, value: float) -> str:
        """Return a value in SI as it is sent. Raises ValueError when the digits cannot say it exactly."""
        text = f"{value / self.one:.{self.decimals}f}"
        if abs(float(text) * self.one - value) > ROUND_OFF * abs(value):
            step = self.one * 10.0**-self.decimals
            raise ValueError(f"{value:.9g} is no multiple of {step:g}, the tool's step")
        return text

    def same(self, text: str, value: float) -> bool:
        """Return whether a number that came back says this value."""
        return abs(float(text) - value / self.one) < 0.5 * 10.0**-self.decimals


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Command:
    """What is sent, and what acknowledges it; nothing where the tool is silent."""

    send: Words
    acknowledge: MaybeWords = ""


class Setting(Digits):
    """One setpoint: how it is sent, acknowledged and read back, and from where to where the tool takes it."""

    set: str
    get: str
    reply: str
    acknowledge: str
    low: float
    high: float

    @model_validator(mode="after")
    def _is_heard_of_again(self) -> Self:
        if not self.get and not self.acknowledge:
            raise ValueError("needs `get`, `acknowledge` or both: a setpoint that nobody confirms is not one")
        if not self.low <= self.high:
            raise ValueError("low must not be above high")
        return self


@dataclass(frozen=True, config=STRICT, kw_only=True)
class VoltageSetting(Setting):
    """The bank's voltage; `one` is what the number 1 stands for."""

    set: WithValue
    get: MaybeWords = ""
    reply: WithValue = "{value}"
    acknowledge: MaybeWords = ""
    one: Annotated[float, Field(gt=0), Unit("V")]
    decimals: Decimals = 0
    low: Annotated[float, Field(gt=0), Unit("V")]
    high: Annotated[float, Field(gt=0), Unit("V")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class DurationSetting(Setting):
    """The pulse's length, or that of its envelope."""

    set: WithValue
    get: MaybeWords = ""
    reply: WithValue = "{value}"
    acknowledge: MaybeWords = ""
    one: Annotated[float, Field(gt=0), Unit("s")]
    decimals: Decimals = 0
    low: Annotated[float, Field(gt=0), Unit("s")]
    high: Annotated[float, Field(gt=0), Unit("s")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class RateSetting(Setting):
    """How often the tool fires within a train."""

    set: WithValue
    get: MaybeWords = ""
    reply: WithValue = "{value}"
    acknowledge: MaybeWords = ""
    one: Annotated[float, Field(gt=0), Unit("Hz")]
    decimals: Decimals = 0
    low: Annotated[float, Field(gt=0), Unit("Hz")]
    high: Annotated[float, Field(gt=0), Unit("Hz")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class CountSetting(Setting):
    """How many pulses one fire command gives."""

    set: WithValue
    get: MaybeWords = ""
    reply: WithValue = "{value}"
    acknowledge: MaybeWords = ""
    one: Annotated[float, Field(ge=1, le=1), Unit("1")] = 1.0
    decimals: Annotated[int, Field(ge=0, le=0)] = 0
    low: Annotated[float, Field(ge=1), Unit("1")] = 1.0
    high: Annotated[float, Field(ge=1), Unit("1")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class DurationDigits(Digits):
    """A length of time within a line of several numbers."""

    one: Annotated[float, Field(gt=0), Unit("s")]
    decimals: Decimals = 0


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ShareDigits(Digits):
    """A share within a line of several numbers."""

    one: Annotated[float, Field(gt=0), Unit("1")]
    decimals: Decimals = 0


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MicroPulses:
    """How the parts of a pulse are sent, one by one after a clear; numbered from `first`, at most `most`."""

    most: Annotated[int, Field(ge=1, le=100)]
    clear: Command
    add: WithMicroPulse
    acknowledge: MaybeWords = ""
    get: WithNumber
    reply: OfMicroPulse
    first: Annotated[int, Field(ge=0, le=1)] = 1
    duration: DurationDigits
    duty: ShareDigits


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Status:
    """How to ask what the tool is doing, and what its words mean."""

    send: Words
    reply: WithValue = "{value}"
    words: dict[Words, State]

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        missing = [each for each in NECESSARY if each not in self.words.values()]
        if missing:
            raise ValueError(f"words: none of the tool's words means {', '.join(missing)}")
        return self


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PulsesDone:
    """How to ask how many pulses were given, since the tool was armed or ever."""

    send: Words
    reply: WithValue = "{value}"
    since: Literal["arm", "ever"]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Errors:
    """How to ask for the oldest error, which code says that there is none, and what codes mean."""

    send: Words
    reply: WithCode = "{code}"
    none: Words
    words: dict[Words, Annotated[str, Field(min_length=1, max_length=200)]]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class RemoteTable:
    """All that is known of a tool's dialect. Without `micro_pulses`, recipes with micro-pulses are refused."""

    framing: Framing
    identify: Identify
    voltage: VoltageSetting
    duration: DurationSetting
    count: CountSetting
    rate: RateSetting
    arm: Command
    fire: Command
    abort: Command
    status: Status
    pulses_done: PulsesDone
    errors: Errors
    micro_pulses: MicroPulses | None = None
    description: Annotated[str, Field(max_length=10_000)] = ""
    name: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _no_two_commands_are_alike(self) -> Self:
        seen: dict[str, str] = {}
        for where, said in self._sent():
            other = seen.setdefault(said.upper(), where)
            if other != where:
                raise ValueError(f"{where} and {other} are both {said!r}; one of them must be wrong")
        for where, said in self._sent():
            if self.framing.sent in said:
                raise ValueError(f"{where} = {said!r} contains the ending of a line, {self.framing.sent!r}")
        return self

    @classmethod
    def of(cls, table: Mapping[str, Any] | RemoteTable) -> RemoteTable:
        """Return the table in plain values in SI. Raises pydantic's ValidationError."""
        if isinstance(table, RemoteTable):
            return table
        return TypeAdapter(cls).validate_json(json.dumps(dict(table)), strict=True)

    def _sent(self) -> Iterator[tuple[str, str]]:
        settings = {
            "voltage": self.voltage,
            "duration": self.duration,
            "count": self.count,
            "rate": self.rate,
        }
        for name, setting in settings.items():
            yield f"{name}.set", setting.set
            if setting.get:
                yield f"{name}.get", setting.get
        for name in ("identify", "arm", "fire", "abort", "status", "pulses_done", "errors"):
            yield f"{name}.send", getattr(self, name).send
        if self.micro_pulses is not None:
            yield "micro_pulses.clear.send", self.micro_pulses.clear.send
            yield "micro_pulses.add", self.micro_pulses.add
            yield "micro_pulses.get", self.micro_pulses.get


def filled(template: str, **values: str) -> str:
    """Return a template with its places filled."""
    return _PLACE.sub(lambda place: values[place[1]], template)


def read_from(template: str, reply: str) -> dict[str, str] | None:
    """Return what stands in the places of a reply, or None when it has another form."""
    parts = _PLACE.split(template)
    form = "".join(f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    found = re.fullmatch(form, reply.strip())
    return None if found is None else {name: value.strip() for name, value in found.groupdict().items()}
