"""Which plans there are: every function of the package `plans` annotated `-> MsgGenerator` that takes metadata."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import plans

PARTS = frozenset({"arguments", "arming", "capacity", "flying"})
"""Modules that hold what plans are made of, and no plan."""


@cache
def discover_plans() -> dict[str, Callable[..., Any]]:
    """Return the plans by name."""
    return dict(sorted(_plans()))


def _plans() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module_info in pkgutil.iter_modules(plans.__path__):
        if module_info.name in PARTS:
            continue
        module = import_module(f"plans.{module_info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            returns = str(function.__annotations__.get("return", ""))
            if own and returns.startswith("MsgGenerator") and "md" in function.__annotations__:
                yield name, function
