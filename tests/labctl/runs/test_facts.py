"""What a run says of itself, in the units of the bench."""

from labctl.runs.facts import facts_of
from labctl.runs.run import Run


def test_the_nominal_capacity_is_told_in_uah(kept):
    journal = kept.begin(plan="cycle", capacity={"value_Ah": 7.245e-6, "basis": "thickness x area"})
    kept.end(journal)
    assert dict(facts_of(Run(journal.uid, kept.folder)))["nominal"] == "7.245 uAh: thickness x area"
