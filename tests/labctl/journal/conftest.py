"""A run as a session writes it: rows to a device's spool first, collected into pages now and then."""

import math
import shutil
import uuid

import pytest
from event_model import DocumentNames, schema_validators

from devices.base import Column, RowStream
from devices.limits import DiskLimits
from labctl.journal.disk import Disk
from labctl.journal.documents import Journal, read_documents
from labctl.journal.keeper import Keeper
from labctl.journal.places import run_path
from labctl.journal.spool import DeviceSpool, SpooledStream
from plans.flying import OUTCOME_COLUMNS

COLUMNS = {
    "primary": {"voltage": Column("V"), "record": Column("1", "integer"), "word": Column("1", "string")},
    "steps": {"step_index": Column("1", "integer"), "trace": Column("V", length=2)},
    "events": {"text": Column("1", "string")},
}


class House:
    """A data folder, a device `cell` with three streams, and an engine's part played by hand."""

    def __init__(self, data, boot="b0"):
        self.data = data
        data.mkdir(exist_ok=True)
        self.keeper = Keeper(Disk(data, DiskLimits(0.0, 0.0)))
        self.spool = DeviceSpool(data, "cell", boot, self.keeper)
        self.streams = {
            name: RowStream(f"cell_{name}", name, columns, {"": "cell"}, spool=self.spool)
            for name, columns in COLUMNS.items()
        }
        sources = {rows.name: SpooledStream(rows, self.spool) for rows in self.streams.values()}
        self.journal = Journal(data, self.keeper, sources)
        self.now = 1e9
        self.uid = ""

    def begin(self, outcome=True, **md):
        """Open a run and declare its streams."""
        self.uid, self._counts = str(uuid.uuid4()), {}
        self.began = self.now
        self.path = run_path(self.data, self.uid, self.now)
        self.journal("start", {"uid": self.uid, "time": self.now, "plan_name": "cycle", **md})
        self._descriptors = {}
        outcomes = {"outcome": RowStream("cell_outcome", "outcome", OUTCOME_COLUMNS, {"": "cell"})}
        for name, rows in {**self.streams, **(outcomes if outcome else {})}.items():
            keys = rows.describe_collect()
            self._descriptors[name] = str(uuid.uuid4())
            doc = {
                "uid": self._descriptors[name],
                "time": self.now,
                "run_start": self.uid,
                "name": name,
                "data_keys": keys,
                "object_keys": {rows.name: list(keys)},
                "configuration": {rows.name: {"data": {}, "timestamps": {}, "data_keys": {}}},
                "hints": {},
            }
            self.journal("descriptor", doc)
        return self

    def measure(self, rows=1):
        """Make rows of every stream, as the device does."""
        for _ in range(rows):
            self.now += 1.0
            record = self.streams["primary"].rows_in
            voltage = {1: math.nan, 2: math.inf}.get(record % 7, 3.9 + record / 7)
            self.streams["primary"].append(self.now, {"voltage": voltage, "record": record, "word": "<b>µ\0"})
            if record % 3 == 0:
                self.streams["steps"].append(self.now, {"step_index": record, "trace": [math.nan, 1.5]})
            if record % 5 == 0:
                self.streams["events"].append(self.now, {"text": f"row {record}"})
        return self

    def collect(self):
        """Write what there is as pages, as the engine does."""
        for name, rows in self.streams.items():
            for page in rows.collect_pages():
                first = self._counts.get(name, 0) + 1
                self._counts[name] = first - 1 + len(page["time"])
                seq_nums = list(range(first, first + len(page["time"])))
                self.journal(
                    "event_page",
                    {
                        **page,
                        "descriptor": self._descriptors[name],
                        "uid": [],
                        "seq_num": seq_nums,
                        "filled": {},
                    },
                )
        return self

    def end(self):
        """Close the run."""
        doc = {"uid": str(uuid.uuid4()), "time": self.now, "run_start": self.uid, "exit_status": "success"}
        self.journal("stop", {**doc, "reason": "", "num_events": dict(self._counts)})
        return self

    def died(self, to):
        """Return the data folder as a SIGKILL at this instant leaves it."""
        shutil.copytree(self.data, to)
        return to

    def close(self):
        self.journal.close()
        self.spool.close()
        self.keeper.close()


@pytest.fixture
def house(tmp_path):
    """Return a house whose run is not yet open."""
    made = House(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def rows_of():
    """Return a reader of the rows of a journal by stream, every document held against its schema."""

    def read(path):
        names, rows = {}, {}
        for name, doc in read_documents(path):
            schema_validators[DocumentNames[name]].validate(doc)
            if name == "descriptor":
                names[doc["uid"]] = doc["name"]
            elif name == "event_page":
                stream = rows.setdefault(names[doc["descriptor"]], [])
                assert doc["seq_num"][0] == len(stream) + 1
                for index, time in enumerate(doc["time"]):
                    stream.append((time, {key: column[index] for key, column in doc["data"].items()}))
        return rows

    return read
