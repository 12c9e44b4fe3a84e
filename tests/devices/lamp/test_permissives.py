"""Permissives are a table: what is missing is named, and what nobody watches is never called well."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError
from devices.lamp.permissives import FRESH, PERMISSIVES, judged, require
from devices.roles.lamp_parts import ChargerState

WELL = ChargerState(0.0, 0.0, False, False)
FAULTY = ChargerState(0.0, 0.0, False, True)
INPUTS = {each.name: True for each in PERMISSIVES if each.source == "input"}


def test_all_well_is_required_without_a_word() -> None:
    verdicts = judged(INPUTS, WELL, 0.1)
    assert set(verdicts.values()) == {"ok"}
    require(verdicts, "")


@pytest.mark.parametrize("name", INPUTS)
def test_an_open_contact_is_missing_by_its_name(name: str) -> None:
    with pytest.raises(InterlockError, match="nothing was charged") as refused:
        require(judged({**INPUTS, name: False}, WELL, 0.1), "nothing was charged")
    assert refused.value.permissive == name


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(InterlockError) as refused:
        require(judged({**INPUTS, "door": False}, FAULTY, FRESH + 0.1), "")
    assert refused.value.permissive == "door, charger, temperature"


def test_what_nobody_watches_is_told_so_and_stops_nothing() -> None:
    verdicts = judged(None, None, None)
    assert set(verdicts.values()) == {"not watched"}
    require(verdicts, "")
    partly = judged({"door": True}, WELL, None)
    assert (partly["door"], partly["water"]) == ("ok", "not watched")
