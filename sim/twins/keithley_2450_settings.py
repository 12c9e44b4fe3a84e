"""What a SourceMeter can be set to: one table of headers, with the values that each takes, and what contradicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sim.twins.keithley_2450_output import Source
from sim.twins.keithley_2450_scpi import (
    CONFLICT,
    OUT_OF_RANGE,
    Refused,
    boolean,
    choice,
    number,
    quoted,
    whole,
)

OVERRANGE = 1.05
"""A reading or a level beyond this part of its range is none [2450-901-01]."""

VOLTAGE_RANGES = (0.02, 0.2, 2.0, 20.0, 200.0)
CURRENT_RANGES = {
    "2450": (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    "2461": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 4.0, 5.0, 7.0),
}

LEVELS = (*(f"PROT{volts}" for volts in (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180)), "NONE")
"""Of the over-voltage protection [2450-901-01]."""

RAIL = 210.0
"""Volts that the source reaches [2450-901-01]."""

LEAST_LIMIT_SHARE = 1e-3
"""Of a fixed measuring range, which a source limit must exceed [2450-901-01]."""

NORMAL_OFF_SHARE = 0.1
"""Of the current range: the limit of the source of 0 V that an output is when it is off but not disconnected
[2450-901-01]."""


@dataclass(frozen=True)
class Setting:
    """One header: which values it sets, how it reads a parameter, and whether it shows a number or a word."""

    header: str
    keys: tuple[str, ...]
    read: Callable[[str], Any]
    show: Callable[[Any], str] | None = None


class Settings:
    """All values by name; those of the two functions end in VOLT or CURR. A refused change changes nothing."""

    def __init__(self, model: str) -> None:
        self._current_ranges = CURRENT_RANGES[model]
        self.values: dict[str, Any] = {}
        self.reset()

    def __getitem__(self, key: str) -> Any:
        """Return one value."""
        return self.values[key]

    def reset(self) -> None:
        """Go back to what *RST sets."""
        self.values = {
            "function": "VOLT",
            "sense": "CURR",
            "output": False,
            "protection": "NONE",
            "format": "ASC",
            "precision": 0,
            "terminals": "FRON",
            "level VOLT": 0.0,
            "level CURR": 0.0,
            "range VOLT": VOLTAGE_RANGES[0],
            "range CURR": self._current_ranges[0],
            "limit VOLT": 1.05e-4,
            "limit CURR": 21.0,
            "senses VOLT": 20.0,
            "senses CURR": 1e-4,
        }
        for name in ("VOLT", "CURR"):
            self.values |= {f"off {name}": "NORM", f"nplc {name}": 1.0}
            self.values |= {
                f"{key} {name}": True for key in ("readback", "auto", "source-auto", "auto-delay")
            }
            self.values[f"delay {name}"] = 0.0
            self.values |= {f"{key} {name}": False for key in ("four-wire", "average", "relative")}

    def table(self) -> Iterator[Setting]:
        """Yield every header that sets one thing."""
        most = OVERRANGE * self._current_ranges[-1]
        function = Setting("SOURce[1]:FUNCtion[:MODE]", ("function",), _one_of("VOLTage", "CURRent"), str)
        yield function
        yield Setting("SOURce[1]:VOLTage:ILIMit[:LEVel]", ("limit VOLT",), _between(1e-9, most))
        yield Setting("SOURce[1]:CURRent:VLIMit[:LEVel]", ("limit CURR",), _between(0.02, RAIL))
        yield Setting("SOURce[1]:VOLTage:PROTection[:LEVel]", ("protection",), _one_of(*LEVELS), str)
        yield Setting("OUTPut[1][:STATe]", ("output",), boolean, _flag)
        yield Setting("OUTPut[1]:SMODe", ("off VOLT", "off CURR"), _OFF_STATE, str)
        yield Setting("[SENSe[1]:]FUNCtion[:ON]", ("sense",), _sensed, lambda value: f'"{value}:DC"')
        yield Setting("ROUTe:TERMinals", ("terminals",), _one_of("FRONt", "REAR"), str)
        yield Setting("FORMat[:DATA]", ("format",), _one_of("ASCii"), str)
        yield Setting("FORMat:ASCii:PRECision", ("precision",), lambda word: whole(word, 0, 16), str)
        for name, full in (("VOLTage", VOLTAGE_RANGES), ("CURRent", self._current_ranges)):
            short = name[:4]
            highest = RAIL if short == "VOLT" else most
            source, sense = f"SOURce[1]:{name}", f"[SENSe[1]:]{name}[:DC]"
            level = _between(-highest, highest)
            yield Setting(f"{source}[:LEVel][:IMMediate][:AMPLitude]", (f"level {short}",), level)
            yield Setting(f"{source}:RANGe", (f"range {short}",), range_of(full))
            yield Setting(f"{source}:RANGe:AUTO", (f"source-auto {short}",), boolean, _flag)
            yield Setting(f"{source}:DELay", (f"delay {short}",), _between(0.0, 1e4))
            yield Setting(f"{source}:DELay:AUTO", (f"auto-delay {short}",), boolean, _flag)
            yield Setting(f"{source}:READ:BACK", (f"readback {short}",), boolean, _flag)
            yield Setting(f"OUTPut[1]:{name}:SMODe", (f"off {short}",), _OFF_STATE, str)
            yield Setting(f"{sense}:RANGe[:UPPer]", (f"senses {short}",), range_of(full))
            yield Setting(f"{sense}:RANGe:AUTO", (f"auto {short}",), boolean, _flag)
            yield Setting(f"{sense}:RSENse", (f"four-wire {short}",), boolean, _flag)
            yield Setting(f"{sense}:NPLCycles", (f"nplc {short}",), _between(0.01, 10.0))
            yield Setting(f"{sense}:AVERage[:STATe]", (f"average {short}",), boolean, _flag)
            yield Setting(f"{sense}:RELative:STATe", (f"relative {short}",), boolean, _flag)

    def change(self, key: str, value: Any) -> None:
        """Set one value. Raises Refused when others forbid it."""
        before = dict(self.values)
        self.values[key] = value
        if key.startswith("senses"):
            self.values[f"auto {key[-4:]}"] = False
        if key.startswith("range"):
            self.values[f"source-auto {key[-4:]}"] = False
        try:
            self._agree(key)
        except Refused:
            self.values = before
            raise

    def source(self) -> Source | None:
        """Return what the terminals do by these values; None: they are disconnected."""
        function = self["function"]
        if self["output"]:
            return Source(function, self[f"level {function}"], self[f"limit {function}"])
        if self[f"off {function}"] == "HIMP":
            return None
        return Source("VOLT", 0.0, NORMAL_OFF_SHARE * self["senses CURR"])

    def check_level(self) -> None:
        """Raise Refused when the level does not fit its range."""
        function = self["function"]
        if abs(self[f"level {function}"]) > OVERRANGE * self[f"range {function}"]:
            raise Refused(CONFLICT)

    def _agree(self, key: str) -> None:
        values = self.values
        most = RAIL if self["protection"] == "NONE" else float(self["protection"].removeprefix("PROT"))
        if key == "protection":
            values["limit CURR"] = min(values["limit CURR"], most)
            values["level VOLT"] = min(max(values["level VOLT"], -most), most)
        if key in ("level VOLT", "limit CURR") and abs(values[key]) > most:
            raise Refused(OUT_OF_RANGE)
        if key in ("level VOLT", "level CURR"):
            place = f"range {key[-4:]}"
            full = VOLTAGE_RANGES if key == "level VOLT" else self._current_ranges
            fits = next(each for each in full if abs(values[key]) <= OVERRANGE * each)
            values[place] = max(values[place], fits)
        for sensed, limit in (("CURR", "limit VOLT"), ("VOLT", "limit CURR")):
            fixed = key in (limit, f"senses {sensed}") and not values[f"auto {sensed}"]
            if fixed and values[limit] < LEAST_LIMIT_SHARE * values[f"senses {sensed}"]:
                raise Refused(CONFLICT)


def range_of(ranges: tuple[float, ...]) -> Callable[[str], float]:
    """Return what picks the range that holds a value."""

    def pick(word: str) -> float:
        value = abs(number(word, -OVERRANGE * ranges[-1], OVERRANGE * ranges[-1]))
        return next((full for full in ranges if value <= full), ranges[-1])

    return pick


def _between(low: float, high: float) -> Callable[[str], float]:
    return lambda word: number(word, low, high)


def _one_of(*names: str) -> Callable[[str], str]:
    return lambda word: choice(word, *names)


def _sensed(word: str) -> str:
    return choice(quoted(word), "VOLTage[:DC]", "CURRent[:DC]")[:4]


def _flag(value: bool) -> str:
    return str(int(value))


_OFF_STATE = _one_of("NORMal", "HIMPedance", "ZERO", "GUARd")
