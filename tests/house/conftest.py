"""What the tests of invariants, endings and faults share: a configuration to change, black boxes, and journals."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from event_model import DocumentNames, schema_validators

from labctl import Run
from labctl.journal.records import read_records

ROOT = Path(__file__).parents[2]
TWIN_CLOCK = 'kind = "virtual"\npace = "none"'
CLOCKS = {
    "virtual": TWIN_CLOCK,
    "paced": 'kind = "virtual"\npace = "60"',
    "wall": 'kind = "wall"',
}


@pytest.fixture
def config(tmp_path):
    """Return a copy of the configuration with the bench `twin` on three clocks: `virtual`, `paced`, `wall`."""
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    text = (folder / "benches" / "twin.toml").read_text()
    assert TWIN_CLOCK in text
    for name, clock in CLOCKS.items():
        (folder / "benches" / f"{name}.toml").write_text(text.replace(TWIN_CLOCK, clock))
    return folder


@pytest.fixture(scope="session")
def equal():
    """Return the module that says when runs are equal."""
    spec = importlib.util.spec_from_file_location("house_digest", Path(__file__).with_name("digest.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Kept:
    """What a data folder holds, each kind by stream; every document is held against its schema."""

    def __init__(self, data):
        self.data = data

    def runs(self):
        found = [Run(path) for path in sorted((self.data / "runs").glob("*/*/*.jnl"))]
        for run in found:
            for name, doc in run.documents:
                schema_validators[DocumentNames[name]].validate(doc)
        return {run.start["purpose"]: run for run in sorted(found, key=lambda run: run.start["time"])}

    def spooled(self, device):
        """Return the rows in a device's own files, by stream."""
        rows = {}
        for path in sorted((self.data / "spool" / device).glob("*.jnl")):
            for record in read_records(path):
                if record.kind == "R":
                    rows.setdefault(record.payload["stream"], []).append(record.payload["row"])
        return rows

    def lost(self, run, device):
        """Return the streams of which the spool has other rows than the journal, with the numbers of both."""
        rows = self.spooled(device)
        counts = {name: (len(rows.get(name, [])), self.count(run, name)) for name in rows}
        return {name: each for name, each in counts.items() if each[0] != each[1]}

    @staticmethod
    def count(run, stream):
        return len(run.times(stream)) if stream in run.streams else 0


@pytest.fixture
def kept():
    """Return the reader of a data folder."""
    return Kept


class BlackBox:
    """What truly happened to the lamp, by the logs of its twins."""

    def __init__(self, lab):
        self.lab, self.twins = lab, lab.twins.station("lamp")

    def gates(self):
        return [entry[0] for entry in self.twins.gate.log if entry[1] == "gate"]

    def watchdog(self):
        return [entry[0] for entry in self.twins.charger.log if entry[1] == "watchdog"]

    def readings(self):
        return [
            (entry[0], float(entry[2].split()[0])) for entry in self.twins.meter.log if entry[1] == "reading"
        ]

    def is_safe(self):
        """Look, three seconds on: longer than the charger's watchdog, which stands behind a dead wire."""
        self.lab.clock.sleep(3.0)
        self.lab.clock.call(lambda: self.lab.twins.touch("lamp"))
        return not self.twins.charger.high_voltage_on


@pytest.fixture
def black_box():
    """Return the reader of the lamp's black boxes."""
    return BlackBox
