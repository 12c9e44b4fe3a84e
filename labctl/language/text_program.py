"""A program written as text in a TOML file: `macro = "text"`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits, Program, Refusals
from devices.cycling.techniques import Record
from devices.errors import ProgramError
from devices.quantities import STRICT
from devices.samples import SafeId
from labctl.language.mistakes import each_of
from labctl.language.parser import parse

NOMINAL = CellSize(area=0.15e-4, capacity=0.036, basis="a film of 1 um or so, to read the text by")
"""A cell to read a text by before its own is known [FLA paper: 0.15 cm2; 10 uAh]."""


def _lines(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, config=STRICT)
class TextProgram:
    """Steps in the language of cycling, as one text or a list of lines.

    limits: the cell's, unless the text begins with them; record: of steps that do not say it.
    """

    name: SafeId
    steps: Annotated[tuple[str, ...], Field(min_length=1, max_length=10_000), BeforeValidator(_lines)]
    limits: CellLimits | None = None
    record: Record = Record()
    on_host_loss: Literal["keep", "open"] = "keep"

    @property
    def text(self) -> str:
        """Return the steps as one text."""
        return "\n".join(self.steps)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        try:
            script = parse(self.text, NOMINAL, self.record)
        except ProgramError as error:
            raise Refusals(each_of(error)) from error
        if self.limits is None and script.limits is None:
            raise ValueError(
                "the cell's limits are missing; give the table limits, or begin the steps with them"
            )
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ProgramError with line and column in the steps."""
        return parse(self.text, cell, self.record).program(self.name, self.limits, self.on_host_loss)
