import pytest

from labctl.report.words import OTHERWISE, advice, lasted, number, share


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
