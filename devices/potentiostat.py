"""A potentiostat channel as plans see it: prepare a program, start it once, collect its rows to the end.

The program runs on the instrument: nothing here keeps it alive, and a lost host, a pause or close() leave it
running (`on_host_loss = "keep"`, the default) or open the cell ("open"). Rows wait in the instrument's bridge
until they are fetched, so a lost link costs time and no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

from ophyd.status import StatusBase
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import EVENT_COLUMNS, Instrument, Station
from devices.clock import Clock, Handle, Poller
from devices.cycling.cells import CellSize
from devices.cycling.checks import check_limits
from devices.cycling.columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycling.contact import contact_fault
from devices.cycling.cycler import LONGEST_STEP, Cycler
from devices.cycling.events import FlightEvents
from devices.cycling.flight import CycleFlight
from devices.cycling.going_on import Books, standing
from devices.cycling.left_over import can_go_on, described, refuse_other
from devices.cycling.pace import Pace
from devices.cycling.planned import Planned, begun, gone_on, taken_over
from devices.cycling.plausibility import plausibility
from devices.cycling.position import CellState, Position
from devices.cycling.programs import Program
from devices.cycling.statuses import START_DEADLINE, FlightStatuses
from devices.errors import InterlockError, LabError
from devices.limits import ChannelLimits
from devices.quantities import STRICT, Unit
from devices.roles.flown import Flight
from devices.roles.hands import Bring, Hands
from devices.roles.potentiostat import CellRecords, CycleJob, GoOn, TakeOver
from devices.samples import SampleRef

HANDS_DEADLINE = 24 * 3600.0
"""Seconds a person may take to bring a cell."""

BROKEN_OFF = (
    "nothing ran it any more: it goes on where its rows end; what passed behind the last row and the time since are not"
    " counted"
)
"""What the events say where a program goes on."""


class PotentiostatStation(Station):
    """A potentiostat channel with a cell on it.

    Control: prepare(job), kickoff(), stop(), safe().
    Get: flight(), left(): what an earlier session left on the channel.
    Measure: streams `primary` (rows), `impedance`, `steps`, `cycles`, `events`.
    Set: change_times(times) of the loop that runs; programs hold every setpoint.
    """

    role = "Potentiostat"
    parts = ("channels",)

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """What the bench file says of a channel.

        poll_period [s] between questions for rows at the most, far below the time after which an instrument that is to
        open the cell of a lost host does so; they are asked for as they fall, at most once a second.
        longest_step [s] stands for durations that a program leaves open (default 30 days: C/500). longest_run [s]
        bounds the deadline of a whole run. patience [s] with a silent link before the run counts as failed; the
        instrument keeps the rows meanwhile.
        voltage_tolerance [V]: how far a cell may be from the rest voltage its record says (guess: a day's rest).
        """

        poll_period: Annotated[float, Field(gt=0, le=100), Unit("s")] = 60.0
        longest_step: Annotated[float, Field(gt=0, le=3.2e7), Unit("s")] = LONGEST_STEP
        longest_run: Annotated[float, Field(gt=0, le=3.2e8), Unit("s")] = 3.2e7
        patience: Annotated[float, Field(gt=0, le=1e6), Unit("s")] = 3600.0
        voltage_tolerance: Annotated[float, Field(gt=0, le=10), Unit("V")] = 0.1

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: Parameters,
        limits: ChannelLimits,
        hands: Hands,
        records: CellRecords | None = None,
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self._cycler = cast(Cycler, instruments["channels"])
        self.parameters, self.limits = parameters, limits
        self._hands, self._records = hands, records
        self.add_stream("primary", PRIMARY_COLUMNS)
        self.add_stream("impedance", IMPEDANCE_COLUMNS)
        self.add_stream("steps", STEP_COLUMNS)
        self.add_stream("cycles", CYCLE_COLUMNS)
        self._events = self.add_stream("events", EVENT_COLUMNS)
        self._prepared = 0
        self._uploaded: Planned | None = None
        self._left: Position | None = None
        self._cell = CellState.OPEN
        self._flight: CycleFlight | None = None
        self._statuses: FlightStatuses | None = None
        self._poller: Handle | None = None

    @property
    def channel(self) -> int:
        """The channel it is, from 0."""
        return self._cycler.channel

    def check(self, program: Program) -> None:
        """Refuse a program beyond the channel's limits; nothing is sent. Raises LimitError, ProgramError."""
        check_limits(self.name, program, self.limits)
        self._cycler.check(program)

    def report(self) -> dict[str, Any]:
        """Return whether something runs, and how far it came: what a later session needs to go on with it."""
        flight, position = self._flight, self._position
        return {
            "state": str(self._cell if flight is None else flight.cell),
            "goes_on_alone": flight is not None and flight.program.on_host_loss == "keep",
            "steps_done": 0 if flight is None else flight.done,
            "job": None if position is None else position.as_json(),
        }

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Remember what the session before left on the channel."""
        self._left = Position.heard(report.get("job"))
        before = str(report.get("state", CellState.OPEN))
        if before in (CellState.RUNNING, CellState.LEFT):
            self._cell = CellState.LEFT
        elif before == CellState.UNKNOWN:
            self._cell = CellState.UNKNOWN

    def _is_open(self) -> None:
        """Note that nothing runs on the channel, whatever did."""
        self._cell = CellState.OPEN
        if self._flight is not None and self._flight.over:
            self._flight.cell = CellState.OPEN
        self.publish()

    @property
    def _position(self) -> Position | None:
        """How far what an earlier session or the last flight left there has come; None when nothing is left."""
        return self._left if self._flight is None else self._flight.position

    def left(self) -> str:
        """Say what an earlier session left on the channel, running or over and not yet collected; empty for nothing."""
        if self._flight is not None:
            return ""
        return self.clock.call(self._look_for_what_was_left)

    def _look_for_what_was_left(self) -> str:
        busy = bool(self._cycler.read_busy())
        self._cell = CellState.LEFT if busy else CellState.OPEN
        self.publish()
        return described(self.name, self._cycler, self._left, busy=busy)

    def is_kept(self, sample: SampleRef, program: Program) -> bool:
        """Return whether the instrument runs what was left of a program on a cell, or keeps its rows."""
        left = self._position
        if left is None or not left.is_of(sample, program):
            return False
        return self.clock.call(lambda: self._cycler.keeps(left.token, left.trace))

    def broken_off(self, sample: SampleRef, program: Program, run: str) -> GoOn:
        """Return what is left of a program that a run began, and of which the instrument keeps nothing.

        Where it stands is told by that run's rows and those of the runs that went on with it, and by the station's
        last word. Raises InterlockError when it runs or its rows are kept, when rows and last word contradict, or when
        it came to its end.
        """
        self._refuse_while_running()
        if self.is_kept(sample, program):
            raise InterlockError(
                f"{self.name} broken off",
                f"{program.name} runs, or its rows are kept: take it over; nothing was changed",
            )
        position = self._standing(sample, program, run)
        return GoOn(sample, program, position.offsets.as_json(), position.as_json())

    def is_through(self, sample: SampleRef, program: Program, run: str) -> bool:
        """Return whether a run that was broken off had come to its program's end by then.

        Raises InterlockError when its rows and the station's last word contradict, or it ended by a fault.
        """
        position = self._standing(sample, program, run)
        return Books.restored(program, position, self.parameters.longest_step).advance() is None

    def _standing(self, sample: SampleRef, program: Program, run: str) -> Position:
        told = None if self._records is None else self._records.cycled(run)
        return standing(self.name, sample, program, told, self._position, self.parameters.longest_step)

    def left_over(self, sample: SampleRef, program: Program) -> TakeOver:
        """Return what an earlier session left of this program on this cell; see plans.take_over.

        Raises InterlockError when nothing is left, or it is another program's or cell's.
        """
        self._refuse_while_running()
        left = refuse_other(self.name, self._position, sample, program)
        if not self.clock.call(lambda: can_go_on(self._cycler, left)):
            raise InterlockError(
                f"{self.name} left over",
                f"{left.program} does not run any more, and its rows are gone; nothing was changed",
            )
        return TakeOver(sample, program, left.offsets.as_json())

    def prepare(self, job: CycleJob | TakeOver | GoOn) -> StatusBase:
        """Check the program, have the cell wired, look at its voltage, upload; no current flows yet.

        What is taken over is neither checked nor touched: it runs, or did. The status fails with InterlockError when
        the channel is busy or the contact is not good, or when what is gone on with stands on another cell.
        """
        self._refuse_while_running()
        if isinstance(job, TakeOver):
            return self._take_over(job)
        self.check(job.program)
        self._cell = self._cell if self._flight is None else self._flight.cell
        self._uploaded = self._flight = None
        self._prepared += 1
        token = f"{self.name}/{self.clock.time():.3f}/{self._prepared}"
        status = self.clock.status(f"prepare {self.name}", HANDS_DEADLINE)

        def bring() -> Poller:
            # Before hands are called: what runs on the channel must keep its cell.
            self._refuse_while_busy()
            brought = self._hands.set(Bring(job.sample, f"{self.name}/{self._cycler.channel}"))
            brought.add_callback(lambda _: self.clock.spawn(self.lane, upload(brought), fail))
            yield from ()

        def upload(brought: StatusBase) -> Poller:
            failure = brought.exception(timeout=0)
            if failure is not None:
                raise failure
            self._refuse_while_busy()
            planned = self._plan(job, token)
            self._cycler.upload(planned.job)
            self._uploaded = planned
            status.set_finished()
            yield from ()

        def fail(error: Exception) -> None:
            if not status.done:
                status.set_exception(error)

        self.clock.spawn(self.lane, bring(), fail)
        return status

    def _take_over(self, job: TakeOver) -> StatusBase:
        self._left = refuse_other(self.name, self._position, job.sample, job.program)
        self._uploaded = taken_over(job, self._left, self.parameters.longest_step)
        self._cell = self._cell if self._flight is None else self._flight.cell
        self._flight = None
        status = self.clock.status(f"prepare {self.name}", START_DEADLINE)
        status.set_finished()
        return status

    def _plan(self, job: CycleJob | GoOn, token: str) -> Planned:
        """Look at the cell and return what is to be run. Raises InterlockError, LimitError, ProgramError."""
        longest = self.parameters.longest_step
        planned = gone_on(job, self.name, longest) if isinstance(job, GoOn) else begun(job, token, longest)
        self._look_at_the_cell(planned)
        if planned.resumed is not None:
            self._cycler.check(replace(job.program, steps=planned.job.nodes))
            self._cycler.adopt(planned.job, replace(planned.resumed.mark, over=True))
        return planned

    def kickoff(self) -> StatusBase:
        """Start what was uploaded; the status finishes when the instrument has taken the start."""
        self._refuse_while_running()
        planned, self._uploaded = self._uploaded, None
        if planned is None:
            raise InterlockError(
                f"{self.name} prepared",
                "nothing is uploaded, nothing was started; a program starts once, prepare it",
            )
        clock, parameters, cell = self.clock, self.parameters, CellSize.of(planned.sample)
        began = clock.time() if planned.resumed is None else planned.resumed.began
        ledger = planned.ledger(self.streams, began, self._cycler.range_of)
        since = clock.now() - (clock.time() - began) + ledger.offsets.test_time
        events = FlightEvents(self._events, clock, self.name, since, cell)
        ledger.closed = events.step_closed
        flight = self._flight = CycleFlight(
            planned,
            self._cycler,
            clock,
            self.lane,
            Pace(parameters.poll_period, parameters.patience),
            ledger,
            began=began,
            say=events.say,
            changed=self._settle,
            moved=self.publish,
        )
        if planned.booked is not None:
            events.say("broken_off", "warning", BROKEN_OFF)
        for doubt in () if planned.was_taken_over else plausibility(planned.program, cell):
            events.say("doubt", "warning", doubt)
        statuses = FlightStatuses(clock, self.name, parameters.longest_run + parameters.patience)
        self._statuses = statuses
        self._poller = clock.spawn(self.lane, flight.fly(), flight.fail)
        return statuses.started

    def change_times(self, times: int) -> int:
        """Let the loop of cycles that runs run `times` passes in all; return how many it will be.

        The pass under way is finished; what was measured stays one history. Raises InterlockError when nothing
        runs, or no loop of cycles, LimitError for more passes than a program or the instrument takes.
        """
        flight = self._flight
        if flight is None or flight.over:
            raise InterlockError(f"{self.name} running", "nothing runs; nothing was changed")
        passes: int = self.clock.call(lambda: flight.change_times(times))
        return passes

    def complete(self) -> StatusBase:
        """Return a status that finishes when the program is over, however it ended: flight() tells how."""
        if self._flight is None or self._statuses is None:
            raise InterlockError(f"{self.name} started", "nothing was started, so nothing can be completed")
        completed = self._statuses.completed()
        self._settle()
        return completed

    def stop(self, *, success: bool = False) -> None:
        """End the flight as the program says: `keep` leaves the cell cycling and says so, `open` opens it."""
        self.clock.call(self._stop)

    def _stop(self) -> None:
        flight = self._flight
        if flight is None or flight.wants_open:
            return
        keep = flight.program.on_host_loss == "keep"
        if flight.over:
            if flight.failure is not None and not keep:
                self._open_after_failure()
        elif keep:
            flight.leave("stopped")
        else:
            flight.open("stopped")

    def renew_lease(self) -> None:
        """Do nothing: the program runs on the instrument, under its limits, without a keep-alive."""

    def flight(self) -> Flight:
        """Return how many step executions were planned and finished, and how it ended."""
        flight = self._flight
        if flight is None:
            return Flight("never started", 0, 0, False)
        return Flight(flight.end_reason, flight.asked, flight.done, flight.interrupted)

    def safe(self) -> None:
        """Open the cell, whoever started what runs on it; raises WireError when the instrument did not hear it."""
        self.clock.call(self._make_safe)

    def _make_safe(self) -> None:
        flight = self._flight
        if flight is None or flight.over:
            self._cycler.stop()
            self._is_open()
        else:
            flight.open("made safe")

    def close(self) -> None:
        """Stop looking; what was uploaded and started goes on, which the events and the log say."""
        self.clock.call(self._close)

    def _close(self) -> None:
        flight = self._flight
        if flight is None or flight.over:
            return
        if flight.wants_open:
            self._make_safe()
        else:
            flight.leave("closed")

    def _refuse_while_running(self) -> None:
        if self._flight is not None and not self._flight.over:
            raise InterlockError(
                f"{self.name} idle",
                f"{self._flight.program.name} is running; stop it first, nothing was sent",
            )

    def _refuse_while_busy(self) -> None:
        if self._cycler.read_busy():
            raise InterlockError(
                f"{self.name} idle",
                "an experiment is running on the channel, from an earlier session perhaps; nothing was"
                " uploaded, wait for its end or make the channel safe",
            )
        self._is_open()

    def _look_at_the_cell(self, planned: Planned) -> None:
        """Refuse to start on leads whose voltage at rest is not the cell's, or not in its window."""
        tolerance, voltage = self.parameters.voltage_tolerance, self._cycler.read_cell()
        expected = None
        if planned.window is not None:
            low, high = planned.window
            expected = min(max(voltage, low), high)
        elif self._records is not None:
            expected = self._records.rest_voltage(planned.sample)
        fault = contact_fault(voltage, planned.program.limits, expected, tolerance)
        if fault is not None:
            raise InterlockError(f"{self.name} contact", f"{fault}; nothing was uploaded, look at the leads")

    def _open_after_failure(self) -> None:
        """Open the cell of a flight that was lost; when nobody answers, say that it may be running."""
        now = self.clock.time()
        try:
            was_running = self._cycler.stop()
            self._is_open()
        except LabError as error:
            text = f"{error}; the cell may be running under its own limits"
            self._events.append(now, {"t": 0.0, "code": "not_opened", "severity": "alarm", "text": text})
            return
        if was_running:
            opened = {"t": 0.0, "code": "stopped", "severity": "info", "text": "the cell is open"}
            self._events.append(now, opened)

    def _settle(self) -> None:
        """Say how the flight ended, once it is over, and bring the statuses to where it is."""
        if self._flight is None or self._statuses is None:
            return
        if self._flight.over:
            self.publish()
            if self._poller is not None:
                self._poller.cancel()
        self._statuses.settle(self._flight)
