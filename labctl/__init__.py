"""labctl: instrument control and lab automation for thin-film solid-state batteries.

    import labctl

    with labctl.open_session("twin") as lab:
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))

`open_session` opens a bench; `Run` reads what was kept; `described` gives a sample the numbers of its materials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labctl.neighbours import require_neighbours

if TYPE_CHECKING:
    from labctl.materials.library import described
    from labctl.runs.run import Run
    from labctl.session import Session, open_session

__version__ = "0.1.0"
__all__ = ["Run", "Session", "__version__", "described", "open_session"]

require_neighbours()

_HOMES = {
    "Run": "labctl.runs.run",
    "Session": "labctl.session",
    "described": "labctl.materials.library",
    "open_session": "labctl.session",
}


def __getattr__(name: str) -> Any:
    """Import what users type when they type it: `labctl --help` must not wait for bluesky."""
    if name not in _HOMES:
        raise AttributeError(f"labctl has no {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
