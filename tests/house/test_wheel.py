"""A wheel holds all it needs: installed anywhere, `labctl` finds its packages and its configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_works_from_a_wheel_outside_the_checkout(tmp_path):
    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-P", "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT))
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run("pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "site"), str(wheel))
    site = str(tmp_path / "site")
    assert "no mistakes" in run("labctl", "check", PYTHONPATH=site)
    assert str(tmp_path) in run("labctl", "run", "fla-0.7um", PYTHONPATH=site)
    assert "lco-0.7um" in run("labctl", "runs", PYTHONPATH=site)
