"""Runs as they were kept: found, listed, read as documents and as tables."""
