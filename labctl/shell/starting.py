"""The shell started: what is there opened, what is missing said, a prompt, and an end in good order."""

from __future__ import annotations

import gc
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.errors import LabError, OwnershipError
from labctl import __version__
from labctl.clock.label import wall_label
from labctl.config.finder import data_dir
from labctl.config.folder import Config

if TYPE_CHECKING:
    from labctl.session import Session

MAGICS = "%lab all stations   %rehearse PLAN(...)   %last   %watch   %safe   NAME? help   exit"


def require_ipython() -> None:
    """Raise LabError where the extra is not installed."""
    if find_spec("IPython") is None:
        raise LabError('the shell needs IPython: pip install "labctl[shell]"')


@contextmanager
def no_collections() -> Iterator[None]:
    """Do without garbage collections meanwhile: importing makes much, and throws nothing away."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def run_shell(
    bench: str,
    config: Path | None,
    data: Path | None,
    operator: str = "",
    run: str = "",
    history: bool = True,
) -> int:
    """Open a bench and prompt until whoever types leaves; return the exit status.

    What does not answer is missing, and a bench that somebody else holds is looked at only. run: typed first.
    Raises ConfigError before any device is touched, LabError without IPython.
    """
    require_ipython()
    with no_collections():
        folder, chosen = data_dir(data), Config(config)
        lab, why = _opened(bench, config, folder, operator)
        shell, magics, screen = _made(chosen, folder, lab, bench, history)
    try:
        print(_greeting(lab, bench, folder, why))
        if run:
            shell.run_cell(run, store_history=True)
        else:
            shell.mainloop()
    finally:
        magics.end_viewers()
        try:
            if lab is not None:
                lab.close()
        finally:
            screen()
            shell.diary.close("left" if shell.ended_by is None else f"ended by {shell.ended_by.name}")
            shell.restore_sys_module_state()
    return 0 if shell.ended_by is None else shell.ended_by.code


def _opened(bench: str, config: Path | None, data: Path, operator: str) -> tuple[Session | None, str]:
    from labctl.session import open_session
    from labctl.stopping import log_to_file

    log_to_file(data / "logs")
    try:
        return open_session(bench, config=config, data=data, operator=operator, start_with_the_rest=True), ""
    except OwnershipError as error:
        return None, str(error)


def _made(config: Config, data: Path, lab: Session | None, bench: str, history: bool) -> tuple[Any, Any, Any]:
    """Return the shell, its magics, and what ends its screen."""
    from traitlets.config import Config as Settings

    from labctl.shell.diary import Diary
    from labctl.shell.magics import LabMagics
    from labctl.shell.namespace import names_of
    from labctl.shell.prompt import LabShell

    settings = Settings()
    settings.TerminalInteractiveShell.confirm_exit = False
    settings.TerminalInteractiveShell.enable_tip = False
    settings.TerminalInteractiveShell.term_title = False
    settings.HistoryManager.enabled = history
    # jedi guesses; what is there is there.
    settings.Completer.use_jedi = False
    shell = LabShell.instance(config=settings, user_ns=names_of(config, data, lab))
    magics = LabMagics(shell, config, data, lab)
    shell.register_magics(magics)
    who = f"{getpass.getuser()}, labctl {__version__}, bench {bench}"
    begun = (lambda: ()) if lab is None else (lambda: lab.begun)
    diary = Diary(
        data / "logs", who if lab is None else f"{who}, session {lab.RE.md['session']}", wall_label, begun
    )
    if lab is None:
        shell.belong_to(None, diary)
        return shell, magics, lambda: None
    from labctl.live.screen import Screen

    screen = Screen(lab.at_work, lab.clock.now)
    lab.RE.subscribe(screen)
    lab.RE.context_managers.append(screen.during)
    lab.md.say("session_log", diary.path.name)
    shell.belong_to(lab, diary)
    shell.leave_on_signals()
    return shell, magics, screen.close


def _greeting(lab: Session | None, bench: str, data: Path, why: str) -> str:
    from labctl.shell.namespace import missing

    if lab is None:
        return (
            f"labctl {__version__}: bench {bench} is looked at only, so there is no RE and no device: {why}.\n"
            f"Data in {data}.\n{MAGICS}"
        )
    clock = ", time is virtual" if lab.clock.kind == "virtual" else ""
    said = [
        f"labctl {__version__}, bench {bench}{clock}: {', '.join(lab.devices) or 'no device'}. Data in {data}."
    ]
    return "\n".join([*said, *missing(lab), MAGICS])
