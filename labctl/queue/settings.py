"""Which lab a startup profile opens: labctl-queue.json beside its startup files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.whole_file import write_whole

FILE = "labctl-queue.json"


@dataclass(frozen=True)
class Settings:
    """Bench by name, configuration and data folders, who is the operator of the runs."""

    bench: str
    config: str
    data: str
    operator: str = "queue"

    @property
    def prefix(self) -> str:
        """What the queue's keys in redis begin with: one queue for each bench."""
        return f"labctl_{self.bench}"


def write_settings(profile: Path, settings: Settings) -> None:
    """Write the settings of a profile. Raises OSError."""
    write_whole(profile / FILE, json.dumps(asdict(settings), indent=1).encode())


def read_settings(profile: Path) -> Settings:
    """Return the settings of a profile. Raises DataError when it is none of ours."""
    try:
        return Settings(**json.loads((profile / FILE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{profile} is no startup profile of labctl; `labctl queue profile {profile}` makes one"
        ) from error
