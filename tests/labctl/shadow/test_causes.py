"""Causes are told by their shapes, and not before they can be."""

import numpy as np
import pytest

from labctl.shadow.causes import Causes
from labctl.shadow.cell import Sight

RESISTANCE, SITES = 400.0, 0.05


def looked(size, rows=200, only_charging=False):
    """Return what is found of differences that are of these sizes: resistance, transport, capacity, leak."""
    causes, random = Causes(RESISTANCE, SITES), np.random.default_rng(3)
    for index in range(rows):
        charging = only_charging or index < rows / 2
        passed = 0.5 * (index if charging else rows - index) / rows
        current, polarised = (1e-5, 0.02) if charging else (-1e-5, -0.02)
        volt_seconds = 4.0 * 20.0 * index
        slope = 0.5 + np.sin(index / 9.0) ** 2
        sight = Sight(3.9, 1.0 - passed, 1.0 - passed - polarised * (1.0 - passed), slope, slope)
        shapes = (
            RESISTANCE * current,
            slope * (sight.lithium - sight.surface),
            slope * passed,
            -slope * volt_seconds / SITES,
        )
        off = float(np.dot(size, shapes)) + 1e-4 * random.normal()
        causes.add(off, sight, current=current, passed=passed, volt_seconds=volt_seconds)
    return causes.found()


@pytest.mark.parametrize(
    ("size", "kind", "found"),
    [
        ((0.75, 0.0, 0.0, 0.0), "resistance", 0.75),
        ((0.0, 1.0, 0.0, 0.0), "transport", 1.0),
        ((0.0, 0.0, 0.25, 0.0), "capacity", 0.2),
        ((0.0, 0.0, 0.0, 2e-7), "leak", 2e-7),
    ],
)
def test_each_cause_is_known_by_its_shape_and_size(size, kind, found):
    told = looked(size)
    assert [each.kind for each in told.causes] == [kind]
    assert told.size(kind) == pytest.approx(found, rel=0.05)
    assert told.is_clear


def test_two_causes_are_told_together():
    told = looked((12.0, 0.0, 0.25, 0.0))
    assert {each.kind for each in told.causes} == {"resistance", "capacity"}


def test_while_a_cell_is_only_charged_a_leak_and_a_larger_film_are_both_named():
    told = looked((0.0, 0.0, 0.0, 2e-7), only_charging=True)
    assert told.kinds >= {"leak", "capacity"}
    assert not told.is_clear
    assert ", or " in told.in_words(RESISTANCE)


def test_nothing_is_named_of_noise_or_of_a_few_rows():
    assert not looked((0.0, 0.0, 0.0, 0.0)).causes
    assert not looked((0.75, 0.0, 0.0, 0.0), rows=10).causes
    assert looked((0.0, 0.0, 0.0, 0.0)).in_words(RESISTANCE) == "looks like nothing that is known here"
