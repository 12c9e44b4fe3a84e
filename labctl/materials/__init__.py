"""The library of materials: one file each, every number with its unit, source and status."""
