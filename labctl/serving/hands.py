"""Hands in a served world: a socket on which a session asks to have samples carried and cells built.

One JSON object a line: {"do": "check", "sample": {...}, "cell": true}, {"do": "bring", "sample": {...}, "place":
"lamp"}, {"do": "assemble", "sample": {...}}, {"do": "measure", "sample": {...}, "material": "LiCoO2"}; the reply is
{"done": true}, with "measured": [value, uncertainty] where that was asked, or {"refused": "why"}.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

from devices.errors import ConnectError
from sim.bench import Bench
from sim.foil import FoilError

PATIENCE = 60.0
"""Seconds that a cell may take to be built, on a machine that does much else."""

Did = Callable[[str, str, str], None]
"""Told of what was done: station, event, in words."""


class ServedHands:
    """The server's side: does on the bench what it is asked to."""

    def __init__(self, bench: Bench, did: Did) -> None:
        self._bench, self._did = bench, did

    def answer(self, line: bytes) -> bytes:
        """Carry out one request and return its reply."""
        try:
            measured = self._carry_out(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            reply: Mapping[str, Any] = {
                "refused": str(error) if isinstance(error, ValueError) else repr(error)
            }
        else:
            reply = {"done": True} if measured is None else {"done": True, "measured": measured}
        return json.dumps(reply).encode() + b"\n"

    def _carry_out(self, request: Mapping[str, Any]) -> tuple[float, float] | None:
        sample = request["sample"]
        match request["do"]:
            case "check":
                self._bench.check(sample, cell=bool(request["cell"]))
            case "bring":
                self._bench.bring(sample, str(request["place"]))
                self._did(
                    str(request["place"]).partition("/")[0],
                    "brought",
                    f"{sample['id']} to {request['place']}",
                )
            case "assemble":
                self._bench.assemble(sample)
                self._did("", "assembled", str(sample["id"]))
            case "measure":
                return self._bench.measure(sample, str(request["material"]))
            case other:
                raise ValueError(f"do = {other!r} is not one of check, bring, assemble, measure")
        return None


class ServedWorld:
    """The session's side: a bench in another process, as far as hands need one."""

    def __init__(self, path: str) -> None:
        self._path = path

    def check(self, description: Mapping[str, Any], *, cell: bool) -> None:
        """Raise ValueError when the twins do not know such a foil, or (cell) such a cell on it."""
        self._ask({"do": "check", "sample": description, "cell": cell})

    def bring(self, description: Mapping[str, Any], place: str) -> None:
        """Carry a foil to a place. Raises FoilError when it cannot be."""
        self._ask({"do": "bring", "sample": description, "place": place})

    def assemble(self, description: Mapping[str, Any]) -> None:
        """Build the cell on a foil. Raises FoilError when it cannot be."""
        self._ask({"do": "assemble", "sample": description})

    def measure(self, description: Mapping[str, Any], material: str) -> tuple[float, float]:
        """Return the step [m] of a film and its standard uncertainty. Raises FoilError when there is none."""
        value, sd = self._ask({"do": "measure", "sample": description, "material": material})["measured"]
        return float(value), float(sd)

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(self._path)
                connection.sendall(json.dumps(request).encode() + b"\n")
                reply = json.loads(connection.makefile("rb").readline())
        except (OSError, ValueError) as error:
            reason = f"{self._path}: {error!r}; is `labctl twin serve` still running?"
            raise ConnectError({"served world": {"hands": reason}}) from error
        if "refused" in reply:
            raise FoilError(reply["refused"])
        found: Mapping[str, Any] = reply
        return found
