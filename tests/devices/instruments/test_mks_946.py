"""The gauge controller's driver: one question for all gauges, flows in mol/s, words for numbers, gases closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.errors import InstrumentError, InterlockError, LabError, LimitError, WireError
from devices.instruments.mks_946 import MKS946, SCCM
from devices.ports import Fault, random_faults
from devices.sputter.parts import Flow, Pressure
from sim.twins.mks_946 import MKS946Twin
from tests.sim.twins.vacuum_parts import Inlet

CHANNELS: dict[str, Any] = {"gauges": {"ion": "A1", "manometer": "A2"}, "gases": {"Ar": 3, "O2": 4}}


class Chamber:
    """A pressure, and inlets that do what they are told."""

    def __init__(self) -> None:
        self.pressure = 0.05
        self.inlets = {"Ar": Inlet(), "O2": Inlet()}


def controller(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, MKS946Twin, Chamber]:
    chamber = Chamber()
    twin = MKS946Twin(
        {name: lambda: chamber.pressure for name in CHANNELS["gauges"]},
        chamber.inlets,
        np.random.default_rng(1),
        **CHANNELS,
    )
    return connect(MKS946, twin, faults, seed, **CHANNELS), twin, chamber


def asked(twin: MKS946Twin) -> list[bytes]:
    """Return what the twin hears from now on."""
    heard, receive = [], twin.receive

    def listening(data: bytes, now: float) -> bytes:
        heard.append(data)
        return receive(data, now)

    twin.receive = listening  # type: ignore[method-assign]
    return heard


def test_all_gauges_cost_one_question_and_are_in_pascal(connect: Any) -> None:
    device, twin, _ = controller(connect)
    device.identify()
    heard = asked(twin)
    found = device.pressures()
    assert heard == [b"@253PRZ?;FF"]
    assert found["manometer"].value == pytest.approx(0.05, abs=6e-4)
    assert found["ion"].value == pytest.approx(0.05, rel=0.1)


def test_pressures_are_in_pascal_also_where_nobody_identified_it(connect: Any) -> None:
    device, _, _ = controller(connect)
    assert device.read_pressure("manometer") == pytest.approx(0.05, abs=6e-4)


def test_a_word_is_no_pressure_and_is_told(connect: Any, clock: Any) -> None:
    device, twin, chamber = controller(connect)
    chamber.pressure = 0.5
    assert device.pressures()["ion"] == Pressure(None, "PROT_OFF")
    twin.misconnect("manometer", clock.now())
    assert device.pressures() == {"ion": Pressure(None, "PROT_OFF"), "manometer": Pressure(None, "MISCONN")}
    with pytest.raises(InstrumentError, match="protected itself"):
        device.read_pressure("ion")


def test_the_hot_cathode_is_switched_and_read_back(connect: Any, clock: Any) -> None:
    device, _, chamber = controller(connect)
    device.gauge_power("ion", False)
    assert device.pressures()["ion"].said == "OFF"
    device.gauge_power("ion", True)
    assert device.pressures()["ion"].said == "WAIT"
    clock.sleep(6.0)
    assert device.pressures()["ion"].value is not None
    chamber.pressure = 0.5
    device.pressures()
    with pytest.raises(InstrumentError):
        device.gauge_power("manometer", True)


def test_a_flow_is_let_in_in_three_digits_and_read_back(connect: Any) -> None:
    device, _, chamber = controller(connect)
    device.set_flow("Ar", 24.04 * SCCM)
    assert chamber.inlets["Ar"].molecules == pytest.approx(24 * 4.4780e17, rel=1e-4)
    assert device.flows() == {
        "Ar": Flow(pytest.approx(24 * SCCM), pytest.approx(24 * SCCM), "SETPOINT"),
        "O2": Flow(0.0, 0.0, "CLOSE"),
    }


def test_a_row_of_flows_costs_one_question_for_each_gas(connect: Any) -> None:
    device, twin, _ = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    device.flows()
    heard = asked(twin)
    device.flows()
    assert heard == [b"@253FR3?;FF", b"@253FR4?;FF"]


def test_a_stuck_mfc_shows_its_true_flow_beside_what_it_was_told(connect: Any) -> None:
    device, _, chamber = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    chamber.inlets["Ar"].stuck = True
    device.set_flow("Ar", 12 * SCCM)
    assert device.flows()["Ar"] == Flow(pytest.approx(24 * SCCM), pytest.approx(12 * SCCM), "SETPOINT")


@pytest.mark.parametrize("flow", [-1e-6, 100.1 * SCCM, float("nan"), float("inf")])
def test_a_flow_out_of_range_is_refused_before_anything_is_told(connect: Any, flow: float) -> None:
    device, twin, _ = controller(connect)
    with pytest.raises(LimitError):
        device.set_flow("Ar", flow)
    assert twin.log == []


def test_the_guard_says_who_may_let_a_gas_in_and_closing_needs_nobody(connect: Any) -> None:
    device, _, chamber = controller(connect)
    device.set_flow("Ar", 24 * SCCM)

    def nobody(gas: str) -> None:
        raise InterlockError("cover", f"{gas}: the cover is open")

    device.guard = nobody
    with pytest.raises(InterlockError):
        device.set_flow("O2", SCCM)
    with pytest.raises(InterlockError):
        device.regulate("O2", "manometer", 3.0)
    assert chamber.inlets["O2"].molecules == 0.0
    device.set_flow("Ar", 0.0)
    assert chamber.inlets["Ar"].molecules == 0.0
    device.safe()


def test_pressure_control_is_ended_before_the_gases_are_closed(connect: Any, clock: Any) -> None:
    device, _, chamber = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    device.regulate("O2", "manometer", 3.0)
    assert device.regulating()
    clock.sleep(5.0)
    assert device.flows()["O2"].mode == "PCTRL"
    assert chamber.inlets["O2"].molecules > 0.0
    with pytest.raises(InstrumentError, match="pressure control is on"):
        device.set_flow("O2", SCCM)
    device.safe()
    assert [each.molecules for each in chamber.inlets.values()] == [0.0, 0.0]
    device.safe()


def test_a_gas_that_does_not_close_does_not_keep_the_others_open(connect: Any) -> None:
    device, twin, chamber = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    device.set_flow("O2", SCCM)
    receive = twin.receive
    twin.receive = lambda data, now: b"@253NAK161;FF" if b"QMD3!" in data else receive(data, now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="locked"):
        device.safe()
    assert chamber.inlets["O2"].molecules == 0.0


def test_on_a_dead_wire_closing_is_said_blind_and_soon(connect: Any, clock: Any) -> None:
    device, twin, chamber = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    device.set_flow("O2", SCCM)
    receive = twin.receive

    def deaf_back(data: bytes, now: float) -> bytes:
        receive(data, now)
        return b""

    twin.receive = deaf_back  # type: ignore[method-assign]
    began = clock.now()
    with pytest.raises(WireError):
        device.safe()
    assert [each.molecules for each in chamber.inlets.values()] == [0.0, 0.0]
    assert clock.now() - began <= 1.0


def test_after_the_mains_came_back_the_flows_differ_from_what_was_told(connect: Any, clock: Any) -> None:
    device, twin, _ = controller(connect)
    device.set_flow("Ar", 24 * SCCM)
    twin.power_up(clock.now())
    found = device.flows()["Ar"]
    assert (found.actual, found.wanted) == (0.0, pytest.approx(24 * SCCM))


def test_channels_have_one_use() -> None:
    MKS946.Parameters(gauges={"manometer": "A1"}, gases={"Ar": 2})
    with pytest.raises(ValueError, match="A1 is named twice"):
        MKS946.Parameters(gauges={"manometer": "A1"}, gases={"Ar": 1})
    with pytest.raises(ValueError):
        MKS946.Parameters(gases={"Ar": 7})


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_lets_in_what_was_not_asked_for(
    connect: Any, clock: Any, seed: int
) -> None:
    troubles: dict[Fault, float] = {"ignore": 0.05, "delay": 0.05, "drop": 0.05, "duplicate": 0.05}
    device, _, chamber = controller(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    done = 0
    for look in range(60):
        wanted = 10.0 + look
        try:
            device.set_flow("Ar", wanted * SCCM)
        except LabError:
            clock.sleep(1.0)
            continue
        done += 1
        assert chamber.inlets["Ar"].molecules == pytest.approx(wanted * 4.47796e17, rel=1e-4)
    assert done > 25
