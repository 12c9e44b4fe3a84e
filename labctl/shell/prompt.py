"""The prompt: IPython that speaks in words, pauses on one Ctrl-C, and does not leave while something runs."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from IPython.terminal.interactiveshell import TerminalInteractiveShell

from labctl.ctrl_c import CtrlC
from labctl.shell.diary import Diary
from labctl.shell.looking_on import LookingOn
from labctl.shell.showing import show_in_words
from labctl.shell.words import in_sentences, powered
from labctl.stopped import Stopped
from labctl.terminal import choice, tell

if TYPE_CHECKING:
    from labctl.session import Session

COME_ABOUT = 5.0
"""Seconds of the wall that the prompt waits to say what came of a Ctrl-C; guess, a pause takes none."""

HUNG_UP = (signal.SIGTERM, signal.SIGHUP)


class LabShell(TerminalInteractiveShell):
    """The shell of one session; belong_to() gives it what it shows."""

    session: Session | None = None
    diary: Diary | None = None
    beside: LookingOn | None = None
    ended_by: Stopped | None = None
    _begun_before = 0

    def belong_to(self, session: Session | None, diary: Diary, beside: LookingOn | None = None) -> None:
        """Speak for a session, or for one that somebody else has, and write into a diary."""
        self.session, self.diary, self.beside = session, diary, beside
        self.set_custom_exc((Exception, KeyboardInterrupt), LabShell._in_words)
        self.events.register("pre_run_cell", self._before)
        self.events.register("post_run_cell", self._after)
        assert self.display_formatter is not None
        show_in_words(self.display_formatter.formatters["text/plain"])
        keys = getattr(getattr(self, "pt_app", None), "key_bindings", None)
        if keys is not None and session is not None:
            keys.add("c-c", eager=True)(self._ctrl_c)
            keys.add("<sigint>", eager=True)(self._ctrl_c)

    def ask_exit(self) -> None:
        """Leave, unless something runs and whoever is asked stays."""
        if self.ended_by is None and not self._may_leave():
            return
        super().ask_exit()

    def leave_on_signals(self) -> None:
        """End what runs in good order and leave, where a terminal hangs up or somebody ends the process."""
        for number in HUNG_UP:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hung_up)

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.ended_by is not None:
            tell(f"{name}: already ending in good order")
            return
        self.ended_by = Stopped(name, 128 + number)
        self.keep_running = False
        tell(f"{name}: ending in good order")
        threading.Thread(target=self._end_all, args=(name,), name=name, daemon=True).start()

    def _end_all(self, why: str) -> None:
        if self.session is not None:
            self.session.hold()
            for engine in self.session.engines():
                engine.end(why)
        app = getattr(self, "pt_app", None)
        if app is not None and app.app.is_running and app.app.loop is not None:
            app.app.loop.call_soon_threadsafe(lambda: app.app.exit(exception=EOFError))

    def _may_leave(self) -> bool:
        busy = [] if self.session is None else _busy(self.session)
        if not busy:
            return True
        assert self.session is not None
        question = f"{'; '.join(busy)}. {powered(self.session)}. Leaving ends what runs and makes it safe."
        return not sys.stdin.isatty() or choice(question, ("stay", "leave")) == "leave"

    def _before(self, info: Any) -> None:
        self._begun_before = 0 if self.session is None else len(self.session.begun)
        if self.diary is not None:
            # It is counted before this is called.
            self.diary.typed(self.execution_count - 1, info.raw_cell)
        if self.session is not None:
            self.session.md.say("typed", info.raw_cell.strip()[:TYPED])

    def _after(self, result: Any) -> None:
        if self.diary is not None:
            self.diary.came(result.error_before_exec or result.error_in_exec)
        if self.session is not None:
            self.session.md.keep()

    def _in_words(
        self, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None
    ) -> list[str]:
        # What %tb shows.
        sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
        worked = self.session is not None and len(self.session.begun) > self._begun_before
        said = in_sentences(error, self.user_ns, self.session, worked, self.beside)
        sys.stderr.write(f"{said}\n")
        return []

    def _ctrl_c(self, event: Any) -> None:
        """Take the key: at the prompt a terminal sends no signal."""
        from prompt_toolkit.application import run_in_terminal

        session = self.session
        if event.current_buffer.text and session is not None and not _busy(session):
            event.current_buffer.reset()
        elif session is not None and isinstance(session.interrupts, CtrlC):
            run_in_terminal(lambda: _press(session, session.interrupts), in_executor=False)


TYPED = 2000
"""Signs of what was typed that go into the start documents of its runs."""


def _press(session: Session, interrupts: Any) -> None:
    """Do what a Ctrl-C at the prompt asks for, and say what came of it."""
    did = interrupts.pressed()
    if did == "ended":
        interrupts.wait_for_the_end()
    elif did == "paused":
        looked = threading.Event()
        for _ in range(int(COME_ABOUT / 0.05)):
            if all(engine.state != "running" for engine in session.engines()):
                break
            looked.wait(0.05)
    paused = [engine for engine in session.engines() if engine.state == "paused"]
    if paused:
        print("\n".join(engine.pause_msg for engine in paused))
    elif did == "nothing":
        print("nothing runs; `exit` leaves")


def _busy(session: Session) -> list[str]:
    """Return in words what is running or paused."""
    names = {id(session.RE): "the plan at the prompt"} | {id(each.RE): each.name for each in session.workers}
    return [
        f"{names.get(id(engine), 'what was typed by hand')} is {engine.state}"
        for engine in session.engines()
        if engine.state not in ("idle", "panicked")
    ]
