"""Processes for tests that kill or interrupt them: forked from a warm parent, since importing all takes seconds."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

PARENT = """
import json as _json, os as _os, signal as _signal, sys as _sys, traceback as _traceback
import labctl, labctl.config.benches, labctl.session, labctl.runs.briefs
import devices.flash_lamp, devices.potentiostat, devices.instruments.squidstat
import devices.instruments.keithley_2450, devices.instruments.palmsens_emstat4
import scipy.linalg, pyvisa

{source}

pyvisa.ResourceManager("@py").close()
_signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
print("warm", flush=True)
for _line in _sys.stdin:
    _pid = _os.fork()
    if _pid == 0:
        _code = 1
        _told = _json.loads(_line)
        _os.dup2(2, 1)  # the engine prints, too
        try:
            run(**_told)
            _code = 0
        except BaseException:
            with open(_told["said"], "a") as _file:
                _traceback.print_exc(file=_file)
        finally:
            _os._exit(_code)
    print(_pid, flush=True)
"""


class Warm:
    """A process that has everything imported, and forks one for each task that it is told.

    source defines run(said, ...), which is called in the fork with what fork() was told; `said` is a file in which it
    says how far it is, and into which its traceback goes.
    """

    def __init__(self, source):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", PARENT.replace("{source}", textwrap.dedent(source))],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._turn, self._forked = threading.Lock(), []
        assert self.process.stdout.readline() == "warm\n"

    def fork(self, **told):
        """Return the pid of a process that runs with this."""
        with self._turn:
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()
            self._forked.append(int(self.process.stdout.readline()))
            return self._forked[-1]

    def close(self):
        """End what a test that failed left at work, then the parent."""
        for pid in filter(alive, self._forked):
            os.kill(pid, signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def alive(pid):
    """Whether a process is there; those of a warm parent leave nothing behind when they end."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(found, longest=200.0):
    """Return when something is found; fail when it takes longer [s]."""
    until = time.monotonic() + longest
    while not found():
        assert time.monotonic() < until, "it did not come about"
        threading.Event().wait(0.002)
