import pytest

from labctl.night.conditions import Condition
from labctl.report.words import OTHERWISE, advice, is_left_out, lasted, number, share


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.0, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "1 h 00 min"), (59_940.0, "16 h 39 min"),
     (200_000.0, "2 d 7 h"), (float("nan"), "")],
)  # fmt: skip
def test_durations_are_said_as_people_read_them(seconds, words):
    assert lasted(seconds) == words


def test_what_is_no_number_is_not_shown_as_one():
    assert number(None, "V") == number(float("nan"), "V") == share(1.0, 0.0) == share(None, 2.0) == ""
    assert (number(3.14159, "V"), share(1.0, 4.0)) == ("3.142 V", "25.0%")


def test_every_reason_has_advice_and_a_known_one_its_own():
    assert advice("failed", "what nobody foresaw", "a", "n", over=True) == OTHERWISE
    assert "cable" in advice("failed", "Timeout: no reply", "a", "n", over=True)
    assert "go-on" in advice("asks", "", "a", "n", over=False)
    assert "go-on" not in advice("asks", "", "a", "n", over=True)


def test_what_a_condition_left_out_needs_nobody():
    unmet = Condition.parse("a:last_discharge>100 uAh").unmet([])
    assert not is_left_out("skipped", unmet)
    low = "a: last_discharge > 100 uAh: it is 6.826 uAh"
    for reason in (low, f"b was not done (skipped: {low})"):
        assert is_left_out("skipped", reason)
        assert "nothing is to be done" in advice("skipped", reason, "c", "n", over=True)
    assert not is_left_out("failed", low)
    assert not is_left_out("skipped", "a failed on the same sample")
