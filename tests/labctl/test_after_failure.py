"""What an early end leaves to a person is said with what is to be typed."""

from types import SimpleNamespace

import pytest

from devices.sputter.unfinished import UnfinishedFilm
from labctl.after_failure import left_over


def chamber(*doubts, latched="", role="SputterSystem", accounted=True, film=True):
    left = UnfinishedFilm("film-1", "h", "LiCoO2", 700, 118, 118.6e-9, 300.0, 0.0, doubts, accounted)
    return SimpleNamespace(
        role=role,
        unfinished=left if film else None,
        reset=lambda: None,
        report=lambda: {"latched": latched},
    )


def test_nothing_is_left_by_what_is_done():
    assert left_over({"sputter": chamber(film=False), "door": object()}, "line") == ()


def test_a_fault_asks_for_its_reset():
    (said,) = left_over({"furnace": chamber(latched="it burnt", film=False)}, "line")
    assert "`labctl reset furnace --bench line`" in said


@pytest.mark.parametrize(
    ("role", "plan"), [("SputterSystem", "finish_deposition"), ("Evaporator", "finish_evaporation")]
)
def test_a_film_that_is_not_done_is_told_with_the_plan_that_finishes_it(role, plan):
    (said,) = left_over({"tool": chamber("ended", role=role)}, "line")
    assert said.startswith("the LiCoO2 on film-1 is not done, and doubtful")
    assert f'plan = "{plan}"' in said
    assert "labctl account" not in said


def test_a_film_that_was_cut_off_may_be_accounted_for_instead():
    (said,) = left_over({"tool": chamber("the host died", accounted=False)}, "line")
    assert said.endswith("`labctl account tool --bench line` says that you know what is on it")
