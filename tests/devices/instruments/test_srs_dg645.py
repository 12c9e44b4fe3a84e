"""The gate's driver: what is set is read back, one fire is one gate or none, safe means none."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import (
    InstrumentError,
    InterlockError,
    LabError,
    LimitError,
    OutcomeUnknown,
    WireError,
)
from devices.instruments.srs_dg645 import DG645
from devices.ports import Fault, random_faults
from sim.twins.srs_dg645 import SRSDG645Twin

PREPARING = 23
"""Writes of one prepare() without trouble."""


def gate(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, SRSDG645Twin, list[Any]]:
    gates: list[Any] = []
    twin = SRSDG645Twin(lambda time, width: gates.append((time, width)))
    return connect(DG645, twin, faults, seed, duration_limit=5e-3), twin, gates


def test_one_fire_is_one_gate_of_the_width_asked(connect: Any, clock: Any) -> None:
    device, _, gates = gate(connect)
    device.prepare(1.8e-3)
    assert not device.fired()
    for pulse in range(3):
        device.fire()
        clock.sleep(2.5)
        assert device.fired()
        assert not device.fired()
        assert gates == [(pytest.approx(2.5 * k), pytest.approx(1.8e-3)) for k in range(pulse + 1)]


def test_asking_during_the_gate_forgets_nothing(connect: Any, clock: Any) -> None:
    device, _, _ = gate(connect)
    device.prepare(1.8e-3)
    device.fire()
    assert not device.fired()
    clock.sleep(0.1)
    assert device.fired()


def test_no_fire_passes_in_the_safe_state_reached_twice_from_any_state(connect: Any, clock: Any) -> None:
    device, twin, gates = gate(connect)
    device.safe()
    device.fire()
    device.prepare(1.8e-3)
    device.safe()
    device.safe()
    device.fire()
    clock.sleep(1.0)
    assert not device.fired()
    assert gates == []
    assert device.read_trigger_source() == 1
    assert device.read_width() == 0.0
    assert "trigger ignored" in [event for _, event, _ in twin.log]


@pytest.mark.parametrize("duration", [0.0, -1e-3, 5.1e-3, 1.8, float("nan")])
def test_a_width_out_of_range_is_refused_before_the_wire(connect: Any, duration: float) -> None:
    device, twin, _ = gate(connect)
    twin.receive = None  # type: ignore[assignment, method-assign]
    with pytest.raises(LimitError):
        device.prepare(duration)


def test_a_setting_that_is_not_taken_is_an_error_and_nothing_can_be_fired(connect: Any, clock: Any) -> None:
    device, twin, gates = gate(connect)
    receive = twin.receive
    twin.receive = lambda data, now: receive(data.replace(b"3,2,0.0018", b"3,2,9000"), now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="illegal value"):
        device.prepare(1.8e-3)
    device.fire()
    clock.sleep(1.0)
    assert gates == []


def test_a_setting_lost_on_its_way_is_sent_again(connect: Any, clock: Any) -> None:
    for lost in range(PREPARING):
        device, _, gates = gate(connect, [*[None] * lost, Fault("ignore")])
        try:
            device.prepare(1.8e-3)
        except OutcomeUnknown:
            assert lost == PREPARING - 1
            continue
        device.fire()
        assert [width for _, width in gates] == [pytest.approx(1.8e-3)]


def test_a_fire_is_never_sent_twice_whatever_happens_to_the_link(connect: Any, clock: Any) -> None:
    for trouble in ("ignore", "drop", "delay", "duplicate", "disconnect"):
        device, _, gates = gate(connect, [*[None] * PREPARING, Fault(trouble, 1.0)])
        device.prepare(1.8e-3)
        if trouble == "disconnect":
            with pytest.raises(OutcomeUnknown):
                device.fire()
        else:
            device.fire()
        clock.sleep(1.0)
        assert device.fired() == bool(gates)
        assert len(gates) == (trouble not in ("ignore", "disconnect"))


def test_a_status_that_was_not_heard_is_not_taken_for_that_of_the_next_trigger(
    connect: Any, clock: Any
) -> None:
    """The question is lost, and so is the next trigger: the register still holds what came of the first."""
    lost = [Fault("ignore"), None, None, Fault("ignore")]
    device, _, gates = gate(connect, [*[None] * (PREPARING + 1), *lost])
    device.prepare(1.8e-3)
    device.fire()
    clock.sleep(1.0)
    with pytest.raises(OutcomeUnknown):
        device.fired()
    device.fire()
    clock.sleep(1.0)
    assert not device.fired()
    assert len(gates) == 1


def test_a_lost_status_is_unknown_since_the_instrument_has_forgotten_it(connect: Any, clock: Any) -> None:
    device, _, gates = gate(connect, [*[None] * (PREPARING + 1), Fault("drop")])
    device.prepare(1.8e-3)
    device.fire()
    clock.sleep(1.0)
    with pytest.raises(OutcomeUnknown, match="forgotten"):
        device.fired()
    assert not device.fired()
    assert len(gates) == 1


def test_a_second_trigger_during_a_gate_is_complained_about(connect: Any, clock: Any) -> None:
    device, _, gates = gate(connect)
    device.prepare(1.8e-3)
    device.fire()
    device.fire()
    with pytest.raises(InstrumentError, match="while a gate was running"):
        device.fired()
    clock.sleep(0.1)
    assert device.fired()
    assert len(gates) == 1


def test_the_interlock_on_the_rear_input_blocks_triggers_and_is_told(connect: Any, clock: Any) -> None:
    device, twin, gates = gate(connect)
    device.prepare(1.8e-3)
    twin.inhibit_input = True
    device.fire()
    with pytest.raises(InterlockError, match="no gate opened"):
        device.fired()
    assert gates == []
    twin.inhibit_input = False
    device.fire()
    clock.sleep(1.0)
    assert device.fired()


def test_a_guard_that_refuses_keeps_the_trigger_from_the_wire(connect: Any, clock: Any) -> None:
    device, _, gates = gate(connect)
    device.prepare(1.8e-3)

    def refuse() -> None:
        raise InterlockError("arm token", "not armed")

    device.guard = refuse
    with pytest.raises(InterlockError, match="not armed"):
        device.fire()
    clock.sleep(1.0)
    assert gates == []


def burst(connect: Any, *, dead_man: bool, driver_says: bool) -> tuple[Any, SRSDG645Twin, list[Any]]:
    gates: list[Any] = []
    twin = SRSDG645Twin(lambda time, width: gates.append((time, width)), dead_man=dead_man)
    return connect(DG645, twin, None, 0, duration_limit=5e-3, dead_man=driver_says), twin, gates


def test_one_fire_is_one_burst_of_the_gates_asked(connect: Any, clock: Any) -> None:
    device, _, gates = burst(connect, dead_man=True, driver_says=True)
    device.prepare_burst(0.3e-3, 6, 0.6e-3)
    device.fire()
    assert not device.fired()
    clock.sleep(0.02)
    assert device.fired()
    assert [time for time, _ in gates] == pytest.approx([0.6e-3 * k for k in range(6)])
    assert [width for _, width in gates] == pytest.approx([0.3e-3] * 6)
    device.prepare(1.8e-3)
    device.fire()
    clock.sleep(0.02)
    assert device.fired()
    assert len(gates) == 7


def test_without_a_dead_man_neither_driver_nor_twin_bursts(connect: Any, clock: Any) -> None:
    device, twin, _ = burst(connect, dead_man=True, driver_says=False)
    twin.receive = None  # type: ignore[assignment, method-assign]
    with pytest.raises(LimitError, match="dead_man"):
        device.prepare_burst(0.3e-3, 6, 0.6e-3)
    device, _, gates = burst(connect, dead_man=False, driver_says=True)
    with pytest.raises(InstrumentError, match="not allowed"):
        device.prepare_burst(0.3e-3, 6, 0.6e-3)
    device.fire()
    clock.sleep(0.02)
    assert gates == []


def test_the_inhibit_input_darkens_the_rest_of_a_burst(connect: Any, clock: Any) -> None:
    device, twin, gates = burst(connect, dead_man=True, driver_says=True)
    device.prepare_burst(0.3e-3, 6, 0.6e-3)
    device.fire()
    clock.sleep(1.5e-3)
    assert not device.fired()
    twin.inhibit_input = True
    clock.sleep(0.02)
    with pytest.raises(InstrumentError, match="inhibited"):
        device.fired()
    assert len(gates) == 3


@pytest.mark.parametrize(
    ("width", "count", "period"), [(0.7e-3, 6, 0.6e-3), (0.0, 6, 0.6e-3), (0.3e-3, 9, 0.6e-3)]
)
def test_a_burst_out_of_range_is_refused_before_the_wire(
    connect: Any, width: float, count: int, period: float
) -> None:
    device, twin, _ = burst(connect, dead_man=True, driver_says=True)
    twin.receive = None  # type: ignore[assignment, method-assign]
    with pytest.raises(LimitError):
        device.prepare_burst(width, count, period)


def test_safe_is_sent_before_anything_is_waited_for(connect: Any, clock: Any) -> None:
    device, _, gates = gate(connect, [*[None] * PREPARING, *[Fault("drop")] * 20])
    device.prepare(1.8e-3)
    with pytest.raises(WireError):
        device.safe()
    device.fire()
    clock.sleep(1.0)
    assert gates == []


def test_another_instrument_is_not_taken_for_a_dg645(connect: Any) -> None:
    device, twin, _ = gate(connect)
    twin.receive = lambda data, now: b"KEITHLEY INSTRUMENTS,MODEL 2450,1,1\r\n"  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.identify()


@pytest.mark.parametrize("seed", range(8))
def test_trouble_on_the_line_never_makes_a_gate_of_its_own_nor_a_wrong_width(
    connect: Any, clock: Any, seed: int
) -> None:
    troubles: dict[Any, float] = {
        "ignore": 0.02,
        "delay": 0.02,
        "drop": 0.02,
        "garble": 0.02,
        "truncate": 0.02,
    }
    device, _, gates = gate(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    fires, widths = 0, []
    for pulse in range(40):
        width = 1e-3 + pulse * 1e-5
        try:
            device.prepare(width)
        except LabError:
            continue
        fires += 1
        before = len(gates)
        device.fire()
        clock.sleep(1.0)
        try:
            confirmed = device.fired()
        except LabError:
            confirmed = None
        if confirmed:
            assert len(gates) == before + 1
        widths += [width] * (len(gates) - before)
    assert fires > 10
    assert len(gates) <= fires
    assert [width for _, width in gates] == pytest.approx(widths)
