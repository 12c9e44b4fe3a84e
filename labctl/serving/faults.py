"""Faults by script: which trouble befalls which wire of a served bench, at a time, at an exchange, or by chance.

    schema = 1
    seed = 7

    [[fault]]
    part = "lamp.charger"
    trouble = "delay"           # ignore, delay, drop, garble, duplicate, truncate, dribble: one exchange each
    lasts = "0.8 s"
    exchange = 12               # the 12th time the client says something; or time = "5 s", or probability = "0.05"

    [[fault]]
    part = "potentiostat.channels"
    trouble = "disconnect"      # or power_cycle, or swap (with other = "lamp.meter")
    lasts = "2 s"
    time = "5 s"

Troubles of one exchange are those of `devices.ports`; the reply suffers, or the request is lost (ignore).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.errors import ConfigError, Mistake
from devices.ports import Fault, Trouble
from devices.quantities import STRICT, Unit
from labctl.config.checking import nearest, validate
from labctl.config.documents import quoted, read, shown
from labctl.config.models import Seed

Mishap = Literal["disconnect", "power_cycle", "swap"]
"""What befalls a link or an instrument as a whole."""

PartName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}$")]
LASTING = ("delay", "disconnect")


@dataclass(frozen=True, config=STRICT)
class PlannedFault:
    """One trouble on one wire, and when.

    time [s] of the bench, exchange (from 1) or probability of each exchange: one of them. times: how many exchanges
    in a row. lasts [s]: of a delay; until the link or the mains are back, until links are swapped back (0: never).
    share of the bytes garbled, at least one. other: the wire whose link is swapped with this one's.
    """

    part: PartName
    trouble: Literal[Trouble, Mishap]
    time: Annotated[float, Field(ge=0), Unit("s")] | None = None
    exchange: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1), Unit("1")] | None = None
    times: Annotated[int, Field(ge=1)] = 1
    lasts: Annotated[float, Field(ge=0, le=1e6), Unit("s")] = 0.0
    share: Annotated[float, Field(ge=0, le=1), Unit("1")] = 0.0
    other: PartName | None = None

    @model_validator(mode="after")
    def _says_when_and_how(self) -> Self:
        if sum(each is not None for each in (self.time, self.exchange, self.probability)) != 1:
            raise ValueError("give one of time, exchange and probability")
        if self.trouble in LASTING and not self.lasts > 0:
            raise ValueError(f"a {self.trouble} lasts; give lasts")
        if (self.trouble == "swap") != (self.other is not None):
            raise ValueError("other is the second wire of a swap, and of nothing else")
        if self.other == self.part:
            raise ValueError("a link cannot be swapped with itself")
        return self

    @property
    def mishap(self) -> bool:
        """Whether it befalls the whole link or instrument."""
        return self.trouble in ("disconnect", "power_cycle", "swap")

    @property
    def of_exchange(self) -> Fault:
        """It as what happens to one exchange."""
        assert self.trouble != "power_cycle"
        assert self.trouble != "swap"
        return Fault(self.trouble, self.lasts if self.trouble == "delay" else self.share)


@dataclass(frozen=True, config=STRICT)
class FaultScript:
    """What happens in one serving; the same seed, the same troubles for the same exchanges."""

    seed: Seed = 0
    fault: tuple[PlannedFault, ...] = ()


def read_faults(path: Path, parts: Sequence[str]) -> FaultScript:
    """Return the script in a file; ConfigError when it is wrong or names a wire that is not among `parts`."""
    document = read(path)
    script = validate(FaultScript, document.body, file=document.file)
    mistakes = [
        Mistake(
            shown(path), f"fault[{index}].{key}", quoted(name), f"no such wire{nearest(name, parts)}; {there}"
        )
        for there in [f"there are {', '.join(parts)}"]
        for index, fault in enumerate(script.fault)
        for key, name in (("part", fault.part), ("other", fault.other))
        if name is not None and name not in parts
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return script


@plain_dataclass
class _Spell:
    """A planned fault and how many exchanges it still befalls."""

    planned: PlannedFault
    left: int = 0
    over: bool = False


class FaultPlayer:
    """Tells for each exchange what befalls it. `chance` is the generator of a wire's spoiled bytes."""

    def __init__(self, script: FaultScript) -> None:
        self._seed = script.seed
        self._spells = [_Spell(fault) for fault in script.fault]
        self._exchanges: Counter[str] = Counter()
        self._chances: dict[str, random.Random] = {}

    def chance(self, part: str) -> random.Random:
        """Return the random numbers of one wire."""
        return self._chances.setdefault(part, random.Random(f"{self._seed}/{part}"))

    def mishaps(self, now: float) -> list[PlannedFault]:
        """Return what befalls links and instruments by the time `now`, each once."""
        due = [spell for spell in self._spells if _is_due(spell, now) and spell.planned.mishap]
        for spell in due:
            spell.over = True
        return [spell.planned for spell in due]

    def next_mishap(self) -> float | None:
        """Return when the next one is due."""
        times = (s.planned.time for s in self._spells if s.planned.mishap and not s.over)
        return min((time for time in times if time is not None), default=None)

    def befalls(self, part: str, now: float) -> list[PlannedFault]:
        """Count one exchange of a wire and return what befalls it: mishaps first, then at most one trouble."""
        self._exchanges[part] += 1
        struck = [
            spell.planned
            for spell in self._spells
            if spell.planned.part == part and self._strikes(spell, now)
        ]
        mishaps = [fault for fault in struck if fault.mishap]
        return [*mishaps, *[fault for fault in struck if not fault.mishap][:1]]

    def _strikes(self, spell: _Spell, now: float) -> bool:
        planned = spell.planned
        if spell.left == 0 and not spell.over and self._begins(spell, now):
            spell.left = planned.times
            spell.over = planned.probability is None
        if spell.left == 0:
            return False
        spell.left -= 1
        return True

    def _begins(self, spell: _Spell, now: float) -> bool:
        planned = spell.planned
        if planned.probability is not None:
            return self.chance(planned.part).random() < planned.probability
        if planned.exchange is not None:
            return self._exchanges[planned.part] == planned.exchange
        return _is_due(spell, now)


def _is_due(spell: _Spell, now: float) -> bool:
    return not spell.over and spell.planned.time is not None and spell.planned.time <= now
