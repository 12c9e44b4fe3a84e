"""An error at the prompt in words: what happened, what state the hardware is in, what to type next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bluesky.utils import FailedStatus, RunEngineInterrupted

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
from labctl.powered import in_words

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
    (LabError, "%lab shows all stations, %safe makes everything safe"),
)
"""What to type after an error of ours, the narrowest kind first."""

ARGUMENTS = re.compile(r"(\w+)\(\) (missing|got|takes)")


def in_sentences(
    error: BaseException, namespace: Mapping[str, Any], lab: Session | None, worked: bool
) -> str:
    """Return what is said of an error; worked: whether what was typed began something on the bench."""
    cause = error
    if isinstance(error, FailedStatus) and error.__cause__ is not None:
        cause = error.__cause__
    if isinstance(cause, RunEngineInterrupted):
        return f"{cause}".strip() or "the plan was ended"
    said = [f"{_kind(cause)}{_told(cause, namespace)}"]
    if lab is not None and (worked or isinstance(cause, LabError)):
        said.append(f"Now: {powered(lab)}.")
    said.append(f"Next: {_next(cause, namespace)}")
    return "\n".join(said)


def powered(lab: Session) -> str:
    """Return what every station is doing, from memory."""
    return in_words([each for each in lab.devices.values() if isinstance(each, Station)])


def _kind(error: BaseException) -> str:
    return "" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: "


def _told(error: BaseException, namespace: Mapping[str, Any]) -> str:
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted; nothing was running on the bench"
    if isinstance(error, NameError) and error.name:
        return f"there is no {error.name!r} here{nearest(error.name, list(namespace))}"
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        names = [each for each in dir(error.obj) if not each.startswith("_")]
        what = getattr(error.obj, "name", None) or f"a {type(error.obj).__name__}"
        return f"{what} has no {error.name!r}{nearest(error.name, names)}"
    return str(error) or "no more is known"


def _next(error: BaseException, namespace: Mapping[str, Any]) -> str:
    for kind, words in NEXT:
        if isinstance(error, kind):
            return f"{words}. %tb shows where"
    called = ARGUMENTS.search(str(error)) if isinstance(error, TypeError) else None
    if called is not None and callable(namespace.get(called[1])):
        return f"{called[1]}? shows what it takes. %tb shows where"
    return "%tb shows where"
