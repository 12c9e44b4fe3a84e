"""What state a run is in, beside what its stop document says."""

from __future__ import annotations

OPEN = "open"
"""In the index: without a stop document. Running or died, only its file's lock tells."""

RUNNING, DIED = "running", "died"

DAMAGED = "damaged"
"""Its journal cannot be read, or not to its end."""
