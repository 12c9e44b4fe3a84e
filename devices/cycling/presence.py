"""When the host of a run counts as gone: nobody has asked for its rows for too long."""

from __future__ import annotations

HOST_LAPSE = 300.0
"""Seconds without a question for a channel's rows after which its host counts as gone: five of a station's poll
periods of 60 s, so that a link which comes back in time ends nothing."""


def is_gone(asked: float, now: float) -> bool:
    """Return whether the host that asked last at one instant [s] is gone at another."""
    return now - asked >= HOST_LAPSE
