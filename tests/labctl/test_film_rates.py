"""Of which films a rate is fitted, and of which none."""

from types import SimpleNamespace

import pytest

from devices.errors import DataError
from labctl.film_rates import fit_films

BODY = {"guns": [{"target": "LiCoO2"}], "gases": [], "pressure": 3.0, "base_pressure": 1e-5}


def test_there_must_be_one():
    with pytest.raises(DataError, match="no film"):
        fit_films([])


def test_a_doubtful_film_is_not_fitted_and_its_reasons_are_told():
    layer = {"material": ["LiCoO2"], "doubtful": [1], "reasons": ["an arc storm"], "duration": [1e3]}
    run = SimpleNamespace(
        uid="abc",
        start={"recipe": {"body": BODY}, "sample": {"id": "w"}},
        streams=("layers",),
        table=lambda name: layer,
    )
    with pytest.raises(DataError, match=r"abc: its film is doubtful \(an arc storm\)"):
        fit_films([run])
