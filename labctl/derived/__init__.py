"""Derived results: tables computed from runs, kept as runs of their own that say what they came from."""
