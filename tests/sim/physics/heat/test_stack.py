from itertools import pairwise

import numpy as np
import pytest

from sim.physics.heat.medium import constant, medium
from sim.physics.heat.stack import Course, Layer, Side, Stack, even, graded

OXIDE = medium("oxide", 5050.0, constant(740.0), constant(0.66))
METAL = medium("metal", 2700.0, constant(904.0), constant(237.0))


def test_a_grid_fills_its_layer() -> None:
    widths = graded(100e-6, 0.2e-6, 1.15)
    assert sum(widths) == pytest.approx(100e-6, rel=1e-12, abs=0.0)
    assert widths[0] == pytest.approx(0.2e-6, rel=0.1)


def test_a_stack_takes_any_number_of_layers() -> None:
    stack = Stack(tuple(Layer(each, even(1e-6, 4)) for each in (OXIDE, METAL, OXIDE, METAL, OXIDE)))
    assert stack.widths.sum() == pytest.approx(5e-6)
    assert [part.start for part in stack.parts] == [0, 4, 8, 12, 16]
    assert np.allclose(stack.temperature(stack.enthalpy(512.0)), 512.0)
    assert stack.mean(np.arange(20.0), slice(1, 3)) == pytest.approx(7.5)


@pytest.mark.parametrize("thickness", [0.0, -1e-6, np.nan, np.inf])
def test_a_thickness_that_cannot_be_is_refused_with_its_unit(thickness: float) -> None:
    for grid in (lambda: even(thickness, 5), lambda: graded(thickness, 0.2e-6, 1.15)):
        with pytest.raises(ValueError, match=r"thickness = .* m must be positive"):
            grid()


def test_a_layer_without_cells_or_with_a_cell_of_nothing_is_refused() -> None:
    for widths in ((), (1e-6, 0.0)):
        with pytest.raises(ValueError, match=r"oxide\.width = .* m"):
            Layer(OXIDE, widths)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((-1.0, 0.5, 300.0), r"transfer = -1.0 W/\(m2 K\)"),
        ((np.nan, 0.5, 300.0), r"transfer = nan W/\(m2 K\)"),
        ((10.0, 1.5, 300.0), "emissivity = 1.5"),
        ((10.0, np.nan, 300.0), "emissivity = nan"),
        ((10.0, 0.5, np.nan), "temperature = nan K"),
        ((10.0, 0.5, -5.0), "temperature = -5.0 K"),
    ],
)
def test_a_side_that_cannot_be_is_refused_with_name_and_unit(
    fields: tuple[float, float, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Side(*fields)


def test_the_mean_of_a_course_over_steps_is_its_integral() -> None:
    course = Course((1.0, 2.0, 4.0), (300.0, 400.0, 350.0))
    times = np.array([0.0, 0.5, 1.5, 2.5, 3.0, 5.0, 6.0])
    fine = [np.mean(course.at(np.linspace(a, b, 40001))) for a, b in pairwise(times)]
    assert np.allclose(course.steps(times), fine, atol=2e-3)


def test_a_course_of_one_point_is_constant() -> None:
    course = Course((0.0,), (310.0,))
    assert course.steps(np.array([-1.0, 1.0, 5.0])).tolist() == pytest.approx([310.0, 310.0])
    assert course.steady_after(-100.0)
    assert not Course((0.0, 9.0), (300.0, 310.0)).steady_after(8.0)


@pytest.mark.parametrize(
    ("times", "temperatures", "said"),
    [
        ((0.0, 0.0), (300.0, 300.0), r"times = .* s"),
        ((0.0, np.nan), (300.0, 300.0), r"times = .* s"),
        ((0.0,), (300.0, 310.0), "times has 1"),
        ((), (), "times has 0"),
        ((0.0,), (np.nan,), "temperature = nan K"),
    ],
)
def test_a_course_that_cannot_be_is_refused(
    times: tuple[float, ...], temperatures: tuple[float, ...], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Course(times, temperatures)
