"""Packages that only an export needs: imported when asked for, missed in a sentence."""

from __future__ import annotations

import importlib
from typing import Any

from devices.errors import DataError


def needed(module: str, package: str) -> Any:
    """Import a module of an optional package. Raises DataError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise DataError(
            f"this needs the package {package}, which is not installed; `pip install 'labctl[export]'` brings it"
        ) from error
