"""A potentiostat channel from program to rows: driver, wire, bridge and twin, with trouble on the wire."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from ophyd.status import Status

from devices.base import RowStream
from devices.bridges.lines import ReplyTo, pack, unpack
from devices.bridges.squidstat import Connection, SquidstatBridge
from devices.cycling.columns import PRIMARY_COLUMNS, CycleFlag
from devices.cycling.programs import CellLimits, Loop, Program, Step, When
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.errors import InterlockError, LimitError, OutcomeUnknown, ProgramError, Timeout, WireError
from devices.instruments.squidstat import Squidstat
from devices.limits import ChannelLimits
from devices.ports import Fault, FaultyPort, TwinPort
from devices.potentiostat import PotentiostatStation
from devices.roles.hands import Bring
from devices.roles.potentiostat import CycleJob, Potentiostat
from devices.samples import Layer, SampleRef
from devices.wire import Wire
from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters, CellState
from sim.physics.cell.diffusion import graded_edges
from sim.twins.squidstat import SquidstatTwin
from sim.twins.squidstat_channel import Accuracy

LANE = "potentiostat"
EXACT = Accuracy(voltage_noise=0.0, current_noise=0.0, ambient_noise=0.0, bits=40)
CURRENT = 8.6e-5  # A, about 1C of the film below
SAMPLE = SampleRef(id="S1", layers=(Layer("LiCoO2", 1.2e-6),))
LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-3)


def make_cell() -> Cell:
    """Return a cell of 1.2 um LiCoO2 on 1 cm2."""
    edges = graded_edges(1.2e-6, 20, 5.0)
    return Cell(
        CellParameters(
            area=1e-4,
            edges=tuple(edges.tolist()),
            diffusivity=(5e-15,) * 20,
            active_share=(0.985,) * 20,
            site_charge=cathode.SITE_CHARGE,
            cathode_exchange_current=50.0,
            anode_exchange_current=50.0,
            electrolyte_resistance=5e-3,
            contact_resistance=0.0,
            anode_lithium=1e4,
            as_made_lithium=cathode.AS_MADE_LITHIUM,
            ocp=cathode.LITHIUM_COBALT_OXIDE,
        )
    )


CELL = make_cell()


@dataclass
class Foil:
    """What the bench wires."""

    cell: Cell = CELL
    state: CellState = field(default_factory=CELL.fresh)


class Running:
    """A spawned poller."""

    def __init__(self, poller: Any, on_error: Callable[[Exception], None]) -> None:
        self.poller, self.on_error, self.cancelled = poller, on_error, False

    def cancel(self) -> None:
        self.cancelled = True


class LaneClock:
    """Time passes when somebody sleeps or the test says so; pollers run when they are due."""

    def __init__(self) -> None:
        self.moment = 0.0
        self._due: list[tuple[float, int, Running]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.moment

    def time(self) -> float:
        return 1.75e9 + self.moment

    def sleep(self, dt: float, lane: str | None = None) -> None:
        self.moment += dt

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def status(self, what: str, deadline: float) -> Status:
        assert 0 < deadline < 1e9
        return Status()

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self._due.clear()

    def spawn(self, lane: str, poller: Any, on_error: Callable[[Exception], None]) -> Running:
        running = Running(poller, on_error)
        heapq.heappush(self._due, (self.moment, next(self._count), running))
        return running

    def run_until(self, moment: float) -> None:
        while self._due and self._due[0][0] <= moment:
            at, _, running = heapq.heappop(self._due)
            self.moment = max(self.moment, at)
            if running.cancelled:
                continue
            try:
                delay = next(running.poller)
            except StopIteration:
                continue
            except Exception as error:  # noqa: BLE001 - a clock hands whatever it is to the owner
                running.on_error(error)
                continue
            heapq.heappush(self._due, (self.moment + delay, next(self._count), running))
        self.moment = max(self.moment, moment)


class Touched:
    """A bridge's connection behind a bench that brings the twin up to now first."""

    def __init__(self, twin: SquidstatTwin, connection: Connection, clock: LaneClock) -> None:
        self.twin, self.connection, self.clock = twin, connection, clock
        self.requests: list[dict[str, Any]] = []

    def exchange(self, data: bytes) -> bytes:
        self.twin.advance(self.clock.now())
        self.twin.deliver()
        self.requests += [unpack(line) for line in data.splitlines() if line.strip()]
        reply = self.connection.exchange(data)
        self.twin.deliver()
        return reply


