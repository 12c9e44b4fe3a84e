"""What is uploaded and begins when it is kicked off: a program, what an earlier session left of it, or its rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from devices.base import RowStream
from devices.cycling.cycler import Job, Nodes
from devices.cycling.going_on import Books, window_of
from devices.cycling.ledger import CycleLedger
from devices.cycling.position import Position
from devices.cycling.programs import Program, Step, loops
from devices.cycling.remainder import WHOLE, Rest
from devices.cycling.sequence import Course, Part, Seen
from devices.errors import InterlockError, ProgramError
from devices.roles.potentiostat import CycleJob, GoOn, TakeOver
from devices.samples import SampleRef


@dataclass(frozen=True)
class Planned:
    """A program on a cell: the job of its part that is run first, and the course through it.

    rest: what of the part the job is. resumed: where a flight of an earlier session stood. Of one that was broken off,
    too: booked, the part in which its books stand; window [V], in which its cell must be.
    """

    sample: SampleRef
    program: Program
    job: Job
    part: Part
    course: Course
    rest: Rest = WHOLE
    resumed: Position | None = None
    booked: Part | None = None
    window: tuple[float, float] | None = None

    @property
    def was_taken_over(self) -> bool:
        """Whether the instrument runs it, or did: nothing was uploaded."""
        return self.resumed is not None and self.booked is None

    @property
    def how(self) -> str:
        """What the events call its beginning."""
        if self.was_taken_over:
            return "taken_over"
        return "started" if self.resumed is None else "gone_on"

    def ledger(
        self, streams: Mapping[str, RowStream], began: float, range_of: Callable[[Step], int]
    ) -> CycleLedger:
        """Return the books of a flight whose start has the time label `began` [s], as far as they were kept before."""
        ledger = CycleLedger(
            streams,
            limits=self.program.limits,
            began=began,
            longest_step=self.job.longest,
            range_of=range_of,
            counts_cycles=any(loop.counts_cycles for loop in loops(self.program.steps)),
        )
        if self.resumed is not None:
            ledger.restore(self.resumed.ledger, self.booked or self.part)
        if self.booked is not None and self.rest.spent is None:
            ledger.close_step()
        return ledger


def begun(job: CycleJob, token: str, longest: float) -> Planned:
    """Return a program from its beginning; a step that leaves it open lasts `longest` [s]. Raises ProgramError."""
    course = Course(job.program)
    part = course.next(Seen())
    if part is None:
        raise ProgramError(f"{job.program.name} jumps past all its steps; nothing was uploaded")
    return Planned(job.sample, job.program, _job(job.program, part.nodes, token, longest), part, course)


def taken_over(job: TakeOver, left: Position, longest: float) -> Planned:
    """Return what an earlier session left, as it stood."""
    course = Course(job.program)
    part, rest = course.restore(left.course), Rest.heard(left.rest)
    going = _job(job.program, rest.of(part.nodes), left.token, longest)
    return Planned(job.sample, job.program, going, part, course, rest, left)


def gone_on(job: GoOn, name: str, longest: float) -> Planned:
    """Return the rest of a program that was broken off on the channel of that name. Raises InterlockError."""
    left = Position.heard(job.position)
    if left is None:
        raise InterlockError(f"{name} go on", "where the program stands is not in this version's words")
    books = Books.restored(job.program, left, longest)
    booked, window = books.part, window_of(books.ledger)
    rest = books.advance()
    if rest is None:
        raise InterlockError(f"{name} go on", f"{job.program.name} came to its end; nothing is left of it")
    parts = left.parts + 1
    token = f"{left.token.partition('#')[0]}#{parts}"
    going = _job(job.program, rest.of(books.part.nodes), token, longest)
    resumed = replace(left, token=token, parts=parts, course=books.course.as_json(), rest=rest.as_json())
    return Planned(job.sample, job.program, going, books.part, books.course, rest, resumed, booked, window)


def _job(program: Program, nodes: Nodes, token: str, longest: float) -> Job:
    return Job(program.name, nodes, program.limits, token, longest, program.on_host_loss)
