"""Seen of a run while it goes on: rows, a bar with time to go, a picture; nothing of it can hold a run up."""