class BenchHands:
    """Hands that wire the one foil."""

    name = "hands"

    def __init__(self, twin: SquidstatTwin, foil: Foil, clock: LaneClock) -> None:
        self.twin, self.foil, self.clock = twin, foil, clock
        self.tasks: list[Any] = []

    def set(self, task: Any) -> Status:
        self.tasks.append(task)
        self.twin.advance(self.clock.now())
        self.twin.wire_cell(int(task.place.partition("/")[2]), self.foil)
        status = Status()
        status.set_finished()
        return status


class Rig:
    """A station on a twin, with everything of it in reach."""

    def __init__(
        self,
        *,
        accuracy: Accuracy = EXACT,
        faults: Iterable[Fault | None] | None = None,
        fault_seed: int = 0,
        channel: int = 0,
        records: Any = None,
        **parameters: float,
    ) -> None:
        self.clock, self.foil = LaneClock(), Foil()
        self.twin = SquidstatTwin(accuracy=accuracy, seed=5)
        self.bridge = SquidstatBridge(self.twin.library, port=self.twin.port, boot="b1")
        self.touched = Touched(self.twin, self.bridge.connect(), self.clock)
        port: Any = TwinPort(self.touched, self.clock, LANE)
        if faults is not None:
            port = FaultyPort(port, self.clock, faults, seed=fault_seed)
        self.wire = Wire(port, self.clock, name="squidstat", lane=LANE, sync=Squidstat.sync)
        self.driver = Squidstat(self.wire, self.clock, name="potentiostat_channels", channel=channel)
        self.hands = BenchHands(self.twin, self.foil, self.clock)
        self.station = PotentiostatStation(
            name="potentiostat",
            clock=self.clock,
            lane=LANE,
            instruments={"channels": self.driver},
            parameters=PotentiostatStation.Parameters(**parameters),
            limits=ChannelLimits(0.0, 5.0, 1e-2),
            hands=self.hands,
            records=records,
        )

    def fly(self, program: Program, until: float = 1e5) -> Any:
        """Run a program and return complete()'s status."""
        self.station.prepare(CycleJob(SAMPLE, program))
        self.clock.run_until(self.clock.now() + 10.0)
        self.station.kickoff()
        complete = self.station.complete()
        self.clock.run_until(until)
        return complete

    def sent(self, do: str) -> list[dict[str, Any]]:
        """Return the requests of a kind that reached the bridge."""
        return [request for request in self.touched.requests if request["do"] == do]


def rows(stream: RowStream) -> dict[str, list[Any]]:
    """Return all rows of a stream by column, taking them."""
    pages = list(stream.collect_pages())
    return {key: [value for page in pages for value in page["data"][key]] for key in stream.columns}


def charge_to(volts: float, current: float = CURRENT, **record: Any) -> Step:
    return Step(ConstantCurrent(current), Until(voltage_above=volts), Record(60.0, **record))


def discharge_to(volts: float, current: float = CURRENT) -> Step:
    return Step(ConstantCurrent(-current), Until(voltage_below=volts), Record(60.0))


def rest(seconds: float) -> Step:
    return Step(OpenCircuit(), Until(duration=seconds), Record(60.0))


def cycles(times: int, on_host_loss: Any = "keep") -> Program:
    return Program(
        "cycles",
        (rest(120.0), Loop((charge_to(4.2), discharge_to(3.0), rest(300.0)), times, counts_cycles=True)),
        LIMITS,
        on_host_loss,
    )


def test_the_station_fits_its_role() -> None:
    rig = Rig()
    assert isinstance(rig.station, Potentiostat)
    assert set(rig.station.streams) == {"primary", "impedance", "steps", "cycles", "events"}
    assert list(rig.station.streams["primary"].columns) == list(PRIMARY_COLUMNS)


