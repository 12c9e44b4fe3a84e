"""A plan, an instrument or a material added to a lab: its files, and a test that fails and says what to do."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from pathlib import Path

from devices.errors import ConfigError, Mistake
from labctl.config.documents import quoted, shown
from labctl.config.finder import shipped_dir
from labctl.config.own import HOMES, imported, join
from labctl.lab_folder.writing import filled, write_new

MATERIALS = ("cathode", "electrolyte", "anode", "substrate", "collector")
"""Kinds of materials, each with a folder of its own."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "instrument": {
        "instruments/@NAME@.py": "instrument.txt",
        "twins/@NAME@.py": "twin.txt",
        "transcripts/@NAME@.toml": "transcript.toml",
        "tests/test_@NAME@.py": "instrument_test.txt",
    },
    "plan": {
        "plans/@NAME@.py": "plan.txt",
        "experiments/@NAME@.toml": "plan_experiment.toml",
        "tests/test_@NAME@.py": "plan_test.txt",
    },
    "material": {
        "materials/@KIND@s/@NAME@.toml": "material.toml",
        "materials/references/@NAME@.toml": "reference.toml",
        "tests/test_material_@NAME@.py": "material_test.txt",
    },
}
"""What is written of each kind, and from which template."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MATERIAL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")


def add(lab: Path, kind: str, name: str, of: str = "cathode") -> list[Path]:
    """Write the files of a new plan, instrument or material (`of` which kind) into a lab, and return them.

    Raises ConfigError for a name that cannot be one or is taken, outside a lab; DataError where a file stands.
    """
    _check(lab, kind, name, of)
    words = {"NAME": name, "CLASS": _class_of(name), "KIND": of}
    if kind == "material":
        words["NUMBERS"] = filled(f"numbers_{of}.toml", NAME=name).rstrip()
    files = {}
    for path, template in KINDS[kind].items():
        place = path.replace("@NAME@", name).replace("@KIND@", of)
        files[lab / place] = filled(template, **words)
    return write_new(files)


def bench_table(name: str) -> str:
    """Return what stands in a bench file for an instrument of its own."""
    return filled("instrument_bench.toml", NAME=name)


def _check(lab: Path, kind: str, name: str, of: str) -> None:
    if kind not in KINDS:
        raise _wrong(kind, f"must be one of {', '.join(KINDS)}")
    if lab.resolve() == shipped_dir().resolve():
        raise _wrong(
            shown(lab),
            "is what came with labctl; make a lab of your own with `labctl init DIR`, and go there",
        )
    pattern = _MATERIAL if kind == "material" else _NAME
    if pattern.fullmatch(name) is None or keyword.iskeyword(name):
        reason = (
            "must be a plain name: lower-case letters, digits and '_', the first a letter, such as my_scale"
        )
        if kind == "material":
            reason = "must be a plain name: letters and digits, the first a letter, such as LiMn2O4"
        raise _wrong(name, reason)
    if kind == "material":
        if of not in MATERIALS:
            raise _wrong(of, f"must be one of {', '.join(MATERIALS)}")
        return
    join(lab)
    package = HOMES["plans" if kind == "plan" else "instruments"]
    taken = {path.stem for folder in package.__path__ for path in Path(folder).glob("*.py")}
    if kind == "plan":
        taken |= imported("labctl.plans", "").discover_plans().keys()
    if name in taken and not (lab / f"{kind}s" / f"{name}.py").exists():
        raise _wrong(
            name, f"is the name of a{'n' if kind == 'instrument' else ''} {kind} of labctl; choose another"
        )


def _wrong(value: str, reason: str) -> ConfigError:
    return ConfigError([Mistake("labctl new", "", quoted(value), reason)])


def _class_of(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
