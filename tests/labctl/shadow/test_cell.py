"""The model cell of a shadow says what the twins' cell says, and takes whatever charge was measured."""

import pytest

from labctl.shadow.cell import ShadowCell
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Record, Until


def test_led_by_the_current_it_has_the_voltage_of_the_twins_cell(parameters):
    cell = Cell(parameters)
    state, shadow = cell.fresh(), ShadowCell(parameters, cell.fresh())
    for current, until in (
        (7.5e-6, Until(duration=1e5, upper=4.25)),
        (-7.5e-5, Until(duration=1e5, lower=3.5)),
        (0.0, Until(duration=600.0)),
    ):
        segment = cell.step(state, Current(current), until, Record(interval=30.0))
        state, before = segment.state, 0.0
        for time, voltage in zip(segment.time, segment.voltage, strict=True):
            shadow.advance(current, time - before)
            before = time
            assert shadow.see(voltage, current).voltage == pytest.approx(voltage, abs=1e-6)


def test_charge_that_no_film_could_give_passes_and_comes_back(parameters):
    shadow = ShadowCell(parameters, Cell(parameters).fresh())
    shadow.rest_at(0.5)
    shadow.advance(1e-5, 1.0)
    shadow.advance(-1e-5, 1.0)
    was = shadow.lithium
    too_much = shadow.site_charge / 1e-5
    shadow.advance(1e-5, too_much)
    assert shadow.see(4.2, 1e-5) is None
    shadow.advance(-1e-5, too_much)
    assert shadow.lithium == pytest.approx(was, abs=1e-12)
    assert shadow.see(4.2, 0.0) is not None


@pytest.mark.parametrize("current", [0.0, 7.5e-6, -7.5e-6])
@pytest.mark.parametrize("voltage", [3.4, 3.95, 4.2])
def test_it_is_filled_until_a_voltage_stands_and_says_what_that_took(parameters, current, voltage):
    shadow = ShadowCell(parameters, Cell(parameters).fresh())
    before = shadow.lithium
    taken = shadow.shift_to(voltage, current)
    assert shadow.see(voltage, current).voltage == pytest.approx(voltage, abs=1e-6)
    assert taken == pytest.approx((before - shadow.lithium) * shadow.site_charge)


@pytest.mark.parametrize("voltage", [-3.0, 12.0])
def test_a_voltage_that_no_filling_has_changes_nothing(parameters, voltage):
    shadow = ShadowCell(parameters, Cell(parameters).fresh())
    before = shadow.lithium
    assert shadow.shift_to(voltage, 0.0) is None
    assert shadow.lithium == before
