"""A plan call as it is typed: read, with words for what is wrong with it."""

import pytest

from devices.errors import LabError
from devices.samples import Layer, SampleRef
from labctl.rehearsing.call import read_call

FILM = SampleRef(id="film", layers=(Layer("Al", 1e-4), Layer("LiCoO2", 7e-7)))


def plan(lamp, sample, *, spots=()):
    raise AssertionError("a call that is read is not begun")


NAMES = {"plan": plan, "film": FILM, "lamp": "lamp", "rest": {"spots": [FILM]}, "both": ("lamp", FILM)}


@pytest.mark.parametrize(
    "text", ["plan(lamp, film)", "RE(plan(lamp, film))", "lab.RE(plan(*both))", " plan(lamp, sample=film) "]
)
def test_a_call_is_read_and_not_begun(text):
    call = read_call(text, NAMES)
    assert call.name == "plan"
    assert call.samples == (FILM,)


def test_samples_are_found_in_lists_too():
    assert read_call("plan(lamp, film, **rest)", NAMES).samples == (FILM, FILM)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plan", "no plan call; type one with its arguments"),
        ("plan(lamp,", "no plan call; type one"),
        ("pla(lamp, film)", 'did you mean "plan"'),
        ("plan(lamp, flim)", 'did you mean "film"'),
        ("plan(lamp)", "missing a required argument: 'sample'; it is plan(lamp, sample"),
        ("film(lamp)", "is no plan but"),
        ("plan(lamp, 1 / 0)", "1 / 0 cannot be worked out: ZeroDivisionError"),
    ],
)
def test_what_is_no_call_is_refused_in_words(text, said):
    with pytest.raises(LabError) as refused:
        read_call(text, NAMES)
    assert said in str(refused.value)
