"""The language of cycling: text to a program, by recursive descent.

    program   = {header} items
    header    = "program" NAME | "limits" V "to" V "," I ["," Q] | "on host loss" ("keep" | "open")
              | "recording" every                      of all steps that do not say it themselves
    items     = item {separator item}                  separator: a new line, "," ";" or "+"
    item      = {NAME ":"} (step | loop | gitt | jump) tags before it; quotes around it are allowed
    loop      = "repeat" N "x" group [stop] | group ["*" N] [stop]
    group     = "(" items ")"                          each pass is a cycle, as a tuple is in PyBaMM
              | "[" items "]"                          passes are not counted
    stop      = "until" condition                      asked at the end of each pass
    gitt      = "GITT" N "x" "(" pulse "," step ")"    a bare current as pulse charges
    jump      = "go to" NAME ["when" condition] ["at most" N "times"]
    step      = drive {clause}
    drive     = ("charge" | "discharge") "at" (I | P) | "discharge at" R | "hold at" V | "rest"
              | "sweep from" V "to" V "at" V/s | "sweep from" I "to" I "at" I/s
              | "impedance from" F "to" F "," (V | I) ["," N "per decade"] ["," "around" (V | I)]
    clause    = ["or"] "for" T | ["or"] "until" end {"or" end} | "at" TEMPERATURE
              | "recording" every | "(" T "period" ")"
    every     = "every" (T | V | I) {"or" (T | V | I)}
    end       = ["above" | "below" | ">" | "<"] V | ["above" | "below"] I | Q | E | V/s | I/s
    condition = part {"or" part}
    part      = "retention below" SHARE | "efficiency below" SHARE | "capacity below" Q
              | "voltage" ("above" | "below") V | "cycle" N | "ended by" REASON

I is a current ("50 uA"), a current density ("50 uA/cm2") or a C-rate ("C/10", "0.5 C"); Q a charge ("10 uAh"). A
voltage end without a side is met from below on a charge and from above on a discharge; a current end without a
side is met from above; currents are compared without sign. Small and capital letters of words are equal; "#"
begins a comment. What PyBaMM reads in a string means the same here, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from devices.cycling.cells import CellSize
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Jump, Loop, Node, Program, Step, When, beyond, leaves, loops
from devices.cycling.techniques import OpenCircuit, Record, Until
from devices.errors import ProgramError
from labctl.language.mistakes import ProgramMistakes, each_of, refusals_of, together
from labctl.language.quantities import CURRENTS, read
from labctl.language.steps import CONTINUES, DRIVES, Half, StepReader, whole
from labctl.language.tokens import Token, Tokens

DEEPEST = 40
"""Levels of loops; a program needs three."""

MOST_MISTAKES = 50
"""After so many the rest of a text is not read."""

UNREAD = Step(OpenCircuit(), Until(duration=1.0))
"""Stands where a step could not be read, so that what is around it still can be."""

ITEMS = (*DRIVES, "repeat", "gitt", "go")
"""Words that begin an item."""


@dataclass(frozen=True)
class Script:
    """What a text says: nodes, and of the program's frame what is in it."""

    nodes: tuple[Node, ...]
    tokens: Tokens
    places: tuple[Token, ...]
    name: str | None = None
    limits: CellLimits | None = None
    on_host_loss: Literal["keep", "open"] | None = None

    def program(
        self, name: str, limits: CellLimits | None, on_host_loss: Literal["keep", "open"] = "keep"
    ) -> Program:
        """Return the program; the text's own frame comes before these. Raises ProgramError with the place."""
        limits = self.limits or limits
        if limits is None:
            message = 'the cell\'s limits are missing; begin with e.g. "limits 2.95 V to 4.3 V, 100 uA"'
            raise self.tokens.wrong(message, 0)
        try:
            return Program(self.name or name, self.nodes, limits, self.on_host_loss or on_host_loss)
        except ValidationError as error:
            of_steps = refusals_of(error)
            others = [said for said in each_of(error) if said not in of_steps.values()]
            found = [self.tokens.wrong(said, self.places[index].at) for index, said in of_steps.items()]
            raise together([*found, *(self.tokens.wrong(said, 0) for said in others)]) from error


def parse(text: str, cell: CellSize | None = None, record: Record | None = None) -> Script:
    """Return what a text says, on a cell (None: currents in A only).

    Raises ProgramError with line and column; ProgramMistakes where there are several, up to MOST_MISTAKES.
    """
    return _Parser(text, cell, record or Record()).script()


