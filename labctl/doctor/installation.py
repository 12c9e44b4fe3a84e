"""Versions: is what is installed what labctl needs, and which extras are there."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from labctl import __version__
from labctl.doctor.findings import Finding, note, ok, trouble

DEVELOPERS = frozenset({"dev", "docs", "bench-peers"})
"""Extras that nobody needs on a bench."""


def installation() -> Iterator[Finding]:
    """Yield what is found of packages."""
    yield ok("versions", f"labctl {__version__}, Python {platform.python_version()}")
    try:
        wanted = [Requirement(each) for each in requires("labctl") or ()]
    except PackageNotFoundError:
        yield note(
            "versions", "labctl was not installed, it runs from its sources: versions cannot be compared"
        )
        return
    core = [each for each in wanted if "extra" not in str(each.marker or "")]
    wrong = [said for each in core if (said := _wrong(each))]
    for said in wrong:
        yield trouble("versions", said, "python -m pip install --upgrade labctl")
    if not wrong:
        yield ok("versions", f"{len(core)} packages are as labctl needs them")
    yield from _extras(wanted)


def _extras(wanted: list[Requirement]) -> Iterator[Finding]:
    of: dict[str, list[Requirement]] = {}
    for each in wanted:
        name = _extra_of(each)
        if name and name not in DEVELOPERS:
            of.setdefault(name, []).append(each)
    for name, needed in sorted(of.items()):
        missing = [each.name for each in needed if _version(each.name) is None]
        if not missing:
            yield ok(f"extra {name}", "installed")
        elif len(missing) < len(needed):
            yield note(
                f"extra {name}", f"{', '.join(missing)} missing", f"python -m pip install 'labctl[{name}]'"
            )
        else:
            yield note(f"extra {name}", "not installed", f"python -m pip install 'labctl[{name}]'")


def _extra_of(requirement: Requirement) -> str:
    marker = str(requirement.marker or "")
    return marker.partition("extra == ")[2].strip("\"') ") if "extra ==" in marker else ""


def _wrong(requirement: Requirement) -> str:
    found = _version(requirement.name)
    if found is None:
        return f"{requirement.name} is missing"
    fits = requirement.specifier.contains(found, prereleases=True)
    return "" if fits else f"{requirement.name} {found} is there, {requirement.specifier} is needed"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
