"""The command line, as its own parser has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import typer

from labctl.cli import app
from tables.markdown import code, prose, table


def command_line() -> str:
    """Return every command with its usage, arguments and options."""
    root = typer.main.get_command(app)
    return "\n".join([prose(app.info.epilog or ""), "", *_commands(root, "labctl")])


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        context = command.make_context(name, [], resilient_parsing=True)
        context.info_name = f"{path} {name}"
        yield f"## {path} {name}\n"
        yield f"```text\n{path} {name} {' '.join(command.collect_usage_pieces(context))}\n```\n"
        yield f"{prose(inspect.cleandoc(command.help or ''))}\n"
        records = [param.get_help_record(context) for param in command.get_params(context)]
        rows = [(code(record[0].strip()), prose(record[1] or "")) for record in records if record is not None]
        yield table(("argument or option", "what it is"), [row for row in rows if row[0] != "`--help`"])
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")


MADE: Mapping[str, Callable[[], str]] = {"command-line": command_line}
