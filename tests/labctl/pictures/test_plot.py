"""Pictures of cells that were grown here are those of any cell, of the films that are there as they were measured."""

import numpy as np
import pytest

from labctl.pictures.plot import figures_of
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure
from tests.support import grown_here as line


def titles(figures):
    return [figure.axes[0].get_title() for figure in figures.values()]


def test_a_flash_of_a_film_that_was_grown_here_has_its_pictures(kept):
    _, flash, *_ = line.whole_line(kept)
    figures = figures_of(Run(flash, kept.folder))
    assert list(figures) == ["late-pulse", "train", "depth", "crystalline"]
    assert all(title.startswith("LiCoO2 0.7 um (line-1), 850 V") for title in titles(figures))
    assert "film-Al interface" in [each.get_label() for each in figures["late-pulse"].axes[0].lines]
    assert figures["crystalline"].axes[0].get_xlim()[1] == pytest.approx(line.FILM * 1e6)


def test_it_goes_by_the_thickness_that_was_measured_since(kept):
    _, flash, *_ = line.whole_line(kept)
    measure(kept.folder, line.FOIL.id, Measurement("thickness", 1.04e-6, 2e-8, "LiCoO2"))
    figures = figures_of(Run(flash, kept.folder))
    assert figures["crystalline"].axes[0].get_xlim()[1] == pytest.approx(1.04)
    assert all(title.startswith("LiCoO2 1.04 um") for title in titles(figures))


def test_a_measured_area_moves_every_axis_that_is_per_area(kept):
    run = Run(line.whole_line(kept)[-1], kept.folder)
    as_run = figures_of(run)
    assert all(title.startswith("LiCoO2 0.7 um (line-1)") for title in titles(as_run))
    measure(kept.folder, line.FOIL.id, Measurement("area", 2 * line.FOIL.area, 0.0))
    measured = figures_of(run)
    for name, axis in (("current", "get_ydata"), ("voltage", "get_xdata")):
        before, after = (
            np.asarray(getattr(figures[name].axes[0].lines[-1], axis)()) for figures in (as_run, measured)
        )
        assert np.allclose(after, before / 2)
    assert "25 uA" in measured["voltage"].axes[0].lines[-1].get_label()


def test_a_films_own_picture_says_what_was_measured_of_it(kept):
    film, *_ = line.whole_line(kept)
    (before,) = titles(figures_of(Run(film, kept.folder)))
    measure(kept.folder, line.FOIL.id, Measurement("thickness", 1.04e-6, 2e-8, "LiCoO2"))
    (after,) = titles(figures_of(Run(film, kept.folder)))
    assert before == "line-1: 700 nm of LiCoO2; grey: shutter open"
    assert after == "line-1: 700 nm of LiCoO2 (measured: 1040 nm); grey: shutter open"
