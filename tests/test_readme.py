"""The README's tutorial, executed as it stands: files are written, commands run, Python run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def execute(folder, arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("LABCTL_DATA", None)
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


@pytest.mark.timeout(300)
def test_the_tutorial_does_what_it_says(tmp_path):
    for kind, body in BLOCK.findall(README):
        if kind in ("toml", "steps"):
            (tmp_path / body.split()[1]).write_text(body)
        elif kind == "sh":
            for line in body.splitlines():
                assert line.startswith("labctl ")
                execute(tmp_path, ["-m", *shlex.split(line, comments=True)])
        elif kind == "python":
            printed = execute(tmp_path, ["-c", body]).splitlines()
            assert printed[-2].endswith("Ah")
    assert list((tmp_path / "labctl-data" / "pictures").glob("*.png"))


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
