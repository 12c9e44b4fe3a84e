"""From a job to one script that the instrument runs by itself, with the cell's limits in it.

What the script sends, every package under the next number of all (n, type ja) and the count of steps begun so far
(l, type jb), so that a gap shows and what is missing in it is known. The count begins at the script's mark, a number
made of its token, so that whoever comes later knows whose script is running:

    a step begins      n, l, seconds since the script began (eb)
    a row              n, l, seconds since the step began (eb), V (ab), A (ba), and where the script counts them what
                       passed in the step: C (ja), J (ja)
    a frequency        n, l, seconds since the step began (eb), Hz (dc), ohm (cc, cd), V (ci), A (ck), sine (ch or cj)
    a step has ended   n, l, why: a number of judging.REASONS (jc), seconds since it began (eb)
    the script ends    n, l, as the last package of all, whatever ended it but an error

and as text: `run` with the token once it runs, `begin` with the step, `safety` when a limit ended it all. The cell
stays open for SETTLING seconds at first, so that whoever lost the reply to the script can ask in time whether it
runs. All of it goes to a file on the instrument as well, up to so many packages (fm), where the instrument keeps files.
A step of 2^27 ms and more (37 h) has its seconds rounded to whole ones: a package has no room for more.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from devices.cycling.cycler import Job, Nodes
from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step
from devices.cycling.techniques import ConstantVoltage, GalvanostaticImpedance, PotentiostaticImpedance
from devices.errors import ProgramError
from devices.methodscript.abilities import Abilities
from devices.methodscript.judging import FIRST_SAFETY
from devices.methodscript.lost_leads import VARIABLES as OF_LEADS
from devices.methodscript.sampling import sampling_of
from devices.methodscript.techniques import STAIR, Frame, element, slowest_point, spectrum
from devices.methodscript.text import integer, literal, package, when

SETTLING = 3.0
"""Seconds that the script waits with the cell open before its first step."""

VARIABLES = (*"nstrkmopcxqeawuvdbyzfijghl", "pl", "cl", "tl", "fm", STAIR, *OF_LEADS)
"""One letter each, since the memory is small: judging and techniques say what they hold; n, l and fm as above, s the
seconds of the steps before, t those of this one."""

MOST_PACKAGES = (1 << 27) - 1
"""The largest whole number in a package."""

BYTES_OF_A_ROW = 104
"""Of a row in a file: 11 a value and its status, and what else a script sends between rows (guess)."""

FILES = "/labctl-"
"""How the paths of our files begin."""

LEAST_STAIRS = 3
"""Holds at equal distances from which they are written once, with their voltage in a variable."""

EQUAL = 1e-7
"""Volts by which distances of equal holds may differ; far below what an instrument sets."""

LONGEST_LINE = 255
"""Characters in a line of a script [EmStat4 communication protocol, as labmcp-palmsens 0.1.3 cites it]."""

_STRANGE = re.compile(r"[^A-Za-z0-9_./~-]")


@dataclass(frozen=True)
class Script:
    """What is sent: its lines, and the nodes they run; the token as it is written in it.

    silence [s] is the longest one while it runs, period [s] how often it ought to be listened to, fastest [s] the
    shortest time between two rows; limits are the cell's; file is where it keeps what it sends, empty for nowhere.
    mark is what its count of steps begins at.
    """

    lines: tuple[str, ...]
    nodes: tuple[Step | Loop, ...]
    silence: float
    period: float
    token: str
    limits: CellLimits
    fastest: float
    file: str = ""
    mark: int = 0

    @property
    def request(self) -> bytes:
        """Return the bytes that load and start it."""
        return ("e\n" + "\n".join(self.lines) + "\n\n").encode("ascii")

    @property
    def steps(self) -> int:
        """Return how many steps are executed."""
        return count_executions(self.nodes)

    def step(self, count: int) -> Step:
        """Return the step that is executed as number `count`, from 1."""
        return execution(self.nodes, count - 1)


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


def file_of(token: str) -> str:
    """Return the path of the file in which a job's script keeps what it sends."""
    return f"{FILES}{hashlib.sha256(token.encode()).hexdigest()[:12]}.txt"


def mark_of(token: str, steps: int) -> int:
    """Return what the count of so many steps begins at in a job's script: hardly any other's does there."""
    width = steps.bit_length()
    marks = max((MOST_PACKAGES + 1) >> width, 1)
    return int(hashlib.sha256(token.encode()).hexdigest(), 16) % marks << width


