"""What calibrations fitted is kept as it was."""

import json
from dataclasses import asdict, dataclass

import pytest

from devices.errors import DataError
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.film_rates import FilmFit, FilmRates
from labctl.kept_fits import Fit, KeptFits

FILM = FilmFit("LiCoO2", "LiCoO2", 5e-11, 100.0, 0.8, 0.01, 3.0, None, 0.0, (80.0, 120.0), ("u",), 0.0)


@dataclass(frozen=True)
class Line(Fit):
    slope: float
    span: tuple[float, float]


def kept(tmp_path, *found):
    left = list(found)
    fits = KeptFits(tmp_path, Line, lambda runs: left.pop(0))
    for _ in found:
        fits.fit("device", ())
    return fits


def test_fits_come_back_as_they_were_oldest_first(tmp_path):
    lines = Line(1.0, (0.0, 2.0)), Line(1.5, (0.5, 2.0))
    found = kept(tmp_path, *lines)
    assert found.fits("device") == lines
    assert found.fits("another") == ()
    assert [each.id for each in found.fits("device")] == [each.id for each in lines]
    assert lines[0].id != lines[1].id


def test_what_could_not_be_fitted_is_not_kept(tmp_path):
    def refused(runs):
        raise DataError("too few")

    fits = KeptFits(tmp_path, Line, refused)
    with pytest.raises(DataError):
        fits.fit("device", ())
    assert not fits.path("device").exists()


def test_a_film_that_was_calibrated_before_conditions_were_noted_is_cold_and_without_bias(tmp_path):
    rates = FilmRates(tmp_path, Config(config_dir()).bench("sputter"))
    told = {
        key: value for key, value in asdict(FILM).items() if key not in ("bias_power", "temperature", "gases")
    }
    rates.path("sputter").parent.mkdir()
    rates.path("sputter").write_text(json.dumps(told) + "\n")
    assert rates.fits("sputter") == (FILM,)
