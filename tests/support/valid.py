"""Documents of runs held against event-model's schemas."""

from __future__ import annotations

from pathlib import Path

from event_model import DocumentNames, schema_validators

from labctl.runs.briefs import run_files
from labctl.runs.run import Run


def hold(run: Run) -> None:
    """Hold every document of a run against its schema. Raises what event-model's validators do."""
    for name, document in run.documents:
        schema_validators[DocumentNames[name]].validate(document)


def hold_all(data: Path) -> int:
    """Hold every document of all journals in a data folder against its schema; return how many journals there are."""
    paths = run_files(data)
    for path in paths:
        hold(Run(path))
    return len(paths)
