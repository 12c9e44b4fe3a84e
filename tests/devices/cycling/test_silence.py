"""A link that is silent is borne for as long as patience says, said once, and forgotten when it is back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devices.cycling.silence import Silence
from devices.errors import WireError


def test_a_silence_is_borne_up_to_its_patience_and_begins_anew_after_each_answer() -> None:
    clock: Any = SimpleNamespace(moment=0.0)
    clock.now = lambda: clock.moment
    said: list[str] = []
    silence = Silence(clock, 60.0, lambda code, severity, text: said.append(code))
    lost = WireError("no answer")
    for begun in (0.0, 100.0):
        for after in (0.0, 30.0, 59.9):
            clock.moment = begun + after
            silence.bear(lost, "it goes on")
        silence.end()
        silence.end()
    assert said == ["link_lost", "link_back"] * 2
    clock.moment = 200.0
    silence.bear(lost, "it goes on")
    clock.moment = 260.0
    with pytest.raises(WireError, match="no answer"):
        silence.bear(lost, "it goes on")
