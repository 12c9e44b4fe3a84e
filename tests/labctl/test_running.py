"""Experiments in a terminal: one that fails leaves the same words, run alone or beside others."""

import signal
from queue import Queue
from types import SimpleNamespace

import pytest
from bluesky.utils import RunEngineInterrupted

from devices.errors import LabError
from devices.sputter.unfinished import UnfinishedFilm
from labctl.running import run_shown, run_together
from labctl.stopped import Stopped
from labctl.stopping import Stopping


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


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGINT, "Ctrl-C twice"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_while_it_is_asked_what_comes_next_ends_the_run_with_its_own_reason(
    lab, monkeypatch, number, reason
):
    stopping, ended = Stopping(), []
    engine = SimpleNamespace(state="running", at_work=(), end=ended.append)
    stopping.engine, lab.engines, lab.pause_now = engine, lambda: [engine], lambda: None
    monkeypatch.setattr("labctl.running.somebody_is_there", lambda: True)

    def run(_):
        stopping.handle(signal.SIGINT, None)
        engine.state = "paused"
        raise RunEngineInterrupted

    lab.run = run
    monkeypatch.setattr("labctl.running.choice", lambda *_: stopping.handle(number, None))
    with pytest.raises(Stopped):
        run_shown(lab, stopping, SimpleNamespace(name="e1"))
    assert ended == [reason]


def test_a_second_ctrl_c_before_the_pause_came_about_has_the_same_reason(lab):
    stopping, ended = Stopping(), Queue()
    stopping.engine = SimpleNamespace(state="running", end=ended.put)
    stopping.pause = lambda: None
    for _ in range(2):
        stopping.handle(signal.SIGINT, None)
    assert ended.get(timeout=5.0) == "Ctrl-C twice"


def test_one_ctrl_c_where_nobody_can_be_asked_is_told_by_its_name(lab):
    stopping, ended = Stopping(), Queue()
    stopping.engine = SimpleNamespace(state="running", end=ended.put)
    stopping.handle(signal.SIGINT, None)
    assert ended.get(timeout=5.0) == "SIGINT"