def test_a_program_becomes_rows_whose_charges_are_the_cells_own() -> None:
    rig = Rig()
    complete = rig.fly(cycles(2))
    assert complete.done
    assert complete.success
    state = CELL.current_step(CELL.fresh(), 0.0, 130.0).state
    passed = []
    for _ in range(2):
        for current, limit in (
            (CURRENT, {"upper": 4.2, "lower": 2.0}),
            (-CURRENT, {"lower": 3.0, "upper": 4.3}),
        ):
            segment = CELL.current_step(state, current, math.inf, **limit)
            passed.append((float(segment.charge[-1]) / 3600, float(segment.energy[-1]) / 3600))
            state = segment.state
        state = CELL.current_step(state, 0.0, 300.0).state
    steps, by_cycle = rows(rig.station.streams["steps"]), rows(rig.station.streams["cycles"])
    driven = [index for index, name in enumerate(steps["technique"]) if name == "constant_current"]
    assert [steps["charge"][i] for i in driven] == pytest.approx([charge for charge, _ in passed], rel=1e-6)
    assert [steps["energy"][i] for i in driven] == pytest.approx([energy for _, energy in passed], rel=2e-3)
    assert by_cycle["charge_capacity"] == pytest.approx([passed[0][0], passed[2][0]], rel=1e-6)
    assert by_cycle["discharge_capacity"] == pytest.approx([-passed[1][0], -passed[3][0]], rel=1e-6)
    assert by_cycle["efficiency"] == pytest.approx(
        [-passed[1][0] / passed[0][0], -passed[3][0] / passed[2][0]]
    )
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], rel=1e-6)
    assert by_cycle["end_voltage_rest"][-1] == pytest.approx(primary["voltage"][-1], abs=1e-9)


def test_the_noise_of_a_row_does_not_show_in_the_charge() -> None:
    rig = Rig(accuracy=Accuracy())
    rig.fly(cycles(1))
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], abs=1e-4 * 0.31)
    assert set(primary["flags"]) == {0}
    assert rig.station.flight().done == 4


def test_steps_tell_how_they_ended() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    steps = rows(rig.station.streams["steps"])
    assert steps["end_reason"] == ["duration", "voltage_above", "voltage_below", "duration"]
    assert steps["step_index"] == [0, 1, 2, 3]
    assert steps["flags"] == [0, 0, 0, 0]
    assert steps["t_start"][1:] == pytest.approx(steps["t_end"][:-1])
    flight = rig.station.flight()
    assert (flight.end_reason, flight.asked, flight.done, flight.interrupted) == ("completed", 4, 4, False)


def test_time_labels_and_ranges_stand_in_the_rows() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    primary = rows(rig.station.streams["primary"])
    offsets = np.subtract(primary["unix_time"], primary["test_time"])
    assert offsets == pytest.approx(1.75e9 + 10.0, abs=1e-6)
    assert set(zip(primary["step_index"], primary["range"], strict=True)) == {
        (0, -1),
        (1, 2),
        (2, 2),
        (3, -1),
    }
    assert primary["record"] == list(range(1, len(primary["record"]) + 1))


def test_extra_looks_give_equal_rows() -> None:
    taken = []
    for period in (60.0, 100.0, 7.3):
        rig = Rig(accuracy=Accuracy(), poll_period=period)
        rig.fly(cycles(1))
        taken.append([rows(rig.station.streams[name]) for name in ("primary", "steps", "cycles")])
    assert taken[0] == taken[1] == taken[2]


def test_the_hands_bring_the_cell_to_its_channel_first() -> None:
    rig = Rig(channel=2)
    rig.fly(cycles(1))
    assert rig.hands.tasks == [Bring(SAMPLE, "potentiostat/2")]
    assert rig.sent("start")[0]["channel"] == 2
    assert rig.station.flight().end_reason == "completed"


def test_a_safety_limit_ends_the_flight_and_is_named() -> None:
    rig = Rig()
    program = Program(
        "slow", (Step(ConstantCurrent(CURRENT), Until(duration=36000.0), Record(60.0)),), LIMITS
    )
    complete = rig.fly(program)
    assert complete.success
    flight = rig.station.flight()
    assert flight.interrupted
    assert flight.done == 0
    assert "maximum voltage limit of 4.3 V" in flight.end_reason
    steps, events = rows(rig.station.streams["steps"]), rows(rig.station.streams["events"])
    assert steps["flags"] == [int(CycleFlag.STOPPED_EARLY)]
    assert steps["v_end"][0] == pytest.approx(4.3, abs=1e-6)
    assert events["code"] == ["started", "safety"]
    assert events["severity"][-1] == "alarm"


