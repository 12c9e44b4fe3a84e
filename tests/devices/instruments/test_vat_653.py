"""The throttle valve's driver: one question for all, refusal without LEARN, words for what it complains of."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, LabError, LimitError
from devices.instruments.vat_653 import VAT653, ValveState
from devices.ports import Fault, random_faults
from sim.twins.vat_653 import VAT653Twin
from tests.sim.twins.vacuum_parts import Throttle


def valve(
    connect: Any, throttle: Throttle | None = None, faults: Any = None, seed: int = 0, **given: Any
) -> Any:
    throttle = throttle or Throttle()
    twin = VAT653Twin(throttle, **given)
    return connect(VAT653, twin, faults, seed), twin, throttle


def test_one_question_tells_position_pressure_and_mode(connect: Any) -> None:
    device, _, throttle = valve(connect, Throttle(opened=0.137))
    device.open()
    assert device.state() == ValveState(
        1.0, pytest.approx(0.137, abs=1e-5), "open", warning=False, remote=True
    )
    assert device.position() == device.valve_position.get() == 1.0
    throttle.opened = -0.002
    assert device.pressure() == pytest.approx(-0.002, abs=1e-5)


def test_a_pressure_is_held_and_read_back(connect: Any) -> None:
    device, _, throttle = valve(connect)
    device.set_pressure(3.0)
    assert throttle.set_point == pytest.approx(3.0, rel=1e-5)
    assert device.state().mode == "pressure"
    device.set_position(0.36)
    assert (throttle.set_point, throttle.at) == (None, 0.36)
    device.close()
    assert throttle.at == 0.0
    device.safe()
    device.safe()
    assert throttle.at == 1.0


@pytest.mark.parametrize("pressure", [0.0, -1.0, 13.31, float("nan")])
def test_a_pressure_out_of_range_is_refused_before_the_wire(connect: Any, pressure: float) -> None:
    device, twin, _ = valve(connect)
    with pytest.raises(LimitError):
        device.set_pressure(pressure)
    with pytest.raises(LimitError):
        device.set_position(-0.1 if pressure <= 0 else 1.1)
    assert twin.log == []


def test_a_valve_that_has_not_learnt_is_not_asked_to_hold_a_pressure(connect: Any, clock: Any) -> None:
    device, twin, throttle = valve(connect, Throttle(0.1, 5.0), learnt=False)
    with pytest.raises(InterlockError, match="has not learnt"):
        device.set_pressure(3.0)
    assert twin.log == []
    assert device.complaint() == "it has not learnt this chamber"
    device.learn(13.3)
    clock.sleep(5.0)
    assert device.learning()
    clock.sleep(30.0)
    assert not device.learning()
    assert device.learn_fault() == ""
    assert device.learnt()
    device.set_pressure(3.0)
    assert throttle.set_point is not None


def test_a_learn_without_gas_says_what_was_amiss(connect: Any, clock: Any) -> None:
    device, _, _ = valve(connect, Throttle(0.0, 0.0), learnt=False)
    device.learn(13.3)
    clock.sleep(40.0)
    assert device.learn_fault() == "the gas flow is too low, the pressure did not rise"
    assert not device.learnt()


def test_a_valve_that_fails_says_so_and_does_nothing_until_it_is_reset(connect: Any, clock: Any) -> None:
    device, twin, throttle = valve(connect)
    device.set_position(0.3)
    twin.fail(20, clock.now())
    assert device.complaint() == "error 020"
    with pytest.raises(InstrumentError, match="E:000082"):
        device.open()
    with pytest.raises(InstrumentError):
        device.set_pressure(3.0)
    assert throttle.at == 0.3
    device.reset()
    assert device.complaint() == ""
    device.open()
    assert throttle.at == 1.0


def test_a_valve_that_fails_is_reset_where_it_must_be_safe(connect: Any, clock: Any) -> None:
    device, twin, throttle = valve(connect)
    device.set_position(0.3)
    assert not device.state().fails
    twin.fail(20, clock.now())
    assert device.state().fails
    device.safe()
    assert throttle.at == 1.0
    assert not device.state().fails


def test_local_operation_is_a_complaint_and_a_refusal(connect: Any, clock: Any) -> None:
    device, twin, _ = valve(connect)
    twin.take_local(clock.now())
    assert device.complaint() == "it is in local operation"
    with pytest.raises(InstrumentError, match="service program"):
        device.safe()


def test_a_valve_that_acknowledges_and_does_not_obey_is_noticed(connect: Any) -> None:
    device, twin, _ = valve(connect)
    receive = twin.receive
    twin.receive = lambda data, now: b"S:\r\n" if data.startswith(b"S:") else receive(data, now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match=r"it says 0 and .hold. .it does not complain"):
        device.set_pressure(3.0)


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_shows_no_position_that_it_is_not_at(connect: Any, clock: Any, seed: int) -> None:
    troubles: dict[Fault, float] = {"ignore": 0.05, "delay": 0.05, "drop": 0.05, "duplicate": 0.05}
    faults = random_faults(seed, troubles, {"delay": 0.7})
    device, _, throttle = valve(connect, None, faults, seed)
    done = 0
    for look in range(60):
        throttle.at = look / 100
        try:
            found = device.position()
        except LabError:
            clock.sleep(1.0)
            continue
        done += 1
        assert found == pytest.approx(throttle.at, abs=1e-5)
    assert done > 30
