"""The morning report: what a night did, from its documents alone, as one page or as text."""
