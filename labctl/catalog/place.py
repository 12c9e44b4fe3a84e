"""Where the catalogue is: beside the journals, in PostgreSQL, or behind somebody's Tiled server."""

from __future__ import annotations

import fcntl
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pydantic.dataclasses import dataclass as checked_dataclass

from devices.errors import ConfigError, DataError, Mistake, OwnershipError
from labctl.config.checking import validate
from labctl.config.documents import read, shown
from labctl.config.finder import config_dir, data_dir

FOLDER = "catalog"
"""In the data folder: the embedded catalogue, the server's key, the lock."""

SETTINGS = "catalog.toml"
"""In the configuration folder, if anywhere: `schema = 1`, then `[catalog]` with `uri`."""

VARIABLE = "LABCTL_CATALOG"
"""Environment variable with the URI; a password is seen by fewer people there than on a command line."""

DATABASE, TABLES, ARRAYS = "catalog.db", "tables.duckdb", "arrays"
"""Files of the embedded catalogue: the runs' metadata, the rows; a folder: arrays. PostgreSQL has all of it itself."""

SERVERS = ("http", "https")
NEEDED = ("tiled", "bluesky_tiled_plugins", "adbc_driver_manager", "duckdb", "pyarrow", "uvicorn", "awkward")


@dataclass(frozen=True)
class Place:
    """Where one catalogue is. uri: empty for the embedded one, else of a PostgreSQL database or a Tiled server."""

    data: Path
    uri: str = ""

    @property
    def folder(self) -> Path:
        """Where the embedded catalogue, the key and the lock are."""
        return self.data / FOLDER

    @property
    def catalog(self) -> str:
        """The database of the runs' metadata."""
        return self.uri or f"sqlite:///{self.folder / DATABASE}"

    @property
    def tables(self) -> str:
        """The database of the rows."""
        return self.uri or f"duckdb:///{self.folder / TABLES}"

    @property
    def arrays(self) -> str:
        """The folder of the rows' arrays."""
        return (self.folder / ARRAYS).absolute().as_uri()

    @property
    def embedded(self) -> bool:
        """Whether the catalogue is files in the data folder."""
        return not self.uri

    @property
    def may_have_files(self) -> bool:
        """Whether arrays may be files: of this folder's own catalogue, or of a server that keeps them as it likes."""
        return self.embedded or self.is_server

    @property
    def is_server(self) -> bool:
        """Whether a Tiled server that somebody else runs has the catalogue."""
        return urlsplit(self.uri).scheme in SERVERS

    def masked(self, text: str) -> str:
        """Return a text without the password that the URI may have."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        parts = urlsplit(self.uri)
        query = [value for key, value in parse_qsl(parts.query) if "password" in key or "key" in key]
        return [
            each
            for secret in [parts.password, *query]
            if secret
            for each in {secret, quote(secret), unquote(secret)}
        ]

    def __str__(self) -> str:
        if self.embedded:
            return shown(self.folder)
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"  # never the password


@checked_dataclass(frozen=True, config={"extra": "forbid"})
class CatalogSettings:
    """`[catalog]`: the URI of a PostgreSQL database or of a Tiled server."""

    uri: str = ""


@checked_dataclass(frozen=True, config={"extra": "forbid"})
class CatalogFile:
    """What catalog.toml says."""

    catalog: CatalogSettings = CatalogSettings()


def find_place(uri: str = "", config: Path | None = None, data: Path | None = None) -> Place:
    """Return where the catalogue is: `uri`, else $LABCTL_CATALOG, else catalog.toml, else in the data folder.

    Raises ConfigError for a URI of another kind.
    """
    chosen, origin = uri, "--to"
    if not chosen:
        chosen, origin = os.environ.get(VARIABLE, "").strip(), f"${VARIABLE}"
    if not chosen:
        settings = config_dir(config) / SETTINGS
        origin = shown(settings)
        if settings.is_file():
            chosen = validate(CatalogFile, dict(read(settings).body), file=origin).catalog.uri
    if chosen and urlsplit(chosen).scheme not in ("postgresql", *SERVERS):
        allowed = "must begin with postgresql://, http:// or https://; without one the catalogue is in the data folder"
        raise ConfigError([Mistake(origin, "catalog.uri", urlsplit(chosen).scheme or "no scheme", allowed)])
    return Place(data_dir(data), chosen)


def require_tiled() -> None:
    """Raise DataError that says what to install when Tiled is not there."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise DataError("the catalogue needs Tiled, which is not installed: pip install 'labctl[tiled]'")


@contextmanager
def only_one(place: Place) -> Iterator[None]:
    """Be the one process that writes this data folder's catalogue. Raises OwnershipError, DataError."""
    if not place.data.is_dir():
        raise DataError(
            f"there is no data folder {shown(place.data)}; name one with --data DIR or $LABCTL_DATA"
        )
    try:
        place.folder.mkdir(exist_ok=True)
        file = (place.folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{shown(place.folder)}: {error.strerror}; the catalogue cannot be written there"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise OwnershipError(f"the catalogue {place}", f"process {file.read().strip()}") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
