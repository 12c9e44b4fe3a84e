"""Templates filled in and written where nothing stands yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from devices.errors import DataError
from labctl.config.documents import shown

TEMPLATES = Path(__file__).parent / "templates"


def filled(template: str, **words: str) -> str:
    """Return a template's text with @NAME@ and the like replaced."""
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


def write_new(files: Mapping[Path, str]) -> list[Path]:
    """Write files, all of them or none. Raises DataError when one is there already, or a folder cannot be written."""
    there = [shown(path) for path in files if path.exists() or path.is_symlink()]
    if there:
        more = f" and {len(there) - 2} more" if len(there) > 2 else ""
        raise DataError(
            f"{', '.join(there[:2])}{more}: there already; nothing is overwritten, nothing was written"
        )
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise DataError(f"{shown(path)} cannot be written ({error.strerror}); nothing was kept") from error
    return written