def parse_program(
    text: str,
    cell: CellSize | None = None,
    *,
    name: str = "text",
    limits: CellLimits | None = None,
    on_host_loss: Literal["keep", "open"] = "keep",
) -> Program:
    """Return the program of a text; name, limits and policy are those of its header, or else these."""
    return parse(text, cell).program(name, limits, on_host_loss)


class _Enough(Exception):
    """There are so many mistakes that the text must be something else."""


class _Parser:
    def __init__(self, text: str, cell: CellSize | None, record: Record) -> None:
        self.tokens = Tokens(text)
        self.steps = StepReader(self.tokens, cell, record)
        self.places: list[Token] = []
        self.frame: dict[str, Any] = {}
        self.depth = 0
        self.mistakes: dict[str, ProgramError] = {}
        self.unread: list[Step] = []

    def script(self) -> Script:
        """Take everything; what cannot be read is passed over, and told at the end."""
        nodes: list[tuple[Node, Token]] = []
        try:
            self._headers()
            nodes = self._items("")
            if not nodes:
                self._note(self.tokens.refused("expected a step"))
            self._check_jumps(nodes)
            if self.mistakes:
                self._note_beyond(nodes)
        except _Enough:
            pass
        if self.mistakes:
            raise together(list(self.mistakes.values()))
        return Script(tuple(node for node, _ in nodes), self.tokens, tuple(self.places), **self.frame)

    def _headers(self) -> None:
        self._skip_separators()
        going = True
        while going:
            try:
                going = self._took_header()
            except ProgramError as error:
                self._note(error)
                self._recover("")
            self._skip_separators()

    def _note(self, mistake: ProgramError) -> None:
        """Keep a mistake, or several, each once."""
        for each in mistake.found if isinstance(mistake, ProgramMistakes) else (mistake,):
            self.mistakes.setdefault(str(each), each)
            if len(self.mistakes) >= MOST_MISTAKES:
                raise _Enough

    def _note_beyond(self, nodes: Sequence[tuple[Node, Token]]) -> None:
        """Note what was read and asks for more than the limits of the text; the steps' numbers are not known."""
        limits = self.frame.get("limits")
        for step, at in zip(leaves([node for node, _ in nodes]), self.places, strict=True):
            if limits is not None and step is not UNREAD:
                for said in beyond(step, limits):
                    self._note(self.tokens.wrong(said, at.at))

    def _recover(self, closing: str) -> None:
        """Pass over what could not be read, up to where something new begins; brackets in it are read."""
        while self.tokens.peek().kind != "end" and self.tokens.peek().text != closing:
            token = self.tokens.peek()
            if token.kind == "separator" and self._begins_anew(token):
                return
            if token.text in ("(", "[") and self.tokens.peek(1).kind != "number":
                depth, places = self.depth, len(self.places)
                try:
                    self._group()
                except ProgramError as error:
                    self._note(error)
                self.depth = depth
                del self.places[places:]
            else:
                self.tokens.take()

    def _begins_anew(self, separator: Token) -> bool:
        """Tell whether something new begins behind a separator, rather than a clause of the step before."""
        after = self.tokens.peek(1)
        if separator.text in ("\n", ";"):
            return after.word not in CONTINUES
        return after.kind == "label" or after.word in ITEMS or after.text in ("(", "[", "'", '"')

    def _check_jumps(self, nodes: Sequence[tuple[Node, Token]]) -> None:
        """Note the jumps that do not arrive; the tags of what was not read may be anything."""
        tags = [tag for node, _ in nodes if not isinstance(node, Jump) for tag in node.tags]
        unread = any(node is each for node, _ in nodes for each in self.unread)
        for node, at in nodes:
            if isinstance(node, Jump) and tags.count(node.to) != 1 and not (unread and node.to not in tags):
                many = "no" if node.to not in tags else "more than one"
                self._note(self.tokens.wrong(f'{many} item at the top level has the tag "{node.to}"', at.at))

    def _skip_separators(self) -> None:
        while self.tokens.peek().kind == "separator":
            self.tokens.take()

    def _took_header(self) -> bool:
        first = self.tokens.peek()
        found: dict[str, Any] = {}
        if self.tokens.took("program"):
            found["name"] = self.tokens.name("the program's name")
        elif self.tokens.took("limits"):
            found["limits"] = self._limits(first)
        elif self.tokens.took("on", "host", "loss"):
            if self.tokens.peek().word not in ("keep", "open"):
                raise self.tokens.refused('expected "keep" or "open"')
            found["on_host_loss"] = self.tokens.take().word
        elif self.tokens.took("recording"):
            self.steps.record = self.steps.record_every(self.steps.record)
        else:
            return False
        if found.keys() & self.frame.keys():
            raise self.tokens.wrong("stands twice; keep one", first.at)
        if self.tokens.peek().kind not in ("separator", "end"):
            raise self.tokens.refused("expected a new line")
        self.frame |= found
        return True

    def _limits(self, first: Token) -> CellLimits:
        values = {"voltage_min": read(self.tokens, "V").value}
        self.tokens.expect("to", "and the highest voltage")
        values["voltage_max"] = read(self.tokens, "V").value
        self.tokens.expect(",", "and the largest current")
        values["current_max"] = self.steps.current(read(self.tokens, *CURRENTS))
        if self.tokens.took(","):
            values["charge_max"] = read(self.tokens, "C").value
        return self.steps.made(CellLimits, first, **values)

    def _items(self, closing: str) -> list[tuple[Node, Token]]:
        """Take items up to a closing mark ("" for the end), which is left to the caller."""
        expected = f"expected a new line{f', a comma or {closing}' if closing else ''}"
        return self._listed(closing, self._item, expected)

    def _listed(
        self, closing: str, take: Callable[[], list[tuple[Node, Token]]], expected: str
    ) -> list[tuple[Node, Token]]:
        """Take all there are; what is wrong with one is noted, and the next is taken."""
        found: list[tuple[Node, Token]] = []
        self._skip_separators()
        while self.tokens.peek().kind != "end" and self.tokens.peek().text != closing:
            first, places, depth = self.tokens.peek(), len(self.places), self.depth
            try:
                taken = take()
                token = self.tokens.peek()
                if token.kind not in ("separator", "end") and token.text != closing:
                    raise self.tokens.refused(expected)
                found += taken
            except ProgramError as error:
                self._note(error)
                self.depth = depth
                self._recover(closing)
                del self.places[places:]
                self.places.append(first)
                self.unread.append((isinstance(error, Half) and error.step) or UNREAD)
                found.append((self.unread[-1], first))
            self._skip_separators()
        return found

    def _item(self) -> list[tuple[Node, Token]]:
        first = self.tokens.peek()
        if first.text in ("'", '"'):
            self.tokens.take()
            at = self.tokens.peek()
            node = self._node(at, self._tags())
            self.tokens.expect(first.text, "at the end of what stands in quotes")
            return [(node, at)]
        if first.text == "*" and self.tokens.peek(1).text == "[":
            self.tokens.take()  # as Python unpacks a list in a list
        tags = self._tags()
        if self.tokens.peek().text == "[" and not tags:
            return self._list(first)
        return [(self._node(first, tags), first)]

    def _tags(self) -> tuple[str, ...]:
        tags = []
        while self.tokens.peek().kind == "label":
            tags.append(self.tokens.take().text[:-1].rstrip())
        return tuple(tags)

    def _node(self, first: Token, tags: tuple[str, ...]) -> Node:
        if self.tokens.took("go"):
            if tags:
                raise self.tokens.wrong("a jump has no tag", first.at)
            return self._jump(first)
        if self.tokens.took("repeat"):
            times = self._times()
            return self._loop(first, times, tags, *self._group())
        if self.tokens.took("gitt"):
            times = self._times()
            return self._loop(first, times, tags, self._titration(first), counts=False)
        if self.tokens.peek().text in ("(", "["):
            body, counts = self._group()
            times = whole(self.tokens, "how often") if self.tokens.took("*") else 1
            return self._loop(first, times, tags, body, counts)
        self.places.append(first)
        step = self.steps.step()
        return self.steps.made(lambda **tagged: replace(step, **tagged), first, tags=tags) if tags else step

    def _list(self, first: Token) -> list[tuple[Node, Token]]:
        """Take brackets: a loop, or, when they say no times, just what is in them."""
        body = self._bracketed("[", "]")
        times = whole(self.tokens, "how often") if self.tokens.took("*") else None
        self._onto_a_stop()
        if times is None and self.tokens.peek().word != "until":
            return body
        only = body[0][0] if len(body) == 1 else None
        if isinstance(only, Loop) and only.times == 1 and only.until is None and not only.tags:
            # [("a", "b")] * 3 is three tuples to PyBaMM: one loop of three passes.
            return [(self._loop(first, times or 1, (), list(only.body), only.counts_cycles), first)]
        return [(self._loop(first, times or 1, (), self._bodily(body), counts=False), first)]

    def _times(self) -> int:
        times = whole(self.tokens, "how often")
        self.tokens.expect("x", "behind how often")
        return times

    def _group(self) -> tuple[list[Step | Loop], bool]:
        opening = self.tokens.peek().text
        if opening not in ("(", "["):
            raise self.tokens.refused('expected "(" (each pass is a cycle) or "["')
        return self._bodily(self._bracketed(opening, {"(": ")", "[": "]"}[opening])), opening == "("

    def _bracketed(self, opening: str, closing: str) -> list[tuple[Node, Token]]:
        self._deeper(self.tokens.expect(opening, ""))
        found = self._items(closing)
        self._close(closing, found)
        return found

    def _titration(self, first: Token) -> list[Step | Loop]:
        self._deeper(self.tokens.expect("(", "and a pulse and a rest"))
        found = self._listed(")", self._pulse, 'expected a comma or ")"')
        self._close(")", found)
        return self._bodily(found)

    def _pulse(self) -> list[tuple[Node, Token]]:
        at = self.tokens.peek()
        self.places.append(at)
        return [(self.steps.pulse(), at)]

    def _deeper(self, at: Token) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.tokens.wrong(f"nested deeper than {DEEPEST} levels", at.at)

    def _close(self, closing: str, found: Sequence[tuple[Node, Token]]) -> None:
        if not found:
            raise self.tokens.refused("expected a step")
        self.tokens.expect(closing, "at the end of the group")
        self.depth -= 1

    def _bodily(self, found: Sequence[tuple[Node, Token]]) -> list[Step | Loop]:
        body = []
        for node, at in found:
            if isinstance(node, Jump):
                raise self.tokens.wrong("a jump stands at the top level, not inside a group", at.at)
            if any(loop.until is not None for loop in loops((node,))):
                raise self.tokens.wrong(
                    "a loop with a condition stands at the top level, not inside a group", at.at
                )
            body.append(node)
        return body

    def _loop(
        self, first: Token, times: int, tags: tuple[str, ...], body: Sequence[Step | Loop], counts: bool
    ) -> Loop:
        self._onto_a_stop()
        until = self._condition() if self.tokens.took("until") else None
        made = {"body": tuple(body), "times": times, "counts_cycles": counts, "until": until, "tags": tags}
        return self.steps.made(Loop, first, **made)

    def _onto_a_stop(self) -> None:
        if self.tokens.peek().text == "\n" and self.tokens.peek(1).word == "until":
            self.tokens.take()

    def _jump(self, first: Token) -> Jump:
        self.tokens.expect("to", "and a tag")
        to = self.tokens.name("a tag")
        when = self._condition() if self.tokens.took("when") else None
        at_most = 1
        if self.tokens.took("at", "most"):
            at_most = whole(self.tokens, "how often")
            self.tokens.expect("times", "behind how often")
        return self.steps.made(Jump, first, to=to, when=when, at_most=at_most)

    def _condition(self) -> When:
        first = self.tokens.peek()
        parts: dict[str, Any] = {}
        while True:
            at = self.tokens.peek()
            name, value = self._part()
            if name in parts:
                raise self.tokens.wrong("stands twice in this condition", at.at)
            parts[name] = value
            if not self.tokens.took("or"):
                return self.steps.made(When, first, **parts)

    def _part(self) -> tuple[str, Any]:
        for word, name, unit in (
            ("retention", "retention_below", "1"),
            ("efficiency", "efficiency_below", "1"),
            ("capacity", "discharge_capacity_below", "C"),
        ):
            if self.tokens.took(word):
                self.tokens.expect("below", f"and what the {word} falls to")
                return name, read(self.tokens, unit).value
        if self.tokens.took("voltage"):
            side = self.tokens.take()
            if side.word not in ("above", "below"):
                raise self.tokens.refused('expected "above" or "below"', side)
            return f"voltage_{side.word}", read(self.tokens, "V").value
        if self.tokens.took("cycle"):
            return "cycle_at_least", whole(self.tokens, "a cycle")
        if self.tokens.took("ended", "by"):
            reason = self.tokens.name("why the step ended")
            if reason not in {each.value for each in EndReason}:
                known = ", ".join(each.value for each in EndReason)
                raise self.tokens.refused(f'"{reason}" is no reason to end; there are {known}')
            return "ended_by", EndReason(reason)
        raise self.tokens.refused(
            "expected a condition (retention, efficiency or capacity below, voltage above or below, cycle, ended by)"
        )
