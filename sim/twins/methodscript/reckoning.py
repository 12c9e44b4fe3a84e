"""What a script reckons with: the slots of its variables and arrays, values, conditions, arithmetic."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from sim.twins.methodscript.grammar import Argument, Command, Variable
from sim.twins.methodscript.loops import Given
from sim.twins.methodscript.runtime import (
    NO_SUCH_PLACE,
    RunError,
    Runtime,
    Slot,
)
from sim.twins.methodscript.values import Number

LARGEST_WHOLE = 2.0**53

LONGEST_ARRAY = 100_000
"""Places of an array; guess."""

MUST_NOT_BE_NEGATIVE, DIVIDED_BY_ZERO = 0x4200, 0x0028

Step: TypeAlias = Callable[[], int]

COMPARE: Mapping[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "&": lambda left, right: bool(int(left) & int(right)),
    "|": lambda left, right: bool(int(left) | int(right)),
}


def power(base: Number, exponent: Number) -> Number:
    """Return a power that is a finite real number. Raises ValueError, OverflowError."""
    found = math.pow(base, exponent)
    if not math.isfinite(found):
        raise ValueError(f"{base!r}**{exponent!r} is not a finite number")
    whole = (
        isinstance(base, int) and isinstance(exponent, int) and exponent >= 0 and abs(found) < LARGEST_WHOLE
    )
    return round(found) if whole else found


ARITHMETIC: Mapping[str, Callable[[Number, Number], Number]] = {
    "add_var": operator.add,
    "sub_var": operator.sub,
    "mul_var": operator.mul,
    "div_var": operator.truediv,
    "mod_var": operator.mod,
    "pow_var": power,
}


class Reckoning:
    """Makes the commands that touch variables alone into steps."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    # Arguments.

    def _slot(self, argument: Argument) -> Slot | Callable[[], Slot]:
        """Return a variable's slot, or how to find it where it is a place of an array."""
        assert isinstance(argument, Variable)
        if argument.index is None:
            return self._runtime.slot(argument.name)
        index, array = self._value(argument.index), argument.name
        return lambda: self._runtime.place(array, index())

    def _found(self, argument: Argument) -> Callable[[], Slot]:
        slot = self._slot(argument)
        return (lambda: slot) if isinstance(slot, Slot) else slot

    def _value(self, argument: Argument) -> Callable[[], Number]:
        if isinstance(argument, int | float):
            return lambda: argument
        slot = self._slot(argument)
        if isinstance(slot, Slot):
            return lambda: slot.value
        return lambda: slot().value

    def _condition(self, command: Command) -> Callable[[], bool]:
        left, sign, right = command.arguments
        compare = COMPARE[str(sign)]
        slot = self._slot(left) if isinstance(left, Variable) else None
        if isinstance(slot, Slot) and isinstance(right, int | float):
            return lambda: compare(slot.value, right)
        first, second = self._value(left), self._value(right)
        return lambda: compare(first(), second())

    # Variables.

    def _var(self, command: Command, place: int) -> Step:
        return lambda: place + 1

    def _array(self, command: Command, place: int) -> Step:
        name, size = command.arguments
        length = self._value(size)

        def act() -> int:
            if not 0 < length() <= LONGEST_ARRAY:
                raise RunError(NO_SUCH_PLACE)
            self._runtime.arrays[str(name)] = [Slot() for _ in range(int(length()))]
            return place + 1

        return act

    def _store_var(self, command: Command, place: int) -> Step:
        target, number, kind = command.arguments
        value, find, following, name = self._value(number), self._found(target), place + 1, str(kind)

        def act() -> int:
            find().take(Given(name, value()))
            return following

        return act

    def _copy_var(self, command: Command, place: int) -> Step:
        source, target = command.arguments
        find, following = self._found(target), place + 1
        if not isinstance(source, Variable):
            value = self._value(source)

            def assign() -> int:
                find().value = value()
                return following

            return assign
        origin = self._found(source)

        def copy() -> int:
            find().copy(origin())
            return following

        return copy

    def _arithmetic(self, command: Command, place: int) -> Step:
        target, number = command.arguments
        calculate, following = ARITHMETIC[command.name], place + 1
        find, value = self._found(target), self._value(number)

        def act() -> int:
            slot = find()
            try:
                slot.value = calculate(slot.value, value())
            except ZeroDivisionError:
                raise RunError(DIVIDED_BY_ZERO) from None
            return following

        return act

    def _int_to_float(self, command: Command, place: int) -> Step:
        return self._converted(command, place, float)

    def _float_to_int(self, command: Command, place: int) -> Step:
        return self._converted(command, place, int)

    def _converted(self, command: Command, place: int, convert: Callable[[Number], Number]) -> Step:
        find = self._found(command.arguments[0])

        def act() -> int:
            slot = find()
            slot.value = convert(slot.value)
            return place + 1

        return act

    def _alter_vartype(self, command: Command, place: int) -> Step:
        find, kind = self._found(command.arguments[0]), str(command.arguments[1])

        def act() -> int:
            find().kind = kind
            return place + 1

        return act
