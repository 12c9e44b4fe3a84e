"""What a shell that opens does not wait for: it is imported at the first touch, and what is missing is told before."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SLOW = (
    "h5py",
    "jedi",
    "matplotlib",
    "pandas",
    "pint",
    "pyarrow",
    "pyvisa",
    "rich",
    "scipy",
    "tiled",
    "xarray",
)
"""Packages that work needs and a prompt does not."""

NOT_YET = (
    "labctl.config.experiments",
    "labctl.config.programs",
    "labctl.rehearsing.rehearsal",
    "devices.multiplexer",
    "devices.remote_table",
    "devices.sputter.parameters",
    "sim.physics.anneal.under_lamp",
    "sim.physics.cell.cell",
    "sim.physics.growth.reactive",
    "sim.remote_lamps",
    "sim.sheets",
    "sim.twins.keithley_2450",
)
"""Modules of ours that this bench has no use for before somebody touches something."""


def shell(tmp_path, typed, *options):
    """Start a shell of its own, have something typed, and return what came of it."""
    return subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "labctl",
            "shell",
            "--data",
            str(tmp_path / "data"),
            *options,
            "-c",
            typed,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_a_shell_opens_without_what_only_work_needs(tmp_path):
    typed = (
        "import sys; lamp.charger, potentiostat.channels, lab.plans.anneal\n"
        f"print('loaded:', sorted(set({SLOW + NOT_YET}) & set(sys.modules)))"
    )
    came = shell(tmp_path, typed)
    assert "loaded: []" in came.stdout, came.stdout + came.stderr


def test_all_of_it_is_there_at_the_first_touch(tmp_path):
    typed = (
        "get_ipython().run_line_magic('lab', '')\n"
        "print(get_ipython().Completer.complete('lamp.char')[1])\n"
        "print(lab.believer.foil(samples['lco-0.7um']).id, programs['formation'].name, experiments['fla-0.7um'].plan)\n"
        "print(np.pi > 3, plt.figure.__name__)"
    )
    came = shell(tmp_path, typed)
    assert "['.charger']" in came.stdout
    assert "lco-0.7um formation anneal_then_cycle" in came.stdout, came.stdout + came.stderr
    assert "True figure" in came.stdout


def test_a_bench_with_mistakes_is_told_before_there_is_a_prompt(tmp_path):
    bench = (ROOT / "config" / "benches" / "twin.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(bench.replace('driver = "srs_dg645"', 'driver = "srs_dg654"'))
    came = shell(tmp_path, "print('typed')", "--bench", str(wrong))
    assert came.returncode == 2
    assert "srs_dg645" in came.stderr
    assert "typed" not in came.stdout


def test_what_fails_makes_the_status_1_and_lab_knows_the_lamp_at_once(tmp_path):
    fails = shell(tmp_path, "1/0")
    assert (fails.returncode, "division by zero" in fails.stderr) == (1, True)
    looks = shell(tmp_path, "get_ipython().run_line_magic('lab', '')")
    assert looks.returncode == 0
    assert "lamp          SAFE   this session  all there" in looks.stdout
