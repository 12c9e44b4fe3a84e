"""What can be seen of a lamp by asking its instruments, and what was seen last."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devices.clock import Clock
from devices.errors import LabError
from devices.lamp.discharge import bank_in_words
from devices.lamp.parts import LampParts
from devices.lamp.permissives import FRESH, PERMISSIVES, Verdict, judged
from devices.lamp.temperatures import Witnesses
from devices.roles.lamp_parts import ChargerState

log = logging.getLogger(__name__)

UNKNOWN = "unknown: the charger does not answer"


class Looks:
    """Asks charger, board and witnesses on behalf of people, and remembers what anybody's look saw."""

    def __init__(
        self, name: str, clock: Clock, parts: LampParts, witnesses: Witnesses, bleeds: float
    ) -> None:
        self._name, self._clock, self._parts, self._witnesses = name, clock, parts, witnesses
        self._bleeds = bleeds
        self._charger: tuple[float, ChargerState] | None = None
        self._verdicts: Mapping[str, Verdict] = {}

    def charger(self) -> ChargerState | None:
        """Ask the charger, to tell people; whatever fails then must not hide what they wanted to know."""
        try:
            state = self._clock.call(self._parts.charger.state)
        except Exception as error:  # noqa: BLE001 - as the docstring says
            log.warning("%s: the charger's state is not known: %r", self._name, error)
            return None
        self.saw(state)
        return state

    def bank(self) -> str:
        """Return what the bank is, and how old that is where the charger was not asked for it."""
        state = self.charger()
        if state is None:
            return UNKNOWN
        said = bank_in_words(state, self._bleeds)
        return f"{said}, {state.age:.1f} s ago" if state.age else said

    def verdicts(self, *, afresh: bool, within: float = FRESH) -> dict[str, Verdict]:
        """Ask for every permissive; one whose instrument does not answer is missing.

        afresh: look at the base temperature first; otherwise its last look may be `within` seconds old.
        """
        if afresh and self._witnesses.there:
            try:
                self._clock.call(self._witnesses.look)
            except LabError as error:
                log.info("%s: the base temperature is not known: %s", self._name, error)
        board = self._parts.board
        inputs: Mapping[str, bool] | None
        try:
            inputs = None if board is None else self._clock.call(board.inputs)
        except LabError:
            inputs = {each.name: False for each in PERMISSIVES if each.source == "input"}
        found = judged(inputs, self.charger(), self._witnesses.age(), within)
        self._verdicts = found
        return found

    def saw(self, state: ChargerState, verdicts: Mapping[str, Verdict] | None = None) -> None:
        """Remember what a look saw."""
        self._charger = (self._clock.now() - state.age, replace(state, age=0.0))
        if verdicts is not None:
            self._verdicts = {**self._verdicts, **verdicts}

    def remembered(self) -> tuple[dict[str, Verdict], dict[str, Any]]:
        """Return the verdicts last found and the last readings with their age [s], in JSON."""
        reading: dict[str, Any] = {}
        now = self._clock.now()
        if self._charger is not None:
            at, state = self._charger
            reading["bank"] = {"voltage": state.voltage, "high_voltage_on": state.high_voltage_on}
            reading["age"] = now - at
        seen = self._witnesses.last
        if seen is not None:
            base = None if math.isnan(seen.base) else seen.base
            reading["base"] = {"temperature": base, "age": now - seen.at}
        return dict(self._verdicts), reading
