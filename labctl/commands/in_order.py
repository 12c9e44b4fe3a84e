"""How a command ends that was told to stop."""

from __future__ import annotations

import sys


class StoppedInOrder:
    """Turn Stopped into the exit status a shell expects, once everything is closed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from labctl.stopping import Stopped

        if isinstance(error, Stopped):
            sys.stderr.write(f"{error.name}: ended in good order; what was acquired is in the journal\n")
            raise SystemExit(error.code)
