"""Errors at the prompt: what happened, what state the hardware is in, what to type."""

import pytest
from bluesky.utils import FailedStatus, RunEngineInterrupted

from devices.errors import InterlockError, LabError, LimitError, OwnershipError, Timeout
from labctl.shell.words import NEXT, in_sentences


def raised(action):
    with pytest.raises(Exception) as found:
        action()
    return found.value


def test_an_error_of_ours_says_the_state_and_what_to_type(lab):
    said = in_sentences(InterlockError("door", "the door is open; nothing was charged"), {}, lab, False)
    what, now, what_next = said.splitlines()
    assert what == "InterlockError: door: the door is open; nothing was charged"
    assert now.startswith("Now: lamp is ")
    assert "potentiostat is open" in now
    assert "%rehearse" in what_next
    assert what_next.endswith("%tb shows where")


@pytest.mark.parametrize(
    ("error", "typed"),
    [
        (OwnershipError("bench", "pid 1"), "%lab"),
        (Timeout("nothing came"), "doctor"),
        (LabError("else"), "%safe"),
    ],
)
def test_every_kind_of_ours_says_what_to_type_next(error, typed):
    assert typed in in_sentences(error, {}, None, False)


def test_kinds_are_in_order_so_that_the_narrowest_speaks():
    kinds = [kind for kind, _ in NEXT]
    for index, kind in enumerate(kinds):
        assert not any(issubclass(kind, before) for before in kinds[:index])


def test_typing_errors_are_one_line_without_a_word_on_hardware(lab):
    said = in_sentences(raised(lambda: eval("lampp", {"lamp": 1})), {"lamp": 1, "lab": 2}, lab, False)
    assert said.splitlines()[0] == "NameError: there is no 'lampp' here; did you mean \"lamp\"?"
    assert "Now:" not in said
    missing = raised(lambda: lab.plans.anneal(lab.lamp))
    assert "anneal? shows what it takes" in in_sentences(missing, vars(lab.plans), lab, False)
    wrong = raised(lambda: lab.lamp.chargr)
    assert "lamp has no 'chargr'; did you mean \"charger\"?" in in_sentences(wrong, {}, lab, False)


def test_what_began_something_says_the_state_whatever_it_failed_with(lab):
    assert "Now: lamp is" in in_sentences(ZeroDivisionError("division by zero"), {}, lab, True)


def test_a_pause_says_its_own_words_and_no_others():
    told = "Paused, and no pulse falls meanwhile: lamp is armed. Type RE.resume()"
    assert in_sentences(RunEngineInterrupted(told), {}, None, True) == told


def test_a_failed_status_says_what_it_failed_with():

    error = FailedStatus()
    error.__cause__ = LimitError("lamp.voltage", 2000.0, "V", 0.0, 950.0)
    assert in_sentences(error, {}, None, True).startswith("LimitError: lamp.voltage = 2000 V is outside")


def test_a_plan_that_was_not_called_is_refused_in_words(lab):
    with pytest.raises(LabError, match=r"RE\(anneal\(\.\.\.\)\)"):
        lab.RE(lab.plans.anneal)
