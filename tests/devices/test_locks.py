"""Locks on addresses: who holds one is told, and two names of one line are one."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from devices.errors import OwnershipError
from devices.locks import PortLock
from labctl.clock.label import WallLabels

ROOT = Path(__file__).parents[2]


def test_a_lock_names_the_process_that_holds_it_and_since_when(tmp_path: Path) -> None:
    script = f"""
        import pathlib, sys
        from devices.locks import PortLock
        class Clock:
            def time(self): return 1.75e9
        lock = PortLock("/dev/ttyUSB7", Clock(), pathlib.Path({str(tmp_path)!r}))
        print("held", flush=True)
        sys.stdin.readline()
    """
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    clock: Any = WallLabels()
    with holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OwnershipError) as caught:
            PortLock("/dev/ttyUSB7", clock, tmp_path)
        assert caught.value.holder == f"pid {holder.pid} since 2025-06-15T15:06:40+00:00"
        holder.kill()
    lock = PortLock("/dev/ttyUSB7", clock, tmp_path)
    lock.release()
    lock.release()


def test_two_names_of_one_line_are_one_lock(tmp_path: Path) -> None:
    clock: Any = WallLabels()
    (tmp_path / "line").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "line")
    lock = PortLock(str(tmp_path / "line"), clock, tmp_path / "locks")
    with pytest.raises(OwnershipError, match=f"pid {os.getpid()}"):
        PortLock(str(tmp_path / "by-id"), clock, tmp_path / "locks")
    lock.release()
