"""The devices of a session: opened one after the other and asked who they are; each says how it is ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.base import Instrument, Station
from devices.errors import LabError
from devices.lamp.records import RESIDUAL_COLUMNS
from devices.limits import Limits
from devices.locks import LOCKS
from devices.ports import Endpoint
from devices.potentiostat import PotentiostatStation
from labctl.belief import Believer
from labctl.cell_records import JournalCells
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.finder import machine_dir
from labctl.config.models import BenchFile, DeviceEntry, StationEntry, World
from labctl.films.rates import FilmRates
from labctl.hands import LabHands
from labctl.journal.keeper import Keeper
from labctl.journal.spool import DeviceSpool, SpooledStream
from labctl.shadow.beside import STREAM
from labctl.state import report_to_file
from labctl.twins import set_up_twins
from labctl.wiring import build_instrument, build_station, is_twin
from sim.bench import Bench

log = logging.getLogger(__name__)

FOREIGN_PATIENCE = 10.0
"""Seconds a device of somebody else's class may take to connect; ophyd's own are asked to wait that long."""


@dataclass(eq=False)
class Devices:
    """The devices of a bench, by name, once connect() was called.

    bench: as its file says, and as it is believed to be. world: what surrounds its twins. boot: names the session.
    ending: is told how each device is ended. stations: the devices of ours. spooled: their streams, by name.
    identities: who answered, part by part. missing: devices that did not answer, with the reasons.
    """

    bench: BenchFile
    believed: BenchFile
    world: World
    limits: Limits
    data: Path
    clock: VirtualClock | WallClock
    twins: Bench
    hands: LabHands
    believer: Believer
    films: FilmRates
    keeper: Keeper
    boot: str
    ending: ExitStack
    devices: dict[str, Any] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    spooled: dict[str, SpooledStream] = field(default_factory=dict)
    identities: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)

    def connect(self) -> None:
        """Open every device, or say why it is missing."""
        found: dict[str, str]
        failed: dict[str, str]
        for name, entry in self.bench.devices.items():
            try:
                if isinstance(entry, DeviceEntry):
                    device, found, failed = self._foreign(name, entry)
                else:
                    device, found, failed = self._connected_station(name, entry)
            except LabError as error:
                device, found, failed = None, {}, {"opening": f"{type(error).__name__}: {error}"}
            self.identities[name] = found
            if failed or device is None:
                self.missing[name] = failed
            else:
                self.devices[name] = device

    def _connected_station(
        self, name: str, entry: StationEntry
    ) -> tuple[Station | None, dict[str, str], dict[str, str]]:
        """Open every part of a station and ask it who it is; say of each that fails why."""
        instruments, failed = self._instruments(name, entry)
        if failed:
            for part_name, instrument in instruments.items():
                try:
                    self.clock.call(instrument.identify)
                except LabError as error:
                    failed[part_name] = f"{type(error).__name__}: {error}"
                else:
                    self.ending.callback(_end_silent, instrument.safe)
            return None, {}, failed
        station = self._station(name, entry, instruments)
        found, failed = station.connect()
        self.stations[name] = station
        if not failed:
            reporting = report_to_file(
                station,
                self.data,
                self.bench.name,
                twin=is_twin(entry),
                found=self.bench.file,
                home=self._home(),
            )
            self.ending.callback(reporting)
        if failed:
            self.ending.callback(_end_silent, station.close)
        else:
            self.ending.callback(station.close)
        return station, found, failed

    def _foreign(self, name: str, entry: DeviceEntry) -> tuple[Any, dict[str, str], dict[str, str]]:
        """Make a device of somebody else's class; whatever it raises is a reason why it is missing."""
        try:
            device = entry.device_class(name=name, **entry.arguments)
            self.ending.callback(getattr(device, "destroy", lambda: None))
            if hasattr(device, "wait_for_connection"):
                device.wait_for_connection(timeout=FOREIGN_PATIENCE)
        except Exception as error:  # noqa: BLE001 - nobody knows what a class of somebody else's raises
            return None, {}, {"device": repr(error)}
        return device, {"device": type(device).__name__}, {}

    def _instruments(self, name: str, entry: StationEntry) -> tuple[dict[str, Instrument], dict[str, str]]:
        """Open the parts of a station; return those that opened, and why the others did not."""
        endpoint_of: Callable[[str, str], Endpoint] = self.twins.endpoint
        if is_twin(entry):
            set_up_twins(self.twins, name, entry, self.clock, self.boot)
        instruments: dict[str, Instrument] = {}
        failed: dict[str, str] = {}
        for part_name, part in entry.parts.items():
            try:
                instrument = build_instrument(
                    name, part_name, part, self.clock, endpoint_of, self.world.twin_latency
                )
            except LabError as error:
                failed[part_name] = f"{type(error).__name__}: {error}"
                continue
            self.ending.callback(instrument.wire.close)
            instruments[part_name] = instrument
        return instruments, failed

    def _home(self) -> Path:
        """Return the folder of what all sessions know that use the same stations: their server's, or the machine's."""
        served = self.world.served
        return (Path(served).parent if served else machine_dir()) / "state"

    def _locks(self, name: str, entry: StationEntry) -> Path:
        """Return the folder in which whoever else could use a station would lock it: twins are this session's own,
        served ones those of their server, what is real is this machine's."""
        if self.world.served:
            return Path(self.world.served).parent
        return self.data / "bench" / self.bench.name if is_twin(entry) else LOCKS

    def _station(self, name: str, entry: StationEntry, instruments: Mapping[str, Instrument]) -> Station:
        believed = self.believed.devices[name]
        assert isinstance(believed, StationEntry)
        station = build_station(
            name,
            believed,
            instruments,
            clock=self.clock,
            limits=self.limits,
            hands=self.hands,
            predictor=self.believer,
            films=self.films,
            records=JournalCells(self.data),
            session=self.boot,
            locks=self._locks(name, entry),
        )
        if isinstance(station, PotentiostatStation):
            station.add_stream(STREAM, RESIDUAL_COLUMNS)
        spool = DeviceSpool(self.data, name, self.boot, self.keeper)
        self.ending.callback(spool.close)
        station.spool_to(spool)
        station.before_arming = self.keeper.sync
        self.spooled |= {rows.name: SpooledStream(rows, spool) for rows in station.streams.values()}
        return station


def _end_silent(end: Callable[[], None]) -> None:
    """End what belongs to a station that does not wholly answer: what does answer is made safe all the same."""
    try:
        end()
    except LabError as error:
        log.warning("%s", error)
