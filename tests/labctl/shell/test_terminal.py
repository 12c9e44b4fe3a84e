"""The shell on a real terminal, as somebody at a bench has it: few and slow to begin, so each does much."""

import os
import re
import shutil
import sys
from pathlib import Path

import pexpect
import pytest

from labctl import Run

ROOT = Path(__file__).parents[3]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")
LONGEST = 50
"""Seconds for anything to come."""


class Terminal:
    """A shell on a terminal: say() types a line and returns what came until the next prompt."""

    def __init__(self, data, *options, **environment):
        self.child = pexpect.spawn(
            sys.executable,
            ["-P", "-m", "labctl", "shell", "--data", str(data), *options],
            encoding="utf-8",
            codec_errors="replace",
            timeout=LONGEST,
            dimensions=(50, 200),
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "IPYTHONDIR": str(data) + "-ipython",
                "OPENBLAS_NUM_THREADS": "1",
                **environment,
            },
        )
        self._number = 0

    def prompt(self):
        """Return what came until the next prompt."""
        self._number += 1
        self.child.expect(rf"In \[(\x1b\[[0-9;]*m)*{self._number}(\x1b\[[0-9;]*m)*\]: ")
        return CONTROL.sub("", self.child.before)

    def say(self, line):
        self.child.send(f"{line}\r")
        return self.prompt()


@pytest.fixture
def terminal(tmp_path):
    begun = []

    def begin(*options, **environment):
        begun.append(Terminal(tmp_path / "data", *options, **environment))
        return begun[-1]

    yield begin
    for each in begun:
        each.child.close(force=True)


@pytest.mark.slow
def test_a_morning_at_the_bench(terminal, tmp_path):
    shell = terminal()
    assert "bench twin, time is virtual: lamp, potentiostat" in shell.prompt()
    assert 'did you mean "lamp"' in shell.say("lampp")
    assert "recipe? shows what it takes" not in shell.say(
        "film, recipe = samples['lco-0.7um'], recipes['fla-850V-20']"
    )
    assert "nothing has been done yet" in shell.say("anneal(lamp, film, recipe)")
    assert "is a plan that was not called" in shell.say("RE(anneal)")
    ran = shell.say("RE(anneal(lamp, film, recipe))")
    assert "J/cm^2" in ran
    assert "ended: success" in ran
    assert "this session" in shell.say("%lab")
    assert "20 at 850 V" in shell.say("%last")
    assert "safe: lamp is" in shell.say("%safe")
    assert "nothing real was touched" in shell.say("%rehearse anneal(lamp, film, recipe)")
    assert "lamp_charger_voltage" in shell.say("%ct")
    assert "can be read, not set" in shell.say("%mov lamp.charger.voltage 100")
    assert "ZeroDivisionError: division by zero" in shell.say("1/0")
    assert "----> 1 1/0" in shell.say("%tb")
    shell.say("RE.md['proposal'] = 'films'")
    shell.child.send("exit\r")
    shell.child.expect(pexpect.EOF)
    shell.child.wait()
    assert shell.child.exitstatus == 0
    run = Run("last", tmp_path / "data")
    assert run.start["typed"] == "RE(anneal(lamp, film, recipe))"
    diary = (tmp_path / "data" / "logs" / run.start["session_log"]).read_text()
    assert f"run {run.uid}" in diary
    assert "In [4]: RE(anneal)\n" in diary
    assert "failed: ZeroDivisionError" in diary
    again = terminal()
    again.prompt()
    assert "films" in again.say("RE.md['proposal']")
    again.child.close(force=True)


@pytest.mark.slow
def test_ctrl_c_pauses_says_what_is_powered_and_a_second_one_ends_it(terminal, tmp_path):
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    bench = config / "benches" / "twin.toml"
    bench.write_text(bench.read_text().replace('pace = "none"', 'pace = "1"'))
    shell = terminal("--config", str(config))
    shell.prompt()
    shell.child.sendintr()
    shell.child.expect("nothing runs")
    shell.child.send("RE(anneal(lamp, samples['lco-0.7um'], recipes['fla-850V-20']))\r")
    shell.child.expect("1 of 20 pulses")
    shell.child.sendintr()
    said = shell.prompt()
    assert "Paused, and no pulse falls meanwhile: lamp is armed" in said
    assert "RE.resume()" in said
    shell.child.send("exit\r")
    shell.child.expect("the plan at the prompt is paused")
    shell.child.expect("stay, leave?")
    shell.child.send("stay\r")
    shell.prompt()
    shell.child.send("RE.resume()\r")
    shell.child.expect("3 of 20 pulses")
    shell.child.sendintr()
    shell.prompt()
    shell.child.sendintr()
    shell.child.expect("what runs is ended, and made safe")
    shell.child.expect("The plan was ended")
    assert "COOLING" in shell.say("%lab")
    shell.child.send("RE(anneal(lamp, samples['lco-1.2um'], recipes['fla-850V-20']))\r")
    shell.child.kill(15)
    shell.child.expect("ending in good order")
    shell.child.expect(pexpect.EOF)
    shell.child.wait()
    assert shell.child.exitstatus == 143
    assert Run("last", tmp_path / "data").stop["exit_status"] == "abort"
