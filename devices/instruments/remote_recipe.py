"""A flash lamp tool that takes whole recipes and fires them by itself, spoken to by a command table.

Control: load(recipe), arm(), fire() once per arming, abort(), safe().
Get:     identity, state, pulses done, errors, every setpoint.
Measure: nothing.
Set:     voltage, pulse duration, count, rate and micro-pulses, in the ranges and steps of the table.

For tools of the PulseForge class, whose vendor's protocol is not public: the table (devices/remote_table.py) is
written from the manual that came with the tool. `config/tools/pulseforge-example.toml` is an invented one.

A train runs on the tool. A dead host, a pulled cable or a lost abort do not end it: silence is no reason for this tool
to stop. A station with it needs a dead-man in hardware on the tool's interlock loop, or recipes of one pulse each, one
arming and one fire per pulse; then silence means no pulse. `watchdog` is None for that reason.

What the tool does not acknowledge is read back; setpoints are read back in any case where the table says how, again
before arming, since a tool that was switched off and on has forgotten them. Arm and fire are never sent twice: when
their acknowledgement is lost the outcome is unknown and pulses_done() tells. There is no checksum: states and numbers
of pulses count when they come twice alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from ophyd import Component
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import (
    Garbled,
    InstrumentError,
    InterlockError,
    LimitError,
    OutcomeUnknown,
    ProgramError,
    WireError,
)
from devices.quantities import STRICT
from devices.recipes import AnnealRecipe
from devices.remote_table import Command, MicroPulses, RemoteTable, Setting, State, filled, read_from
from devices.wire import Sync, Terminated, Wire

T = TypeVar("T")

READINGS = 4
"""How often something is asked at most until two answers in a row are equal."""

MOST_ERRORS = 20
"""Errors that are read from a queue before it is taken to have no end."""


class RemoteRecipe(Instrument):
    """A lamp tool that runs recipes by itself."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """The tool's command table: in a bench file, the name of a file in config/tools."""

        table: RemoteTable

    kind_name = "Remote recipe tool"
    transport = "socket"
    watchdog: ClassVar[float | None] = None
    sync: ClassVar[Sync | None] = None

    pulses = Component(Quantity, get="pulses_done", unit="1", precision=0, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        table: Mapping[str, Any] | RemoteTable,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.table = RemoteTable.of(table)
        self._replies = Terminated(self.table.framing.replies.encode())
        self._loaded: AnnealRecipe | None = None
        self._armed = False
        self._before = 0
        self.guard: Callable[[], None] = anybody
        self.arm_guard: Callable[[], None] = anybody

    def identify(self) -> str:
        """Return the tool's own words. Raises Garbled when they do not begin as the table says."""
        expected = self.table.identify.begins

        def parse(reply: str) -> str:
            if not reply.startswith(expected):
                raise Garbled(
                    f"{self.name}: {reply!r} does not begin with {expected!r}; it is another instrument"
                )
            return reply

        return self._ask(self.table.identify.send, parse)

    # Recipes.

    def check(self, recipe: AnnealRecipe) -> None:
        """Refuse what the tool cannot do exactly. Raises LimitError, ProgramError; nothing is sent."""
        for name, setting, value in self._setpoints(recipe):
            if not setting.low <= value <= setting.high:
                raise LimitError(f"{self.name} {name}", value, UNITS[name], setting.low, setting.high)
            self._exact(name, setting.text, value)
        pulses, known = recipe.micro_pulses, self.table.micro_pulses
        if pulses and known is None:
            raise LimitError(f"{self.name} micro_pulses (its table has none)", len(pulses), "1", 0, 0)
        if pulses and known is not None:
            if len(pulses) > known.most:
                raise LimitError(f"{self.name} micro_pulses", len(pulses), "1", 0, known.most)
            for each in pulses:
                self._exact("micro_pulses.duration", known.duration.text, each.duration)
                self._exact("micro_pulses.duty", known.duty.text, each.duty)

    def load(self, recipe: AnnealRecipe) -> None:
        """Send a recipe and read it back; the tool must be idle. It may be sent twice.

        Raises LimitError, ProgramError (nothing sent), InterlockError when it is not idle, InstrumentError when the
        tool says otherwise than it was told.
        """
        self.check(recipe)
        self._loaded, self._armed = None, False
        state = self.state()
        if state != "idle":
            raise InterlockError("idle", f"{self.name} is {state}; abort() first, no recipe was loaded")
        for name, setting, value in self._setpoints(recipe):
            command = filled(setting.set, value=setting.text(value))
            self._set(command, setting.acknowledge, lambda n=name, s=setting, v=value: self._told(n, s, v))  # type: ignore[misc]
        if self.table.micro_pulses is not None:
            self._load_micro_pulses(self.table.micro_pulses, recipe)
        self._raise_errors()
        self._loaded = recipe

    def arm(self) -> None:
        """Arm the tool for the recipe that was loaded, which is read back once more. Never sent twice.

        Raises InterlockError without a recipe or when the tool has another one by now, OutcomeUnknown when the
        acknowledgement was lost, InstrumentError when it is not armed then.
        """
        self.arm_guard()
        recipe = self._loaded
        if recipe is None:
            raise InterlockError("recipe", f"{self.name} has none loaded; it was not armed")
        wrong = [told for each in self._setpoints(recipe) if (told := self._told(*each))]
        if wrong:
            self._loaded = None
            raise InterlockError(
                "recipe", f"{self.name} has forgotten it ({'; '.join(wrong)}); load it again"
            )
        self._before, self._armed = self._count(), False
        self._act(self.table.arm, "arm")
        state = self.state()
        self._armed = state in ("armed", "charging")
        if not self._armed:
            self._raise_errors()
            raise InstrumentError(self.name, state, "it was told to arm and is not armed")

    def fire(self) -> None:
        """Send fire, once per arming; never sent again.

        Raises what the guard raises and InterlockError when it is not armed (nothing sent), OutcomeUnknown.
        """
        self.guard()
        state = self.state()
        if not self._armed or state != "armed":
            raise InterlockError(
                "arm", f"{self.name} is {state}, not armed by this session; nothing was sent"
            )
        self._armed = False
        self._act(self.table.fire, "fire")

    def abort(self) -> None:
        """End what it does; may be sent twice, and blind when no answer comes. The bank bleeds as the tool has it."""
        self._armed = False
        command = self.table.abort
        try:
            if command.acknowledge:
                self._ask(command.send, self._acknowledgement(command.acknowledge))
            else:
                self._tell(command.send)
        except WireError:
            self._tell(command.send)
            raise

    def safe(self) -> None:
        """Abort and see that it neither waits for a fire nor fires. Raises InstrumentError when it does."""
        self.abort()
        state = self.state()
        if state not in ("idle", "fault"):
            raise InstrumentError(self.name, state, "it was aborted and goes on; open its interlock")

    # What it says.

    def state(self) -> State:
        """Return what the tool is doing, in our words. Raises Garbled for a word that the table does not have."""
        status = self.table.status

        def parse(reply: str) -> State:
            found = read_from(status.reply, reply)
            if found is None or found["value"] not in status.words:
                raise Garbled(f"{self.name}: {reply!r} is no state in its table")
            return status.words[found["value"]]

        return self._twice(lambda: self._ask(status.send, parse))

    def pulses_done(self) -> int:
        """Return how many pulses the tool gave since it was armed."""
        return self._count() - (self._before if self.table.pulses_done.since == "ever" else 0)

    def _count(self) -> int:
        done = self.table.pulses_done

        def parse(reply: str) -> int:
            found = read_from(done.reply, reply)
            if found is None or not found["value"].isdecimal():
                raise Garbled(f"{self.name}: {reply!r} is no number of pulses")
            return int(found["value"])

        return self._twice(lambda: self._ask(done.send, parse))

    def errors(self) -> list[str]:
        """Read the tool's error queue to its end and return what stood in it, oldest first, in words."""
        codes = []
        for _ in range(MOST_ERRORS):
            code = self._error()
            if code == self.table.errors.none:
                break
            codes.append(code)
        return [f"{each}: {self.table.errors.words.get(each, 'see its manual')}" for each in codes]

    def _raise_errors(self) -> None:
        """Raise the oldest error of the tool's queue, after reading it to its end."""
        found = self.errors()
        if found:
            raise InstrumentError(self.name, found[0].partition(":")[0], "; ".join(found))

    def _error(self) -> str:
        errors = self.table.errors

        def parse(reply: str) -> str:
            found = read_from(errors.reply, reply)
            if found is None:
                raise Garbled(f"{self.name}: {reply!r} is no entry of an error queue")
            return found["code"]

        return self._ask(errors.send, parse)

    # Setpoints.

    def _setpoints(self, recipe: AnnealRecipe) -> Iterator[tuple[str, Setting, float]]:
        table = self.table
        yield "voltage", table.voltage, recipe.voltage
        yield "duration", table.duration, recipe.pulse_duration
        yield "count", table.count, float(recipe.pulse_count)
        yield "rate", table.rate, recipe.rate

    def _told(self, name: str, setting: Setting, value: float) -> str:
        """Return how the tool's setpoint differs from a value, nothing when it does not or cannot be asked."""
        if not setting.get:
            return ""

        def parse(reply: str) -> str:
            found = read_from(setting.reply, reply)
            if found is None:
                raise Garbled(f"{self.name}: {reply!r} is no answer about {name}")
            return found["value"]

        text = self._ask(setting.get, parse)
        return "" if _same(setting.same, text, value) else f"{name} is {text}, not {setting.text(value)}"

    def _load_micro_pulses(self, known: MicroPulses, recipe: AnnealRecipe) -> None:
        self._set(known.clear.send, known.clear.acknowledge, lambda: "")
        for number, each in enumerate(recipe.micro_pulses, known.first):
            texts = {"duration": known.duration.text(each.duration), "duty": known.duty.text(each.duty)}

            def told(number: int = number, texts: Mapping[str, str] = texts) -> str:
                reply = self._ask(filled(known.get, number=str(number)), str)
                found = read_from(known.reply, reply)
                right = found is not None and all(
                    _same(digits.same, found[part], float(texts[part]) * digits.one)
                    for part, digits in (("duration", known.duration), ("duty", known.duty))
                )
                return "" if right else f"micro-pulse {number} is {reply!r}, not {texts}"

            self._set(filled(known.add, number=str(number), **texts), known.acknowledge, told)

    def _set(self, command: str, acknowledge: str, told: Callable[[], str]) -> None:
        """Send a setpoint and read it back; once more when it differs, since either may be garbled."""
        wrong = ""
        for _ in range(2):
            try:
                if acknowledge:
                    self._ask(command, self._acknowledgement(acknowledge))
                else:
                    self._tell(command)
            except Garbled:
                # A refusal is no acknowledgement either; its own words are better.
                self._raise_errors()
                raise
            wrong = told()
            if not wrong:
                return
        self._raise_errors()
        raise InstrumentError(self.name, command, f"it did not take it: {wrong}")

    # Lines.

    def _act(self, command: Command, deed: str) -> None:
        """Send what must never be sent twice."""
        line = (command.send + self.table.framing.sent).encode()
        try:
            if command.acknowledge:
                self.wire.ask(line, self._replies, self._text(self._acknowledgement(command.acknowledge)))
            else:
                self.wire.tell(line)
        except WireError as error:
            raise OutcomeUnknown(
                f"{self.name}: whether {deed!r} was heard is unknown ({error}); it is not sent again, state() and"
                " pulses_done() tell, abort() ends it"
            ) from error

    def _tell(self, command: str) -> None:
        self.wire.tell((command + self.table.framing.sent).encode())

    def _ask(self, command: str, parse: Callable[[str], T]) -> T:
        line = (command + self.table.framing.sent).encode()
        return self.wire.ask(line, self._replies, self._text(parse), repeat=True)

    def _text(self, parse: Callable[[str], T]) -> Callable[[bytes], T]:
        def of_bytes(reply: bytes) -> T:
            if not reply.isascii():
                raise Garbled(f"{self.name}: {reply!r} is no text")
            return parse(reply.decode().strip())

        return of_bytes

    def _acknowledgement(self, expected: str) -> Callable[[str], None]:
        def parse(reply: str) -> None:
            if reply != expected:
                raise Garbled(f"{self.name}: {reply!r} is not {expected!r}, with which it acknowledges")

        return parse

    def _twice(self, ask: Callable[[], T]) -> T:
        last: T | None = None
        for _ in range(READINGS):
            found = ask()
            if found == last:
                return found
            last = found
        raise Garbled(f"{self.name}: no two of {READINGS} answers are alike; none was taken")

    def _exact(self, name: str, text: Callable[[float], str], value: float) -> None:
        try:
            text(value)
        except ValueError as error:
            raise ProgramError(f"{self.name} {name}: {error}; nothing was sent") from error


UNITS: Mapping[str, str] = {"voltage": "V", "duration": "s", "count": "pulses", "rate": "Hz"}


def _same(same: Callable[[str, float], bool], text: str, value: float) -> bool:
    try:
        return same(text, value)
    except ValueError:
        return False