def test_an_open_lead_is_flagged_and_ends_the_run() -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(1000.0)
    rig.twin.wire_cell(0, None)
    rig.clock.run_until(2000.0)
    primary = rows(rig.station.streams["primary"])
    assert primary["flags"][-1] == CycleFlag.CURRENT_LOST
    assert rig.station.flight().interrupted


TROUBLES = ("drop", "duplicate", "truncate", "garble", "delay", "ignore", "dribble")


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_never_lost_nor_doubled_by_trouble_on_the_wire(seed: int) -> None:
    calm = Rig(accuracy=Accuracy(), poll_period=60.0)
    calm.fly(cycles(1))
    chance = np.random.default_rng(seed)

    def faults() -> Iterable[Fault | None]:
        yield from [None] * 6
        while True:
            trouble = TROUBLES[int(chance.integers(len(TROUBLES)))] if chance.random() < 0.4 else None
            amount = {"garble": 0.01, "delay": 0.7}.get(trouble or "", 0.0)
            yield None if trouble is None else Fault(trouble, amount)  # type: ignore[arg-type]

    rig = Rig(accuracy=Accuracy(), poll_period=60.0, faults=faults(), fault_seed=seed)
    complete = rig.fly(cycles(1))
    assert complete.done
    assert complete.success
    for name in ("primary", "steps", "cycles"):
        ours, theirs = rows(rig.station.streams[name]), rows(calm.station.streams[name])
        for label in ("unix_time",):
            ours.pop(label, None)
            theirs.pop(label, None)
        assert ours == theirs
    assert len(rig.sent("start")) == 1


def test_a_dead_link_costs_no_rows_within_its_patience() -> None:
    silent = [None] * 12 + [Fault("disconnect")] * 120
    rig = Rig(faults=silent, poll_period=60.0)
    complete = rig.fly(cycles(1))
    assert complete.success
    events = rows(rig.station.streams["events"])
    assert events["code"].count("link_lost") == events["code"].count("link_back") == 1
    calm = Rig()
    calm.fly(cycles(1))
    assert rows(rig.station.streams["primary"])["charge"] == rows(calm.station.streams["primary"])["charge"]


def test_a_link_dead_for_too_long_fails_the_flight_and_keeps_the_rows() -> None:
    rig = Rig(faults=itertools.chain([None] * 12, itertools.repeat(Fault("disconnect"))), patience=600.0)
    complete = rig.fly(cycles(1), until=5000.0)
    assert complete.done
    assert not complete.success
    assert rig.station.flight().interrupted
    assert rows(rig.station.streams["primary"])["record"][0] == 1
    assert rows(rig.station.streams["events"])["code"][-1] == "failed"
    assert rig.twin.busy(0)


def start_faults(*faults: Fault | None) -> Iterable[Fault | None]:
    """Return calm until the start (busy? twice, two looks at the cell, limits, upload), then these."""
    return itertools.chain([None] * 6, faults)


def test_a_start_whose_reply_is_lost_is_asked_about_and_not_repeated() -> None:
    rig = Rig(faults=start_faults(Fault("drop")))
    assert rig.fly(cycles(1)).success
    assert len(rig.sent("start")) == 1
    assert rig.station.flight().done == 4


def test_a_start_that_never_arrived_is_reported_and_not_repeated() -> None:
    rig = Rig(faults=start_faults(Fault("ignore")))
    complete = rig.fly(cycles(1))
    assert isinstance(complete.exception(), Timeout)
    assert len(rig.sent("start")) == 0
    assert not rig.twin.busy(0)


def test_a_start_nobody_can_be_asked_about_is_unknown() -> None:
    rig = Rig(faults=start_faults(Fault("drop"), *[Fault("disconnect")] * 50))
    complete = rig.fly(cycles(1))
    assert isinstance(complete.exception(), OutcomeUnknown)
    assert len(rig.sent("start")) == 1
    assert rig.twin.busy(0)


def test_a_doubled_start_starts_once() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    again = pack({**rig.sent("start")[0], "id": 99})
    reply = unpack(rig.touched.exchange(again))
    assert reply["first"] == 1
    assert [event for _, event, _ in rig.twin.log].count("started") == 1


