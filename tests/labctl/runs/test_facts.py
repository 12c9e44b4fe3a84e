"""What a run says of itself, in the units of the bench."""

from labctl.runs.facts import facts_of
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure
from tests.support import grown_here as line


def test_the_nominal_capacity_is_told_in_uah(kept):
    journal = kept.begin(plan="cycle", capacity={"value_Ah": 7.245e-6, "basis": "thickness x area"})
    kept.end(journal)
    assert dict(facts_of(Run(journal.uid, kept.folder)))["nominal"] == "7.245 uAh: thickness x area"


def test_a_film_is_told_no_more_exactly_than_it_is_known_and_by_the_run_that_made_it(kept):
    film, flash, *_ = line.whole_line(kept)
    said = dict(facts_of(Run(film, kept.folder)))
    assert said["layers"] == "Al 100 um"
    assert said["put on"] == "LiCoO2 0.700 +- 0.035 um: thickness monitor"
    assert dict(facts_of(Run(flash, kept.folder)))["put on"] == ""


def test_nominal_is_as_the_run_went_by_and_what_was_measured_since_stands_beside_it(kept):
    run = Run(line.whole_line(kept)[-1], kept.folder)
    assert "measured since" not in dict(facts_of(run))
    measure(kept.folder, line.FOIL.id, Measurement("area", 0.30e-4, 0.3e-6))
    measure(kept.folder, line.FOIL.id, Measurement("thickness", 1e-6, 2e-8, "LiCoO2"))
    said = dict(facts_of(run))
    assert said["nominal"] == "7.24 +- 0.36 uAh: as run"
    assert said["measured since"].startswith(
        "area 0.3000 +- 0.0030 cm^2; LiCoO2 1.000 +- 0.020 um; capacity 20.70 +- 0.46 uAh: LiCoO2 thickness"
    )


def test_facts_that_contradict_are_told_and_hide_no_run(kept):
    layers = [{"material": "LiCoO2", "thickness": 1e-6}] * 2
    sample = {"id": "s1", "layers": layers, "area": 1.5e-5}
    run = Run(kept.cycle(sample=sample), kept.folder)
    measure(kept.folder, "s1", Measurement("thickness", 1e-6, 2e-8, "LiCoO2"))
    assert "2 layers of LiCoO2" in dict(facts_of(run))["measured since"]
