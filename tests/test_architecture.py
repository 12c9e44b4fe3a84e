"""Who may import whom, read from the sources; each breach is a sentence."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("labctl", "plans", "devices", "sim")

MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "labctl.analysis": ("labctl.analysis",),
    "labctl": ("labctl", "plans", "devices", "sim"),
    "plans": ("plans", "devices"),
    "devices": ("devices",),
    "sim.physics": ("sim.physics",),
    "sim.materials": ("sim.materials", "sim.physics"),
    "sim.twins": ("sim.twins", "sim.materials", "sim.physics"),
    "sim": ("sim",),
}
"""For each package of ours, which of ours it may import; the first that fits a module counts."""

FOREIGN_TO_SIM = ("bluesky", "ophyd", "ophyd_async", "event_model")
PHYSICS_MAY_USE = ("numpy", "scipy")


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, whether it is a package's `__init__.py`, and its syntax tree."""

    name: str
    is_package: bool
    tree: ast.Module


@cache
def sources() -> tuple[Source, ...]:
    """Return every module of ours."""
    found = []
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found.append(Source(name, is_package, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return tuple(found)


def imports(source: Source, known: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what `source` imports when it runs; `from a import b` is a.b where that is a module."""
    for node in running(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from (inner for branch in node.orelse for inner in (branch, *running(branch)))
        else:
            yield node
            yield from running(node)


def within(module: str, package: str) -> bool:
    """Return whether a module is a package or stands in it."""
    return module == package or module.startswith(f"{package}.")


def breaches(source: Source) -> list[str]:
    """Return a sentence for each import that crosses the house the wrong way."""
    package = next(package for package in MAY_IMPORT if within(source.name, package))
    allowed = MAY_IMPORT[package]
    said = []
    for target in imports(source, names()):
        top = target.partition(".")[0]
        if top in OURS and not any(within(target, each) for each in allowed):
            said.append(f"{source.name} imports {target}; {package} may import {' and '.join(allowed)} only")
        if within(source.name, "sim") and top in FOREIGN_TO_SIM:
            said.append(f"{source.name} imports {target}; sim knows neither bluesky nor ophyd")
        if within(source.name, "sim.physics") and not physics_may(top):
            said.append(f"{source.name} imports {target}; sim.physics may use numpy and scipy only")
    return said


def physics_may(top: str) -> bool:
    """Return whether physics may use a top-level package that is not ours."""
    return top in (*OURS, *PHYSICS_MAY_USE) or top in sys.stdlib_module_names


@cache
def names() -> frozenset[str]:
    """Return the names of our modules."""
    return frozenset(source.name for source in sources())


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one import cycle in order, or nothing."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph.get(module, ())):
            found = walk(target, [*way, module])
            if found:
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


def module(name: str, text: str) -> Source:
    """Return a source made up for a test of the tests."""
    return Source(name, False, ast.parse(text))


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_imports_go_one_way(source):
    assert breaches(source) == []


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_imports_are_absolute(source):
    relative = [node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, (
        f"{source.name}: write the whole name of what is imported (line {relative[0].lineno})"
    )


def test_no_modules_import_each_other():
    graph = {source.name: set(imports(source, names())) & names() for source in sources()}
    found = cycle(graph)
    assert not found, f"these modules import each other: {' -> '.join(found)}"


@pytest.mark.parametrize(
    "source", [each for each in sources() if each.is_package], ids=lambda each: each.name
)
def test_a_package_says_what_it_is_and_little_else(source):
    assert ast.get_docstring(source.tree), f"{source.name}/__init__.py has no docstring"
    rest = source.tree.body[1:]
    if source.name == "labctl":
        exported = [
            ast.literal_eval(node.value)
            for node in rest
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        assert exported, "labctl/__init__.py lists no __all__"
        assert len(exported[0]) <= 12, "labctl/__init__.py exports more than the few names that users type"
    else:
        assert not rest, f"{source.name}/__init__.py holds more than its docstring"


def test_every_module_says_what_it_is():
    silent = [source.name for source in sources() if not ast.get_docstring(source.tree)]
    assert not silent, f"these modules have no docstring: {silent}"


def test_tests_and_config_are_no_packages():
    found = [
        str(path.relative_to(ROOT))
        for top in ("tests", "config")
        for path in (ROOT / top).rglob("__init__.py")
    ]
    assert not found, f"{found} would make import packages of folders that are none"


def test_a_breach_is_told_in_a_sentence():
    lamp = module("devices.lamp", "from sim.twins.glassman_fj import GlassmanFJTwin")
    assert breaches(lamp) == ["devices.lamp imports sim.twins.glassman_fj; devices may import devices only"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plans.anneal", "import sim"),
        ("plans.anneal", "def plan():\n    from labctl import units"),
        ("devices.lamp", "import labctl.units"),
        ("labctl.analysis.fits", "from labctl.units import parse"),
        ("labctl.analysis.fits", "import devices.errors"),
        ("sim.physics.lamp.bank", "from sim.materials import al"),
        ("sim.physics.lamp.bank", "import pydantic"),
        ("sim.materials.al", "from sim.twins import glassman_fj"),
        ("sim.twins.glassman_fj", "from sim.bench import Bench"),
        ("sim.twins.glassman_fj", "import devices.errors"),
        ("sim.bench", "import ophyd"),
        ("sim.bench", "from bluesky.utils import Msg"),
    ],
)
def test_each_wrong_way_is_noticed(name, text):
    assert breaches(module(name, text))


def test_what_only_a_type_checker_sees_is_no_import():
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sim\nelse:\n    import devices\n"
    assert list(imports(module("plans.anneal", text))) == ["typing", "devices"]


def test_a_cycle_is_named_in_order():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}}) == []