def test_stop_under_keep_leaves_the_cell_cycling_and_says_so() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1), until=1000.0)
    rig.station.stop()
    assert complete.success
    assert rig.twin.busy(0)
    flight = rig.station.flight()
    assert flight.end_reason.startswith("left running")
    assert flight.interrupted
    assert rows(rig.station.streams["events"])["code"] == ["started", "left_running"]
    assert rows(rig.station.streams["steps"])["end_reason"] == ["duration", "left_running"]
    rig.clock.run_until(2000.0)
    assert len(rig.sent("stop")) == 0


def test_stop_under_open_opens_the_cell_and_keeps_the_last_row() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1, "open"), until=1000.0)
    rig.station.stop()
    rig.station.stop()
    assert complete.success
    assert not rig.twin.busy(0)
    assert len(rig.sent("stop")) == 1
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], rel=1e-9)
    assert primary["test_time"][-1] == pytest.approx(990.0, abs=1e-6)
    assert rig.station.flight().end_reason == "stopped"


def test_close_leaves_it_running_and_safe_opens_it() -> None:
    rig = Rig()
    rig.fly(cycles(1, "open"), until=1000.0)
    rig.station.close()
    assert rig.twin.busy(0)
    assert rig.station.flight().end_reason.startswith("left running")
    rig.station.safe()
    rig.station.safe()
    assert not rig.twin.busy(0)


def test_safe_in_flight_opens_the_cell_whatever_the_program_says() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.station.safe()
    assert not rig.twin.busy(0)
    assert rig.station.flight().end_reason == "made safe"
    assert rows(rig.station.streams["steps"])["end_reason"][-1] == "operator"


@pytest.mark.parametrize("ending", ["stop", "safe", "close"])
def test_a_start_not_yet_sent_is_called_off(ending: str) -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    started = rig.station.kickoff()
    complete = rig.station.complete()
    getattr(rig.station, ending)()
    rig.clock.run_until(1000.0)
    assert started.success
    assert complete.success
    assert len(rig.sent("start")) == 0
    assert rig.station.flight().end_reason.endswith("before it ran")
    assert rig.station.flight().interrupted


def test_stop_under_open_also_opens_the_cell_of_a_lost_flight() -> None:
    rig = Rig(faults=start_faults(Fault("drop"), *[Fault("disconnect")] * 12))
    complete = rig.fly(cycles(1, "open"), until=100.0)
    assert isinstance(complete.exception(), OutcomeUnknown)
    rig.station.stop()
    while rig.twin.busy(0):
        rig.station.stop()
    codes = rows(rig.station.streams["events"])["code"]
    assert codes[0] == "failed"
    assert set(codes[1:-1]) <= {"not_opened"}
    assert codes[-1] == "stopped"


def test_an_interval_that_the_instrument_overrides_is_told() -> None:
    rig = Rig()
    rig.fly(Program("p", (charge_to(4.0, voltage_change=0.01),), LIMITS))
    events = rows(rig.station.streams["events"])
    assert events["code"] == ["started", "remark", "completed"]
    assert "overrides the interval" in events["text"][1]


def test_stop_after_the_end_does_nothing() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    rig.station.stop()
    assert rig.station.flight().end_reason == "completed"


def test_what_the_channel_may_not_do_is_refused_before_the_wire() -> None:
    rig = Rig()
    wide = CellLimits(voltage_min=2.0, voltage_max=6.0, current_max=1e-3)
    strong = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=0.1)
    for limits in (wide, strong):
        with pytest.raises(LimitError):
            rig.station.prepare(CycleJob(SAMPLE, Program("p", (rest(1.0),), limits)))
    with pytest.raises(ProgramError):
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (Loop((rest(1.0),), 70_000),), LIMITS)))
    assert rig.touched.requests == []
    assert rig.hands.tasks == []


def test_nothing_starts_twice_nor_unprepared() -> None:
    rig = Rig()
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    with pytest.raises(InterlockError):
        rig.station.complete()
    rig.fly(cycles(1), until=1000.0)
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    with pytest.raises(InterlockError):
        rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1e5)
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    assert len(rig.sent("start")) == 1


def test_a_busy_channel_of_an_earlier_session_is_refused() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.station.close()
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1010.0)
    assert isinstance(status.exception(), InterlockError)
    rig.station.safe()
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1020.0)
    assert status.success


