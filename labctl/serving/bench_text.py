"""The bench file of a served bench: the same devices at the addresses where their twins are served."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labctl.config.benches import written_out
from labctl.config.documents import SCHEMA, read
from labctl.config.tools import path_of

Table = Mapping[str, Any]


def served_bench(original: Path, addresses: Mapping[tuple[str, str], str], hands: Path) -> str:
    """Return the text of the bench file `original` with other addresses, by station and part, on the wall's clock."""
    document = read(original)
    devices = {
        name: dict(table) for name, table in written_out(document.body["devices"], document.file).items()
    }
    for (station, part), address in addresses.items():
        parts = devices[station]["parts"]
        served = {**parts[part], "address": address}
        if isinstance(served.get("table"), str):
            served["table"] = str(path_of(served["table"], original))
        devices[station]["parts"] = {**parts, part: served}
    body = {
        "schema": SCHEMA,
        **document.body,
        "name": None,
        "description": f"The twins of {original.stem}, served by another process.",
        "clock": {"kind": "wall"},
        "devices": devices,
        "world": {"served": str(hands)},
    }
    return toml({key: value for key, value in body.items() if value is not None})


def toml(table: Table) -> str:
    """Return a table of text, numbers, truth values, lists and tables as TOML."""
    return "\n".join(_lines(table, ())).lstrip("\n") + "\n"


def _lines(table: Table, path: Sequence[str]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (plain or not table):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # JSON's text, numbers and truth values are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
