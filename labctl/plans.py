"""Which plans there are: every function of the package `plans` annotated `-> MsgGenerator` that takes metadata.

A lab's own plans join that package; see labctl.config.own.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import plans
from devices.errors import ConfigError, Mistake
from labctl.config.documents import shown
from labctl.config.own import imported

PARTS = frozenset({"arguments", "arming", "capacity", "films", "flying", "witnesses"})
"""Modules that hold what plans are made of, and no plan."""


def discover_plans() -> dict[str, Callable[..., Any]]:
    """Return the plans by name. Raises ConfigError when one cannot be imported, or two have one name."""
    return _discovered(tuple(plans.__path__))


@cache
def _discovered(folders: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for name, plan in sorted(_plans(folders), key=lambda each: each[0]):
        if name in found:
            files = [shown(Path(inspect.getfile(each))) for each in (found[name], plan)]
            raise ConfigError([Mistake(files[1], name, "", f"a plan of this name is in {files[0]} too")])
        found[name] = plan
    return found


def _plans(folders: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for module_info in pkgutil.iter_modules(folders):
        if module_info.name in PARTS:
            continue
        module = imported(f"plans.{module_info.name}", f"plans/{module_info.name}.py")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            returns = str(function.__annotations__.get("return", ""))
            if own and returns.startswith("MsgGenerator") and "md" in function.__annotations__:
                yield name, function
