"""Sheets of many cells: what is measured of each, and how long that takes."""
