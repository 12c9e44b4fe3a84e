"""A data folder with journals made up for tests of what is found in them."""

import uuid

import pytest

from labctl.journal.documents import RunJournal
from labctl.journal.places import run_path

BEGAN = 1_790_000_000.0
LAYERS = (
    {"material": "Al", "thickness": 1e-4},
    {"material": "LiCoO2", "thickness": 7e-7, "thickness_sd": 2e-8},
)
RECIPE = {"name": "flash", "voltage": 850.0, "pulse_duration": 1.8e-3, "pulse_count": 3, "rate": 0.4}
PEAKS = {
    "surface_peak": 974.0,
    "foil_peak": 923.0,
    "crystalline_mean": 0.99,
    "base_temperature": [298.0, 310.0],
}
TEXTS = frozenset({"end_reason", "technique", "material", "state"})
WHOLE = frozenset({"record", "cycle", "step_count", "step_index", "pulse", "asked", "done", "interrupted"})


class Kept:
    """Writes journals with the next uid, an hour apart. `folder` is the data folder."""

    def __init__(self, folder):
        self.folder, self._number = folder, 0

    def begin(self, on="s1", *, plan="anneal", **start):
        """Return the journal of a run that has only begun."""
        self._number += 1
        uid, time = str(uuid.uuid5(uuid.NAMESPACE_OID, str(self._number))), BEGAN + 3600.0 * self._number
        said = {"plan_name": plan, "purpose": plan, "experiment": "e1", "operator": "me", "notes": ""}
        said["sample"] = {"id": on, "label": "", "layers": list(LAYERS), "area": 1.5e-5, "parents": []}
        if plan == "anneal":
            said["recipe"] = {"name": "flash", "hash": "h", "body": RECIPE}
            said["prediction"] = {"model": "m", "values": PEAKS}
        start = {"uid": uid, "time": time, **said, **start}
        journal = RunJournal(run_path(self.folder, uid, time), start)
        journal.uid, journal.time, journal.path = uid, time, run_path(self.folder, uid, time)
        journal.rows_of, journal.descriptors = {}, {}
        return journal

    def rows(self, journal, stream, columns, times=None):
        """Write one page of rows, as columns; the stream is described with its first page."""
        if stream not in journal.rows_of:
            journal.rows_of[stream] = 0
            journal.write("descriptor", self._descriptor(journal, stream, columns))
        count = len(next(iter(columns.values())))
        first = journal.rows_of[stream] + 1
        journal.rows_of[stream] += count
        if not count:
            return
        times = times or [journal.time + first + row for row in range(count)]
        page = {
            "descriptor": f"{journal.uid}-{stream}",
            "seq_num": list(range(first, first + count)),
            "time": times,
            "data": columns,
            "timestamps": dict.fromkeys(columns, times),
        }
        journal.write("event_page", page)

    def end(self, journal, status="success", reason=""):
        """Write the stop document and close; return the uid."""
        stop = {"uid": f"{journal.uid}-stop", "time": journal.time + 600.0, "run_start": journal.uid}
        journal.write("stop", {**stop, "exit_status": status, "reason": reason})
        journal.close()
        return journal.uid

    def anneal(self, on="s1", pulses=3, **start):
        """Keep a whole anneal and return its uid."""
        journal = self.begin(on, **start)
        self.rows(journal, "primary", {"pulse": list(range(1, pulses + 1)), "exposure": [1.6e5] * pulses})
        outcome = {"end_reason": ["completed"], "asked": [pulses], "done": [pulses], "interrupted": [0]}
        self.rows(journal, "outcome", outcome)
        return self.end(journal)

    def cycle(self, on="s1", capacities=(7e-6, 6e-6), **start):
        """Keep a whole cycling run with these discharge capacities [Ah] and return its uid."""
        start = {"capacity": {"value_Ah": 7e-6}, **start}
        journal = self.begin(on, plan="cycle", **start)
        numbers = list(range(1, len(capacities) + 1))
        self.rows(journal, "primary", {"record": [1], "voltage": [3.9]})
        steps = {"step_index": [1] * len(numbers), "end_reason": ["voltage_below"] * len(numbers)}
        self.rows(journal, "steps", {**steps, "charge": [-each for each in capacities]})
        self.rows(journal, "cycles", {"cycle": numbers, "discharge_capacity": list(capacities)})
        return self.end(journal)

    def _descriptor(self, journal, stream, columns):
        kinds = {
            key: "string" if key in TEXTS else "integer" if key in WHOLE else "number" for key in columns
        }
        keys = {key: {"dtype": kind, "shape": [], "source": "test"} for key, kind in kinds.items()}
        named = {"uid": f"{journal.uid}-{stream}", "run_start": journal.uid, "time": journal.time}
        return {**named, "name": stream, "data_keys": keys, "object_keys": {"x": list(keys)}}


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "data")
