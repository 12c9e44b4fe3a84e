"""Reads a script: lines into commands with checked arguments, blocks that open and close, errors with line and column.

Errors are those of the MethodSCRIPT manual's appendix A; which one a mistake gets, and that the column is that of
the first character of what is wrong, are guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sim.twins.methodscript.values import Number, ScriptError, read_literal

UNKNOWN_COMMAND, STRANGE, TOO_LARGE, BAD_OPTION = 0x4001, 0x4004, 0x4005, 0x4008
NESTED, NOT_HERE, UNFINISHED, EXISTS, MALFORMED, UNDECLARED = 0x400B, 0x400C, 0x4018, 0x4026, 0x4039, 0x420B
BAD_TYPE, BAD_ARGUMENT, TOO_LONG = 0x0002, 0x0007, 0x0008

LONGEST_LINE = 255

COMPARISONS = ("==", "!=", ">=", "<=", ">", "<", "&", "|")

ARGUMENTS: dict[str, str] = {
    "var": "new",
    "array": "new number",
    "store_var": "out number type",
    "copy_var": "number out",
    "add_var": "out number",
    "sub_var": "out number",
    "mul_var": "out number",
    "div_var": "out number",
    "mod_var": "out number",
    "pow_var": "out number",
    "int_to_float": "out",
    "float_to_int": "out",
    "alter_vartype": "out type",
    "timer_start": "",
    "timer_get": "out",
    "wait": "number",
    "set_int": "number",
    "await_int": "",
    "set_pgstat_chan": "number",
    "set_pgstat_mode": "number",
    "set_max_bandwidth": "number",
    "set_range": "type number",
    "set_range_minmax": "type number number",
    "set_autoranging": "type number number",
    "set_acquisition_frac_autoadjust": "number",
    "set_script_output": "number",
    "file_open": "text number",
    "file_close": "",
    "set_e": "number",
    "set_i": "number",
    "cell_on": "",
    "cell_off": "",
    "meas": "number out type",
    "pck_start": "",
    "pck_add": "number",
    "pck_end": "",
    "send_string": "text",
    "abort": "",
    "breakloop": "",
    "if": "number comparison number",
    "elseif": "number comparison number",
    "else": "",
    "endif": "",
    "loop": "number comparison number",
    "endloop": "",
    "meas_loop_ocp": "out number number",
    "meas_loop_ca": "out out number number number",
    "meas_loop_cp": "out out number number number",
    "meas_loop_lsv": "out out number number number number",
    "meas_loop_lsp": "out out number number number number",
    "meas_loop_cv": "out out number number number number number",
    "meas_loop_eis": "out out out number number number number number",
    "meas_loop_geis": "out out out number number number number number",
    "on_finished:": "",
}
"""Every command the twin knows, with the kinds of its arguments."""

_MEASURED = {"add_meas": "number type out"}
_DIRECT_AND_ALTERNATING = {"eis_acdc": "out out out out"}

OPTIONS: dict[str, dict[str, str]] = {
    "meas_loop_ca": _MEASURED,
    "meas_loop_cp": _MEASURED,
    "meas_loop_lsv": _MEASURED,
    "meas_loop_lsp": _MEASURED,
    "meas_loop_cv": _MEASURED,
    "meas_loop_eis": _DIRECT_AND_ALTERNATING,
    "meas_loop_geis": _DIRECT_AND_ALTERNATING,
}
"""Arguments in parentheses that may follow."""

_TOKEN = re.compile(r'f?"[^"]*"|[A-Za-z_]\w*\([^()]*\)|[^\s#"]+')
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLACE = re.compile(r"([A-Za-z_]\w*)\[(\w+)\]")
_TYPE = re.compile(r"[a-j][a-z]")
_FILLED = re.compile(r"\{([^{}]*)\}")
_FORMS = {
    "new": (_NAME, STRANGE),
    "type": (_TYPE, BAD_TYPE),
    "comparison": (re.compile("|".join(map(re.escape, COMPARISONS))), STRANGE),
    "text": (re.compile(r'f?"[^"]*"'), STRANGE),
}
"""How an argument of each kind is formed, and the error of one that is not."""

_OPTION = re.compile(r"([A-Za-z_]\w*)\(([^()]*)\)")


@dataclass(frozen=True)
class Token:
    """A word of a line, and the column of its first character, from 1."""

    text: str
    column: int


@dataclass(frozen=True)
class Variable:
    """A variable, or a place in an array whose index is an argument itself."""

    name: str
    index: Variable | Number | None = None


Argument = Variable | Number | str


@dataclass(frozen=True)
class Command:
    """One line: its command, arguments and options; `other` is the line where its block goes on or ends."""

    name: str
    line: int
    arguments: tuple[Argument, ...]
    options: tuple[tuple[str, tuple[Argument, ...]], ...] = ()


@dataclass
class Grammar:
    """Reads the lines of one script, in order: what is declared, which blocks are open."""

    declared: dict[str, bool] = field(default_factory=dict)
    blocks: list[tuple[str, int]] = field(default_factory=list)
    finished: bool = False

    def read(self, lines: Sequence[str]) -> list[Command]:
        """Return the commands of a script. Raises ScriptError."""
        commands = [command for number, line in enumerate(lines, 1) if (command := self._line(line, number))]
        if self.blocks:
            raise ScriptError(UNFINISHED, len(lines), len(lines[-1]) + 1)
        return commands

    def _line(self, line: str, number: int) -> Command | None:
        if len(line) > LONGEST_LINE:
            raise ScriptError(TOO_LONG, number, LONGEST_LINE + 1)
        tokens = list(_tokens(line, number))
        if not tokens:
            return None
        head, rest = tokens[0], tokens[1:]
        if head.text not in ARGUMENTS:
            raise ScriptError(UNKNOWN_COMMAND, number, head.column)
        kinds = ARGUMENTS[head.text].split()
        plain = [token for token in rest if not _OPTION.fullmatch(token.text)]
        end = rest[-1].column + len(rest[-1].text) if rest else head.column + len(head.text)
        if len(plain) < len(kinds):
            raise ScriptError(BAD_ARGUMENT, number, end)
        if len(plain) > len(kinds):
            raise ScriptError(STRANGE, number, plain[len(kinds)].column)
        arguments = tuple(
            self._argument(token, kind, number) for token, kind in zip(plain, kinds, strict=True)
        )
        options = tuple(self._option(head.text, token, number) for token in rest if token not in plain)
        self._block(head, number)
        return Command(head.text, number, arguments, options)

    def _argument(self, token: Token, kind: str, line: int) -> Argument:
        text = token.text
        if kind in _FORMS:
            form, code = _FORMS[kind]
            if not form.fullmatch(text):
                raise ScriptError(code, line, token.column)
            if kind == "new":
                self._declare(token, line)
            if text.startswith('f"'):
                for match in _FILLED.finditer(text):
                    self._variable(match[1], token.column + match.start(1), line)
            return text
        if kind == "number" and (text[0].isdigit() or text[0] in "+-"):
            return self._literal(token, line)
        return self._variable(text, token.column, line)

    def _declare(self, token: Token, line: int) -> None:
        if token.text in self.declared:
            raise ScriptError(EXISTS, line, token.column)
        self.declared[token.text] = True

    def _literal(self, token: Token, line: int) -> Number:
        value = read_literal(token.text)
        if value is None:
            raise ScriptError(MALFORMED, line, token.column)
        return value

    def _variable(self, text: str, column: int, line: int) -> Variable:
        if match := _PLACE.fullmatch(text):
            index = match[2]
            place = (
                self._literal(Token(index, column + match.start(2)), line)
                if index[0].isdigit()
                else self._variable(index, column + match.start(2), line)
            )
            self._known(match[1], column, line)
            return Variable(match[1], place)
        if not _NAME.fullmatch(text):
            raise ScriptError(STRANGE, line, column)
        self._known(text, column, line)
        return Variable(text)

    def _known(self, name: str, column: int, line: int) -> None:
        if name not in self.declared:
            raise ScriptError(UNDECLARED, line, column)

    def _option(self, command: str, token: Token, line: int) -> tuple[str, tuple[Argument, ...]]:
        match = _OPTION.fullmatch(token.text)
        assert match is not None
        kinds = OPTIONS.get(command, {}).get(match[1])
        if kinds is None:
            raise ScriptError(BAD_OPTION, line, token.column)
        inside = [
            Token(found[0], token.column + match.start(2) + found.start())
            for found in re.finditer(r"\S+", match[2])
        ]
        if len(inside) != len(kinds.split()):
            raise ScriptError(BAD_ARGUMENT, line, token.column)
        return match[1], tuple(
            self._argument(each, kind, line) for each, kind in zip(inside, kinds.split(), strict=True)
        )

    def _block(self, head: Token, line: int) -> None:
        """Open or close a block."""
        name = head.text
        inner = self.blocks[-1][0] if self.blocks else ""
        in_loop = [kind for kind, _ in self.blocks if kind != "if"]
        wrong = (
            (name in ("elseif", "else", "endif") and inner != "if")
            or (name == "endloop" and inner in ("", "if"))
            or (name == "breakloop" and not in_loop)
            or (name == "on_finished:" and (bool(self.blocks) or self.finished))
        )
        if wrong:
            raise ScriptError(NOT_HERE, line, head.column)
        if name.startswith("meas_loop") and "meas_loop" in in_loop:
            raise ScriptError(NESTED, line, head.column)
        if name in ("endif", "endloop"):
            self.blocks.pop()
        elif name in ("if", "loop") or name.startswith("meas_loop"):
            self.blocks.append(("meas_loop" if name.startswith("meas_loop") else name, line))
        elif name == "on_finished:":
            self.finished = True


def _tokens(line: str, number: int) -> Iterator[Token]:
    """Yield the words of a line up to a comment."""
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
        elif line[at] == "#":
            return
        else:
            match = _TOKEN.match(line, at)
            if match is None or not line.isascii():
                raise ScriptError(STRANGE, number, at + 1)
            yield Token(match[0], at + 1)
            at = match.end()
