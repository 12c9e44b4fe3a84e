"""Which part of a program an instrument runs next: parts without a condition in them, each uploaded whole.

An instrument repeats steps by itself; whether retention fell below 80 % or where to jump is judged here, between
parts. Nothing here speaks to an instrument, so a program can be played through without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from devices.cycling.cycler import Nodes
from devices.cycling.ends import EndReason
from devices.cycling.programs import Jump, Loop, Node, Program, Step, When, leaves, loops
from devices.errors import InterlockError


@dataclass(frozen=True)
class Part:
    """Nodes that an instrument runs by itself; first_index is the step_index of their first step."""

    nodes: Nodes
    first_index: int

    def walk(self) -> Iterator[Turn]:
        """Return each execution in turn."""
        return _walk(self.nodes, self.first_index, False)


@dataclass(frozen=True)
class Turn:
    """One execution of a step: its index, whether a counted pass opens with it, whether it is inside one."""

    step_index: int
    step: Step
    opens: bool
    counted: bool


@dataclass(frozen=True)
class Seen:
    """What was measured so far: why and at which voltage [V] the last step ended; of whole cycles the number of the
    last, its discharge capacity [C], efficiency and retention, and the discharge capacity [C] of the first cycle of
    the run that was discharged in each way."""

    ended_by: EndReason | None = None
    voltage: float | None = None
    cycle: int = 0
    discharge_capacity: float | None = None
    efficiency: float | None = None
    retention: float | None = None
    first_discharges: Mapping[str, float] = field(default_factory=dict)


def holds(when: When, seen: Seen) -> bool:
    """Return whether any part of a condition is true; what was not measured is not."""
    below = (
        (seen.voltage, when.voltage_below),
        (seen.discharge_capacity, when.discharge_capacity_below),
        (seen.retention, when.retention_below),
        (seen.efficiency, when.efficiency_below),
    )
    return (
        (when.ended_by is not None and seen.ended_by is when.ended_by)
        or (
            when.voltage_above is not None and seen.voltage is not None and seen.voltage >= when.voltage_above
        )
        or (when.cycle_at_least is not None and seen.cycle >= when.cycle_at_least)
        or any(value is not None and bound is not None and value <= bound for value, bound in below)
    )


class Course:
    """The way of one run through a program: hand out a part, hear how its steps begin, hand out the next."""

    def __init__(self, program: Program) -> None:
        self._nodes = program.steps
        self._first = _first_indices(program.steps)
        self._times = {at: node.times for at, node in enumerate(self._nodes) if isinstance(node, Loop)}
        self._jumps: dict[int, int] = {}
        self._at = 0
        self._passes = 0
        self._part: list[tuple[int, int]] = []
        self._begun = 0
        self._cut: int | None = None
        self._executed = 0
        self.told = ""
        """What the last decision was, where there was one."""

    @property
    def asked(self) -> int:
        """How many step executions there are: known at the end, before it as if no condition came true."""
        ahead = sum(_count(node) * self._times.get(at, 1) for at, node in self._from(self._at))
        done = self._passes * _count(self._nodes[self._at]) if self._at < len(self._nodes) else 0
        return self._executed + ahead - done

    @property
    def goes_on(self) -> bool:
        """Whether something may have to be handed out after the part that runs."""
        last = self._part[-1] if self._part else (self._at, 0)
        at, passes = last
        earlier = self._passes if at == self._at else 0
        return self._cut is not None or at + 1 < len(self._nodes) or earlier + passes < self._times.get(at, 1)

    def next(self, seen: Seen) -> Part | None:
        """Return the part to run now, None at the end; `seen` is what the parts before it measured."""
        self._settle()
        while self._at < len(self._nodes):
            node = self._nodes[self._at]
            if isinstance(node, Jump):
                self._at, self._passes = self._after(node, seen), 0
            elif isinstance(node, Loop) and self._is_done(node, seen):
                self._at, self._passes = self._at + 1, 0
            else:
                return self._handed(node)
        return None

    @property
    def begun(self) -> int:
        """How many executions of the part in hand have begun."""
        return self._begun

    @property
    def ahead(self) -> int:
        """How many executions of the part in hand are to begin yet."""
        handed = sum(passes * _count(self._nodes[at]) for at, passes in self._part)
        return (handed if self._cut is None else min(self._cut, handed)) - self._begun

    def began(self) -> bool:
        """Hear that a step of the part begins; return whether the part is to be stopped instead."""
        if self._cut is not None and self._begun >= self._cut:
            return True
        self._begun += 1
        return False

    def with_times(self, times: int) -> tuple[Node, ...]:
        """Return the program's nodes with so many passes of the loop of cycles that runs now, to be checked."""
        at, _, _ = self._running_loop()
        nodes = list(self._nodes)
        loop = nodes[at]
        if isinstance(loop, Loop):
            nodes[at] = replace(loop, times=times)
        return tuple(nodes)

    def know_times(self, kept: Mapping[str, Any]) -> None:
        """Take over how many passes each loop has from what another course through the program said of itself."""
        self._times = dict(kept["times"])

    def change_times(self, times: int) -> int:
        """Let the loop of cycles that runs now run `times` passes in all; return how many it will be.

        It is the loop at the top level that counts cycles, or has one in it that does. A pass under way is
        finished, so it may be more than asked for. Raises InterlockError when no such loop runs.
        """
        at, place, before = self._running_loop()
        passes, count = self._part[place][1], _count(self._nodes[at])
        earlier = self._passes if place == 0 else 0
        wanted = max(times - earlier, -(-(self._begun - before) // count))
        last = place == len(self._part) - 1
        self._cut = before + min(wanted, passes) * count if wanted < passes or not last else None
        if wanted == passes:
            self._cut = None
        self._times[at] = earlier + wanted
        return earlier + wanted

    def as_json(self) -> dict[str, Any]:
        """Return where it is, in plain values."""
        return {
            "at": self._at,
            "passes": self._passes,
            "times": list(self._times.items()),
            "jumps": list(self._jumps.items()),
            "part": list(self._part),
            "begun": self._begun,
            "cut": self._cut,
            "executed": self._executed,
        }

    def restore(self, kept: Mapping[str, Any]) -> Part:
        """Be where a course through the same program was; return the part that it had handed out last."""
        self._at, self._passes = kept["at"], kept["passes"]
        self._times, self._jumps = dict(kept["times"]), dict(kept["jumps"])
        self._begun, self._cut, self._executed = kept["begun"], kept["cut"], kept["executed"]
        part = self._handed(self._nodes[kept["part"][0][0]])
        self._part = [(at, passes) for at, passes in kept["part"]]
        nodes = (
            replace(node, times=passes) if isinstance(node, Loop) else node
            for node, (_, passes) in zip(part.nodes, self._part, strict=True)
        )
        return replace(part, nodes=tuple(nodes))

    def _running_loop(self) -> tuple[int, int, int]:
        """Return the node that runs, its place in the part, and how many executions of the part come before it."""
        before = 0
        for place, (at, passes) in enumerate(self._part):
            node = self._nodes[at]
            handed = passes * _count(node)
            if before < self._begun <= before + handed:
                if any(loop.counts_cycles for loop in loops((node,))):
                    return at, place, before
                break
            before += handed
        raise InterlockError("cycles", "no loop of cycles of the program runs now; nothing was changed")

    def _from(self, first: int) -> Iterator[tuple[int, Node]]:
        return ((at, self._nodes[at]) for at in range(first, len(self._nodes)))

    def _settle(self) -> None:
        """Move to where the part that ran has left off."""
        left, self._executed = self._begun, self._executed + self._begun
        for at, passes in self._part:
            earlier = self._passes if at == self._at else 0
            self._at, self._passes = at, earlier + min(left // _count(self._nodes[at]), passes)
            left -= min(left, passes * _count(self._nodes[at]))
            if self._passes < self._times.get(at, 1):
                break
            self._at, self._passes = at + 1, 0
        self._part, self._begun, self._cut = [], 0, None

    def _is_done(self, loop: Loop, seen: Seen) -> bool:
        if self._passes >= self._times[self._at]:
            return True
        if self._passes == 0 or loop.until is None or not holds(loop.until, seen):
            return False
        self.told = f"a loop ends after {self._passes} of {self._times[self._at]} passes: its condition holds"
        return True

    def _after(self, jump: Jump, seen: Seen) -> int:
        """Return the node after a jump, taken or not."""
        taken = self._jumps.get(self._at, 0)
        if taken >= jump.at_most or (jump.when is not None and not holds(jump.when, seen)):
            return self._at + 1
        self._jumps[self._at] = taken + 1
        return next(at for at, node in self._from(0) if not isinstance(node, Jump) and jump.to in node.tags)

    def _handed(self, node: Step | Loop) -> Part:
        """Hand out one pass of a loop with a condition, or all nodes up to the next one that has one."""
        first = self._at
        if isinstance(node, Loop) and node.until is not None:
            self._part = [(first, 1)]
            return Part((replace(node, times=1, until=None),), self._first[first])
        nodes: list[Step | Loop] = []
        for at, each in self._from(first):
            if isinstance(each, Jump) or (isinstance(each, Loop) and each.until is not None):
                break
            times = self._times.get(at, 1) - (self._passes if at == first else 0)
            nodes.append(replace(each, times=times) if isinstance(each, Loop) else each)
            self._part.append((at, times))
        return Part(tuple(nodes), self._first[first])


def _first_indices(nodes: Sequence[Node]) -> list[int]:
    counts = [sum(1 for _ in leaves((node,))) for node in nodes]
    return [sum(counts[:at]) for at in range(len(counts))]


def _walk(nodes: Nodes, first: int, counted: bool) -> Iterator[Turn]:
    index = first
    for node in nodes:
        if isinstance(node, Step):
            yield Turn(index, node, False, counted)
            index += 1
            continue
        for _ in range(node.times):
            opens = node.counts_cycles
            for turn in _walk(node.body, index, counted or node.counts_cycles):
                yield replace(turn, opens=True) if opens else turn
                opens = False
        index += sum(1 for _ in leaves(node.body))


def executions(node: Step | Loop) -> int:
    """Return how many step executions a step, or a loop with all its passes, has."""
    return _count(node) * (node.times if isinstance(node, Loop) else 1)


def _count(node: Node) -> int:
    """Return how many step executions a step, or one pass of a loop, has."""
    if isinstance(node, Loop):
        return sum(_count(each) * (each.times if isinstance(each, Loop) else 1) for each in node.body)
    return 1 if isinstance(node, Step) else 0
