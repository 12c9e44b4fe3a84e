"""Who is told what happens in a night: telling.toml, which a lab may do without."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT
from devices.samples import SafeId
from labctl.config.checking import validate
from labctl.config.documents import read

FILE = "telling.toml"

Severity = Literal["info", "warning", "alarm"]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "alarm")
"""The least first."""

Url = Annotated[str, Field(max_length=4000)]


@dataclass(frozen=True, config=STRICT)
class Target:
    """One service that tells people, under a name that is no secret.

    url: as apprise writes it, with its password; or url_from: the environment variable that holds it. least: what is
    less than that is not told there.
    """

    name: SafeId
    url: Url = field(default="", repr=False)
    url_from: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$", max_length=200)] = ""
    least: Severity = "info"

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if bool(self.url) == bool(self.url_from):
            raise ValueError("give url, or url_from with the name of the environment variable that holds it")
        return self

    def address(self) -> str:
        """Return its url; empty where the environment does not have it."""
        return self.url or os.environ.get(self.url_from, "").strip()

    def wants(self, severity: Severity) -> bool:
        """Return whether something of this severity is told there."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.least)


@dataclass(frozen=True, config=STRICT)
class Telling:
    """Everybody who is told."""

    target: Annotated[tuple[Target, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [each.name for each in self.target]
        if len(set(names)) < len(names):
            raise ValueError("two targets have one name")
        return self


def read_telling(directory: Path) -> Telling:
    """Return who is told, by the configuration in a folder: nobody where there is no such file. Raises ConfigError."""
    path = directory / FILE
    return telling(path) if path.exists() else Telling()


def telling(path: Path) -> Telling:
    """Return what stands in a file. Raises ConfigError."""
    document = read(path)
    return validate(Telling, document.body, file=document.file)
