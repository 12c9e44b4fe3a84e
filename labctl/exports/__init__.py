"""Runs written for other programs: BDF, parquet, HDF5, CSV, RO-Crate."""
