"""The RF generator's driver: control and its loss, read-backs, lost acknowledgements, who may keep it alive."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, LabError, LimitError, OutcomeUnknown, WireError
from devices.instruments.aja_0313 import AJA0313, IDENTIFY, Answer, Model, command, is_model
from devices.ports import Fault, random_faults
from sim.twins.aja_0313 import AJA0313Twin


class Plasma:
    """A load of which a share comes back, with a bias that follows the power."""

    def __init__(self) -> None:
        self.forward, self.share = 0.0, 0.01
        self.driven: list[float] = []
        self.places = (0.425, 0.63)

    def drive(self, forward: float) -> None:
        self.forward = forward
        self.driven.append(forward)

    def reflected(self) -> float:
        return self.share * self.forward

    def bias(self) -> float:
        return 1.5 * self.forward

    def capacitors(self) -> tuple[float, float]:
        return self.places

    def set_capacitors(self, load: float, tune: float) -> None:
        self.places = load, tune

    def automatic(self, on: bool) -> None:
        pass


def generator(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, AJA0313Twin, Plasma]:
    plasma = Plasma()
    twin = AJA0313Twin(plasma)
    return connect(AJA0313, twin, faults, seed, power_limit=250.0), twin, plasma


def lit(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, AJA0313Twin, Plasma]:
    device, twin, plasma = generator(connect, faults, seed)
    device.take_control()
    device.set_power(120.0)
    device.on()
    return device, twin, plasma


def switched(twin: AJA0313Twin) -> list[str]:
    return [event for _, event, _ in twin.log if event.startswith("RF")]


def test_commands_are_those_of_a_real_generator() -> None:
    assert command(b"GP") == bytes.fromhex("43 00 47 50 00 00 00 00 00 DA")
    assert command(b"SA", 118) == bytes.fromhex("43 00 53 41 00 76 00 00 01 4D")
    assert command(b"BR", 0x5555) == bytes.fromhex("43 00 42 52 55 55 00 00 01 81")
    assert bytes.fromhex("43 00 47 69 00 01 00 00 00 F4") == IDENTIFY


def test_the_model_is_found_behind_torn_answers() -> None:
    whole = b"*R\x00\x00\x10\x00\x01AG 0313 GTC  \x00\x03\x10"
    for torn in (b"", b"*", b"*R\x00\x00\x06\x04", b"??", whole[:11]):
        buffer = bytearray(torn + whole)
        model = Model().take(buffer)
        assert model == whole
        assert is_model(model)
        assert not buffer
    assert not is_model(whole[:-1] + b"\x11")


def test_an_answer_waits_until_it_is_whole() -> None:
    whole = bytes.fromhex("2A 52 00 00 06 04 9C 00 07 04 95 01 98")
    buffer = bytearray()
    for byte in whole[:-1]:
        buffer.append(byte)
        assert Answer().take(buffer) is None
    buffer.append(whole[-1])
    assert Answer().take(buffer) == whole


def test_power_goes_to_the_load_and_comes_back_as_read(connect: Any, clock: Any) -> None:
    device, _, plasma = lit(connect)
    clock.sleep(1.0)
    state = device.state()
    assert plasma.forward == 120.0
    assert (state.on, state.in_control) == (True, True)
    assert (state.forward, state.reflected, state.load) == pytest.approx((120.0, 1.2, 118.8))
    assert state.bias == 180.0
    assert state.flags == frozenset()
    assert state.temperature == pytest.approx(295.3, abs=1.0)
    device.off()
    assert plasma.forward == 0.0
    assert device.state().on is False


@pytest.mark.parametrize("power", [-1.0, 250.1, float("nan"), float("inf")])
def test_a_power_out_of_range_is_refused_before_the_wire(connect: Any, power: float) -> None:
    device, twin, _ = generator(connect)
    device.take_control()
    with pytest.raises(LimitError):
        device.set_power(power)
    assert twin.set_point == 0


def test_rounding_does_not_go_above_the_limit(connect: Any) -> None:
    device, twin, _ = generator(connect)
    device.limit = 99.6
    device.take_control()
    device.set_power(99.6)
    assert twin.set_point == 99


def test_nothing_is_set_without_control(connect: Any) -> None:
    device, twin, _ = generator(connect)
    with pytest.raises(InstrumentError, match="is it in control"):
        device.set_power(100.0)
    with pytest.raises(InstrumentError, match="RF stays off"):
        device.on()
    assert twin.set_point == 0
    assert not twin.on


def test_control_is_kept_by_a_question_every_two_seconds_and_lost_by_silence(
    connect: Any, clock: Any
) -> None:
    device, twin, plasma = lit(connect)
    for _ in range(20):
        clock.sleep(1.9)
        assert device.state().in_control
    last = clock.now()
    clock.sleep(5.0)
    state = device.state()
    assert (state.on, state.in_control) == (False, False)
    assert "control lost" in state.flags
    assert [time for time, event, _ in twin.log if event == "control lost"] == [pytest.approx(last + 2.0)]
    assert plasma.driven[-1] == 0.0
    assert twin.set_point == 0
    device.take_control()
    device.set_power(120.0)
    device.on()
    assert device.state().in_control


def test_control_taken_at_the_front_panel_is_noticed_without_silence(connect: Any, clock: Any) -> None:
    device, twin, _ = lit(connect)
    assert device.state().on
    twin.lose_control(clock.now())
    state = device.state()
    assert (state.on, state.in_control) == (False, False)
    with pytest.raises(InstrumentError, match="refused"):
        device.take_control()
    twin.return_control(clock.now())
    device.take_control()
    assert device.state().in_control


def test_whoever_only_looks_does_not_keep_it_on(connect: Any, clock: Any) -> None:
    device, twin, _ = lit(connect)
    read = device.state()
    device.acting = False
    for _ in range(3):
        clock.sleep(1.0)
        assert device.state() is read
        assert device.read_forward() == 120.0
        assert device.reading_age == pytest.approx(clock.now())
        with pytest.raises(InterlockError, match="keeps it alive"):
            device.identify()
    clock.sleep(2.0)
    assert not device.state().on
    assert [time for time, event, _ in twin.log if event == "RF off"] == [pytest.approx(2.0)]


def test_the_guard_is_asked_before_rf_is_switched_on(connect: Any) -> None:
    device, twin, _ = generator(connect)
    device.take_control()
    device.set_power(50.0)

    def nobody() -> None:
        raise InterlockError("water", "no water")

    device.guard = nobody
    with pytest.raises(InterlockError, match="water"):
        device.on()
    assert switched(twin) == []


def test_an_open_interlock_drops_the_power_and_keeps_it_off(connect: Any, clock: Any) -> None:
    device, twin, plasma = lit(connect)
    twin.interlock_open = True
    assert plasma.forward == 0.0
    assert device.state().flags == {"interlock open"}
    with pytest.raises(InstrumentError, match="interlock open"):
        device.on()
    twin.interlock_open = False
    assert not device.state().on
    device.on()
    assert device.state().on


def test_a_hot_heat_sink_is_told(connect: Any, clock: Any) -> None:
    device, twin, _ = lit(connect)
    twin.overheat(clock.now())
    state = device.state()
    assert not state.on
    assert "over-temperature" in state.flags
    assert state.temperature > 343.0
    with pytest.raises(InstrumentError, match="over-temperature"):
        device.on()


def test_reflected_power_above_the_limit_folds_back(connect: Any, clock: Any) -> None:
    device, twin, plasma = lit(connect)
    twin.detune(0.875, clock.now())
    clock.sleep(0.5)
    state = device.state()
    assert "reflected power limit" in state.flags
    assert state.forward == pytest.approx(80.0)
    assert state.reflected == pytest.approx(70.0)
    twin.detune(0.0, clock.now())
    clock.sleep(0.5)
    assert device.state().forward == pytest.approx(120.0)
    assert plasma.forward == 120.0


def test_a_lost_acknowledgement_of_on_is_resolved_by_asking(connect: Any) -> None:
    device, twin, _ = lit(connect, [None, None, None, Fault("drop")])
    assert device.state().on
    assert switched(twin) == ["RF on"]


def test_a_lost_request_to_switch_on_is_sent_again_and_the_guard_asked_again(connect: Any) -> None:
    device, twin, _ = generator(connect, [None, None, None, Fault("ignore")])
    asked: list[int] = []
    device.take_control()
    device.set_power(60.0)
    device.guard = lambda: asked.append(1)
    device.on()
    assert len(asked) == 2
    assert switched(twin) == ["RF on"]


def test_two_lost_requests_are_an_unknown_outcome(connect: Any) -> None:
    script = [None, None, None, Fault("ignore"), None, None, None, None, None, Fault("ignore")]
    device, twin, _ = generator(connect, script)
    device.take_control()
    device.set_power(60.0)
    with pytest.raises(OutcomeUnknown):
        device.on()
    assert not twin.on


def test_off_is_sent_blind_when_no_reply_comes_through(connect: Any) -> None:
    script = [*[None] * 7, *[Fault("ignore")], *[Fault("drop")] * 20]
    device, twin, _ = lit(connect, script)
    assert twin.on
    with pytest.raises(WireError):
        device.safe()
    assert not twin.on


def test_safe_is_reached_from_any_state_and_twice(connect: Any) -> None:
    device, twin, _ = generator(connect)
    device.safe()
    device.take_control()
    device.set_power(60.0)
    device.on()
    device.safe()
    device.safe()
    assert not twin.on
    assert not twin.in_control
    assert switched(twin) == ["RF on", "RF off"]


def test_an_order_that_arrives_garbled_is_given_again(connect: Any) -> None:
    device, twin, _ = generator(connect)
    receive, torn = twin.receive, [command(b"SA", 119)[:-1] + b"\x00"]
    device.take_control()
    twin.receive = lambda data, now: receive(torn.pop() if torn else data, now)  # type: ignore[method-assign]
    device.set_power(90.0)
    assert twin.set_point == 90


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.05,
    "drop": 0.05,
    "garble": 0.1,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
    "disconnect": 0.02,
}


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_gives_a_wrong_power(connect: Any, clock: Any, seed: int) -> None:
    device, twin, plasma = generator(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    right = 0
    for step in range(120):
        twin.on, twin._forward, plasma.forward = True, float(step), float(step)
        twin._regulate_at = twin._heard = 1e9
        try:
            state = device.state()
        except LabError:
            continue
        assert state.forward == step
        assert state.reflected == pytest.approx(0.01 * step, abs=0.0501)
        right += 1
    assert right > 25
