"""What is shown of a run is not said on the terminal a second time."""

import logging

from labctl.stopping import EVENTS_LOG, events_shown


def test_events_that_are_shown_with_their_rows_are_not_logged_to_the_terminal():
    logger = logging.getLogger(EVENTS_LOG)
    before = logger.handlers[:], logger.propagate
    with events_shown():
        assert logger.handlers
        assert not logger.propagate
    assert (logger.handlers, logger.propagate) == before
