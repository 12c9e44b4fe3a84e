"""A sample's story is what journals and facts say of it."""

import pytest

from devices.errors import DataError
from labctl.runs.briefs import find_run
from labctl.runs.conditions import condition
from labctl.runs.quantities import AH
from labctl.runs.remarks import mark_run
from labctl.samples.facts import Facts
from labctl.samples.measurements import Measurement, measure
from labctl.samples.parents import CUT
from labctl.samples.story import Stories


@pytest.fixture
def data(kept):
    """A sheet that was annealed and cut into two pieces, of which one became a cell that was cycled."""
    facts = Facts(kept.folder)
    layers = [{"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 7e-7}]
    facts.add("sheet", 1.0, "described", sample={"layers": layers, "area": 1e-2})
    kept.anneal("sheet", pulses=3)
    for piece in ("a", "b"):
        facts.add(piece, 1_790_000_000.0 + 1.5 * 3600.0, CUT, parent="sheet")
    kept.anneal("a", pulses=2, prediction={"values": {"surface_peak": 1000.0, "foil_peak": 800.0}})
    facts.add("a", 1_790_000_000.0 + 2.5 * 3600.0, "assembled", layers=[])
    kept.cycle("a", capacities=(7e-6, 6.5e-6, 6e-6))
    return kept.folder


def test_heat_capacity_and_family_are_told(data):
    story = Stories(data).of("a")
    assert story.values["pulses"] == 5.0
    assert story.values["surface_peak"] == 1000.0
    assert story.values["foil_peak"] == 923.0
    assert story.values["capacity"] == pytest.approx(7e-6 * AH)
    assert story.values["retention"] == pytest.approx(6 / 7)
    assert story.values["cell"] == 1.0
    assert [each.id for each in story.parents] == ["sheet"]
    assert Stories(data).of("sheet").children == ("a", "b")
    assert [(step.brief.plan, step.own) for step in story.steps] == [
        ("anneal", False),
        ("anneal", True),
        ("cycle", True),
    ]


def test_one_story_is_the_same_looked_up_alone(data):
    for each in Stories(data).ids():
        assert Stories(data, each).of(each) == Stories(data).of(each)


@pytest.mark.parametrize(
    ("where", "which"),
    [
        (["foil_peak > 600 degC"], ["a", "b", "sheet"]),
        (["foil_peak > 600 degC", "cell = 1"], ["a"]),
        (["surface_peak > 720 degC"], ["a"]),
        (["capacity > 6.9 uAh"], ["a"]),
        (["pulses > 3"], ["a"]),
        (["retention < 90 %"], ["a"]),
    ],
)
def test_samples_are_found_by_what_they_went_through(data, where, which):
    stories = Stories(data)
    asked = [condition(text) for text in where]
    found = [stories.of(sample) for sample in stories.ids()]
    assert [each.id for each in found if all(each.fits(one) for one in asked)] == which


def test_a_bad_runs_heat_counts_and_its_capacity_does_not(data):
    story = Stories(data).of("a")
    for step in story.steps:
        mark_run(find_run(data, step.brief.uid), "bad", "", time=1.8e9, who="me")
    bad = Stories(data).of("a").values
    assert (bad["pulses"], bad["surface_peak"]) == (5.0, 1000.0)
    assert not {"capacity", "retention"} & set(bad)


def test_a_measured_thickness_is_the_samples(data):
    measure(data, "sheet", Measurement("thickness", 8e-7, 0.0, "LiCoO2"))
    assert [Stories(data).of(each).values["thickness"] for each in ("sheet", "a", "b")] == [8e-7] * 3


def test_facts_that_cannot_be_read_are_its_trouble_and_nobody_elses(data):
    with (data / "samples" / "b.jsonl").open("a") as file:
        file.write("{\n")
    assert "b.jsonl:2 is not a fact" in Stories(data).of("b").trouble
    assert Stories(data).of("a").trouble == ""
    assert Stories(data, "b").of("b").trouble


def test_what_nobody_knows_is_no_sample(data):
    with pytest.raises(DataError, match="nothing is known of a sample 'c'"):
        Stories(data).of("c")
