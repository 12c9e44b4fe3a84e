"""Somebody new on a real terminal: from `labctl init` to a cycled cell and its picture, and the mistakes on the way.

What is typed is waited for by what comes, never by a time.
"""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pexpect
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[3]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")
LONGEST = 50
"""Seconds for anything to come."""

PROMPT = "here> "


class Newcomer:
    """Types at a terminal in a fresh folder, where `labctl` is a command; what came is returned as it can be read."""

    def __init__(self, folder):
        command = folder / "bin" / "labctl"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m labctl "$@"\n')
        command.chmod(0o755)
        known = {name: value for name, value in os.environ.items() if not name.startswith("LABCTL_")}
        self.child = pexpect.spawn(
            "/bin/sh",
            encoding="utf-8",
            codec_errors="replace",
            timeout=LONGEST,
            dimensions=(50, 200),
            cwd=folder,
            env={
                **known,
                "PATH": f"{command.parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PS1": PROMPT,
                "ENV": "",
                "TERM": "xterm",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "IPYTHONDIR": str(folder / "ipython"),
                "LABCTL_MACHINE": str(folder / "machine"),
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        self._number = 0
        self._until(PROMPT)

    def does(self, line):
        """Type a command of the terminal; return what it said."""
        self.child.send(f"{line}\n")
        return self._until(PROMPT)

    def opens(self):
        """Start the shell."""
        self.child.send("labctl shell\n")
        return self.prompt()

    def prompt(self):
        """Return what came until the next prompt of the shell."""
        self._number += 1
        return self._until(rf"In \[(\x1b\[[0-9;]*m)*{self._number}(\x1b\[[0-9;]*m)*\]: ")

    def says(self, line):
        """Type at the prompt of the shell."""
        self.child.send(f"{line}\r")
        return self.prompt()

    def leaves(self):
        self.child.send("quit\r")
        return self._until(PROMPT)

    def _until(self, pattern):
        self.child.expect(pattern)
        return CONTROL.sub("", self.child.before)


@pytest.fixture
def newcomer(tmp_path):
    somebody = Newcomer(tmp_path)
    yield somebody
    somebody.child.close(force=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_nothing_to_a_cycled_cell_and_its_picture(newcomer, tmp_path):
    made = newcomer.does("labctl init my-lab")
    assert "labctl run first-cell" in made
    assert "labctl shell" in made
    newcomer.does("cd my-lab")
    assert "nothing is wrong" in newcomer.does("labctl doctor")
    assert "lamp, potentiostat" in newcomer.opens()
    overview = newcomer.says("%lab")
    assert "this session" in overview
    assert "potentiostat" in overview
    newcomer.child.send("lab.\t")
    newcomer.child.expect(r"\.potentiostat")
    newcomer.child.sendcontrol("c")
    assert "850 V" in newcomer.says('recipes["gentle"]')
    newcomer.says('film, flashes, cycling = samples["film-1"], recipes["gentle"], programs["first-cycles"]')
    call = "anneal_then_cycle(lamp, potentiostat, hands, film, flashes, cycling)"
    rehearsed = newcomer.says(f"%rehearse {call}")
    assert "nothing real was touched" in rehearsed
    assert "no warnings, no faults" in rehearsed
    assert "nothing has been done yet" in newcomer.says(call)
    ran = newcomer.says(f"RE({call})")
    assert "J/cm^2" in ran
    assert "discharge capacity" in ran
    assert ran.count("ended: success") == 2
    assert "first-cycles" in newcomer.says("%last")
    drawn = re.findall(r"\S+\.png", newcomer.says("%plot"))
    assert any("voltage" in each for each in drawn)
    for each in drawn:
        picture = imread(tmp_path / "my-lab" / each)
        assert min(picture.shape[:2]) > 200
        assert np.count_nonzero(picture[..., :3].min(axis=2) < 0.9) > 1000
    newcomer.leaves()
    runs = newcomer.does("labctl runs")
    assert runs.count("success") == 2
    shown = newcomer.does("labctl show last --stream cycles")
    assert "made by runs" in shown
    assert "discharge_capacity" in shown


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_usual_mistakes_get_a_sentence_each(newcomer, tmp_path):
    newcomer.does("labctl init my-lab")
    newcomer.does("cd my-lab")
    lab = tmp_path / "my-lab"
    bench = lab / "benches" / "twin.toml"
    bench.write_text(bench.read_text().replace('pace = "none"', 'pace = "60"'))
    recipe = (lab / "recipes" / "gentle.toml").read_text()
    (lab / "recipes" / "bare.toml").write_text(recipe.replace('"850 V"', "850"))
    (lab / "recipes" / "long.toml").write_text(recipe.replace("count = 20", "count = 400"))
    program = (lab / "programs" / "first-cycles.toml").read_text()
    (lab / "programs" / "milli.toml").write_text(program.replace("100 uA", "100 mA"))
    newcomer.opens()

    said = {}

    def mistake(line):
        said[line] = newcomer.says(line)
        return said[line]

    assert "there is no 'anneel' here; did you mean \"anneal\"?" in mistake("RE(anneel(lamp))")
    assert "lamp has no 'chager'; did you mean \"charger\"?" in mistake("lamp.chager")
    assert "there is no sample 'film-l'; did you mean \"film-1\"?" in mistake('samples["film-l"]')
    assert 'voltage = 850: give a unit, e.g. "850 V"' in mistake('recipes["bare"]')
    newcomer.says('film, flashes = samples["film-1"], recipes["gentle"]')
    assert "nothing has been done yet. RE(anneal(...)) runs it" in mistake("anneal(lamp, film, flashes)")
    assert 'samples["film-1"]; nothing was begun' in mistake('anneal(lamp, "film-1", "gentle")')
    assert "a Potentiostat is expected" in mistake('RE(cycle(lamp, film, programs["first-cycles"]))')
    beyond = mistake('RE(cycle(potentiostat, film, programs["milli"]))')
    assert "0.0165 A is outside [0, 0.01] A; nothing was sent" in beyond
    assert "Now: lamp is safe, 0 V on its bank, high voltage off; potentiostat is open." in beyond
    assert "is no cell yet" in mistake('RE(cycle(potentiostat, film, programs["first-cycles"]))')
    assert "!labctl runs" in mistake("labctl runs")
    newcomer.child.send('RE(anneal(lamp, film, recipes["long"]))\r')
    newcomer.child.expect(r"[1-9]\d* of 400 pulses")
    newcomer.child.sendintr()
    paused = newcomer.prompt()
    assert "Paused, and no pulse falls meanwhile: lamp is " in paused
    assert "high voltage on" in paused
    again = mistake("RE(anneal(lamp, film, flashes))")
    assert "a plan is paused already; nothing new was begun" in again
    assert "Now: lamp is " in again
    assert "RE.resume()" in again
    assert "resume was not called" in mistake("RE.resume")
    newcomer.says("RE.abort()")
    assert "nothing to go on with" in mistake("RE.resume()")
    assert not [line for line, words in said.items() if "Traceback" in words]
    assert "Traceback" in newcomer.says("%tb")
    newcomer.leaves()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_shell_beside_a_run_says_who_has_the_bench_and_looks_on(newcomer, tmp_path):
    newcomer.does("labctl init my-lab")
    newcomer.does("cd my-lab")
    bench = tmp_path / "my-lab" / "benches" / "twin.toml"
    bench.write_text(bench.read_text().replace('pace = "none"', 'pace = "1"'))
    newcomer.does("labctl run first-cell > said 2>&1 &")
    newcomer.does("until ls labctl-data/runs/*/*/*.jnl > /dev/null 2>&1; do sleep 0.1; done")
    greeting = newcomer.opens()
    assert "bench twin is in use by process" in greeting
    assert "(labctl run first-cell)" in greeting
    assert "(bench twin)" in newcomer.says("%lab")
    refused = newcomer.says('RE(anneal(lamp, samples["film-1"], recipes["gentle"]))')
    assert "there is no 'RE' here, as this shell looks on only" in refused
    assert "leave and start the shell again" in refused
    assert "nothing was done" in newcomer.says("%safe")
    assert "nothing real was touched" in newcomer.says("%rehearse first-cell")
    assert "not yet: it is running" in newcomer.says("%last")
    newcomer.leaves()
    newcomer.does("kill $! && wait")
    assert "abort" in newcomer.does("labctl runs")
