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
    from labctl.shell.looking_on import LookingOn

MAGICS = "%lab all stations   %rehearse PLAN(...)   %last   %plot   %watch   %safe   NAME? help   exit"
MAGICS_BESIDE = "%lab all stations   %watch   %last   %plot   runs   %rehearse EXPERIMENT   exit"


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

    What does not answer is missing, and a bench that somebody else holds is looked at only. run: typed instead of a
    prompt; what fails of it makes the status 1.
    Raises ConfigError before any device is touched, LabError without IPython.
    """
    require_ipython()
    with no_collections():
        from labctl.stopping import events_shown

        folder, chosen = data_dir(data), Config(config)
        lab, beside = _opened(bench, config, chosen, folder, operator)
        shell, magics = _made(chosen, folder, lab, beside, bench, history)
    failed = False
    try:
        print(_greeting(lab, beside, folder))
        with events_shown():
            if run:
                failed = not shell.run_cell(run, store_history=True).success
            else:
                shell.mainloop()
    finally:
        magics.end_viewers()
        try:
            if lab is not None:
                lab.close()
        finally:
            shell.diary.close("left" if shell.ended_by is None else f"ended by {shell.ended_by.name}")
            shell.restore_sys_module_state()
    return int(failed) if shell.ended_by is None else shell.ended_by.code


def _opened(
    bench: str, config: Path | None, chosen: Config, data: Path, operator: str
) -> tuple[Session | None, LookingOn | None]:
    from labctl.session import open_session
    from labctl.stopping import log_to_file

    log_to_file(data / "logs")
    try:
        return open_session(
            bench, config=config, data=data, operator=operator, start_with_the_rest=True
        ), None
    except OwnershipError as error:
        from labctl.shell.looking_on import looking_on

        return None, looking_on(bench, chosen, error)


def _made(
    config: Config, data: Path, lab: Session | None, beside: LookingOn | None, bench: str, history: bool
) -> tuple[Any, Any]:
    """Return the shell and its magics."""
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
    magics = LabMagics(shell, config, data, lab, beside)
    shell.register_magics(magics)
    who = f"{getpass.getuser()}, labctl {__version__}, bench {bench}"
    begun = (lambda: ()) if lab is None else (lambda: lab.begun)
    diary = Diary(
        data / "logs", who if lab is None else f"{who}, session {lab.RE.md['session']}", wall_label, begun
    )
    if lab is None:
        shell.belong_to(None, diary, beside)
        return shell, magics
    _look(lab)
    lab.show_rows()
    lab.md.say("session_log", diary.path.name)
    shell.belong_to(lab, diary)
    shell.leave_on_signals()
    return shell, magics


def _look(lab: Session) -> None:
    """Have stations with permissives look at them and report, for %lab asks nobody."""
    from devices.base import Station

    for device in lab.devices.values():
        if isinstance(device, Station) and hasattr(device, "verdicts"):
            device.verdicts()
            device.read_state()
            device.publish()


def _greeting(lab: Session | None, beside: LookingOn | None, data: Path) -> str:
    from labctl.shell.namespace import missing

    if lab is None:
        assert beside is not None
        return f"labctl {__version__}: {beside.greeting}\nData in {data}.\n{MAGICS_BESIDE}"
    clock = ", time is virtual" if lab.clock.kind == "virtual" else ""
    said = [
        f"labctl {__version__}, bench {lab.bench.name}{clock}: {', '.join(lab.devices) or 'no device'}. Data in {data}."
    ]
    return "\n".join([*said, *missing(lab), MAGICS])
