"""The flash head: what goes in and out of its bank."""

from __future__ import annotations

import pytest

from sim.apparatus import FlashHead


def test_a_flash_takes_its_energy_from_the_bank() -> None:
    head = FlashHead(voltage=850.0)
    pulse = head.discharge(1.8e-3)
    assert pulse
    taken = 0.5 * head.bank.capacitance * (850.0**2 - head.voltage**2)
    assert pulse.electrical_energy == pytest.approx(taken, rel=1e-12)
    assert pulse.exposure == pytest.approx(16.5e4, rel=1e-9)


def test_a_bank_below_ignition_does_not_flash() -> None:
    head = FlashHead(voltage=90.0)
    assert head.discharge(1.8e-3) is None
    assert head.voltage == 90.0
