"""What is wrong with a program, all of it: several refusals told as one."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from devices.cycling.programs import Refusals
from devices.errors import ProgramError


class ProgramMistakes(ProgramError):
    """Several mistakes of one program; line and column are the first one's."""

    def __init__(self, found: Sequence[ProgramError]) -> None:
        self.found = tuple(found)
        super().__init__("\n".join(map(str, self.found)), self.found[0].line, self.found[0].column)


def together(found: Sequence[ProgramError]) -> ProgramError:
    """Return the one mistake, or all as one error in the order of their places; at least one there must be."""
    placed = sorted(found, key=lambda error: (error.line or 0, error.column or 0))
    return placed[0] if len(placed) == 1 else ProgramMistakes(placed)


def each_of(error: ProgramError | ValidationError) -> list[str]:
    """Return the sentences of an error, one for each mistake."""
    if isinstance(error, ProgramMistakes):
        return [str(each) for each in error.found]
    if isinstance(error, ProgramError):
        return [str(error)]
    said: list[str] = []
    for detail in error.errors(include_url=False):
        place = ".".join(str(each) for each in detail["loc"])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, Refusals):
            said += cause.found
        else:
            said.append(f"{place}: {detail['msg']}" if place else detail["msg"].removeprefix("Value error, "))
    return said


def told(error: ValidationError) -> str:
    """Return what pydantic refused, in one sentence."""
    return "; ".join(each_of(error))


def refusals_of(error: ValidationError) -> dict[int, str]:
    """Return what of a refused program is one step's fault, by the step's index."""
    causes = [detail.get("ctx", {}).get("error") for detail in error.errors(include_url=False)]
    return {
        index: said
        for cause in causes
        if isinstance(cause, Refusals)
        for index, said in cause.of_steps.items()
    }
