"""A cell on the twin bench."""

from __future__ import annotations

import pytest

from devices.roles.hands import Assemble


@pytest.fixture
def cell(lab, sample, recipe):
    """Anneal and assemble the sample; return it."""
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.wait(lab.hands.set(Assemble(sample)))
    return sample
