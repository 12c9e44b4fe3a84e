"""Noise of an interval: the same whoever looks, normal, and as cheap over a night as over a second."""

from __future__ import annotations

import numpy as np
import pytest

from sim.twins.interval_noise import BLOCK, IntervalNoise


def test_an_interval_has_one_number_in_whatever_order_it_is_asked():
    forward, backward = (IntervalNoise(np.random.default_rng(3), 0.1) for _ in range(2))
    numbers = list(range(0, 3 * BLOCK, 7))
    assert [forward.of(number) for number in numbers] == [backward.of(number) for number in numbers[::-1]][
        ::-1
    ]


def test_the_end_of_an_interval_belongs_to_the_next():
    noise = IntervalNoise(np.random.default_rng(3), 0.1)
    assert [noise.number(time) for time in (0.0, 0.0999, 0.1, 0.3, 86400.0)] == [0, 0, 1, 3, 864_000]


def test_the_numbers_are_normal_and_those_of_another_seed_are_others():
    first, second = (IntervalNoise(np.random.default_rng(seed), 1.0) for seed in (0, 1))
    drawn = np.array([[noise.of(number) for number in range(4000)] for noise in (first, second)])
    assert drawn.mean(axis=1) == pytest.approx([0.0, 0.0], abs=0.06)
    assert drawn.std(axis=1) == pytest.approx([1.0, 1.0], rel=0.05)
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.06
