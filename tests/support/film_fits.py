"""A fit of one target, as calibrations keep it."""

from __future__ import annotations

from labctl.films.rates import FilmFit


def film_fit(target: str, material: str) -> FilmFit:
    """Return a fit of 3 nm/min at 100 W and 3 Pa, and of a tooling of 1.06, from one run."""
    return FilmFit(
        target, material, 5e-11, 100.0, 0.8, 0.01, 3.0, 1.06, 0.005, (80.0, 120.0), runs=("u",), time=0.0
    )
