"""Cycling a cell: programs, and the channel that runs them."""
