"""What the code says of itself in tables and enumerations: errors, states, ends, flags, units."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import devices.cycling.columns
import devices.cycling.ends
import devices.errors
import devices.lamp.records
import devices.lamp.states
import devices.sheet.mapping
import devices.sputter.records
import devices.sputter.states
from labctl.units import EXAMPLES
from tables.markdown import code, notes, remarks, said_of, table

FLAGS: Mapping[str, type[enum.IntFlag]] = {
    "Cycling": devices.cycling.columns.CycleFlag,
    "A pulse of the lamp": devices.lamp.records.PulseFlag,
    "A second of deposition": devices.sputter.records.FilmFlag,
    "A cell of a sheet": devices.sheet.mapping.SiteFlag,
}


def errors() -> str:
    """Return the tree of errors, and each with what it means."""
    found = [
        each
        for each in vars(devices.errors).values()
        if inspect.isclass(each) and issubclass(each, devices.errors.LabError)
    ]
    return table(
        ("error", "is a", "what it says"),
        [(code(each.__name__), code(each.__bases__[0].__name__), said_of(each)) for each in found],
    )


def ends() -> str:
    """Return why a step of a cycling program may end."""
    said = remarks(devices.cycling.ends.EndReason)
    own = devices.cycling.ends.OWN_ENDS
    return table(
        ("end reason", "the program goes on", "remark"),
        [
            (code(each.value), "yes" if each in own else "no", said.get(each.name, ""))
            for each in devices.cycling.ends.EndReason
        ],
    )


def flags() -> str:
    """Return the bits of every column called flags."""
    made = []
    for of, kind in FLAGS.items():
        said = remarks(kind)
        rows = [(str(each.value), code(each.name), said.get(each.name or "", "")) for each in kind]
        made += [f"### {of}\n", f"{said_of(kind)}\n", table(("bit", "name", "remark"), rows)]
    return "\n".join(made)


def lamp_states() -> str:
    """Return the table that holds a lamp's state."""
    states = devices.lamp.states
    return _states(states.LampState, states.RULES, notes(states)["RULES"])


def chamber_states() -> str:
    """Return the table that holds a chamber's state."""
    states = devices.sputter.states
    return _states(states.ChamberState, states.RULES, notes(states)["RULES"])


def _states(kind: type[enum.Enum], rules: Mapping[Any, Any], note: str) -> str:
    rows = []
    for state in kind:
        rule = rules[state]
        then = [code(each.value) for each in kind if each in rule.then]
        may = [code(each) for each in sorted(rule.may)]
        rows.append((code(state.value), ", ".join(then), ", ".join(may)))
    head = ("state", "may go to", "what may be asked for in it")
    return f"{said_of(kind)}\n\n{table(head, rows)}\n{note}\n"


def units() -> str:
    """Return what people type for each SI unit."""
    return table(
        ("inside", "typed, for example"), [(code(unit), code(typed)) for unit, typed in EXAMPLES.items()]
    )


def error_tree() -> str:
    """Return the tree as it stands in the module that defines it."""
    tree = inspect.getdoc(devices.errors) or ""
    return f"```text\n{tree}\n```\n"


MADE: Mapping[str, Callable[[], str]] = {
    "errors": errors,
    "error-tree": error_tree,
    "ends": ends,
    "flags": flags,
    "lamp-states": lamp_states,
    "chamber-states": chamber_states,
    "units": units,
}
