"""The gate's twin: when a trigger opens the gate and when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from sim.twins.srs_dg645 import SRSDG645Twin


def armed() -> tuple[SRSDG645Twin, list[Any]]:
    gates: list[Any] = []
    twin = SRSDG645Twin(lambda time, width: gates.append((time, width)))
    twin.receive(b"DLAY 2,0,0;DLAY 3,2,0.0018;TSRC 5\n", 0.0)
    return twin, gates


def run(twin: SRSDG645Twin, until: float) -> None:
    while (due := twin.next_event()) is not None and due <= until:
        twin.fire_event(due)


def status(twin: SRSDG645Twin, now: float) -> int:
    return int(twin.receive(b"INSR?\n", now))


def test_a_trigger_opens_the_gate_once() -> None:
    twin, gates = armed()
    twin.receive(b"*TRG\n", 1.0)
    assert gates == [(1.0, pytest.approx(0.0018))]
    assert status(twin, 1.0) == 1
    run(twin, 2.0)
    assert status(twin, 2.0) == 4
    assert status(twin, 2.0) == 0
    assert len(gates) == 1


def test_a_delayed_gate_opens_later_and_is_aborted_by_another_source() -> None:
    twin, gates = armed()
    twin.receive(b"DLAY 2,0,0.5\n*TRG\n", 1.0)
    assert gates == []
    run(twin, 2.0)
    assert gates == [(pytest.approx(1.5), pytest.approx(0.0018))]
    twin.receive(b"*TRG\nTSRC 1\n", 3.0)
    run(twin, 9.0)
    assert len(gates) == 1
    assert status(twin, 9.0) & 32


@pytest.mark.parametrize(
    "setting",
    [b"TSRC 1", b"TSRC 2", b"TSRC 3", b"TSRC 4", b"DLAY 3,2,0", b"DLAY 3,2,-0.001", b"TSRC 1;DLAY 3,2,0"],
)
def test_no_gate_without_single_shots_or_without_width(setting: bytes) -> None:
    twin, gates = armed()
    twin.receive(setting + b"\n*TRG\n", 1.0)
    run(twin, 9.0)
    assert gates == []


@pytest.mark.parametrize(("inhibit", "passes"), [(b"0", True), (b"1", False), (b"2", False)])
def test_the_inhibit_input_blocks_what_is_selected(inhibit: bytes, passes: bool) -> None:
    twin, gates = armed()
    twin.inhibit_input = True
    twin.receive(b"INHB " + inhibit + b"\n*TRG\n", 0.0)
    assert bool(gates) == passes
    assert bool(status(twin, 0.0) & 16) != passes


def test_a_burst_is_refused_without_a_dead_man() -> None:
    twin, gates = armed()
    twin.receive(b"BURC 20\nBURP 2.5\nBURM 1\n*TRG\n", 0.0)
    run(twin, 100.0)
    assert twin.receive(b"LERR?\n", 100.0) == b"15\r\n"
    assert len(gates) == 1


def test_a_burst_only_when_asked_for() -> None:
    twin, gates = armed()
    twin.dead_man = True
    twin.receive(b"BURC 20\nBURP 2.5\nBURM 1\n*TRG\n", 0.0)
    run(twin, 100.0)
    assert [time for time, _ in gates] == pytest.approx([2.5 * k for k in range(20)])
    assert status(twin, 100.0) == 1 | 4 | 8
    twin.receive(b"BURM 0\n*TRG\n", 200.0)
    run(twin, 300.0)
    assert len(gates) == 21


def test_mistakes_queue_up_and_change_nothing() -> None:
    twin, _ = armed()
    twin.receive(b"TSRC 9\nDLAY 3,3,1\nDLAY 2,3,0\nFIRE\nTSRC 1,2\nTSRC\nLAMP 9,1\nINHB x\nTSRC 0\n", 0.0)
    codes = []
    while code := int(twin.receive(b"LERR?\n", 0.0)):
        codes.append(code)
    assert codes == [10, 13, 13, 111, 115, 116, 10, 10, 10]
    assert twin.receive(b"DLAY?3\nTSRC?\n", 0.0) == b"2,+0.001800000000\r\n5\r\n"


def test_looking_changes_nothing_but_the_status() -> None:
    twin, gates = armed()
    for query in (b"*IDN?\n", b"TSRC?\n", b"DLAY?2\n", b"LAMP?1\n", b"BURP?\n", b"LERR?\n"):
        assert twin.receive(query, 0.0) == twin.receive(query, 5.0)
    assert gates == []


def test_after_its_mains_came_back_every_setting_is_its_default_and_no_gate_opens() -> None:
    gates: list[float] = []
    twin = SRSDG645Twin(lambda time, width: gates.append(time))
    twin.receive(b"TSRC 5\nDLAY 3,2,1.8e-3\n*TRG\n", 0.0)
    assert len(gates) == 1
    twin.power_up(0.001)
    assert twin.next_event() is None
    twin.receive(b"*TRG\n", 1.0)
    assert len(gates) == 1
    assert twin.receive(b"DLAY?3\n", 2.0).endswith(b"0.000000000000\r\n")
