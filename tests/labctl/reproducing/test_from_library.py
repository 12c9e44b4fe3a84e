"""A trial is of the film whose number a material's capacity is, at the currents printed of it."""

import pytest

from labctl.config.folder import Config
from labctl.materials.library import Library
from labctl.reproducing.from_library import trials
from labctl.reproducing.published import published

PER_VOLUME = 3.6e7


@pytest.fixture(scope="module")
def tried():
    config = Config()
    asked = published("review", config).library
    # Li4Ti5O12 is a cathode as well as an anode.
    return {
        each.entry.name: each for each in reversed(list(trials(Library(config.directory), asked, config)))
    }


@pytest.mark.parametrize(
    ("name", "capacities", "currents", "micrometres"),
    [
        ("LiMn2O4", [48.0, 45.0], [None, 8.0], 0.3),
        ("LiCoO2", [70.0], [0.5], 0.7),
        ("LiNi08Co02O2", [69.6], [None], 0.3),
        ("Li4Ti5O12", [50.0], [1.2], 0.2),
        ("NMC111", [52.0], [None], 0.15),
    ],
)
def test_reports_are_of_one_film_and_its_thickness_is_tried(tried, name, capacities, currents, micrometres):
    trial = tried[name]
    assert [each.capacity / PER_VOLUME for each in trial.reports] == pytest.approx(capacities)
    assert [each.current for each in trial.reports] == currents
    assert trial.thickness == pytest.approx(micrometres * 1e-6, rel=1e-6, abs=0.0)
    asked = [rate.value for rate in trial.experiment.program.rates[1:]]
    assert asked == [each for each in currents if each is not None]


@pytest.mark.parametrize(("name", "volts", "half"), [("LiMn2O4", 4.0, 0.5), ("LiCoO2", 3.9, 0.05)])
def test_a_plateau_is_known_to_half_of_its_last_printed_digit(tried, name, volts, half):
    assert (tried[name].plateau, tried[name].half_digit) == pytest.approx((volts, half))


def test_a_host_that_is_made_empty_may_rest_below_its_window(tried):
    program = tried["Si"].experiment.program
    assert (program.margin, tried["LiBPON"].experiment.program.margin) == (0.5, 0.05)
