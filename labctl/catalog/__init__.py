"""The catalogue: journals followed into Tiled, and Tiled's server for them. An index that can be rebuilt."""
