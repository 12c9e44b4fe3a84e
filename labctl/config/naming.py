"""What somebody types where a file is meant: a path, or the name of something in the configuration."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from devices.errors import ConfigError, Mistake
from labctl.config.check import PROGRAM_FILES
from labctl.config.checking import nearest
from labctl.config.documents import quoted, shown
from labctl.config.folder import FOLDERS, Config

FILES = (".toml", *PROGRAM_FILES)
"""Endings of what is a path; a name may have a dot in it ("fla-0.7um")."""


def file_of(typed: str, config: Config, kinds: Collection[str] = tuple(FOLDERS)) -> Path:
    """Return the file that was meant, by its path or by a name of one of these kinds.

    Raises ConfigError for a name that nothing has, with one that is near, and for one that several have.
    """
    if typed.endswith(FILES) or os.sep in typed:
        return Path(typed)
    found = [config.path(kind, typed) for kind in kinds if typed in config.names(kind)]
    if len(found) == 1:
        return found[0]
    folder, what = shown(config.directory), " or ".join(kinds)
    if found:
        files = " or ".join(shown(each) for each in found)
        reason = f"several files have this name; give one of them: {files}"
    else:
        known = {name: kind for kind in kinds for name in config.names(kind)}
        near = nearest(typed, known)
        of = next((f" (of a{_n(kind)} {kind})" for name, kind in known.items() if f'"{name}"' in near), "")
        reason = f"no {what} has this name{near}{of}; a file ends in {', '.join(FILES)}"
    raise ConfigError([Mistake(folder, "", quoted(typed), reason)])


def _n(word: str) -> str:
    return "n" if word[0] in "aeiou" else ""
