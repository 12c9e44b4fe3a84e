"""What counts as run: of this experiment, to its end, in good order."""

from types import SimpleNamespace

import pytest

from labctl.reproducing.going import why_not

EXPERIMENT = SimpleNamespace(config_hash="now")


def run(purpose="cycle", status="success", of="now"):
    start = {"purpose": purpose, "experiment_hash": of}
    return SimpleNamespace(uid="0123456789", start=start, stop=status and {"exit_status": status})


def test_an_experiment_that_came_to_its_end_is_found():
    assert why_not([run("anneal"), run()], EXPERIMENT) == ""
    assert why_not([run("map")], EXPERIMENT) == ""


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "not run"),
        ([run("anneal")], "not the end"),
        ([run(), run(status="abort")], "broken off"),
        ([run(status=None)], "broken off"),
        ([run(of="before")], "as it stood before"),
    ],
)
def test_anything_else_says_why_and_is_not_repeated_on_the_same_film(runs, said):
    assert said in why_not(runs, EXPERIMENT)
    assert not runs or "--again" in why_not(runs, EXPERIMENT)
