"""Served twins for the tests: a server in this process on real ptys and sockets, its black box, drivers there."""

import json
import shutil
from pathlib import Path

import pytest

from devices.instruments.glassman_fj import GlassmanFJ
from devices.instruments.squidstat import Squidstat
from devices.instruments.srs_dg645 import DG645
from devices.ports import SerialPort, VisaPort
from devices.wire import Wire
from labctl.clock.wall import WallClock
from labctl.config.folder import Config
from labctl.config.models import Address
from labctl.serving.bench_text import served_bench
from labctl.serving.faults import FaultScript, PlannedFault
from labctl.serving.server import BLACK_BOX, TwinServer

ROOT = Path(__file__).parents[3]
DRIVERS = {
    "charger": (
        GlassmanFJ,
        {"full_scale_voltage": 1000.0, "full_scale_current": 0.6, "voltage_limit": 950.0},
    ),
    "gate": (DG645, {"duration_limit": 5e-3}),
    "channels": (Squidstat, {}),
}


def read_box(folder):
    """Return the lines of a black box."""
    return [json.loads(line) for line in (folder / BLACK_BOX).read_text().splitlines()]


class Served:
    """A server in this process, and clients of its ports."""

    def __init__(self, bench, config, folder, locks, faults, seed):
        self.config, self.folder, self.locks = config, folder, locks
        self.clock = WallClock()
        script = FaultScript(seed, tuple(PlannedFault(**fault) for fault in faults))
        self.server = TwinServer(Config(config).bench(bench), folder, self.clock, script)
        # An empty bank in two seconds instead of one minute.
        lamp = self.server.world.station("lamp") if "lamp" in self.server.bench.devices else None
        if hasattr(lamp, "head"):
            lamp.head.bleed_time_constant = 0.3
        self.bench = folder / "served.toml"
        addresses = {(row.station, row.part): row.address for row in self.server.table}
        self.bench.write_text(
            served_bench(config / "benches" / f"{bench}.toml", addresses, self.server.hands)
        )
        self._wires = []

    def address(self, part):
        return Address.parse(next(row.address for row in self.server.table if row.part == part))

    def driver(self, part):
        kind, parameters = DRIVERS[part]
        if part == "gate":
            # Nobody speaks to the board in these tests, whose own contact would hold the interlock loop open.
            self.server.world.station("lamp").gate.inhibit_input = False
        address = self.address(part)
        port = (
            VisaPort(address.target, self.clock, locks=self.locks)
            if address.kind == "visa"
            else SerialPort(address.target, self.clock, locks=self.locks)
        )
        wire = Wire(port, self.clock, name=part, lane="test", sync=kind.sync)
        self._wires.append(wire)
        return kind(wire, self.clock, name=part, **parameters)

    def events(self, *names, part=None):
        """Return the lines of the black box with these events."""
        return [
            line
            for line in read_box(self.folder)
            if line["event"] in names and (part is None or line["part"] == part)
        ]

    def close(self):
        for wire in self._wires:
            wire.close()
        self.server.close()
        self.clock.close()


@pytest.fixture
def config(tmp_path):
    """Return a copy of the configuration: a bank of 1 mF, that is charged and empty at once, and quick trains."""
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    bench = folder / "benches" / "twin.toml"
    text = bench.read_text().replace('"5.6 mF"', '"1 mF"')
    often = '[devices.potentiostat.parameters]\npoll_period = "0.2 s"\n\n[world]'
    bench.write_text(text.replace("[world]", often))
    limits = folder / "limits.toml"
    limits.write_text(limits.read_text().replace('rate = "0.5 Hz"', 'rate = "1 Hz"'))
    return folder


@pytest.fixture
def serve(tmp_path, config):
    """Return serve(*faults, bench="twin", seed=0), which opens a server in this process."""
    opened = []

    def open_(*faults, bench="twin", seed=0):
        opened.append(Served(bench, config, tmp_path / f"s{len(opened)}", tmp_path / "locks", faults, seed))
        return opened[-1]

    yield open_
    for served in opened:
        served.close()
