"""Which streams a shadow is led by; apart from it, so that whoever only subscribes one needs no physics."""

from __future__ import annotations

FOLLOWED = frozenset({"primary", "steps"})
