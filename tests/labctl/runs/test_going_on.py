import bluesky.plan_stubs as bps
import pytest

from labctl.runs.briefs import find_run
from labctl.runs.going_on import going_on

UID = "98ff5d8c-0000-4000-8000-000000000000"


def opened(kept, **md):
    """Return what a run is opened with in a session, when its plan says `md`."""
    (message,) = going_on(kept.folder)(bps.open_run(md))
    return message.kwargs


def test_a_follower_belongs_to_the_experiment_of_the_run_that_died(kept):
    dead = kept.begin(plan="cycle", experiment="e-1", inputs=["anneal"], notes="mine")
    dead.close()
    assert opened(kept, continues=dead.uid, inputs=[], program="p") == {
        "continues": dead.uid,
        "program": "p",
        "experiment": "e-1",
        "inputs": ["anneal"],
    }
    follower = kept.begin(plan="take_over", **opened(kept, continues=dead.uid))
    follower.close()
    assert opened(kept, continues=follower.uid)["experiment"] == "e-1"


def test_what_the_plan_says_itself_stays(kept):
    dead = kept.begin(plan="cycle", experiment="e-1", inputs=["anneal"])
    dead.close()
    said = {"continues": dead.uid, "experiment": "e-2", "inputs": ["other"]}
    assert opened(kept, **said) == said


@pytest.mark.parametrize("md", [{}, {"continues": UID}, {"continues": "../x"}, {"experiment": "e-1"}])
def test_without_a_run_that_died_nothing_is_added(kept, md):
    kept.begin(plan="cycle", experiment="e-0").close()
    assert opened(kept, **md) == md


def test_a_dead_run_that_cannot_be_read_holds_up_nobody(kept):
    dead = kept.begin(plan="cycle", experiment="e-1")
    dead.close()
    path = find_run(kept.folder, dead.uid)
    path.write_bytes(path.read_bytes().replace(b"e-1", b"e-7"))
    assert opened(kept, continues=dead.uid) == {"continues": dead.uid}
