"""What is typed at a prompt and cannot be meant."""

from __future__ import annotations

from devices.errors import LabError


class Mistyped(LabError):
    """A name of nothing, or of something else than is expected there; nothing was begun."""
