"""Experiments in a terminal: one that fails leaves the same words, run alone or beside others."""

from types import SimpleNamespace

import pytest

from devices.errors import LabError
from devices.sputter.unfinished import UnfinishedFilm
from labctl.running import run_shown, run_together


class Tool:
    """A chamber that breaks its film off."""

    role = "SputterSystem"
    unfinished = None
    latched = ""

    def reset(self):
        pass

    def report(self):
        return {"latched": self.latched}

    def fail(self, *_):
        self.latched = "it burnt"
        self.unfinished = UnfinishedFilm(
            "s1", "h", "LiCoO2", 700, 118, 118e-9, 300.0, 0.0, ("it burnt",), True
        )
        raise LabError("it burnt")


@pytest.fixture
def lab():
    tool = Tool()
    return SimpleNamespace(
        devices={"sputter": tool},
        bench=SimpleNamespace(name="line"),
        data="data",
        workers=object(),
        RE=SimpleNamespace(subscribe=lambda _: 1, unsubscribe=lambda _: None),
        run=tool.fail,
        resume=tool.fail,
        plan_of=lambda experiment: experiment,
        start=lambda plan, name: SimpleNamespace(name=name, state="failed", result=tool.fail),
    )


def test_what_a_failed_film_leaves_is_said_of_one_experiment_as_of_several(lab, capsys):
    stopping = SimpleNamespace(check=lambda: None, asked=False, pause=None, engine=None)
    experiment = SimpleNamespace(name="e1")
    with pytest.raises(LabError, match="it burnt"):
        run_shown(lab, stopping, experiment)
    alone = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: ")]
    lab.devices["sputter"].latched, lab.devices["sputter"].unfinished = "", None
    with pytest.raises(LabError, match="1 of 1 experiments failed"):
        run_together(lab, stopping, [experiment])
    beside = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: ")]
    assert beside == alone
    assert len(alone) == 2


def test_what_was_left_before_is_not_said_again(lab, capsys):
    stopping = SimpleNamespace(check=lambda: None, asked=False, pause=None, engine=None)
    for _ in range(2):
        with pytest.raises(LabError):
            run_together(lab, stopping, [SimpleNamespace(name="e1")])
    assert capsys.readouterr().out.count("Next: ") == 2
