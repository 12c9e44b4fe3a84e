"""What a person is asked to carry, and where a sample is by what was carried."""

import pytest

from devices.roles.hands import Assemble, Bring
from devices.samples import Layer, SampleRef
from labctl.clock.virtual import VirtualClock
from labctl.hands import LabHands, sentence
from labctl.samples.facts import Facts

SAMPLE = SampleRef("s1", (Layer("Al", 100e-6),), cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)))


def test_a_person_is_told_what_comes_out_before_a_sample_goes_in():
    assert sentence(Bring(SAMPLE, "sputter")) == "bring sample s1 to sputter"
    assert sentence(Bring(SAMPLE, "sputter", instead_of="w")) == (
        "take sample w out of sputter, then bring sample s1 to sputter"
    )


@pytest.fixture
def hands(tmp_path):
    clock = VirtualClock()
    nobody = LabHands(clock, Facts(tmp_path), None, (), lambda _: "yes")
    yield nobody
    clock.close()


def test_a_sample_is_where_it_was_brought_until_it_is_taken_elsewhere(hands):
    assert hands.still_at("sputter", "s1") is None
    hands._record(Bring(SAMPLE, "sputter"), "person")
    assert hands.still_at("sputter", "s1") == SAMPLE
    assert hands.still_at("lamp", "s1") is None
    hands._record(Bring(SAMPLE, "lamp"), "person")
    assert hands.still_at("sputter", "s1") is None
    hands._record(Assemble(SAMPLE), "person")
    assert hands.still_at("lamp", "s1") is None
