"""Where configuration and data are: one rule for a checkout, an installed wheel and `--config DIR`."""

from __future__ import annotations

import os
from pathlib import Path

from devices.errors import ConfigError, DataError, Mistake

_PACKAGE = Path(__file__).parents[1]

SHARED = Path("/var/lib/labctl")
"""Where a machine's own state lies for all accounts [Filesystem Hierarchy Standard 3.0, 5.8]."""


def config_dir(explicit: Path | None = None) -> Path:
    """Return the configuration folder: `explicit`, else $LABCTL_CONFIG, else the lab around the working folder, else
    what came with labctl.

    Raises ConfigError when the folder is not there.
    """
    chosen = explicit or _from_environment("LABCTL_CONFIG") or lab_around() or shipped_dir()
    if not chosen.is_dir():
        advice = "is not a folder; name one with --config DIR or $LABCTL_CONFIG"
        raise ConfigError([Mistake(str(chosen), "", "", advice)])
    return chosen


def shipped_dir() -> Path:
    """Return the configuration that came with labctl."""
    # A wheel carries the files inside the package; a checkout has them beside it.
    packed = _PACKAGE / "_config"
    return packed if packed.is_dir() else _PACKAGE.parent / "config"


def lab_around() -> Path | None:
    """Return the folder of a lab that the working folder is or lies in, as `labctl init` makes one; None outside."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return None
    for folder in (here, *here.parents):
        if (folder / "limits.toml").is_file() and (folder / "benches").is_dir():
            return None if folder == shipped_dir() else folder
    return None


def data_dir(explicit: Path | None = None) -> Path:
    """Return the data directory, not created: `explicit`, else $LABCTL_DATA, else labctl-data in the lab around the
    working folder, else ./labctl-data."""
    named = explicit or _from_environment("LABCTL_DATA")
    return (named or (lab_around() or Path()) / "labctl-data").absolute()


def kept_dir(explicit: Path | None = None) -> Path:
    """Return the data directory as `data_dir` does, where there is one: for whoever looks at what was kept.

    Raises DataError when there is none: what was mistyped must not look like a lab in which nothing happened.
    """
    chosen = data_dir(explicit)
    if not chosen.is_dir():
        raise DataError(
            f"there is no data folder {chosen}; name one with --data DIR or $LABCTL_DATA. The first `labctl run` makes"
            " its own"
        )
    return chosen


def machine_dir() -> Path:
    """Return the folder of what is so on this machine whatever data a session has, not created.

    $LABCTL_MACHINE, else /var/lib/labctl where it exists and may be written (an administrator makes it, for all
    accounts), else this account's own state folder [XDG base directories]. It outlives a reboot, as locks need not.
    """
    named = _from_environment("LABCTL_MACHINE")
    if named is not None:
        return named.absolute()
    if SHARED.is_dir() and os.access(SHARED, os.W_OK):
        return SHARED
    return (_from_environment("XDG_STATE_HOME") or Path("~/.local/state").expanduser()) / "labctl"


def _from_environment(variable: str) -> Path | None:
    text = os.environ.get(variable, "").strip()
    return Path(text).expanduser() if text else None
