"""Twins of instruments that stand by themselves."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Any

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError
from sim.parts import TwinPart


class SingleTwins:
    """One twin, of whatever class its file defines; it is made with `rng` and those parameters that it asks for."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
    ) -> None:
        self._name = name
        self.parts: Mapping[str, Any] = {
            part: _made(bench, f"{name}.{part}", each) for part, each in parts.items()
        }
        self.twins: Sequence[Twin] = tuple(self.parts.values())

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to the instrument."""
        answer: bytes = self.parts[part].receive(data, now)
        return answer

    def power_cycle(self, part: str, now: float) -> None:
        """Switch the instrument off and on."""
        self.parts[part].power_up(now)

    def deliver(self) -> None:
        """It speaks only when it is asked."""

    def settle(self) -> None:
        """No foil lies here."""

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Refuse it."""
        raise FoilError(f"{foil.id} has no place at {self._name}")

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Refuse it."""
        self.check_put(foil, place)

    def check_take(self, foil: Foil) -> None:
        """No foil lies here."""

    def take(self, foil: Foil, now: float) -> None:
        """No foil lies here."""


def twin_class(stem: str) -> type:
    """Return the twin that sim/twins/<stem>.py defines. Raises ValueError when that is not one."""
    module = import_module(f"sim.twins.{stem}")
    found = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__ and hasattr(each, "next_event")
    ]
    if len(found) != 1:
        raise ValueError(f"{stem}: the file of a twin defines one class with next_event, not {len(found)}")
    return found[0]


def _made(bench: Bench, name: str, part: TwinPart) -> Any:
    kind = twin_class(part.stem)
    wanted = inspect.signature(kind).parameters
    given = {"rng": bench.generator(name)} if "rng" in wanted else {}
    return kind(**given, **part.taken(*wanted))
