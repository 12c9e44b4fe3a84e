"""A chamber on which films are made while something fails, and its twin's black box."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.errors import InterlockError
from labctl import Run
from labctl.config.folder import Config
from labctl.runs.briefs import run_files
from labctl.samples.believed import believed
from sim.sputter.built import PlannedFault

ROOT = Path(__file__).parents[2]


class FaultyFilm:
    """A session whose station makes a film; nobody lets a doubtful one go on.

    station, plan_name: what makes it. material: what it is; layers: where a sample has it. Whoever is of its kind has
    a sample and a recipe as well, and calls `wired` with the session.
    """

    station = plan_name = material = layers = ""

    def __init__(self):
        self.answers = []

    def wired(self, lab):
        self.lab = lab
        self.twins = lab.twins.station(self.station)
        self.chamber = self.twins.chamber

    def asked(self, sentence):
        self.answers.append(sentence)
        return "no"

    def plan(self, fault, at, of="", value=None):
        """Have a fault come at a time [s]."""
        self.twins.faults.plan(PlannedFault(fault, of, time=at, value=value))

    def when(self, event, text=""):
        """Return when the black box saw something [s]."""
        return [at for at, what, said in self.chamber.log if what == event and said.startswith(text)]

    def run(self):
        """Return the run of the film, whatever came after it."""
        runs = [Run(path) for path in run_files(self.lab.data)]
        return next(run for run in runs if run.start["plan_name"] == self.plan_name)

    def require_doubtful(self, reason=""):
        """Require that the layer is doubtful in record and belief, and that the next step does not take it unasked."""
        layer = self.run().table("layers")
        assert layer["doubtful"][0] == 1
        assert layer["reasons"][0]
        assert reason in str(layer["reasons"][0])
        there = getattr(believed(self.lab.data, self.sample).sample, self.layers)[-1]
        assert there.material == self.material
        assert there.doubtful
        with pytest.raises(InterlockError, match="doubtful"):
            self.take_on()
        assert self.answers

    def take_on(self):
        """Have the next step take the sample."""
        recipe = Config(ROOT / "config").furnace("furnace-520C-15min")
        self.lab.RE(self.lab.plans.bake(self.lab.furnace, self.sample, recipe))


@contextmanager
def maker_of(kind, data):
    """Give a function that makes rigs of a kind on a data folder, and close their sessions in the end."""
    made = []

    def tool(**changes):
        made.append(kind(data, **changes))
        return made[-1]

    yield tool
    for each in made:
        each.lab.close()
