"""What to do about what stopped, in words, by how the night said it; and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from labctl.night.conditions import is_unmet

ADVICE: Sequence[tuple[str, str]] = (
    ("failed on the same sample", "settle that failure first, then list this item again"),
    ("was not done", "settle the item it waited for, then list this one again"),
    ("tells a", "the item it waited for measured no such thing; mend the condition, or list it without"),
    ("the deadline has come", "list it again"),
    ("takes longer than", "look why it took so long; give it a longer `longest`, or shorten its program"),
    ("stopped by", "somebody stopped it; list it again when wanted"),
    ("LimitError", "a setpoint is outside the lab's limits; mend the recipe, the program or limits.toml"),
    ("TokenExpired", "the lamp was not fired in time; list it again"),
    ("InterlockError", "look at what it names, put it right, then list the item again"),
    ("OutcomeUnknown", "look at the film and the device: what was sent may have happened"),
    ("OwnershipError", "another process holds the device; end that one first"),
    ("ConnectError", "look at the device and its cable; `labctl check` tells its address"),
    ("InstrumentError", "look at the instrument's own display, clear its error, then list the item again"),
    ("Timeout", "the instrument fell silent: look at it and its cable, then list the item again"),
    ("WireError", "look at the cable and the instrument, then list the item again"),
    ("Garbled", "look at the cable and its screen, then list the item again"),
    ("Desynchronised", "switch the instrument's link off and on, then list the item again"),
    ("ProgramError", "mend the program; `labctl check` tells where"),
    ("ConfigError", "mend the configuration; `labctl check` tells where"),
    ("DataError", "look at the disk and the data folder; `labctl verify` checks what is kept"),
    ("Corrupt", "`labctl verify` tells what is damaged, `labctl recover` sets it aside"),
    ("disk", "make room on the disk of the data folder"),
    (
        "its process died",
        "look what was done (`labctl runs`), then go on with the night: `labctl night --resume`",
    ),
)
"""Signs of a reason, and what a person does then; the first that fits."""

NOT_MEANT = "its condition did not hold; nothing is to be done, or list it without the condition"

OTHERWISE = "read the reason and the log in the data folder; list the item again when its cause is gone"


def advice(state: str, reason: str, item: str, night: str, *, over: bool, running: bool = False) -> str:
    """Return what a person should do about an item in a state that is not "done"."""
    if running and state in ("waiting", "running"):
        return "nothing; the night goes on"
    if state == "asks":
        word = f"look, then say `labctl order go-on {item} --night {night}`, or `labctl order remove {item}`"
        return "the night is over: look, then list what is left of it again" if over else word
    if state == "waiting":
        return (
            "load it into the next night"
            if over
            else f"it goes on with the night: `labctl night --resume {night}`"
        )
    if state == "running":
        return f"its night was broken off: `labctl night --resume {night}`"
    if is_left_out(state, reason):
        return NOT_MEANT
    return next((words for sign, words in ADVICE if sign in reason), OTHERWISE)


def is_left_out(state: str, reason: str) -> bool:
    """Return whether an item was left out by its own condition or that of one it waited for: as its list says."""
    return state == "skipped" and is_unmet(reason)


def when(label: float | None) -> str:
    """Return a label [s since the epoch] as people of this place read it."""
    return "" if not label else f"{datetime.fromtimestamp(label).astimezone():%a %d %b %H:%M}"


def lasted(seconds: float | None) -> str:
    """Return a duration as people read it: "5 h 12 min", "3 d 4 h"."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 2 * 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def number(value: float | None, unit: str = "", digits: int = 4) -> str:
    """Return a number with its unit; nothing where there is none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{digits}g} {unit}".rstrip()


def share(value: float | None, of: float | None) -> str:
    """Return one value as a share of another in percent; nothing where either is missing."""
    if value is None or not of or not math.isfinite(value / of):
        return ""
    return f"{value / of:.1%}"
