"""All that an instrument refuses of a program, of an instrument that tells only the first.

What was refused is mended and the instrument asked again: a limit, or a number of a step, becomes the nearest that it
takes, a step a rest, loops a single pass. So every answer is about the program as it stands, with the steps' own
numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from pydantic import ValidationError

from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step, beyond
from devices.cycling.techniques import OpenCircuit, Until
from devices.errors import LabError, LimitError

Check = Callable[[Program], object]
"""Refuses a program by raising: a station's check."""

MOST_REFUSALS = 50
"""After so many an instrument is not asked again."""

HARMLESS = Step(OpenCircuit(), Until(duration=60.0))
"""What no potentiostat refuses; stands for a step that was refused."""

_LIMIT = re.compile(r"limits\.(voltage_min|voltage_max|current_max|charge_max)$")
_STEP = re.compile(r"\bstep (\d+)\b")
_FIELD = re.compile(r"\bstep (?P<step>\d+):? \|?(?:(?P<part>until|record)\.)?(?P<name>[a-z_]+)")


@dataclass(frozen=True)
class _Asked:
    """A program as it is asked about, parts of it mended: those steps that were refused, by their index."""

    program: Program
    mended: frozenset[int] = frozenset()
    is_single: bool = False

    def without(self, steps: Sequence[int]) -> _Asked:
        """Return it with harmless steps in these places."""
        mended = self.mended | set(steps)
        return replace(self, program=_replaced(self.program, mended, self.program.limits), mended=mended)

    def with_step(self, index: int, step: Step) -> _Asked:
        """Return it with another step in this place."""
        return replace(self, program=_replaced(self.program, {index}, self.program.limits, step))

    def within(self, limits: CellLimits) -> _Asked:
        """Return it under other limits; steps that ask for more are harmless there."""
        over = {i for i, step in enumerate(self.program.leaves()) if any(beyond(step, limits))}
        mended = self.mended | over
        return replace(self, program=_replaced(self.program, mended, limits), mended=mended)

    def once(self) -> _Asked:
        """Return it with a single pass of each loop."""
        nodes = tuple(node if isinstance(node, Jump) else _single(node) for node in self.program.steps)
        return replace(self, program=replace(self.program, steps=nodes), is_single=True)


def refusals(name: str, check: Check, program: Program) -> list[str]:
    """Return what an instrument of this name refuses of a program, all of it, up to MOST_REFUSALS."""
    found: dict[str, None] = {}
    asked: _Asked | None = _Asked(program)
    while asked is not None and len(found) < MOST_REFUSALS:
        try:
            check(asked.program)
        except LabError as error:
            found[str(error) if str(error).startswith(name) else f"{name}: {error}"] = None
            before, asked = asked, _mended(asked, error)
            if asked is not None and isinstance(error, LimitError):
                found |= dict.fromkeys(f"{name}: {said}" for said in _with_the_limit(before, asked))
        else:
            break
    return list(found)


def _mended(asked: _Asked, error: LabError) -> _Asked | None:
    """Return what to ask about next; None where it is not known what was wrong."""
    nearer = _nearer(asked, error) if isinstance(error, LimitError) else None
    if nearer is not None:
        return nearer
    place = _STEP.search(str(error))
    if place is not None and int(place[1]) not in asked.mended:
        return asked.without([int(place[1])])
    limit = _LIMIT.search(error.quantity) if isinstance(error, LimitError) else None
    if limit is not None and isinstance(error, LimitError):
        nearest = min(max(error.value, error.low), error.high)
        try:
            return asked.within(replace(asked.program.limits, **{limit[1]: nearest}))
        except ValidationError:
            return None
    return None if asked.is_single else asked.once()


def _nearer(asked: _Asked, error: LimitError) -> _Asked | None:
    """Return the program with the number of a step that was refused as near as the instrument takes it; None without.

    So the next answer is about what else of the step there is.
    """
    field = _FIELD.search(error.quantity)
    if field is None or int(field["step"]) in asked.mended:
        return None
    step = asked.program.leaves()[int(field["step"])]
    owner = getattr(step, field["part"] or "run")
    value = getattr(owner, field["name"], None)
    nearest = min(max(error.value, error.low), error.high)
    if not isinstance(value, float | int) or abs(value) != abs(error.value) or nearest == error.value:
        return None
    try:
        changed = replace(
            owner, **{field["name"]: math.copysign(nearest, value) if value * error.value < 0 else nearest}
        )
        return asked.with_step(int(field["step"]), replace(step, **{field["part"] or "run": changed}))
    except ValidationError:
        return None


def _with_the_limit(before: _Asked, after: _Asked) -> Iterator[str]:
    """Yield what of the steps goes beyond a limit that was mended."""
    steps, limits = before.program.leaves(), after.program.limits
    for index in sorted(after.mended - before.mended):
        yield from (f"step {index}: {said}" for said in beyond(steps[index], limits))


def _replaced(program: Program, places: Set[int], limits: CellLimits, instead: Step = HARMLESS) -> Program:
    """Return a program with harmless steps, or this one, in these places, under these limits."""
    numbers = iter(range(len(program.leaves())))
    nodes = tuple(
        node if isinstance(node, Jump) else _harmless(node, places, numbers, instead)
        for node in program.steps
    )
    return replace(program, steps=nodes, limits=limits)


def _harmless(node: Step | Loop, places: Set[int], numbers: Iterator[int], instead: Step) -> Step | Loop:
    if isinstance(node, Loop):
        return replace(node, body=tuple(_harmless(each, places, numbers, instead) for each in node.body))
    return replace(instead, tags=node.tags) if next(numbers) in places else node


def _single(node: Step | Loop) -> Step | Loop:
    if not isinstance(node, Loop):
        return node
    return replace(node, times=1, body=tuple(_single(each) for each in node.body))
