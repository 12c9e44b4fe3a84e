"""What runs are by the name of their plan."""

from __future__ import annotations

ANNEAL, BAKE = "anneal", "bake"
IMPORT = "import"
"""Rows of an instrument that labctl did not run."""
MAKING = frozenset({ANNEAL, BAKE, "deposit", "evaporate"})
"""Plans that change what a sample is; what they did is the input of later runs."""
