"""Runs and samples in words and tables, for a terminal."""
