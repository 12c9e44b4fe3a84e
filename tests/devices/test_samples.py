"""What is said of a sample: doubts stay with a layer until a person takes them."""

from pydantic import TypeAdapter

from devices.recipes import to_json
from devices.samples import Layer, SampleRef, doubts_about


def test_a_sound_layer_is_described_as_it_always_was():
    body = {"material": "LiCoO2", "thickness": 1e-6, "thickness_sd": 0.0, "source": "x"}
    assert to_json(Layer("LiCoO2", 1e-6, source="x")) == body


def test_a_doubt_survives_json_and_is_told():
    sample = SampleRef("s1", (Layer("Al", 1e-4), Layer("LiCoO2", 1e-6, doubtful="arc_storm: 6 arcs")))
    assert TypeAdapter(SampleRef).validate_python(to_json(sample), strict=False) == sample
    assert "LiCoO2: arc_storm: 6 arcs" in doubts_about(sample)
    assert doubts_about(SampleRef("s1", (Layer("Al", 1e-4),))) == ""
