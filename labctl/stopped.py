"""What ends a script that a signal told to end."""

from __future__ import annotations


class Stopped(BaseException):
    """Somebody asked the script to end; `code` is the exit status a shell expects."""

    def __init__(self, name: str, code: int) -> None:
        self.name, self.code = name, code
        super().__init__(name)
