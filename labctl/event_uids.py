"""Uids of events, derived from where they stand."""

from __future__ import annotations

import uuid


def event_uid(run: str, stream: str, seq_num: int) -> str:
    """Return an event's uid, derived from where it stands, so that compact rows need not store it."""
    return str(uuid.uuid5(uuid.UUID(run), f"{stream}/{seq_num}"))
