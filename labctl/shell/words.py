"""An error at the prompt in words: what happened, what state the hardware is in, what to type next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bluesky.utils import FailedStatus, RunEngineInterrupted, TransitionError
from IPython.core.error import UsageError
from pydantic import ValidationError

from devices.base import Station
from devices.errors import (
    ConfigError,
    ConnectError,
    DataError,
    InterlockError,
    LabError,
    LimitError,
    OutcomeUnknown,
    OwnershipError,
    ProgramError,
    WireError,
)
from labctl.config.checking import nearest
from labctl.mistyped import Mistyped
from labctl.next_steps import next_step
from labctl.powered import in_words
from labctl.shell.guessing import meant_attribute, meant_name
from labctl.shell.looking_on import LookingOn, LooksOn

if TYPE_CHECKING:
    from labctl.session import Session

NEXT: tuple[tuple[type[Exception], str], ...] = (
    (OwnershipError, "%lab shows who has what"),
    (ConnectError, "look at the cable and the power switch, then `labctl doctor`"),
    (WireError, "%lab shows what was heard last; `labctl doctor` asks every instrument"),
    (OutcomeUnknown, "look at the instrument before anything is repeated; %safe makes everything safe"),
    (LimitError, "type it again within the limits; %rehearse PLAN(...) tells them beforehand"),
    (InterlockError, "%lab shows every interlock; %rehearse PLAN(...) tries a plan on the twins"),
    (ProgramError, "mend the program; %rehearse PLAN(...) tries it on the twins"),
    (ConfigError, "mend the file, then type it again"),
    (DataError, "runs lists what is kept; `labctl doctor` looks at disk and folder"),
    (
        LooksOn,
        "%lab shows what goes on there, %watch follows it; when it has ended, leave and start the shell again",
    ),
    (Mistyped, "type it as it is meant; `NAME?` shows what something takes"),
    (LabError, "%lab shows all stations, %safe makes everything safe"),
)
"""What to type after an error of ours, the narrowest kind first."""

TYPED = (Mistyped, ConfigError)
"""Errors of ours after which nothing was touched: they say so, or it goes without saying."""

ARGUMENTS = re.compile(r"(\w+)\(\) (missing|got|takes)")

MAGIC = re.compile(r"magic function `%+(\w+)` not found")

MAGICS = ("lab", "safe", "rehearse", "last", "plot", "watch", "mov", "movr", "ct", "wa")
"""What can be typed with a percent sign."""


def in_sentences(
    error: BaseException,
    namespace: Mapping[str, Any],
    lab: Session | None,
    worked: bool,
    beside: LookingOn | None = None,
) -> str:
    """Return what is said of an error.

    worked: whether what was typed began something on the bench. beside: what a shell without a bench looks on.
    """
    cause = error
    if isinstance(error, FailedStatus) and error.__cause__ is not None:
        cause = error.__cause__
    if isinstance(cause, RunEngineInterrupted):
        return f"{cause}".strip() or "the plan was ended"
    if beside is not None and isinstance(cause, NameError) and cause.name in beside.names:
        cause = LooksOn(f"there is no {cause.name!r} here, as {beside}")
    said = [f"{_kind(cause)}{_told(cause, namespace)}"]
    if lab is not None and (worked or (isinstance(cause, LabError) and not isinstance(cause, TYPED))):
        said.append(f"Now: {powered(lab)}.")
    said.append(f"Next: {_next(cause, namespace)}")
    return "\n".join(said)


def powered(lab: Session) -> str:
    """Return what every station is doing, from memory."""
    return in_words([each for each in lab.devices.values() if isinstance(each, Station)])


def _kind(error: BaseException) -> str:
    return "" if isinstance(error, KeyboardInterrupt | Mistyped | LooksOn) else f"{type(error).__name__}: "


def _told(error: BaseException, namespace: Mapping[str, Any]) -> str:
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted; nothing was running on the bench"
    if isinstance(error, NameError) and error.name:
        return f"there is no {error.name!r} here{meant_name(error.name, namespace)}"
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        what = getattr(error.obj, "name", None) or f"a {type(error.obj).__name__}"
        return f"{what} has no {error.name!r}{meant_attribute(error.name, error.obj)}"
    if isinstance(error, TransitionError) and "idle" in str(error):
        return "nothing runs and nothing is paused, so there is nothing to end"
    if isinstance(error, ValidationError):
        return "; ".join(_refused(error))
    if isinstance(error, SyntaxError) and error.text:
        return f"{error.msg}: {error.text.strip()}"
    if isinstance(error, UsageError) and (unknown := MAGIC.search(str(error))) is not None:
        return f"there is no %{unknown[1]}{nearest(unknown[1], MAGICS)}"
    return str(error) or "no more is known"


def _refused(error: ValidationError) -> Iterator[str]:
    """Yield what pydantic refuses of an object made by hand, in its own words."""
    for each in error.errors(include_url=False):
        name = ".".join(map(str, each["loc"]))
        given = f" = {each['input']!r}" if name else ""
        yield f"{error.title}: {name}{given}: {each['msg']}"


def _next(error: BaseException, namespace: Mapping[str, Any]) -> str:
    if step := next_step(error):
        return f"{step}. %tb shows where"
    for kind, words in NEXT:
        if isinstance(error, kind):
            return f"{words}. %tb shows where"
    if isinstance(error, ValidationError):
        return (
            "quantities are numbers in SI units here, 850.0 for 850 V and 1.8e-3 for 1.8 ms. %tb shows where"
        )
    if isinstance(error, SyntaxError) and (error.text or "").lstrip().startswith("labctl "):
        return f"that is a command of the terminal; with a ! before it, it runs here: !{(error.text or '').strip()}"
    called = ARGUMENTS.search(str(error)) if isinstance(error, TypeError) else None
    if called is not None and callable(namespace.get(called[1])):
        return f"{called[1]}? shows what it takes. %tb shows where"
    return "%tb shows where"
