"""Errors at the prompt: what happened, what state the hardware is in, what to type."""

from dataclasses import replace

import pytest
from bluesky.utils import FailedStatus, RunEngineInterrupted
from IPython.core.error import UsageError

from devices.errors import InterlockError, LabError, LimitError, OwnershipError, Timeout
from labctl.config.folder import Config
from labctl.mistyped import Mistyped
from labctl.shell.magics import LabMagics
from labctl.shell.words import MAGICS, NEXT, in_sentences


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


def test_a_latched_fault_is_told_with_what_lets_go_of_it(lab, sample, recipe):
    lab.lamp._fail(RuntimeError("the charger tripped"))
    error = raised(lambda: lab.RE(lab.plans.anneal(lab.lamp, sample, recipe)))
    said = in_sentences(error, {}, lab, False)
    assert "lamp is in FAULT (RuntimeError: the charger tripped)" in said
    assert "lab.lamp.reset()" in said
    assert "Now: lamp is fault" in said


def test_what_was_mistyped_is_told_without_a_word_on_hardware(lab):
    what, what_next = in_sentences(Mistyped("there is no sample 'x'"), {}, lab, False).splitlines()
    assert what == "there is no sample 'x'"
    assert "NAME?" in what_next


def test_a_recipe_changed_by_hand_is_refused_by_its_value_and_the_units_are_told(lab, recipe):
    said = in_sentences(raised(lambda: replace(recipe, voltage="900 V")), {}, lab, False)
    assert "voltage = '900 V': Input should be a valid number" in said
    assert "850.0 for 850 V" in said
    assert "pydantic.dev" not in said


def test_a_command_of_the_terminal_typed_at_the_prompt_is_told_how_it_runs_here():
    error = raised(lambda: compile("labctl runs", "<prompt>", "exec"))
    assert "!labctl runs" in in_sentences(error, {}, None, False)


def test_a_magic_that_is_none_is_told_with_the_near_one():
    error = UsageError("Line magic function `%labb` not found.")
    assert 'there is no %labb; did you mean "lab"?' in in_sentences(error, {}, None, False)
    assert set(MAGICS) == set(LabMagics.magics["line"])


def test_ending_when_nothing_runs_is_told_in_words(lab):
    assert "nothing runs and nothing is paused" in in_sentences(raised(lab.RE.abort), {}, lab, False)


def test_a_refusal_is_told_with_what_its_cause_asks_for():
    cell = InterlockError("prediction", "film-1 is a cell; it does not belong under the lamp")
    assert "an `id` of its own" in in_sentences(cell, {}, None, False)
    film = InterlockError("sample", "film-1 is no cell yet: its electrolyte and anode are missing")
    assert "assemble_then_cycle" in in_sentences(film, {}, None, False)


def test_an_experiment_given_to_the_engine_is_told_how_it_runs(lab):
    experiment = Config().experiment("fla-0.7um")
    with pytest.raises(Mistyped, match=r'Type lab.run\(experiments\["fla-0.7um"\]\)'):
        lab.RE(experiment)
