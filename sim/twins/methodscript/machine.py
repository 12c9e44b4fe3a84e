"""Runs a script: a machine that stops wherever time must pass, and goes on when it has.

Commands take no time but for `wait`, `meas`, samples of a measuring loop, and a little for each pass of a plain
loop (guess). Variables are doubles or whole numbers (guess). What is printed around loops, and that an error leaves
`on_finished:` out, is in the MethodSCRIPT manual v1.8, chapters 6 and 10, as labmcp-palmsens 0.1.3 cites them; that
`abort` runs it is how PalmSens's own scripts use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim.twins.methodscript.assembly import Assembly
from sim.twins.methodscript.electronics import Electronics
from sim.twins.methodscript.grammar import Grammar
from sim.twins.methodscript.loops import CELL_OVERLOAD, LoopError
from sim.twins.methodscript.runtime import NOT_A_NUMBER, Measuring, RunError, Runtime
from sim.twins.methodscript.storage import Storage
from sim.twins.methodscript.values import ScriptError

SLACK = 1e-6
"""Seconds by which something may be early: due times are floats, the clock counts nanoseconds."""


class Machine:
    """One script on one channel; `say` takes each line it sends. `over` says how it ended, empty while it runs."""

    def __init__(
        self,
        lines: Sequence[str],
        electronics: Electronics,
        now: float,
        say: Callable[[str], None],
        storage: Storage,
    ) -> None:
        """Read the script; it runs from the first advance on. Raises ScriptError."""
        self._commands = Grammar().read(lines)
        self._runtime = Runtime(electronics, now, say, storage, due=now, timer=now)
        self._assembly = Assembly(self._runtime, self._commands)
        self._place = 0
        self._halted: tuple[float, float] | None = None
        self.over = ""

    @property
    def is_measuring(self) -> bool:
        """Whether it is in a measuring loop."""
        return self._runtime.measuring is not None

    @property
    def is_halted(self) -> bool:
        """Whether it stands still."""
        return self._halted is not None

    @property
    def due(self) -> float | None:
        """When [s] it goes on by itself; None where it stands still or is over."""
        return None if self.over or self._halted is not None else self._runtime.due

    def advance(self, now: float) -> None:
        """Do everything that is due by `now`, in order of time."""
        runtime = self._runtime
        while (
            not self.over and self._halted is None and runtime.due is not None and runtime.due <= now + SLACK
        ):
            runtime.now = runtime.due
            self._go_on()

    def abort(self, now: float) -> None:
        """Go to `on_finished:` at once, or end."""
        self._interrupt(now, self._assembly.finished)

    def leave_loop(self, now: float) -> None:
        """Leave the measuring loop and go on behind it."""
        measuring = self._runtime.measuring
        if measuring is not None:
            self._interrupt(now, self._assembly.behind(measuring.body - 1))

    def halt(self, now: float) -> None:
        """Stand still; the cell stays at what is set."""
        if self._halted is None:
            self._halted = now, self._runtime.electronics.rate
            self._runtime.electronics.set(now)

    def resume(self, now: float) -> None:
        """Go on, later by what was missed."""
        if self._halted is None:
            return
        (since, rate), self._halted = self._halted, None
        runtime, later = self._runtime, now - since
        runtime.electronics.set(now, rate=rate)
        runtime.due = None if runtime.due is None else runtime.due + later
        if runtime.measuring is not None:
            runtime.measuring.loop.shift(later)

    def _interrupt(self, now: float, place: int) -> None:
        """End what is under way, at an instant of somebody else's choosing, and go on at a place."""
        runtime = self._runtime
        self._halted, runtime.package = None, None
        runtime.now = max(runtime.now, now)
        if runtime.measuring is not None:
            runtime.close_loop()
        self._place = place
        self._go_on()

    def _go_on(self) -> None:
        runtime, steps = self._runtime, self._assembly.steps
        runtime.due = None
        try:
            if runtime.measuring is not None:
                self._sample(runtime.measuring)
            while runtime.due is None:
                if self._place >= len(steps):
                    self.over = "ended"
                    runtime.say("")
                    return
                self._place = steps[self._place]()
        except (LoopError, RunError) as error:
            self._fail(error.code)
        except (OverflowError, ValueError):  # arithmetic with what is not a finite number
            self._fail(NOT_A_NUMBER)

    def _sample(self, measuring: Measuring) -> None:
        given = measuring.loop.take()
        for slot, each in zip(measuring.variables, given, strict=False):
            slot.take(each)
        for kind, slot in measuring.options:
            slot.take(next(each for each in given if each.kind == kind))
        self._place = measuring.body

    def _fail(self, code: int) -> None:
        """End with an error: the cell stays as it is, but for an overload."""
        runtime = self._runtime
        line = self._commands[min(self._place, len(self._commands) - 1)].line
        runtime.electronics.set(runtime.now)
        if code == CELL_OVERLOAD:
            runtime.electronics.switch(False, runtime.now)
        self.over = f"error {code:04X}"
        runtime.say(ScriptError(code, line).text())