def test_a_restarted_bridge_fails_the_flight() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1), until=1000.0)
    rig.bridge.boot = "b2"
    rig.clock.run_until(2000.0)
    assert "restarted" in str(complete.exception())


def test_alarms_of_the_instrument_become_events() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.twin.library.handler.deviceError.emit(0, "fan failure")
    rig.twin.library.handler.deviceDisconnected.emit()
    rig.clock.run_until(1e5)
    events = rows(rig.station.streams["events"])
    assert events["code"] == ["started", "instrument_error", "disconnected", "completed"]


def test_the_baseline_asks_the_instrument() -> None:
    rig = Rig()
    rig.driver.identify()
    assert rig.station.read()["potentiostat_channels_busy"]["value"] == 0
    rig.fly(cycles(1), until=1000.0)
    reading = rig.station.read()
    assert reading["potentiostat_channels_busy"]["value"] == 1
    assert reading["potentiostat_channels_channels"]["value"] == 4
    assert set(rig.station.describe()) == set(reading)


def test_a_late_reply_is_not_taken_for_another() -> None:
    late, own = pack({"id": 6, "busy": True}), pack({"id": 7, "busy": False})
    buffer = bytearray(late + own + b"rest")
    assert unpack(ReplyTo(7).take(buffer) or b"")["busy"] is False
    assert buffer == b"rest"


def conditional(times: int, until: When, *after: Step) -> Program:
    """Cycle until a condition holds, at most so many times, then go on."""
    body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
    return Program("conditional", (Loop(body, times, counts_cycles=True, until=until), *after), LIMITS)


def test_a_loop_ends_when_its_condition_holds_and_the_history_is_one() -> None:
    rig = Rig()
    complete = rig.fly(conditional(9, When(cycle_at_least=3), rest(60.0)))
    assert complete.done
    assert complete.success
    steps, by_cycle = rows(rig.station.streams["steps"]), rows(rig.station.streams["cycles"])
    assert steps["step_index"] == [0, 1, 0, 1, 0, 1, 2]
    assert steps["step_count"] == list(range(1, 8))
    assert by_cycle["cycle"] == [1, 2, 3]
    primary = rows(rig.station.streams["primary"])
    assert primary["test_time"] == sorted(primary["test_time"])
    assert primary["record"] == list(range(1, len(primary["record"]) + 1))
    flight = rig.station.flight()
    assert (flight.end_reason, flight.asked, flight.done) == ("completed", 7, 7)
    # Between two parts the host has to go on: the cell rests no longer than its look takes.
    gaps = np.subtract(steps["t_start"][2::2], steps["t_end"][1:-1:2])
    assert 0.0 <= max(gaps) <= 5.0 + 1e-6


def test_a_loop_that_runs_is_made_longer_or_shorter_and_what_follows_still_comes() -> None:
    for times, expected in ((2, [1, 2, 1, 2]), (7, [1, 2] * 7)):
        rig = Rig()
        body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
        program = Program("p", (rest(60.0), Loop(body, 4, counts_cycles=True), rest(60.0)), LIMITS)
        rig.station.prepare(CycleJob(SAMPLE, program))
        rig.clock.run_until(10.0)
        rig.station.kickoff()
        complete = rig.station.complete()
        rig.clock.run_until(120.0)
        assert rig.station.change_times(times) == times
        rig.clock.run_until(1e5)
        assert complete.success
        steps = rows(rig.station.streams["steps"])
        whole = [
            index
            for index, why in zip(steps["step_index"], steps["end_reason"], strict=True)
            if why != "operator"
        ]
        assert whole == [0, *expected, 3]
        flight = rig.station.flight()
        assert flight.asked == flight.done == len(whole)


def test_a_stop_between_two_parts_leaves_the_cell_open_and_says_so() -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, conditional(3, When(cycle_at_least=9))))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(11.0)
    while rig.twin.busy(0):
        rig.clock.moment += 1.0
        rig.twin.advance(rig.clock.now())
    rig.twin.deliver()
    rig.station.safe()
    assert not rig.twin.busy(0)
    rig.clock.run_until(1e5)
    assert rig.station.flight().interrupted


def test_nothing_can_be_changed_where_nothing_runs() -> None:
    rig = Rig()
    with pytest.raises(InterlockError, match="nothing runs"):
        rig.station.change_times(3)


