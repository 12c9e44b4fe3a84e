"""A host is gone when it has not asked for long enough, and not before."""

from __future__ import annotations

from devices.cycling.presence import HOST_LAPSE, is_gone


def test_a_host_is_gone_after_the_lapse_and_not_before() -> None:
    assert not is_gone(10.0, 10.0 + 0.99 * HOST_LAPSE)
    assert is_gone(10.0, 10.0 + HOST_LAPSE)
