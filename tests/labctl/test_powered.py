"""What is powered, in words."""

from types import SimpleNamespace

import pytest

from labctl.powered import in_words


@pytest.mark.parametrize(("state", "told"), [("firing", "at least 5 of 20"), ("armed", "is armed, 5 of 20")])
def test_pulses_are_counted_with_the_one_in_flight_in_mind(state, told):
    report = {"state": state, "train": {"done": 5, "asked": 20}}
    assert told in in_words([SimpleNamespace(name="lamp", report=lambda: report)])
