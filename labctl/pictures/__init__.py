"""Pictures of runs: one message each, axes with units, readable in grey."""
