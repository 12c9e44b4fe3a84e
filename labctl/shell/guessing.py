"""What somebody may have meant by a name that is not there: first what lies on the shelves, then near names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.base import Station
from labctl.config.checking import nearest
from labctl.shell.shelves import Shelf

CLOSE = 0.75
"""How alike two names are for one to be a slip of the other; below it "gentle" is "vent". Guess."""


def meant_name(name: str, namespace: Mapping[str, Any]) -> str:
    """Return what is said after "there is no NAME here"; empty where nothing is like it.

    A file's name typed bare, its dashes as underscores, is told with the shelf it lies on. Of names at the prompt only
    a slip of the hand is told: a noun is not to become a plan.
    """
    found = [
        f"{shelf}[{each!r}]".replace("'", '"')
        for shelf, files in namespace.items()
        if isinstance(files, Shelf)
        for each in files
        if _bare(each) == _bare(name)
    ]
    if found:
        runs = next((each for each in found if each.startswith("experiments[")), "")
        return f"; there is {', '.join(found)}" + (f", which lab.run({runs}) runs" if runs else "")
    if near := nearest(name, list(namespace), CLOSE):
        return near
    for shelf, files in namespace.items():
        if isinstance(files, Shelf) and (near := nearest(name, list(files), CLOSE)):
            return f"{near.removesuffix('?')} in {shelf}?"
    return ""


def meant_attribute(name: str, thing: Any) -> str:
    """Return what is said after "X has no NAME": a part's quantity of that name, a near name, or how plans are run."""
    names = [each for each in dir(thing) if not each.startswith("_")]
    if near := nearest(name, names, CLOSE):
        return near
    if not isinstance(thing, Station):
        return ""
    within = [
        f"{thing.name}.{part}.{name}"
        for part, instrument in thing.instruments.items()
        if name in getattr(instrument, "component_names", ())
    ]
    if within:
        return f"; there is {', '.join(within)}"
    return f"; plans work with it, as in RE(PLAN({thing.name}, ...)), and `plans` lists them"


def _bare(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").casefold()
