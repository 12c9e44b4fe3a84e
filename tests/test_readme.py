"""The README's tutorial and the site's pages, executed as they stand: files are written, commands run, Python run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXECUTED = frozenset({"toml", "steps", "sh", "python"})

AFTER_A_FIRST_CELL = (
    "tutorial/first-cell.md",
    "how-to/exports.md",
    "how-to/notebook.md",
    "how-to/recovery.md",
)
"""Pages that look at runs go on in the lab in which the first lesson made them, all others in a new one."""


def execute(folder, arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    for variable in ("LABCTL_DATA", "LABCTL_CONFIG"):
        environment.pop(variable, None)
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def follow(page, folder):
    """Do what a page says, from a folder on; return what each block of Python printed."""
    printed = []
    for kind, body in BLOCK.findall(page):
        if kind in ("toml", "steps"):
            (folder / body.split()[1]).write_text(body)
        elif kind == "sh":
            for line in body.splitlines():
                words = shlex.split(line, comments=True)
                assert words[0] in ("labctl", "cd"), line
                if words[0] == "cd":
                    folder = (folder / words[1]).resolve()
                else:
                    execute(folder, ["-m", *words])
        elif kind == "python":
            printed.append(execute(folder, ["-c", body]).splitlines())
    return printed


def pages():
    """Return the site's pages in which something is executed, one each or in the order that they need."""
    executed = [
        str(path.relative_to(DOCS))
        for path in sorted(DOCS.rglob("*.md"))
        if EXECUTED & {kind for kind, _ in BLOCK.findall(path.read_text())}
    ]
    return [AFTER_A_FIRST_CELL, *((page,) for page in executed if page not in AFTER_A_FIRST_CELL)]


@pytest.mark.timeout(300)
def test_the_tutorial_does_what_it_says(tmp_path):
    (printed,) = follow(README, tmp_path)
    assert printed[-2].endswith("Ah")
    assert list((tmp_path / "labctl-data" / "pictures").glob("*.png"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chain", pages(), ids=lambda chain: chain[0])
def test_the_pages_do_what_they_say(chain, tmp_path):
    lab = tmp_path / "lab"
    for page in chain:
        makes_it = "labctl init lab" in (text := (DOCS / page).read_text())
        if not lab.exists() and not makes_it:
            execute(tmp_path, ["-m", "labctl", "init", "lab"])
        for printed in follow(text, tmp_path if makes_it else lab):
            assert printed, f"{page}: a block of Python that prints nothing"


def test_the_mistakes_shown_are_the_mistakes_made(tmp_path):
    broken = README.split("```toml")[1].split("```")[0]
    broken = broken.replace('"850 V"', '"850 kV"').replace("pulse_count", "pulse_cout")
    (tmp_path / "broken.toml").write_text(broken)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "labctl", "check", "broken.toml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 2
    said = done.stderr
    assert 'recipe.voltage = "850 kV"' in said
    assert "between 200 and 1000 V" in said
    assert 'did you mean "pulse_count"?' in said
