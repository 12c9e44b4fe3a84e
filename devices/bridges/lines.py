"""The form of a bridge's lines, both ways: one JSON object a line, its last member a check of all before it.

`{"id":7,"do":"state","channel":0,"check":"5b9d6a53"}` and a newline. The check is the CRC-32, eight hex
digits, of the bytes up to the comma before "check". JSON alone would let a garbled digit through as another
number.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devices.errors import Garbled

_MARK = b',"check":"'


def pack(message: Mapping[str, Any]) -> bytes:
    """Return the line of a message; ValueError when it is empty or holds NaN."""
    if not message:
        raise ValueError("an empty message")
    text = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    body = text[:-1]
    return body + _MARK + b'%08x"}\n' % zlib.crc32(body)


def unpack(line: bytes) -> dict[str, Any]:
    """Return the message of a line, with or without its newline. Raises Garbled."""
    body, mark, check = line.rstrip(b"\r\n").rpartition(_MARK)
    if not mark or check != b'%08x"}' % zlib.crc32(body):
        raise Garbled(f"{line[:80]!r} fails its check; it was thrown away")
    try:
        message = json.loads(body + b"}")
    except ValueError as error:
        raise Garbled(f"{line[:80]!r} is not JSON; it was thrown away") from error
    if not isinstance(message, dict):
        raise Garbled(f"{line[:80]!r} is not an object; it was thrown away")
    return message


@dataclass(frozen=True)
class ReplyTo:
    """Framing: the next line that answers request `id`; whole lines with another id are late, and dropped."""

    id: int

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove lines up to the one that answers; a garbled line is returned, to be refused."""
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            try:
                message = unpack(line)
            except Garbled:
                return line
            if message.get("id") == self.id:
                return line
        return None
