"""Lines to a SourceMeter and its replies: settings that it acknowledges, questions, and its error queue."""

from __future__ import annotations

from devices.errors import Garbled, InstrumentError
from devices.sourcemeter.dialect import LINE, error, numbers, printable
from devices.wire import Wire


class Line:
    """One SourceMeter at the end of a wire."""

    def __init__(self, name: str, wire: Wire) -> None:
        self._name, self._wire = name, wire

    def settle(self, *commands: str, repeat: bool = True) -> None:
        """Send commands as one line and read what the instrument says of them. Raises InstrumentError."""
        line = ";".join((*commands, ":SYST:ERR?"))
        code, said = self._wire.ask(line.encode() + b"\n", LINE, error, repeat=repeat)
        if not code:
            return
        first = (code, said)
        while code:
            code, said = self.error()
        raise InstrumentError(self._name, str(first[0]), f"{first[1]} (to {'; '.join(commands)})")

    def error(self) -> tuple[int, str]:
        """Return the oldest error of the queue, 0 for none, and what it says."""
        return self._wire.ask(b":SYST:ERR?\n", LINE, error, repeat=True)

    def ask(self, query: str, patience: float | None = None) -> str:
        """Return the reply to a question; patience [s] for one that takes long."""
        return self._wire.ask(query.encode() + b"\n", LINE, printable, deadline=patience, repeat=True)

    def numbers(self, query: str, count: int = 1) -> list[float]:
        """Return the numbers of a reply. Raises Garbled when there are more or fewer."""

        def parse(reply: bytes) -> list[float]:
            values = numbers(reply)
            if len(values) != count:
                raise Garbled(f"{len(values)} numbers where {count} were asked for; they were thrown away")
            return values

        return self._wire.ask(query.encode() + b"\n", LINE, parse, repeat=True)
