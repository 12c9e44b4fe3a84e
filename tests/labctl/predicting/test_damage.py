import math
from dataclasses import replace

import pytest

from devices.limits import DamageLimits, ShareThresholds
from labctl.predicting.damage import UNITS, faults, judge
from sim.physics.anneal.damage import Damage

HARMLESS = Damage(0.0, -20.0, 0.001, 1000.0, 1.0, 0.1)
LIMITS = DamageLimits()


def test_a_harmless_anneal_is_ok_in_every_term():
    assert [term.level for term in judge(HARMLESS, LIMITS)] == ["ok"] * len(UNITS)
    assert faults(judge(HARMLESS, LIMITS)) == ""


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"molten_share": 0.1}, "warning"),
        ({"molten_share": 0.31}, "fault"),
        ({"substrate_margin": 20.0}, "warning"),
        ({"substrate_margin": 60.0}, "fault"),
        ({"lithium_loss": 60.0}, "warning"),
        ({"lithium_loss": 3600.0}, "fault"),
        ({"film_peak": 1330.0}, "warning"),
        ({"film_peak": 1400.0}, "fault"),
        ({"energy_release": 7.0}, "warning"),
        ({"energy_release": 30.0}, "fault"),
        ({"explosion_share": 0.3}, "warning"),
        ({"explosion_share": 0.6}, "fault"),
    ],
)
def test_each_term_has_its_own_thresholds(change, level):
    terms = judge(replace(HARMLESS, **change), LIMITS)
    (name,) = change
    assert {term.name: term.level for term in terms}[name] == level
    assert sum(term.level != "ok" for term in terms) == 1
    assert (name in faults(terms)) == (level == "fault")


@pytest.mark.parametrize("name", UNITS)
def test_a_term_that_is_no_number_is_a_fault_and_said_to_be_one(name):
    terms = judge(replace(HARMLESS, **{name: math.nan}), LIMITS)
    assert {term.name: term.level for term in terms}[name] == "fault"
    assert f"{name} = nan" in faults(terms)


def test_thresholds_are_those_of_the_config():
    strict = replace(LIMITS, molten_share=ShareThresholds(0.0, 0.05))
    assert "molten_share = 0.1 is above 0.05" in faults(judge(replace(HARMLESS, molten_share=0.1), strict))
