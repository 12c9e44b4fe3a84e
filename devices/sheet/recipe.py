"""What is measured on a sheet of cells, and by which rules its cells are sorted."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

Frequency = Annotated[float, Field(ge=1e-3, le=10e6), Unit("Hz")]
Seconds = Annotated[float, Field(ge=0, le=1e6), Unit("s")]


@dataclass(frozen=True, config=STRICT)
class FormationPulse:
    """What gives a cell a voltage that was made without lithium on its collector: held at a voltage [V] for a time [s].

    rest [s] from then until it is measured, in which a leak shows.
    """

    voltage: Annotated[float, Field(gt=0, le=5), Unit("V")]
    duration: Annotated[float, Field(gt=0, le=1e5), Unit("s")]
    rest: Seconds = 3600.0


@dataclass(frozen=True, config=STRICT)
class BinRule:
    """A bin, and which cells fall into it; each cell into the first that takes it, into `good` if none does.

    voltage: at rest lies more than `drop` [V] below the median of the cells that were formed with it, or of the sheet
    where none were. electrolyte: Re Z at `frequency` [Hz] differs from the median by more than the share `deviation`.
    interface: Re Z at `frequency` less that at the higher `against` [Hz] exceeds its median by more than that share.
    Medians are those of cells that no rule before took.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    of: Literal["voltage", "electrolyte", "interface"]
    drop: Annotated[float | None, Field(gt=0, le=5), Unit("V")] = None
    deviation: Annotated[float | None, Field(gt=0, le=10), Unit("1")] = None
    frequency: Annotated[float | None, Field(ge=1e-3, le=10e6), Unit("Hz")] = None
    against: Annotated[float | None, Field(ge=1e-3, le=10e6), Unit("Hz")] = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = {
            "voltage": {"drop"},
            "electrolyte": {"deviation", "frequency"},
            "interface": {"deviation", "frequency", "against"},
        }[self.of]
        for name in ("drop", "deviation", "frequency", "against"):
            if (getattr(self, name) is None) == (name in needed):
                said = "missing" if name in needed else "has no meaning here"
                raise ValueError(f"{name}: {said}; a rule of {self.of} has {', '.join(sorted(needed))}")
        if self.name in ("good", "missing"):
            raise ValueError(f"{self.name!r} is no name for a bin: it has a meaning of its own")
        return self


@dataclass(frozen=True, config=STRICT)
class SheetRecipe:
    """A map of a sheet: impedance of each cell at frequencies [Hz] with an amplitude [V rms], after its voltage.

    settle [s] between the closing of relays and the first reading. formation: None for cells that have a voltage as
    they are. bins: the rules, the worst first.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    frequencies: Annotated[tuple[Frequency, ...], Field(min_length=1, max_length=32)]
    amplitude: Annotated[float, Field(gt=0, le=0.1), Unit("V")] = 0.01
    settle: Seconds = 0.05
    formation: FormationPulse | None = None
    bins: Annotated[tuple[BinRule, ...], Field(max_length=32)] = ()

    @model_validator(mode="after")
    def _rules_ask_for_what_is_measured(self) -> Self:
        if len(set(self.frequencies)) != len(self.frequencies):
            raise ValueError("a frequency stands twice")
        names = [rule.name for rule in self.bins]
        if len(set(names)) != len(names):
            raise ValueError("two bins have one name")
        for rule in self.bins:
            for asked in (rule.frequency, rule.against):
                if asked is not None and asked not in self.frequencies:
                    raise ValueError(f"bin {rule.name}: {asked:g} Hz is not among the frequencies")
        return self
