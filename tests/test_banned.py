"""Time is an argument: outside the clock nothing reads or waits for it, and no status brings its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for top in ("labctl", "plans", "devices", "sim")
    for path in sorted((ROOT / top).rglob("*.py"))
    if not path.is_relative_to(ROOT / "labctl" / "clock")
]

BANNED = frozenset(
    {
        "time.sleep",
        "time.time",
        "time.time_ns",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "threading.Timer",
        "asyncio.sleep",
        "ophyd.status.wait",
    }
)

_STATUS = re.compile(r"status|\.(set|kickoff|complete|trigger|prepare|stage|unstage)\(.*\)$", re.IGNORECASE)


def offences(text: str) -> list[str]:
    """Return a sentence for each use of wall time, or of a status that waits by itself."""
    tree = ast.parse(text)
    meaning = dict(aliases(tree))
    said = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = full_name(node, meaning)
            if name in BANNED:
                said.append(f"line {node.lineno}: {name}; ask the clock instead")
        if isinstance(node, ast.Call):
            said += [f"line {node.lineno}: {sentence}" for sentence in call_offences(node)]
    return said


def aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what each imported name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def full_name(node: ast.expr, meaning: dict[str, str]) -> str:
    """Return the dotted name an expression stands for, or nothing."""
    if isinstance(node, ast.Name):
        return meaning.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, meaning)
        return f"{base}.{node.attr}" if base else ""
    return ""


def call_offences(call: ast.Call) -> Iterator[str]:
    """Yield what a call does with a status that it must not."""
    called = ast.unparse(call.func)
    keywords = {keyword.arg for keyword in call.keywords}
    if called.rpartition(".")[2].endswith("Status") and "timeout" in keywords:
        yield f"{called}(timeout=...) counts wall time; use clock.status()"
    if "settle_time" in keywords:
        yield f"{called}(settle_time=...) counts wall time; use the clock"
    if isinstance(call.func, ast.Attribute) and call.func.attr == "wait":
        receiver = ast.unparse(call.func.value)
        if _STATUS.search(receiver):
            yield f"{receiver}.wait() stops virtual time; let a plan or the session wait"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_wall_time_outside_the_clock(path):
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(1)",
        "import time as t\nt.time()",
        "from time import sleep\nsleep(1)",
        "from time import sleep as nap\nnap(1)",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime as dt, date\ndate.today()",
        "import threading\nthreading.Timer(1, print)",
        "from threading import Timer\nTimer(1, print)",
        "stamp = __import__\nimport time\nread = time.time",
        "Status(timeout=3)",
        "ophyd.status.DeviceStatus(device, timeout=3)",
        "Status(settle_time=1)",
        "status.wait()",
        "self._status.wait(3)",
        "lamp.set(3).wait()",
        "lamp.kickoff().wait(timeout=3)",
    ],
)
def test_each_way_to_wall_time_is_noticed(text):
    assert offences(text)


@pytest.mark.parametrize(
    "text",
    [
        "clock.sleep(1)",
        "clock.time()",
        "clock.status('set', 3)",
        "import time\ntime.monotonic()",
        "def sleep(): pass\nsleep()",
        "yield_from = bps.wait(group='a')",
        "stopped.wait()",
    ],
)
def test_the_clock_itself_may_be_used(text):
    assert offences(text) == []
