"""Numbers from rows: imports nothing of ours, works on arrays, and so on anybody's data."""
