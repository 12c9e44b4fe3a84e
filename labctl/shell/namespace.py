"""The names at the prompt, and a sentence on those that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labctl.config.folder import Config
from labctl.plain_text import plain
from labctl.shell.shelves import Experiments, Programs, Recipes, Runs, Samples

if TYPE_CHECKING:
    from labctl.session import Session

MODULES = {
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "bp": "bluesky.plans",
    "bps": "bluesky.plan_stubs",
    "bpp": "bluesky.preprocessors",
}
"""Modules under the names that everybody gives them."""


class Later(ModuleType):
    """A module that is imported when something of it is asked for: a prompt must not wait for pyplot."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(self.__name__), name)

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))


def names_of(config: Config, data: Path, lab: Session | None) -> dict[str, Any]:
    """Return what can be typed, without what needs a bench where there is none."""
    from labctl.runs.run import Run

    names: dict[str, Any] = {name: Later(module) for name, module in MODULES.items()}
    names |= {
        "samples": Samples(config),
        "recipes": Recipes(config),
        "programs": Programs(config, data),
        "experiments": Experiments(config),
        "runs": Runs(data),
        "Run": Run,
    }
    if lab is not None:
        names |= vars(lab.plans)
        # Without the name, `run("first-cell")` would be IPython's %run, which looks for a script.
        names |= {"lab": lab, "RE": lab.RE, "hands": lab.hands, "plans": lab.plans, "run": lab.run}
        names |= lab.devices
    return names


def missing(lab: Session) -> Iterator[str]:
    """Yield a sentence with the mend for each device that did not answer."""
    for name, reasons in lab.missing.items():
        told = "; ".join(f"{part}: {plain(why)}" for part, why in reasons.items())
        yield (
            f"{name} is absent: {told}.\n  Switch it on or look at its cable (`labctl doctor --bench"
            f" {lab.bench.name}` tells more), then leave and start the shell again; all else is here."
        )
