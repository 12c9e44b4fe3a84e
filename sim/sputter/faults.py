"""Faults of a chamber by name: what befalls it, when, and how it is mended."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.sputter.built import PlannedFault


@dataclass(frozen=True)
class Fault:
    """One kind of fault: what it may befall, how it begins (of what, value, time [s]) and ends (of what, time [s]).

    of: the names of what it may befall; the first one where none is given.
    """

    of: Sequence[str]
    begin: Callable[[str, float | None, float], object]
    end: Callable[[str, float], object]


class FaultBook:
    """Switches faults by name, now or at their time; a twin, so that what is planned comes at its time.

    faults: by name. planned: what will come. tell: writes into the black box of what it befalls.
    """

    def __init__(
        self,
        faults: Mapping[str, Fault],
        planned: Sequence[PlannedFault],
        tell: Callable[[str, str], None],
    ) -> None:
        self.faults = dict(faults)
        self.log: list[tuple[float, str, str]] = []
        self._tell = tell
        self._due: list[tuple[float, int, PlannedFault, bool]] = []
        self._count = 0
        for each in planned:
            self.plan(each)

    def names(self) -> list[str]:
        """Return every fault as it may be switched: "mfc_dead O2"."""
        return [f"{name} {of}".strip() for name, fault in self.faults.items() for of in fault.of]

    def plan(self, planned: PlannedFault) -> float:
        """Have one come at its time, which is returned [s]. Raises ValueError when there is none such."""
        self._checked(planned.fault, planned.of)
        if (planned.time is None) == (planned.mean is None):
            raise ValueError(f"{planned.fault}: give its time, or a mean time")
        time = planned.time
        if time is None:
            time = random.Random(f"{planned.seed}/{planned.fault}/{planned.of}").expovariate(1.0) * float(
                planned.mean or 0.0
            )
        self._add(time, planned, True)
        if planned.lasts is not None:
            self._add(time + planned.lasts, planned, False)
        return time

    def begin(self, name: str, now: float, of: str = "", value: float | None = None) -> None:
        """Let a fault begin now. Raises ValueError when there is none such."""
        fault, of = self._checked(name, of)
        self._tell("fault", f"{name} {of}".strip())
        fault.begin(of, value, now)

    def end(self, name: str, now: float, of: str = "") -> None:
        """Mend it. Raises ValueError when there is none such."""
        fault, of = self._checked(name, of)
        self._tell("mended", f"{name} {of}".strip())
        fault.end(of, now)

    def advance(self, now: float) -> None:
        """Do nothing: faults come at their times."""

    def next_event(self) -> float | None:
        """Return when the next one begins or ends."""
        return self._due[0][0] if self._due else None

    def fire_event(self, now: float) -> None:
        """Let it begin or end."""
        if not self._due:
            return
        _, _, planned, begins = self._due.pop(0)
        if begins:
            self.begin(planned.fault, now, planned.of, planned.value)
        else:
            self.end(planned.fault, now, planned.of)

    def _add(self, time: float, planned: PlannedFault, begins: bool) -> None:
        self._count += 1
        self._due.append((time, self._count, planned, begins))
        self._due.sort(key=lambda due: due[:2])

    def _checked(self, name: str, of: str) -> tuple[Fault, str]:
        if name not in self.faults:
            raise ValueError(f"no such fault {name!r}; there are {', '.join(self.faults)}")
        fault = self.faults[name]
        if of and of not in fault.of:
            raise ValueError(f"{name} does not befall {of!r}; it may befall {', '.join(fault.of)}")
        return fault, of or fault.of[0]
