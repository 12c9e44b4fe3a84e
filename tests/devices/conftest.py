"""The least of a bench: one twin behind a port, on a clock that only tests move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devices.ports import FaultyPort, TwinPort
from devices.wire import Wire
from tests.support.lane_clock import ManualClock

LANE = "lane"


class Endpoint:
    """Touches a twin as a bench does: what was due first, then the state, then the bytes."""

    def __init__(self, twin: Any, clock: ManualClock) -> None:
        self.twin, self.clock = twin, clock

    def catch_up(self) -> None:
        now = self.clock.now()
        while (due := self.twin.next_event()) is not None and due <= now + 1e-9:
            self.twin.advance(due)
            self.twin.fire_event(due)
        self.twin.advance(now)

    def exchange(self, data: bytes) -> bytes:
        self.catch_up()
        return bytes(self.twin.receive(data, self.clock.now()))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def endpoint(clock: ManualClock) -> Callable[[Any], Endpoint]:
    return lambda twin: Endpoint(twin, clock)


@pytest.fixture
def connect(clock: Any) -> Callable[..., Any]:
    """Return connect(driver class, twin, faults=None, seed=0, **parameters): a driver on a twin."""

    def build(driver: Any, twin: Any, faults: Any = None, seed: int = 0, **parameters: Any) -> Any:
        port: Any = TwinPort(Endpoint(twin, clock), clock, LANE)
        if faults is not None:
            port = FaultyPort(port, clock, faults, seed=seed)
        wire = Wire(port, clock, name=driver.kind_name, lane=LANE, sync=driver.sync)
        return driver(wire, clock, name="device", **parameters)

    return build
