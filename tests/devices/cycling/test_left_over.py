"""What an earlier session left is taken for nothing else, and goes on only where it can."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devices.cycling.left_over import can_go_on, refuse_other
from devices.cycling.position import Phase
from devices.errors import InterlockError


def left(phase: Any = Phase.BETWEEN, parts: int = 1, *, own: bool = True) -> Any:
    said = {"token": "t", "trace": {}, "program": "p", "sample": "s"}
    return SimpleNamespace(**said, phase=phase, parts=parts, is_of=lambda sample, program: own)


def test_another_cells_program_is_never_taken_for_this_ones() -> None:
    sample: Any = SimpleNamespace(id="other")
    program: Any = SimpleNamespace(name="q")
    own = left()
    assert refuse_other("cell", own, sample, program) is own
    for none in (None, left(own=False)):
        with pytest.raises(InterlockError, match=r"no earlier session|nothing was changed"):
            refuse_other("cell", none, sample, program)


@pytest.mark.parametrize("kept", [False, True])
def test_a_start_of_which_nothing_is_kept_goes_on_only_where_other_parts_are_to_come(kept: bool) -> None:
    cycler: Any = SimpleNamespace(keeps=lambda token, trace: kept)
    assert can_go_on(cycler, left(Phase.BETWEEN))
    assert can_go_on(cycler, left(Phase.STARTING, parts=2))
    assert can_go_on(cycler, left(Phase.STARTING)) is kept