def test_a_step_that_asks_for_a_temperature_is_refused_without_a_chamber() -> None:
    rig = Rig()
    warm = replace(rest(60.0), temperature=333.0)
    with pytest.raises(ProgramError, match="no chamber"):
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (warm,), LIMITS)))


def test_a_current_a_thousand_times_too_large_for_the_film_is_doubted_not_refused() -> None:
    rig = Rig()
    rig.fly(
        Program("p", (Step(ConstantCurrent(1e-2), Until(duration=1.0)),), CellLimits(2.0, 4.3, 1e-2)),
        until=200.0,
    )
    events = rows(rig.station.streams["events"])
    assert "doubt" in events["code"]
    assert "step 0" in events["text"][events["code"].index("doubt")]


@pytest.mark.parametrize(
    ("voltage", "words"), [(0.0, "no cell"), (-3.5, "reversed"), (4.5, "above"), (math.nan, "lead is open")]
)
def test_a_bad_contact_is_found_before_anything_is_uploaded(monkeypatch, voltage, words) -> None:
    rig = Rig()
    monkeypatch.setattr(rig.driver, "read_cell", lambda: voltage)
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    with pytest.raises(InterlockError, match=words):
        raise status.exception()
    assert not rig.sent("upload")


def test_another_cell_than_the_record_says_is_refused() -> None:
    class Records:
        def rest_voltage(self, sample: SampleRef) -> float:
            return 4.1

    rig = Rig(records=Records())
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    with pytest.raises(InterlockError, match="another cell"):
        raise status.exception()


class Cut:
    """A port that can be cut and mended by the test, for all requests or those that hold a word."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.cut, self.word = inner, False, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, data: bytes) -> None:
        if self.cut and self.word in data:
            raise Timeout("the cable is cut")
        self.inner.write(data)


def cut_rig(program: Program) -> tuple[Rig, Cut]:
    """Return a rig in flight whose cable can be cut."""
    rig = Rig()
    cable = Cut(rig.wire._port)
    rig.wire._port = cable
    rig.station.prepare(CycleJob(SAMPLE, program))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(20.0)
    return rig, cable


def test_a_cell_that_could_not_be_made_safe_is_opened_when_the_link_is_back() -> None:
    rig, cable = cut_rig(cycles(3))
    cable.cut = True
    with pytest.raises(WireError):
        rig.station.safe()
    assert rig.twin.busy(0)
    rig.station.stop()  # as a plan's cleanup does; the wish to open stays
    rig.clock.run_until(200.0)
    cable.cut = False
    rig.clock.run_until(300.0)
    assert not rig.twin.busy(0)
    flight = rig.station.flight()
    assert flight.end_reason == "made safe"
    assert flight.interrupted
    assert {"not_opened", "link_lost", "link_back"} <= set(rows(rig.station.streams["events"])["code"])


def test_a_cut_during_which_the_link_fails_is_made_when_it_is_back() -> None:
    body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
    rig, cable = cut_rig(Program("p", (Loop(body, 20, counts_cycles=True), rest(60.0)), LIMITS))
    rig.clock.run_until(100.0)
    assert rig.station.change_times(1) == 1
    cable.cut, cable.word = True, b"stop"
    rig.clock.run_until(2000.0)
    events = rows(rig.station.streams["events"])
    assert "link_lost" in events["code"]
    assert not rig.sent("stop")
    cable.cut = False
    rig.clock.run_until(1e5)
    assert len(rig.sent("stop")) == 1
    steps = rows(rig.station.streams["steps"])
    whole = [i for i, why in zip(steps["step_index"], steps["end_reason"], strict=True) if why != "operator"]
    # What ran until the link was back is in the books; the rest follows once.
    assert whole == [0, 1] * (len(whole) // 2) + [2]
    flight = rig.station.flight()
    assert flight.end_reason == "completed"
    assert flight.asked == flight.done == len(whole)


def test_what_ended_by_itself_before_it_was_stopped_is_complete() -> None:
    for end in ("stop", "close", "safe"):
        rig = Rig(poll_period=100.0)
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (rest(20.0),), LIMITS)))
        rig.clock.run_until(10.0)
        rig.station.kickoff()
        rig.clock.run_until(60.0)
        getattr(rig.station, end)()
        flight = rig.station.flight()
        assert (flight.end_reason, flight.done, flight.interrupted) == ("completed", 1, False), end
