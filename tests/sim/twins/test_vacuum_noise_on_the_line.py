"""No bytes, however torn, bring the vacuum system's twins down."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sim.twins.inficon_sqm160 import InficonSQM160Twin
from sim.twins.mks_946 import MKS946Twin
from sim.twins.pfeiffer_turbo import PfeifferTurboTwin
from sim.twins.vat_653 import VAT653Twin
from tests.sim.twins.test_noise_on_the_line import torn, transcript
from tests.sim.twins.vacuum_parts import Crystal, Inlet, Rotor, Throttle

MADE = {
    "inficon_sqm160": lambda: InficonSQM160Twin(Crystal(), np.random.default_rng(0)),
    "mks_946": lambda: MKS946Twin(
        {"ion": lambda: 0.05, "manometer": lambda: 0.05},
        {"Ar": Inlet(), "O2": Inlet()},
        np.random.default_rng(0),
        **transcript("mks_946")["twin"],
    ),
    "pfeiffer_turbo": lambda: PfeifferTurboTwin(Rotor()),
    "vat_653": lambda: VAT653Twin(Throttle(0.1, 5.0)),
}


@pytest.mark.parametrize("stem", MADE)
def test_torn_requests_are_answered_or_not_and_nothing_breaks(stem):
    chance, twin, now = random.Random(7), MADE[stem](), 0.0
    requests = [pair[0].encode("latin-1") for each in transcript(stem)["exchange"] for pair in each["pairs"]]
    for _ in range(4000):
        now += 0.1 * chance.random()
        while (due := twin.next_event()) is not None and due <= now:
            twin.advance(due)
            twin.fire_event(due)
        twin.advance(now)
        assert isinstance(twin.receive(torn(chance.choice(requests), chance), now), bytes)
