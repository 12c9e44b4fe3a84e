"""The FuG's twin: registers, refusals, a trip that holds the output off; both foreign dialects of its commands."""

from __future__ import annotations

import pytest

from sim.apparatus import FlashHead
from sim.twins.fug_probus import FuGProbusTwin


@pytest.fixture
def twin():
    return FuGProbusTwin(FlashHead())


def switched_on(twin):
    assert twin.receive(b">S1 0.6\n>S0 850\n>BON 1\n", 0.0) == b"E0\n" * 3


def test_it_charges_at_the_limit_of_current_and_then_of_power(twin):
    """0.6 A into 5.6 mF are 107 V/s; the energy of a bank at 850 V at 600 W is reached in 4 to 9 s."""
    switched_on(twin)
    twin.advance(1.0)
    assert twin.bank.voltage == pytest.approx(0.6 / 5.6e-3, rel=1e-9)
    twin.advance(9.0)
    assert twin.bank.voltage == 850.0
    assert twin.receive(b">DVR ?\n>DIR ?\n", 9.0) == b"DVR:1\nDIR:0\n"


def test_off_bleeds_the_bank(twin):
    switched_on(twin)
    twin.advance(20.0)
    twin.receive(b">BON 0\n", 20.0)
    twin.advance(40.0)
    assert twin.bank.voltage == pytest.approx(850.0 / 2.718281828, rel=1e-6)


def test_no_current_charges_nothing(twin):
    twin.receive(b">S0 850\n>BON 1\n", 0.0)
    twin.advance(20.0)
    assert twin.bank.voltage == 0.0


def test_a_trip_holds_the_output_off_until_it_is_commanded_off(twin):
    switched_on(twin)
    twin.trip(1.0, "interlock loop open")
    assert twin.receive(b">DON ?\n>BON ?\n>BON 1\n>DON ?\n", 1.0) == b"DON:0\nBON:1\nE0\nDON:0\n"
    assert twin.receive(b">BON 0\n>BON 1\n>DON ?\n", 1.0) == b"E0\nE0\nDON:1\n"


def test_power_up_forgets_all_but_the_bank(twin):
    switched_on(twin)
    twin.advance(9.0)
    twin.power_up(9.0)
    assert twin.receive(b">S0 ?\n>DON ?\n", 9.0) == b"S0:+0.00000E+00\nDON:0\n"
    assert twin.bank.voltage == 850.0


def test_local_control_acknowledges_and_does_nothing(twin):
    twin.digital_control = False
    switched_on(twin)
    assert twin.receive(b">DON ?\n>S0 ?\n>DSD ?\n", 0.0) == b"DON:0\nS0:+0.00000E+00\nDSD:0\n"


@pytest.mark.parametrize("register", ["S0", "S1", "M0", "M1", "BON", "DON", "DSD", "S0A", "DVR"])
def test_looking_changes_nothing(twin, register):
    question = f">{register} ?\n".encode()
    assert twin.receive(question, 0.0) == twin.receive(question, 9.0)
    assert twin.log == []
