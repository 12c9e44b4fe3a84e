"""A plan call as it is typed at the prompt, "cycle(potentiostat, film, program)": read, never begun."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.errors import LabError
from devices.samples import SampleRef
from labctl.mistyped import Mistyped
from labctl.shell.guessing import meant_name

if TYPE_CHECKING:
    from labctl.session import Session

EXAMPLE = "cycle(potentiostat, film, program)"


@dataclass(frozen=True)
class PlanCall:
    """A plan with what it is to be called with."""

    plan: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the plan is called."""
        return getattr(self.plan, "__name__", repr(self.plan))

    @property
    def samples(self) -> tuple[SampleRef, ...]:
        """The samples among what it is called with."""
        return tuple(samples_in((*self.arguments, *self.keywords.values())))

    def on(self, here: Session, there: Session) -> Any:
        """Return the plan called with what corresponds `there` to the devices of `here`. Raises LabError."""
        known = _counterparts(here, there)
        plan = getattr(there.plans, self.name, self.plan) if _is_plan_of(here, self) else self.plan
        arguments = [_instead(each, known) for each in self.arguments]
        keywords = {name: _instead(each, known) for name, each in self.keywords.items()}
        return plan(*arguments, **keywords)


def read_call(text: str, namespace: Mapping[str, Any]) -> PlanCall:
    """Return the call that stands in a text, its arguments worked out with the names of a prompt.

    "RE(plan(...))" means the plan in it: nothing is run. Raises LabError in words when it is no such call.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise Mistyped(f"{text.strip()!r} is no plan call; type one, as {EXAMPLE}") from error
    if isinstance(tree, ast.Call) and _is_engine(tree.func) and len(tree.args) == 1:
        tree = tree.args[0]
    if not isinstance(tree, ast.Call):
        raise Mistyped(f"{text.strip()!r} is no plan call; type one with its arguments, as {EXAMPLE}")
    plan = _value(tree.func, namespace)
    if not callable(plan):
        raise Mistyped(f"{ast.unparse(tree.func)} is no plan but {plan!r}; type a call as {EXAMPLE}")
    arguments: list[Any] = []
    for each in tree.args:
        if isinstance(each, ast.Starred):
            arguments += _value(each.value, namespace)
        else:
            arguments.append(_value(each, namespace))
    keywords: dict[str, Any] = {}
    for keyword in tree.keywords:
        value = _value(keyword.value, namespace)
        keywords |= value if keyword.arg is None else {keyword.arg: value}
    try:
        inspect.signature(plan).bind(*arguments, **keywords)
    except TypeError as error:
        taken = f"{ast.unparse(tree.func)}{inspect.signature(plan)}".partition(" ->")[0]
        raise Mistyped(f"{ast.unparse(tree)}: {error}; it is {taken}") from error
    return PlanCall(plan, tuple(arguments), keywords)


def samples_in(values: Any) -> Iterator[SampleRef]:
    """Yield the samples in arguments, lists and tables of them too."""
    if isinstance(values, SampleRef):
        yield values
    elif isinstance(values, Mapping):
        yield from samples_in(tuple(values.values()))
    elif isinstance(values, list | tuple):
        for each in values:
            yield from samples_in(each)


def _is_engine(function: ast.expr) -> bool:
    return ast.unparse(function).rpartition(".")[2] == "RE"


def _is_plan_of(lab: Session, call: PlanCall) -> bool:
    own = vars(lab.plans).get(call.name)
    return own is not None and call.plan in (own, getattr(own, "__wrapped__", own))


def _value(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    source = ast.unparse(node)
    try:
        # What is typed at somebody's own prompt is Python, as the prompt itself would take it.
        return eval(compile(ast.Expression(node), "<prompt>", "eval"), dict(namespace))
    except NameError as error:
        name = str(error.name)
        raise Mistyped(f"there is no {name!r} here{meant_name(name, namespace)}") from error
    except Exception as error:
        raise LabError(f"{source} cannot be worked out: {type(error).__name__}: {error}") from error


def _counterparts(here: Session, there: Session) -> dict[int, Any]:
    """Return what stands for what, by the identity of what is here; None for a device that has no twin."""
    known: dict[int, Any] = {id(here): there}
    for name in ("hands", "trains", "calibration", "films", "believer"):
        known[id(getattr(here, name))] = getattr(there, name)
    for name, device in here.devices.items():
        twin = there.devices.get(name)
        known[id(device)] = twin
        for part, instrument in getattr(device, "instruments", {}).items():
            known[id(instrument)] = None if twin is None else twin.instruments[part]
    return known


def _instead(value: Any, known: Mapping[int, Any]) -> Any:
    """Return a value with what stands for devices in place of them, in lists and tables too."""
    if isinstance(value, dict):
        return {name: _instead(each, known) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_instead(each, known) for each in value)
    parent = getattr(value, "parent", None)
    if id(value) not in known and id(parent) in known and hasattr(value, "attr_name"):
        return getattr(_instead(parent, known), value.attr_name)
    found = known.get(id(value), value)
    if found is None and value is not None:
        raise LabError(f"{value.name} has no twin, so a plan with it cannot be rehearsed")
    return found
