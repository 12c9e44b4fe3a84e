"""Every plan, and every role that plans and stations are written against."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import devices.roles
import labctl
from labctl.config.experiments import PLAIN, recipes_of
from labctl.config.readers import kinds_of
from labctl.plans import discover_plans
from tables.markdown import code

PYTHON = """
```{{eval-rst}}
.. {directive}:: {name}
{options}
```
"""


def plans() -> str:
    """Return every plan with what an experiment file gives it."""
    parts = []
    for name, plan in discover_plans().items():
        parts += [f"## {name}\n", _asked(name, plan)]
        parts.append(_python("autofunction", f"{plan.__module__}.{name}", "   :no-index-entry:"))
    return "\n".join(parts)


def _asked(name: str, plan: Callable[..., Any]) -> str:
    parameters = inspect.signature(plan).parameters
    recipes = recipes_of(plan)
    keys = []
    for each, parameter in parameters.items():
        asked = (
            f"{code(each)} (a recipe of kind {kinds_of(recipes[each])})" if each in recipes else code(each)
        )
        if each in recipes or each in ("sample", "program") or each in PLAIN:
            optional = parameter.default is not inspect.Parameter.empty
            keys.append(f"{asked}, if wanted" if optional else asked)
    beside = f"; beside it: {', '.join(keys)}" if keys else ""
    return f'In an experiment file: `plan = "{name}"`{beside}.\n'


def session() -> str:
    """Return what `import labctl` gives."""
    parts = []
    for name in sorted(set(labctl.__all__) - {"__version__"}):
        thing = getattr(labctl, name)
        path = f"{thing.__module__}.{name}"
        parts.append(f"## {name}\n")
        if inspect.isclass(thing):
            parts.append(_python("autoclass", path, "   :members:\n   :no-index-entry:"))
        else:
            parts.append(_python("autofunction", path, "   :no-index-entry:"))
    return "\n".join(parts)


def roles() -> str:
    """Return every protocol of devices.roles."""
    parts = []
    for family in pkgutil.iter_modules(devices.roles.__path__, f"{devices.roles.__name__}."):
        for name, each in vars(importlib.import_module(family.name)).items():
            if getattr(each, "_is_protocol", False) and each.__module__ == family.name:
                parts.append(f"## {name}\n")
                parts.append(
                    _python("autoclass", f"{family.name}.{name}", "   :members:\n   :no-index-entry:")
                )
    return "\n".join(parts)


def _python(directive: str, name: str, options: str) -> str:
    return PYTHON.format(directive=directive, name=name, options=options)


MADE: Mapping[str, Callable[[], str]] = {"plans": plans, "roles": roles, "session": session}
