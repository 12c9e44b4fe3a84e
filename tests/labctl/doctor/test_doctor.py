"""The doctor: what is wrong is said with its mend; a dead instrument costs its deadline, and nothing is touched."""

import json
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from typer.testing import CliRunner

from devices.instruments.gentec_maestro import GentecMaestro
from devices.limits import DiskLimits
from devices.locks import PortLock
from devices.single import SingleInstrument
from labctl.cli import app
from labctl.clock.label import WallLabels
from labctl.config.folder import Config
from labctl.config.models import Address, ClockChoice, Part, StationEntry
from labctl.doctor import holders as locks
from labctl.doctor import ports
from labctl.doctor.holders import holders
from labctl.doctor.instruments import instruments
from labctl.doctor.keeping import data_folder

PLENTY = DiskLimits(alarm=2.0, reserve=1.0)


def bench_of(**addresses):
    """Return a bench of meters at these addresses."""
    meter = GentecMaestro.Parameters(full_scale_energy=30.0)
    devices = {
        name: StationEntry(
            SingleInstrument,
            {"instrument": Part("gentec_maestro", GentecMaestro, Address.parse(address), meter)},
            None,
        )
        for name, address in addresses.items()
    }
    return replace(Config().bench("twin"), devices=devices, clock=ClockChoice("wall"), world=None)


@pytest.fixture
def instrument():
    """Return instrument(reply), which listens on a port, answers all it hears with that, and keeps what it heard."""
    open_, heard = [], []

    def answer(listener, reply):
        try:
            connection, _ = listener.accept()
            open_.append(connection)
            while data := connection.recv(1000):
                heard.append(data)
                connection.sendall(reply)
        except OSError:
            # The test is over.
            return

    def instrument_(reply):
        listener = socket.create_server(("127.0.0.1", 0))
        open_.append(listener)
        threading.Thread(target=answer, args=(listener, reply), daemon=True).start()
        return f"socket://127.0.0.1:{listener.getsockname()[1]}"

    instrument_.heard = heard
    yield instrument_
    for each in open_:
        each.close()


def test_who_answers_is_named_and_asked_nothing_but_who_it_is(instrument):
    (found,) = instruments(bench_of(meter=instrument(b"MAESTRO Version 1.00.18\r\n")), 5.0)
    assert (found.level, found.where) == ("ok", "meter.instrument")
    assert "MAESTRO Version 1.00.18" in found.what
    assert set(instrument.heard) == {b"*VER"}


def test_dead_and_silent_ones_cost_one_deadline_together_and_each_has_a_mend(instrument):
    bench = bench_of(
        silent=instrument(b""),
        mute=instrument(b""),
        closed="socket://127.0.0.1:9",
        gone="serial:/dev/serial/by-id/usb-nothing",
        bridge="unix:/nowhere/squidstat.sock",
        twin="twin",
    )
    began = monotonic()
    found = {each.where.partition(".")[0]: each for each in instruments(bench, 0.5)}
    assert monotonic() - began < 2.5
    assert {name for name, each in found.items() if each.level == "trouble"} == set(bench.devices) - {"twin"}
    assert "no answer within 0.5 s" in found["silent"].what
    assert "no answer within 0.5 s" in found["mute"].what
    assert "plug it in" in found["gone"].mend
    assert "squidstat_server" in found["bridge"].mend
    assert all(each.mend for each in found.values() if each.level == "trouble")


def test_another_instrument_at_an_address_is_told_from_a_dead_one(instrument):
    (found,) = instruments(bench_of(meter=instrument(b"Blu\r\n")), 8.0)
    assert found.level == "trouble"
    assert "Blu" in found.what or "answer" in found.what


def test_an_instrument_in_use_is_left_alone_and_its_holder_named(instrument):
    address = instrument(b"MAESTRO\r\n")
    lock = PortLock(address, WallLabels())
    try:
        (found,) = instruments(bench_of(meter=address), 5.0)
    finally:
        lock.release()
    assert found.level == "note"
    assert f"pid {os.getpid()}" in found.what
    assert instrument.heard == []


def test_held_and_stale_locks_are_told_without_taking_one(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "LOCKS", tmp_path)
    (tmp_path / "%2Fdev%2FttyUSB7.lock").write_text("pid 99999999 since long ago")
    lock = PortLock("/dev/ttyUSB8", WallLabels(), tmp_path)
    said = "\n".join(each.what for each in holders(tmp_path / "data"))
    lock.release()
    assert f"pid {os.getpid()} since" in said
    assert "holds /dev/ttyUSB8: " in said
    assert "one was left behind by what is dead (/dev/ttyUSB7 by pid 99999999" in said


def test_a_port_of_another_group_is_mended_with_that_group(tmp_path, monkeypatch):
    device = tmp_path / "ttyUSB0"
    device.touch()
    monkeypatch.setattr(ports.os, "access", lambda path, mode: False)
    found = ports.permission(device)
    assert found.level == "trouble"
    assert "usermod -aG" in found.mend or "log out" in found.mend


def test_a_run_without_an_end_and_a_latch_are_found_with_their_commands(kept):
    assert [each.level for each in data_folder(kept.folder, PLENTY)] == ["ok", "ok"]
    kept.anneal()
    assert all(each.level == "ok" for each in data_folder(kept.folder, PLENTY))
    kept.begin().close()
    state = kept.folder / "state" / "lamp.json"
    state.parent.mkdir(exist_ok=True)
    owner = {"pid": 1, "boot": "x", "began": "1", "since": 0.0}
    report = {"state": "fault", "latched": "the door was open"}
    state.write_text(
        json.dumps(
            {"device": "lamp", "bench": "twin", "sequence": 1, "time": 0, "owner": owner, "open": False}
            | {"report": report}
        )
    )
    mends = {each.where: each.mend for each in data_folder(kept.folder, PLENTY) if each.level == "trouble"}
    assert mends["runs"].startswith("labctl recover")
    assert mends["lamp"] == "labctl reset lamp --bench twin"


def test_a_disk_below_the_reserve_is_a_trouble(tmp_path):
    found = list(data_folder(tmp_path, DiskLimits(alarm=9e14, reserve=8e14)))
    assert [each.where for each in found if each.level == "trouble"] == ["disk"]


def test_the_command_ends_with_one_when_something_is_wrong_and_speaks_json(tmp_path):
    good = CliRunner().invoke(app, ["doctor", "--json", "--bench", "twin", "--data", str(tmp_path / "data")])
    found = json.loads(good.output)
    assert {each["where"] for each in found} >= {"versions", "disk", "clock", "configuration", "lamp.charger"}
    assert good.exit_code == (1 if any(each["level"] == "trouble" for each in found) else 0)
    assert not (tmp_path / "data").exists()
    bad = CliRunner().invoke(
        app, ["doctor", "--bench", "example-hardware", "--deadline", "0.2", "--data", str(tmp_path / "data")]
    )
    assert bad.exit_code == 1
    assert "TROUBLE" in bad.output
    assert Path("/dev/serial/by-id/usb-meter").exists() or "plug it in" in bad.output
