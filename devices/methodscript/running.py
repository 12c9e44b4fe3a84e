"""Scripts under way: the run of a job, and a few lines for the idle instrument in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from devices.cycling.cycler import ElementBegan, Nodes, Record, RowTaken, RunStopped, SpectrumPoint
from devices.cycling.ends import EndReason
from devices.cycling.programs import Jump, Loop, Program, Step
from devices.methodscript.reading import RunReader

MEASURE_VOLTAGE = (
    *("var p", "set_pgstat_chan 0", "cell_off", "set_pgstat_mode 2", "set_range ab 6"),
    *("meas 100m p ab", "pck_start", "pck_add p", "pck_end"),
)
OPEN_CELL = ("cell_off",)

VANISHED = {
    False: (
        "no script runs any more although nothing was lost on the link: the instrument was switched off and on, or its"
        " firmware restarted",
        EndReason.INSTRUMENT_ERROR,
    ),
    True: (
        "no script runs any more, and how this one ended was not heard: the link was silent meanwhile",
        EndReason.UNCLEAR,
    ),
}
"""What is said of a run that is not there any more, by whether the link was silent."""

UNHEARD = (
    "the link was silent from the start on; no script runs and nothing of one was heard, so it is taken as never begun"
    " and is started now"
)


@dataclass
class Skip:
    """Records that were booked by an earlier session: so many steps begun, rows up to this number."""

    elements: int
    row: int

    def new(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield what was not booked; it begins behind the last of the steps begun and of the rows."""
        for record in records:
            known = self.elements > 0 or self.row > 0
            if isinstance(record, ElementBegan):
                self.elements -= 1
            elif isinstance(record, RowTaken | SpectrumPoint) and record.number >= self.row:
                known, self.row = known and record.number == self.row, 0
            if not known or isinstance(record, RunStopped):
                yield record


@dataclass
class Run:
    """A run under way: its token and reader, when it began and was last heard of [s], the number of its first record.

    rows: of the channel before it. suspect: after a broken link; doubtful: whether it began at all is not known.
    skips: what another session had of it already, where it was taken over.
    """

    token: str
    reader: RunReader
    began: float
    heard: float
    first: int
    rows: int
    suspect: bool = False
    doubtful: bool = False
    skips: Skip | None = None


@dataclass
class SmallScript:
    """A script of a few lines for the idle instrument: what it sends, from its `e` to an empty line or an error."""

    expected: bool = False
    empty: bool = False
    lines: list[str] | None = None
    heard: list[str] | None = None

    def begins(self) -> None:
        """Hear the `e` that says that it runs."""
        self.expected, self.lines = False, []

    def takes(self, line: str) -> bool:
        """Take a line if it can be of this script; one that is empty says nothing but its end."""
        if self.lines is None or (self.empty and line != ""):
            self.lines = None
            return False
        self.lines.append(line)
        if line == "" or line.startswith("!"):
            self.heard, self.lines = self.lines, None
        return True


def parts_of(program: Program) -> Iterator[Nodes]:
    """Yield the nodes that go into one script: a jump, or a loop with a condition, is judged between scripts."""
    nodes: list[Step | Loop] = []
    for node in program.steps:
        alone = isinstance(node, Loop) and node.until is not None
        if (alone or isinstance(node, Jump)) and nodes:
            yield tuple(nodes)
            nodes = []
        if isinstance(node, Loop) and alone:
            yield (replace(node, until=None),)
        elif not isinstance(node, Jump):
            nodes.append(node)
    if nodes:
        yield tuple(nodes)
