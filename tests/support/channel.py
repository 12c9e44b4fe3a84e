"""A potentiostat channel with a cell: driver, wire, bridge and twin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ophyd.status import Status

from devices.base import RowStream
from devices.bridges.lines import unpack
from devices.bridges.squidstat import Connection, SquidstatBridge
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.instruments.squidstat import Squidstat
from devices.limits import ChannelLimits
from devices.ports import Fault, FaultyPort, TwinPort
from devices.potentiostat import PotentiostatStation
from devices.roles.potentiostat import CycleJob
from devices.samples import Layer, SampleRef
from devices.wire import Wire
from sim.twins.squidstat import SquidstatTwin
from sim.twins.squidstat_elements import EXACT, Accuracy
from tests.support.cells import CURRENT, Foil
from tests.support.lane_clock import LaneClock

LANE = "potentiostat"
SAMPLE = SampleRef(id="S1", layers=(Layer("LiCoO2", 1.2e-6),))
LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-3)


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
        self._parameters, self._records = PotentiostatStation.Parameters(**parameters), records
        self.station = self.another()

    def another(self) -> PotentiostatStation:
        """Return a station on the channel, as another session has it."""
        return PotentiostatStation(
            name="potentiostat",
            clock=self.clock,
            lane=LANE,
            instruments={"channels": self.driver},
            parameters=self._parameters,
            limits=ChannelLimits(0.0, 5.0, 1e-2),
            hands=self.hands,
            records=self._records,
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
