"""Orders to a night that runs: files in its folder, written whole, carried out in their order, then removed."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labctl.whole_file import write_whole

log = logging.getLogger(__name__)

Verb = Literal["add", "remove", "move", "go_on", "stop"]


@dataclass(frozen=True)
class Order:
    """What is to be done: add an entry (its values as in a list, files seen from `folder`), remove or move an item
    (before another one; to the end if none), let an item go on that asks, stop the night."""

    verb: Verb
    item: str = ""
    before: str = ""
    entry: dict[str, Any] | None = None
    folder: str = ""
    who: str = ""


def give(night: Path, order: Order) -> None:
    """Put an order into a night's folder."""
    folder = night / "orders"
    folder.mkdir(exist_ok=True)
    write_whole(folder / f"order-{secrets.token_hex(8)}.json", json.dumps(vars(order)).encode())


def pending(night: Path) -> Iterator[tuple[Path, Order]]:
    """Yield orders not yet carried out, oldest first, with their files; what is none is put aside."""
    written = (night / "orders").glob("order-*.json")
    for path in sorted(written, key=lambda each: each.stat().st_mtime_ns):
        try:
            order = Order(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            # Somebody's slip in this folder must not end the night.
            log.error("%s is no order, it is put aside: %s", path, error)
            path.rename(path.with_suffix(".refused"))
        else:
            yield path, order
