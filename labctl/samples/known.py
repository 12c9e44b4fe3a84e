"""Whether a sample is known at all, before something is entered of it: what was mistyped must not become a sample."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from devices.errors import DataError
from labctl.config.checking import nearest
from labctl.config.folder import Config
from labctl.runs.index import ask_index
from labctl.samples.facts import Facts, safe_id


def require_known(data: Path, config: Path | None, samples: Iterable[str]) -> None:
    """Raise DataError for a sample that is neither in the configuration nor in the data folder, or whose id is none."""
    named = [safe_id(sample) for sample in samples]
    kept = ask_index(data, lambda index: index.execute("SELECT DISTINCT sample FROM runs").fetchall())
    known = {*Config(config).names("sample"), *Facts(data).samples(), *(row[0] for row in kept)}
    for sample in named:
        if sample not in known:
            raise DataError(
                f"nothing is known of a sample {sample!r}, in the configuration or in"
                f" {data}{nearest(sample, known) or '.'} Nothing was entered; if it is a new one, say --new"
            )
