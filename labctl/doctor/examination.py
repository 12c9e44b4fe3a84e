"""Everything looked at, one finding after the other, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from devices.errors import ConfigError
from labctl.config.check import check
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.doctor.findings import Finding, note, ok, trouble
from labctl.doctor.holders import holders
from labctl.doctor.installation import installation
from labctl.doctor.instruments import instruments
from labctl.doctor.keeping import data_folder
from labctl.doctor.ports import serial_ports
from labctl.doctor.time import clocks

MARKS = {"ok": "ok", "note": "note", "trouble": "TROUBLE"}


def examine(bench: str, config: Path | None, data: Path | None, deadline: float) -> Iterator[Finding]:
    """Yield every finding: machine, data folder, configuration, and the instruments of a bench where one is named."""
    folder, kept = Config(config), data_dir(data)
    yield from installation()
    yield from serial_ports()
    yield from holders(kept)
    yield from clocks(kept)
    mistakes = check(directory=folder.directory)
    for mistake in mistakes:
        yield trouble(
            "configuration", str(mistake), f"mend it, then labctl check --config {folder.directory}"
        )
    if not mistakes:
        yield ok("configuration", f"{folder.directory.absolute()}: no mistakes")
    try:
        disk = folder.limits().disk
    except ConfigError:
        # Its mistakes have been told.
        return
    yield from data_folder(kept, disk)
    if bench:
        yield from instruments(folder.bench(bench), deadline)
    else:
        there = ", ".join(folder.names("bench"))
        yield note("instruments", "none was asked", f"labctl doctor --bench NAME   # {there}")


def tell(findings: Iterator[Finding], *, as_json: bool) -> bool:
    """Print findings; return whether one is a trouble."""
    if as_json:
        found = list(findings)
        Console(soft_wrap=True, highlight=False).print(
            json.dumps([asdict(each) for each in found], indent=1), markup=False
        )
        return any(each.level == "trouble" for each in found)
    console, found = Console(highlight=False), list(findings)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for each in found:
        table.add_row(MARKS[each.level], Text(each.where), Text(each.what))
    console.print(table)
    for each in found:
        if each.mend:
            console.print(Text(f"{each.where}: {each.mend}"), soft_wrap=True)
    troubles = sum(each.level == "trouble" for each in found)
    console.print(f"{troubles} trouble{'s' if troubles != 1 else ''}" if troubles else "nothing is wrong")
    return bool(troubles)
