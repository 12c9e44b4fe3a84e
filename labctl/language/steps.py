"""One step of the language: what it does, its ends, its rows, its temperature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from devices.cycling.cells import Basis, CellSize, Rate
from devices.cycling.programs import Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Technique,
    Until,
    VoltageRamp,
)
from devices.errors import ProgramError
from labctl.language.mistakes import ProgramMistakes, told
from labctl.language.printer import natural_end
from labctl.language.quantities import CURRENTS, Quantity, read
from labctl.language.tokens import Token, Tokens

T = TypeVar("T")

DRIVES = ("charge", "discharge", "hold", "rest", "sweep", "impedance")
"""Words that begin a step."""

CLAUSES = ("for", "until", "or", "recording")
"""Words that begin a clause of a step; reading goes on there behind what could not be read. "at" may be of a drive."""

MARKS = ("(", ")", "[", "]", "'", '"')

PLAIN = Step(OpenCircuit(), Until(duration=1.0))
"""A step that nothing is wrong with."""

BASES: Mapping[str, Basis] = {"A": "A", "A/m^2": "A/m^2", "C-rate": "C-rate"}

CONTINUES = ("for", "until", "or", "recording", "around")
"""Words that go on with a step on the next line or behind a comma."""

_ENDS = ("V", *CURRENTS, "C", "J", "V/s", "A/s")


class Half(ProgramMistakes):
    """All that is wrong with one step; `step` is what could be read of it, None where that is not even what it does."""

    def __init__(self, found: Sequence[ProgramError], step: Step | None) -> None:
        self.step = step
        super().__init__(found)


class StepReader:
    """Takes steps from tokens, for a cell; `record` is what a step without "recording" has.

    What is wrong with a step is raised once all of it was gone through: Half.
    """

    def __init__(self, tokens: Tokens, cell: CellSize | None, record: Record) -> None:
        self.tokens, self.cell, self.record = tokens, cell, record

    def step(self) -> Step:
        """Take one step."""
        first = self.tokens.peek()
        if first.word not in DRIVES:
            raise self.tokens.refused(
                "expected a step (charge, discharge, hold, rest, sweep, impedance), repeat, GITT, go to, ( or ["
            )
        return self._whole(first, lambda: self._drive(self.tokens.take()))

    def pulse(self) -> Step:
        """Take a step of a GITT: as any other, or a bare current, which charges."""
        first = self.tokens.peek()
        if first.kind == "number" or first.text.startswith("C/") or first.text == "C":
            return self._whole(first, lambda: self._driven("charge"))
        return self.step()

    def _drive(self, first: Token) -> Technique:
        """Take what a step does, behind its first word."""
        match first.word:
            case "charge" | "discharge":
                self.tokens.expect("at", "and a current, power or resistance")
                return self._driven(first.word)
            case "hold":
                self.tokens.expect("at", "and a voltage")
                volts = read(self.tokens, "V")
                return self.made(ConstantVoltage, volts.token, voltage=volts.value)
            case "sweep":
                return self._sweep(first)
            case "impedance":
                return self._impedance(first)
        return OpenCircuit()

    def _attempt(self, found: list[ProgramError], take: Callable[[], T]) -> T | None:
        """Take something; what is wrong with it is kept, and passed over up to the next clause or the step's end."""
        try:
            return take()
        except ProgramError as error:
            found.append(error)
        token = self.tokens.peek()
        while (
            token.kind not in ("separator", "end") and token.text not in MARKS and token.word not in CLAUSES
        ):
            self.tokens.take()
            token = self.tokens.peek()
        return None

    def current(self, quantity: Quantity) -> float:
        """Return a current quantity on the cell [A]."""
        try:
            rate = Rate(quantity.value, BASES[quantity.unit])
            if self.cell is None and rate.basis != "A":
                raise ProgramError("a C-rate or a current density needs the cell; give currents in A")
            return rate.value if self.cell is None else rate.on(self.cell)
        except ProgramError as error:
            raise self.tokens.wrong(str(error), quantity.token.at) from error

    def made(self, make: Callable[..., T], at: Token, **arguments: Any) -> T:
        """Return what `make` makes; what it refuses is told of the place `at`."""
        try:
            return make(**arguments)
        except ValidationError as error:
            raise self.tokens.wrong(told(error), at.at) from error

    def record_every(self, before: Record) -> Record:
        """Take what follows "recording": every (time, voltage or current), several joined by "or"."""
        at = self.tokens.expect("every", "and a time, voltage or current")
        changes: dict[str, float] = {}
        while True:
            quantity = read(self.tokens, "s", "V", *CURRENTS)
            if quantity.unit == "s":
                self._once(changes, "interval", quantity.value, quantity.token)
            elif quantity.unit == "V":
                self._once(changes, "voltage_change", quantity.value, quantity.token)
            else:
                self._once(changes, "current_change", self.current(quantity), quantity.token)
            if not (self.tokens.peek().word == "or" and self.tokens.peek(1).kind in ("number", "word")):
                break
            if self.tokens.peek(1).word in ("for", "until"):
                break
            self.tokens.take()
        return self.made(lambda **all_: replace(before, **all_), at, **changes)

    def _driven(self, word: str) -> Technique:
        resistances = ("ohm",) if word == "discharge" else ()
        quantity = read(self.tokens, *CURRENTS, "W", *resistances)
        if quantity.value < 0:
            raise self.tokens.wrong(f'a value without sign; "{word}" says it', quantity.token.at)
        sign = 1.0 if word == "charge" else -1.0
        if quantity.unit == "ohm":
            return self.made(ConstantResistance, quantity.token, resistance=quantity.value)
        if quantity.unit == "W":
            return self.made(ConstantPower, quantity.token, power=sign * quantity.value)
        return self.made(ConstantCurrent, quantity.token, current=sign * self.current(quantity))

    def _sweep(self, first: Token) -> Technique:
        self.tokens.expect("from", "and a voltage or current")
        start = read(self.tokens, "V", *CURRENTS)
        self.tokens.expect("to", "and where the sweep ends")
        end = read(self.tokens, *(("V",) if start.unit == "V" else CURRENTS))
        self.tokens.expect("at", "and how fast it goes")
        if start.unit == "V":
            rate = read(self.tokens, "V/s").value
            return self.made(VoltageRamp, first, start=start.value, end=end.value, rate=rate)
        rate = read(self.tokens, "A/s").value
        return self.made(CurrentRamp, first, start=self.current(start), end=self.current(end), rate=rate)

    def _impedance(self, first: Token) -> Technique:
        self.tokens.expect("from", "and the first frequency")
        values: dict[str, Any] = {"first": read(self.tokens, "Hz").value}
        self.tokens.expect("to", "and the last frequency")
        values["last"] = read(self.tokens, "Hz").value
        self.tokens.expect(",", "and the amplitude")
        amplitude = read(self.tokens, "V", *CURRENTS)
        while self.tokens.peek().text == "," and self._goes_on(self.tokens.peek(1)):
            self.tokens.take()
            if self.tokens.took("around"):
                bias = read(self.tokens, *(("V",) if amplitude.unit == "V" else CURRENTS))
                value = bias.value if bias.unit == "V" else self.current(bias)
                self._once(values, "bias", value, bias.token)
            else:
                token = self.tokens.peek()
                self._once(values, "per_decade", whole(self.tokens, "points per decade"), token)
                self.tokens.expect("per", "decade")
                self.tokens.expect("decade", "")
        if amplitude.unit == "V":
            return self.made(PotentiostaticImpedance, first, amplitude=amplitude.value, **values)
        return self.made(GalvanostaticImpedance, first, amplitude=self.current(amplitude), **values)

    @staticmethod
    def _goes_on(token: Token) -> bool:
        return token.kind == "number" or token.word == "around"

    def _whole(self, first: Token, drive: Callable[[], Technique]) -> Step:
        """Take what a step does, and the clauses behind it."""
        found: list[ProgramError] = []
        ends: dict[str, float] = {}
        rest: dict[str, Any] = {}
        run = self._attempt(found, drive)
        while self._took_clause(run, ends, rest, found):
            pass
        if self.tokens.peek().kind in ("word", "number"):
            found.append(self.tokens.refused('expected "for", "until", "recording", "at" or a new line'))
        if found or run is None:
            raise Half(found, None if run is None else _half(run, ends))
        until = self.made(Until, first, **ends)
        return self.made(Step, first, run=run, until=until, **{"record": self.record, **rest})

    def _took_clause(
        self, run: Technique | None, ends: dict[str, float], rest: dict[str, Any], found: list[ProgramError]
    ) -> bool:
        """Take a clause if there is one; what is wrong with it is kept."""
        self._onto_the_next_line()
        token = self.tokens.peek()
        joined = self.tokens.took("or")
        if self.tokens.took("for"):
            self._attempt(found, lambda: self._keep(ends, "duration", *self._seconds()))
        elif self.tokens.took("until"):
            self._ends(run, ends, found)
        elif joined:
            found.append(self.tokens.refused('expected "for" or "until" behind "or"'))
        elif self.tokens.took("recording"):
            self._attempt(found, lambda: self._once(rest, "record", self.record_every(self.record), token))
        elif token.text == "(" and self.tokens.peek(3).word == "period":
            self._attempt(found, lambda: self._once(rest, "record", self._period(token), token))
        elif self.tokens.took("at"):
            self._attempt(found, lambda: self._temperature(rest, token))
        else:
            return False
        return True

    def _seconds(self) -> tuple[float, Token]:
        time = read(self.tokens, "s")
        return time.value, time.token

    def _temperature(self, rest: dict[str, Any], at: Token) -> None:
        kelvin = read(self.tokens, "K")
        self.made(lambda **all_: replace(PLAIN, **all_), kelvin.token, temperature=kelvin.value)
        self._once(rest, "temperature", kelvin.value, at)

    def _onto_the_next_line(self) -> None:
        if self.tokens.peek().text in ("\n", ",") and self.tokens.peek(1).word in CONTINUES:
            self.tokens.take()

    def _period(self, at: Token) -> Record:
        self.tokens.take()
        interval = read(self.tokens, "s").value
        self.tokens.expect("period", "")
        self.tokens.expect(")", "behind the period")
        return self.made(lambda **all_: replace(self.record, **all_), at, interval=interval)

    def _ends(self, run: Technique | None, ends: dict[str, float], found: list[ProgramError]) -> None:
        """Take one end and those that follow it with "or"; what is wrong with one is kept."""
        while True:
            self._attempt(found, lambda: self._keep(ends, *self._end(run)))
            if self.tokens.peek().word != "or" or self.tokens.peek(1).word in ("for", "until"):
                return
            self.tokens.take()

    def _keep(self, ends: dict[str, float], name: str, value: float, at: Token) -> None:
        """Keep an end that may be one."""
        self.made(Until, at, **{name: value})
        self._once(ends, name, value, at)

    def _end(self, run: Technique | None) -> tuple[str, float, Token]:
        sign = self.tokens.peek()
        side = {"above": "above", "below": "below", ">": "above", "<": "below"}.get(sign.text.lower(), "")
        if side:
            self.tokens.take()
        units = ("V", *CURRENTS) if side else _ENDS
        quantity = read(self.tokens, *units, what="an end, such as 4.1 V, 50 uA, C/20, 10 uAh or 0.1 mV/min")
        value, token = quantity.value, quantity.token
        match quantity.unit:
            case "V":
                return f"voltage_{side or self._side(run, token)}", value, token
            case "C":
                return "charge", value, token
            case "J":
                return "energy", value, token
            case "V/s":
                return "voltage_rate_below", value, token
            case "A/s":
                return "current_rate_below", value, token
        if sign.text in ("<", ">"):
            raise self.tokens.refused('write "above" or "below"; currents are compared without sign', sign)
        return f"current_{side or 'below'}", self.current(quantity), token

    def _side(self, run: Technique | None, at: Token) -> str:
        """Return on which side a step meets a voltage that is said without one."""
        end = "voltage_above" if run is None else natural_end(run)  # of what could not be read nobody knows
        if end:
            return end.removeprefix("voltage_")
        raise self.tokens.wrong('this step may pass the voltage either way; say "above" or "below"', at.at)

    def _once(self, into: dict[str, Any], name: str, value: Any, at: Token) -> None:
        if name in into:
            raise self.tokens.wrong(f"{name.replace('_', ' ')} stands twice in this step", at.at)
        into[name] = value


def _half(run: Technique, ends: Mapping[str, float]) -> Step | None:
    """Return a step that does this, with what of its ends could be read."""
    for until in (ends, {**ends, "duration": 1.0}, {}):
        with suppress(ValidationError):
            return Step(run, Until(**until))
    return None


def whole(tokens: Tokens, what: str) -> int:
    """Take a whole number; `what` says of what."""
    token = tokens.peek()
    if token.kind != "number" or not token.text.isdecimal() or len(token.text) > 9:
        raise tokens.refused(f"expected a whole number ({what})")
    return int(tokens.take().text)
