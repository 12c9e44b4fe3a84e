"""The packages of the extra `queue`: imported when asked for, missed in a sentence."""

from __future__ import annotations

import importlib
from typing import Any

from devices.errors import DataError


def needed(module: str) -> Any:
    """Import a module of bluesky-queueserver or of what came with it. Raises DataError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise DataError(
            "this needs the package bluesky-queueserver, which is not installed;"
            " `pip install 'labctl[queue]'` brings it"
        ) from error
