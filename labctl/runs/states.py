"""What state a run is in, beside what its stop document says."""

from __future__ import annotations

OPEN = "open"
"""In the index: without a stop document. Running or died, only its file's lock tells."""

RUNNING, DIED = "running", "died"

DAMAGED = "damaged"
"""Its journal cannot be read, or not to its end."""

NEWER = "newer"
"""Its journal was written by a newer labctl, and this one cannot read it."""

NEVER = 0.0
"""When a run began, in the index, of which nobody can read when."""
