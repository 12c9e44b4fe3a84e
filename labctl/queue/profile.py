"""A startup profile for queueserver: two startup files, permissions, the list of plans and devices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from devices.errors import DataError, LabError
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.queue.package import needed
from labctl.queue.settings import FILE, Settings, write_settings
from labctl.whole_file import write_whole
from labctl.wiring import is_twin

LAB = '''"""Opens the bench as the environment is opened; it is closed with it."""

from pathlib import Path

from labctl.queue.worker import devices_of, open_lab

lab = open_lab(Path(__file__).parent)
RE = lab.RE
globals().update(devices_of(lab))
'''

PLANS = '''"""The plans of the lab, their samples, recipes, programs and experiments by name."""

from pathlib import Path

from labctl.queue.worker import functions_of, plans_of

globals().update(plans_of(lab, Path(__file__).parent))
globals().update(functions_of(lab))
'''

PERMISSIONS = """\
# Who may submit what: admin also calls `safe` and `reset`, observer only looks.
user_groups:
  root:
    allowed_plans: [null]
    forbidden_plans: [":^_"]
    allowed_devices: [null]
    forbidden_devices: [":^_:?.*"]
    allowed_functions: ["safe", "reset"]
    forbidden_functions: [":^_"]
  admin:
    allowed_plans: [":.*"]
    allowed_devices: [":?.*:depth=1"]
    allowed_functions: ["safe", "reset"]
  primary:
    allowed_plans: [":.*"]
    allowed_devices: [":?.*:depth=1"]
    allowed_functions: []
  observer:
    allowed_plans: []
    forbidden_plans: [":.*"]
    allowed_devices: []
    forbidden_devices: [":?.*"]
    allowed_functions: []
    forbidden_functions: [":.*"]
"""

FILES = {"00-lab.py": LAB, "10-plans.py": PLANS, "user_group_permissions.yaml": PERMISSIONS}
LISTS = "existing_plans_and_devices.yaml"

LISTING = 120.0
"""Seconds that making the lists may take: opening a bench of twins and importing take 5; guess."""


def write_profile(folder: Path, bench: str, config: Path | None, data: Path | None) -> list[str]:
    """Write a startup profile and return the names of its files.

    The lists of plans and devices are made by queueserver's own tool, on the twins of the bench; a bench with real
    devices is not opened for that: the environment writes them when it is opened the first time.
    Raises ConfigError, and DataError for a folder that holds startup files of somebody else.
    """
    needed("bluesky_queueserver")
    chosen = Config(config)
    opened = chosen.bench(bench)
    others = [] if (folder / FILE).exists() else sorted(path.name for path in folder.glob("*.py"))
    if others:
        raise DataError(
            f"{folder} holds {', '.join(others)}, which would be opened as well; name another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(bench, str(chosen.directory.absolute()), str(data_dir(data).absolute()))
    write_settings(folder, settings)
    for name, text in FILES.items():
        write_whole(folder / name, text.encode())
    if all(is_twin(entry) for entry in opened.devices.values()):
        _list(folder)
        return [FILE, *FILES, LISTS]
    return [FILE, *FILES]


def _list(folder: Path) -> None:
    """Have queueserver's tool write the lists. Raises LabError with what it said."""
    call = (
        "from bluesky_queueserver.manager.gen_lists import gen_list_of_plans_and_devices_cli as make; make()"
    )
    command = [sys.executable, "-P", "-c", call, "--startup-dir", str(folder), "--file-dir", str(folder)]
    path = os.pathsep.join(each for each in sys.path if each)
    made = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LISTING,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    if made.returncode or not (folder / LISTS).exists():
        said = (made.stderr or made.stdout).strip().splitlines()
        raise LabError("queueserver could not list the plans and devices:\n  " + "\n  ".join(said[-20:]))
