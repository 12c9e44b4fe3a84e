"""Makes each command of a script into a step: a function that does it and returns the place of the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sim.twins.methodscript.grammar import Command, Variable
from sim.twins.methodscript.loops import Given, open_loop
from sim.twins.methodscript.reckoning import (
    ARITHMETIC,
    MUST_NOT_BE_NEGATIVE,
    Reckoning,
    Step,
)
from sim.twins.methodscript.runtime import (
    UNSUPPORTED,
    Measuring,
    RunError,
    Runtime,
    Slot,
)
from sim.twins.methodscript.values import ScriptError, read_literal, write_variable

LOOP_TIME = 20e-6
"""Seconds that a pass of a plain loop takes; guess."""

PACKAGE_ORDER = 0x401B

FILLED = {"meas_loop_ocp": 1, "meas_loop_eis": 3, "meas_loop_geis": 3}
"""How many variables a measuring loop fills, where it is not two."""


class Assembly(Reckoning):
    """The steps of a script, and where `on_finished:` stands."""

    def __init__(self, runtime: Runtime, commands: Sequence[Command]) -> None:
        super().__init__(runtime)
        self._commands = commands
        self.finished = len(commands)
        self._following: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._pair()
        self.steps = [self._made(command, place) for place, command in enumerate(commands)]

    def behind(self, start: int) -> int:
        """Return the place behind the loop that begins at a place."""
        return self._ends[start] + 1

    def _pair(self) -> None:
        """Find what belongs together: the parts of an if, a loop and its end, a breakloop and its loop."""
        stack: list[tuple[str, int, list[int]]] = []
        for place, command in enumerate(self._commands):
            name = command.name
            if name == "on_finished:":
                self.finished = place
            elif name in ("if", "loop") or name.startswith("meas_loop"):
                stack.append((name, place, [place]))
            elif name in ("elseif", "else"):
                stack[-1][2].append(place)
            elif name == "endif":
                parts = stack.pop()[2]
                for part, following in zip(parts, [*parts[1:], place], strict=True):
                    self._following[part], self._ends[part] = following, place
            elif name == "endloop":
                start = stack.pop()[1]
                self._ends[start], self._starts[place] = place, start
            elif name == "breakloop":
                self._starts[place] = next(start for kind, start, _ in reversed(stack) if kind != "if")

    def _made(self, command: Command, place: int) -> Step:
        name = command.name.rstrip(":")
        if name in ARITHMETIC:
            return self._arithmetic(command, place)
        if name.startswith("meas_loop"):
            return self._measuring(command, place)
        if name.startswith("set_") and name != "set_int":
            return self._setting(command, place)
        maker: Callable[[Command, int], Step] = getattr(self, f"_{name}")
        return maker(command, place)

    # Branches and loops.

    def _if(self, command: Command, place: int) -> Step:
        """Look at the conditions one after the other; `elseif` and `else`, come upon from above, are left out."""
        tests, part = [(self._condition(command), place + 1)], self._following[place]
        while self._commands[part].name == "elseif":
            tests.append((self._condition(self._commands[part]), part + 1))
            part = self._following[part]
        otherwise = part + 1
        if len(tests) == 1:
            test, inside = tests[0]
            return lambda: inside if test() else otherwise
        return lambda: next((inside for test, inside in tests if test()), otherwise)

    def _elseif(self, command: Command, place: int) -> Step:
        behind = self._ends[place] + 1
        return lambda: behind

    def _else(self, command: Command, place: int) -> Step:
        return self._elseif(command, place)

    def _endif(self, command: Command, place: int) -> Step:
        return lambda: place + 1

    def _loop(self, command: Command, place: int) -> Step:
        test, behind, runtime = self._condition(command), self.behind(place), self._runtime

        def act() -> int:
            if place not in runtime.inside:
                runtime.inside.add(place)
                runtime.send("L")
            if test():
                return place + 1
            runtime.inside.discard(place)
            runtime.send("+")
            return behind

        return act

    def _endloop(self, command: Command, place: int) -> Step:
        start, runtime = self._starts[place], self._runtime
        if self._commands[start].name == "loop":
            return lambda: runtime.wait(LOOP_TIME, start)
        return lambda: self._awaited(place, place + 1)

    def _awaited(self, place: int, behind: int) -> int:
        """Wait for the next sample, or leave the measuring loop after the last."""
        runtime = self._runtime
        due = None if runtime.measuring is None else runtime.measuring.loop.next_at()
        if due is None:
            runtime.close_loop()
            return behind
        runtime.due = max(due, runtime.now)
        return place

    def _breakloop(self, command: Command, place: int) -> Step:
        start, runtime = self._starts[place], self._runtime
        behind, plain = self.behind(start), self._commands[start].name == "loop"

        def act() -> int:
            if plain:
                runtime.inside.discard(start)
                runtime.send("+")
            else:
                runtime.close_loop()
            return behind

        return act

    def _abort(self, command: Command, place: int) -> Step:
        def act() -> int:
            if self._runtime.measuring is not None:
                self._runtime.close_loop()
            return self.finished

        return act

    def _on_finished(self, command: Command, place: int) -> Step:
        return lambda: place + 1

    # Measuring.

    def _measuring(self, command: Command, place: int) -> Step:
        filled = FILLED.get(command.name, 2)
        slots = [self._found(each) for each in command.arguments[:filled]]
        numbers = [self._value(each) for each in command.arguments[filled:]]
        options = self._options(command)
        runtime, behind = self._runtime, self.behind(place)

        def act() -> int:
            values = [float(number()) for number in numbers]
            loop = open_loop(command.name, values, runtime.electronics, runtime.now)
            found = tuple((kind, find()) for kind, find in options)
            runtime.measuring = Measuring(loop, tuple(find() for find in slots), found, place + 1)
            runtime.send(loop.marker)
            return self._awaited(place, behind)

        return act

    def _options(self, command: Command) -> list[tuple[str, Callable[[], Slot]]]:
        """Return which variables take what else is measured."""
        options: list[tuple[str, Callable[[], Slot]]] = []
        for name, inside in command.options:
            if name == "eis_acdc":
                options += zip(("ch", "ci", "cj", "ck"), map(self._found, inside), strict=True)
            elif inside[1] in ("ab", "ba"):
                options.append((str(inside[1]), self._found(inside[2])))
            else:
                raise ScriptError(UNSUPPORTED, command.line, 1)
        return options

    def _meas(self, command: Command, place: int) -> Step:
        seconds, target, kind = command.arguments
        length, find, runtime = self._value(seconds), self._found(target), self._runtime

        def act() -> int:
            if place not in runtime.inside:
                runtime.inside.add(place)
                return runtime.wait(float(length()), place)
            runtime.inside.discard(place)
            reading = runtime.electronics.read(runtime.now)
            if kind == "ba":
                find().take(Given("ba", reading.current, reading.current_status, reading.range))
            elif kind == "ab":
                find().take(Given("ab", reading.voltage, reading.voltage_status))
            else:
                raise RunError(UNSUPPORTED)
            return place + 1

        return act

    def _cell_on(self, command: Command, place: int) -> Step:
        return self._switched(True, place)

    def _cell_off(self, command: Command, place: int) -> Step:
        return self._switched(False, place)

    def _switched(self, on: bool, place: int) -> Step:
        def act() -> int:
            self._runtime.switch(on)
            return place + 1

        return act

    def _setting(self, command: Command, place: int) -> Step:
        numbers = [self._value(each) for each in command.arguments if not isinstance(each, str)]
        kind = next((each for each in command.arguments if isinstance(each, str)), "")

        def act() -> int:
            self._runtime.set(command.name, kind, [float(number()) for number in numbers])
            return place + 1

        return act

    # Time.

    def _timer_start(self, command: Command, place: int) -> Step:
        def act() -> int:
            self._runtime.timer = self._runtime.now
            return place + 1

        return act

    def _timer_get(self, command: Command, place: int) -> Step:
        find, runtime = self._found(command.arguments[0]), self._runtime

        def act() -> int:
            find().take(Given("eb", runtime.now - runtime.timer))
            return place + 1

        return act

    def _wait(self, command: Command, place: int) -> Step:
        seconds = self._value(command.arguments[0])

        def act() -> int:
            length = float(seconds())
            if length < 0.0:
                raise RunError(MUST_NOT_BE_NEGATIVE)
            return self._runtime.wait(length, place + 1)

        return act

    def _set_int(self, command: Command, place: int) -> Step:
        seconds, runtime = self._value(command.arguments[0]), self._runtime

        def act() -> int:
            runtime.interval = float(seconds())
            runtime.interval_due = runtime.now + runtime.interval
            return place + 1

        return act

    def _await_int(self, command: Command, place: int) -> Step:
        runtime = self._runtime

        def act() -> int:
            runtime.due = max(runtime.now, runtime.interval_due)
            runtime.interval_due = runtime.due + runtime.interval
            return place + 1

        return act

    # Output.

    def _file_open(self, command: Command, place: int) -> Step:
        path, runtime = str(command.arguments[0]), self._runtime
        plain, mode = path[path.index('"') + 1 : -1], self._value(command.arguments[1])

        def act() -> int:
            runtime.file(lambda: runtime.storage.open(plain, int(mode())))
            return place + 1

        return act

    def _file_close(self, command: Command, place: int) -> Step:
        def act() -> int:
            self._runtime.storage.close()
            return place + 1

        return act

    def _pck_start(self, command: Command, place: int) -> Step:
        def act() -> int:
            if self._runtime.package is not None:
                raise RunError(PACKAGE_ORDER)
            self._runtime.package = []
            return place + 1

        return act

    def _pck_add(self, command: Command, place: int) -> Step:
        argument, runtime = command.arguments[0], self._runtime
        find = self._found(argument) if isinstance(argument, Variable) else None
        fixed = Slot("ja", self._value(argument)()) if find is None else Slot()

        def act() -> int:
            if runtime.package is None:
                raise RunError(PACKAGE_ORDER)
            slot = fixed if find is None else find()
            runtime.package.append(write_variable(slot.kind, slot.value, slot.status, slot.range))
            return place + 1

        return act

    def _pck_end(self, command: Command, place: int) -> Step:
        def act() -> int:
            package, self._runtime.package = self._runtime.package, None
            if not package:
                raise RunError(PACKAGE_ORDER)
            self._runtime.send("P" + ";".join(package))
            return place + 1

        return act

    def _send_string(self, command: Command, place: int) -> Step:
        text = str(command.arguments[0])
        plain = text[text.index('"') + 1 : -1]
        if not text.startswith("f"):
            return lambda: self._said(plain, place + 1)

        def fill(match: re.Match[str]) -> str:
            name, _, index = match[1].rstrip("]").partition("[")
            literal = read_literal(index)
            place_of = None if not index else Variable(index) if literal is None else literal
            return f"{self._value(Variable(name, place_of))():g}"

        return lambda: self._said(re.sub(r"\{([^{}]*)\}", fill, plain), place + 1)

    def _said(self, text: str, then: int) -> int:
        self._runtime.send(f"T{text}")
        return then
