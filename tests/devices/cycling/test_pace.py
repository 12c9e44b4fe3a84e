"""When an instrument is asked for rows: what it holds that nobody asked for is one sample at the most."""

import itertools

import numpy as np
import pytest

from devices.cycling.pace import AFTER_ROW, LEAST_PERIOD, next_question


def rows_of(lengths, interval):
    """Return when [s] rows fall in steps of these lengths [s]: at their beginning, each interval, and at their end."""
    begins = itertools.accumulate(lengths, initial=0.0)
    of_steps = [
        begin + np.append(np.arange(0.0, length, interval), length)
        for begin, length in zip(begins, lengths, strict=False)
    ]
    return np.concatenate(of_steps)


def questions(rows, interval, longest):
    """Return when [s] is asked, until all rows are there."""
    asked = [0.0]
    while asked[-1] < rows[-1]:
        last = rows[rows <= asked[-1]][-1]
        asked.append(asked[-1] + next_question(interval, longest, asked[-1] - last))
    return np.array(asked)


@pytest.mark.parametrize("interval", [1.0, 2.5, 30.0, 60.0, 400.0])
@pytest.mark.parametrize("longest", [0.5, 5.0, 60.0, 100.0])
def test_no_more_than_one_sample_is_ever_unasked_for(interval, longest):
    rows = rows_of(np.random.default_rng(3).uniform(0.1, 12.0, 60) * interval, interval)
    asked = questions(rows, interval, longest)
    assert np.all(np.diff(asked) > 0)
    instants = np.unique(np.concatenate([rows, asked - 1e-6]))[1:]
    held = rows[np.searchsorted(rows, instants, side="right") - 1]
    told_by = asked[np.searchsorted(asked, instants, side="right") - 1]
    booked = rows[np.searchsorted(rows, told_by, side="right") - 1]
    assert np.max(held - booked) <= (1.0 + AFTER_ROW) * interval + 1e-6


@pytest.mark.parametrize("interval", [1e-3, 0.1, 1.0, 30.0, 60.0, 86400.0])
def test_questions_are_as_few_as_rows_and_never_further_apart_than_asked(interval):
    rows = rows_of([40 * interval], interval)
    gaps = np.diff(questions(rows, interval, 60.0))
    assert np.max(gaps) <= (1.0 + 2 * AFTER_ROW) * 60.0
    assert len(gaps) <= max(41 * max(1.0, interval / 60.0), 1) + 2
    assert np.min(gaps) >= AFTER_ROW * min(max(interval, LEAST_PERIOD), 60.0) - 1e-9


def test_an_instrument_whose_clock_is_ahead_is_asked_all_the_same():
    assert 0 < next_question(60.0, 60.0, -3.0) <= 61.0