@lru_cache(maxsize=8)
def compiled(
    job: Job,
    abilities: Abilities,
    listening: tuple[float, float],
    rows_ahead: int,
    room: int | None = None,
) -> Script:
    """Return the script of a job.

    listening [s]: the shortest and the longest time between two looks at what it sends; rows_ahead: how many rows
    may be waiting, or so; room: bytes that its file may have, None where the instrument keeps no files.
    Raises LimitError, ProgramError for what cannot be written, or not in the instrument's memory.
    """
    writer, mark = _Writer(job, abilities), mark_of(job.token, count_executions(job.nodes))
    token = _STRANGE.sub("~", job.token)
    body = writer.nodes(job.nodes, 0)
    counters = [f"l{depth}" for depth in range(writer.depth)]
    file = "" if room is None else file_of(job.token)
    most = MOST_PACKAGES if room is None else min(room // BYTES_OF_A_ROW, MOST_PACKAGES)
    lines = [
        *(f"var {name}" for name in (*VARIABLES, *counters)),
        "store_var n 0i ja",
        f"store_var l {integer(mark)} jb",
        "set_pgstat_chan 0",
        "cell_off",
        f"store_var fm {integer(most)} ja",
        *([f'file_open "{file}" 0', "set_script_output 3"] if file else ()),
        f'send_string "run {token}"',
        "timer_start",
        f"wait {literal(SETTLING)}",
        "timer_get s",
        *body,
        "on_finished:",
        "cell_off",
        *package(),
        *(["file_close"] if file else ()),
    ]
    if max(map(len, lines)) > LONGEST_LINE:
        raise ProgramError(f"{job.name}: its token makes a line of more than {LONGEST_LINE} characters")
    size = sum(len(line) + 1 for line in lines)
    if size > abilities.script:
        raise ProgramError(
            f"{job.name}: its script has {size} bytes, the instrument's memory {abilities.script}; use loops instead"
            " of repeated steps, or run it in two programs. Nothing was sent"
        )
    shortest, longest = listening
    period = min(longest, max(shortest, rows_ahead * writer.fastest))
    return Script(
        tuple(lines), job.nodes, writer.silence, period, token, job.limits, writer.fastest, file, mark
    )


def stairs(nodes: Sequence[Step | Loop]) -> list[Step]:
    """Return the holds at the beginning of some nodes that differ in their voltages only, by the same each time."""
    steps: list[Step] = []
    for node in nodes:
        if isinstance(node, Loop) or not isinstance(node.run, ConstantVoltage):
            break
        if steps and replace(node, run=steps[0].run) != steps[0]:
            break
        if len(steps) > 1 and not math.isclose(
            _held(node) - _held(steps[-1]), _held(steps[1]) - _held(steps[0]), abs_tol=EQUAL
        ):
            break
        steps.append(node)
    return steps


def _held(step: Step) -> float:
    assert isinstance(step.run, ConstantVoltage)
    return step.run.voltage


def count_executions(nodes: Sequence[Step | Loop]) -> int:
    """Return how many steps are executed, loops counted pass by pass."""
    return sum(count_executions(node.body) * node.times if isinstance(node, Loop) else 1 for node in nodes)


def execution(nodes: Sequence[Step | Loop], place: int) -> Step:
    """Return the step executed at a place, from 0. Raises IndexError beyond the last."""
    for node in nodes:
        passes = node.times if isinstance(node, Loop) else 1
        length = count_executions(node.body) if isinstance(node, Loop) else 1
        if place < passes * length:
            return execution(node.body, place % length) if isinstance(node, Loop) else node
        place -= passes * length
    raise IndexError("the job has no further step")


class _Writer:
    """Writes the nodes of a job; remembers how deep its loops go, its fastest rows and its longest silence."""

    def __init__(self, job: Job, abilities: Abilities) -> None:
        self._job, self._abilities = job, abilities
        self._written = 0
        self.depth = 0
        self.silence = SETTLING
        self.fastest = math.inf

    def nodes(self, nodes: Sequence[Step | Loop], depth: int) -> list[str]:
        """Return the lines of some nodes, inside so many loops."""
        lines: list[str] = []
        while nodes:
            node, steps = nodes[0], stairs(nodes)
            if len(steps) >= LEAST_STAIRS:
                lines += self._staircase(steps, depth)
                nodes = nodes[len(steps) :]
                continue
            lines += self._loop(node, depth) if isinstance(node, Loop) else self._step(node)
            nodes = nodes[1:]
        return lines

    def _loop(self, loop: Loop, depth: int) -> list[str]:
        return self._repeated(loop.times, depth, lambda: self.nodes(loop.body, depth + 1))

    def _repeated(self, times: int, depth: int, body: Callable[[], list[str]]) -> list[str]:
        self.depth = max(self.depth, depth + 1)
        counter = f"l{depth}"
        return [
            f"store_var {counter} 0i ja",
            f"loop {counter} < {integer(times)}",
            f"add_var {counter} 1i",
            *body(),
            "endloop",
        ]

    def _staircase(self, steps: Sequence[Step], depth: int) -> list[str]:
        """Return the lines of holds at equal distances: one of them, with its voltage in a variable."""
        volts = [_held(step) for step in steps]
        rise = literal(round((volts[-1] - volts[0]) / (len(volts) - 1), 9))
        window = (min(volts), max(volts))
        return [
            f"store_var {STAIR} {literal(volts[0])} ab",
            *self._repeated(
                len(steps), depth, lambda: [*self._step(steps[0], window), f"add_var {STAIR} {rise}"]
            ),
        ]

    def _step(self, step: Step, stair: tuple[float, float] | None = None) -> list[str]:
        number, self._written = self._written, self._written + 1
        if isinstance(step.run, PotentiostaticImpedance | GalvanostaticImpedance):
            commands = spectrum(step.run, self._job.limits, self._abilities)
            self.silence = max(self.silence, slowest_point(step.run))
        else:
            sampling = sampling_of(step, self._job.longest, self._abilities, f"step {number}:")
            commands = element(step, Frame(self._job.limits, sampling, self._abilities, stair))
            self.silence = max(self.silence, step.record.interval + sampling.period)
            changes = step.record.voltage_change or step.record.current_change
            self.fastest = min(self.fastest, sampling.period if changes else step.record.interval)
        return [
            f'send_string "begin {number} {step.run.technique}"',
            "add_var l 1i",
            *package("s"),
            "timer_start",
            *commands,
            "timer_get t",
            "cell_off",
            "add_var s t",
            *package("r", "t"),
            *when(f"r >= {integer(FIRST_SAFETY)}", 'send_string "safety"', "abort"),
        ]
