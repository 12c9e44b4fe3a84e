"""The twin server: drivers over real ptys and sockets, what happens by itself, what befalls the wires.

The judge is the black box: what the twins wrote down, not what a driver thinks.
"""

import contextlib
import itertools
import socket
import threading

import pytest
import serial

from devices.bridges.lines import pack, unpack
from devices.cycling.cycler import Job
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import OpenCircuit, Record, Until
from devices.errors import LabError, OwnershipError, WireError
from devices.recipes import to_json
from labctl.clock.virtual import VirtualClock
from labctl.config.folder import Config
from labctl.serving.server import TwinServer

TROUBLES = (
    {"trouble": "ignore"},
    {"trouble": "delay", "lasts": 0.7},
    {"trouble": "drop"},
    {"trouble": "garble", "share": 0.1},
    {"trouble": "duplicate"},
    {"trouble": "truncate"},
    {"trouble": "dribble"},
    {"trouble": "disconnect", "lasts": 0.3},
)
MISHAPS = ({"trouble": "power_cycle", "lasts": 0.2}, {"trouble": "swap", "lasts": 0.8, "other": "lamp.meter"})
WATCHDOG = 1.5


def named(fault):
    return fault["trouble"]


def some(faults, *fast):
    """Return those named for the fast suite, the others marked slow."""
    return [f if f["trouble"] in fast else pytest.param(f, marks=pytest.mark.slow) for f in faults]


def wait(seconds):
    threading.Event().wait(seconds)


def test_each_driver_finds_its_twin_on_a_pty_or_a_socket(serve):
    served = serve()
    assert [served.address(part).kind for part in ("charger", "meter", "gate", "channels")] == [
        "serial",
        "serial",
        "socket",
        "socket",
    ]
    for part, word in (("charger", "Glassman"), ("gate", "DG645"), ("channels", "4 channels")):
        assert word in served.driver(part).identify()


def test_a_part_with_a_visa_address_is_served_to_visa(serve, config):
    bench = config / "benches" / "twin.toml"
    text = bench.read_text().replace('kind = "virtual"\npace = "none"', 'kind = "wall"')
    text = text.replace('"srs_dg645"\naddress = "twin"', '"srs_dg645"\naddress = "visa:TCPIP::h::1::SOCKET"')
    (config / "benches" / "mixed.toml").write_text(text)
    served = serve(bench="mixed")
    assert served.address("gate").kind == "visa"
    assert "DG645" in served.driver("gate").identify()


def test_the_watchdog_trips_at_its_time_though_nobody_talks(serve):
    served = serve()
    served.driver("charger").program(300.0)
    wait(WATCHDOG + 0.3)
    ((on,), (tripped,), (off,)) = map(served.events, ("high voltage on", "watchdog", "high voltage off"))
    assert tripped["time"] == off["time"] == pytest.approx(on["time"] + WATCHDOG, abs=1e-3)


def test_a_part_is_served_once_and_its_folder_too(serve, config):
    served = serve()
    served.driver("charger")
    with pytest.raises(OwnershipError, match="pid"):
        served.driver("charger")
    with pytest.raises(OwnershipError, match="pid"):
        TwinServer(Config(config).bench("twin"), served.folder, served.clock)


def test_the_hands_are_for_their_owner_only(serve):
    assert serve().server.hands.stat().st_mode & 0o777 == 0o600


def test_the_world_is_saved_and_the_box_closed_at_the_end(serve, sample):
    served = serve()
    served.server.world.bring(to_json(sample), "lamp")
    served.close()
    assert (served.folder / "samples" / f"{sample.id}.json").exists()
    assert served.events("ended")[0]["text"] == "in good order"
    assert not served.server.hands.exists()


def test_a_world_that_cannot_be_reckoned_ends_the_serving_with_its_reason(serve, monkeypatch):
    served = serve()

    def broken(now):
        raise ArithmeticError("no such temperature")

    monkeypatch.setattr(served.server.world.station("lamp").meter, "advance", broken)
    with pytest.raises(LabError, match="no such temperature"):
        served.server.wait()
    monkeypatch.undo()


def test_a_paced_clock_serves_as_well(config, tmp_path):
    clock = VirtualClock(1.0)
    try:
        with TwinServer(Config(config).bench("twin"), tmp_path / "paced", clock) as server:
            address = next(row.address for row in server.table if row.part == "gate")
            with socket.create_connection(
                ("127.0.0.1", int(address.rpartition(":")[2])), timeout=5
            ) as client:
                before = clock.now()
                client.sendall(b"*IDN?\n")
                assert b"DG645" in client.recv(100)
                wait(0.2)
                assert 0.15 < clock.now() - before < 0.4
    finally:
        clock.close()


# What befalls the charger.


def poll(charger, clock, seconds):
    """Ask as a keep-alive does; return the states that were told and the errors."""
    told, errors, until = [], [], clock.now() + seconds
    while clock.now() < until:
        try:
            told.append(charger.state())
        except WireError as error:
            errors.append(error)
        wait(0.05)
    return told, errors


@pytest.mark.parametrize("fault", TROUBLES, ids=named)
def test_trouble_on_the_charger_switches_nothing_and_no_answer_is_taken_for_another(serve, fault):
    served = serve({"part": "lamp.charger", "exchange": 8, **fault})
    charger = served.driver("charger")
    charger.identify()
    charger.program(200.0)
    told, errors = poll(charger, served.clock, 0.7)
    charger.off()
    assert len(errors) <= (2 if fault["trouble"] != "disconnect" else 10)
    assert all(state.high_voltage_on and not state.fault for state in told)
    voltages = [state.voltage for state in told]
    assert voltages == sorted(voltages)
    assert len(served.events("high voltage on")) == len(served.events("high voltage off")) == 1
    assert served.events("watchdog") == []
    assert len(served.events(f"fault: {fault['trouble']}")) == 1


@pytest.mark.parametrize("fault", some(TROUBLES, "ignore", "drop"), ids=named)
def test_trouble_under_the_command_that_charges_is_told_and_never_charges_twice(serve, fault):
    served = serve({"part": "lamp.charger", "exchange": 3, **fault})
    charger = served.driver("charger")
    charger.identify()
    try:
        charger.program(200.0)
    except LabError:
        told, _ = poll(charger, served.clock, 0.5)
        on = bool(served.events("high voltage on"))
        assert all(state.high_voltage_on == on for state in told)
    charger.off()
    assert len(served.events("high voltage on")) <= 1
    assert len(served.events("high voltage off")) == len(served.events("high voltage on"))


def test_a_charger_that_loses_its_mains_stays_off_until_it_is_told_otherwise(serve):
    served = serve({"part": "lamp.charger", "exchange": 8, **MISHAPS[0]})
    charger = served.driver("charger")
    charger.identify()
    charger.program(200.0)
    told, _ = poll(charger, served.clock, 1.2)
    assert [on for on, _ in itertools.groupby(state.high_voltage_on for state in told)] == [True, False]
    assert len(served.events("power up", part="charger")) == 1
    assert len(served.events("high voltage on")) == 1


def test_swapped_links_switch_nothing_and_are_noticed(serve):
    served = serve({"part": "lamp.charger", "exchange": 8, **MISHAPS[1]})
    charger = served.driver("charger")
    charger.identify()
    charger.program(200.0)
    told, errors = poll(charger, served.clock, 1.2)
    assert errors
    assert all(state.high_voltage_on for state in told)
    assert len(served.events("high voltage on")) == 1
    assert served.events("watchdog", "high voltage off") == []
    assert len(served.events("end of fault: swap")) == 1


def test_a_charger_cut_off_for_longer_than_its_watchdog_is_off_by_itself(serve):
    served = serve({"part": "lamp.charger", "exchange": 4, "trouble": "disconnect", "lasts": 1.8})
    charger = served.driver("charger")
    charger.identify()
    charger.program(200.0)
    with pytest.raises(WireError):
        charger.state()
    told, _ = poll(charger, served.clock, 2.2)
    assert told
    assert not any(state.high_voltage_on for state in told)
    ((on,), (tripped,)) = map(served.events, ("high voltage on", "watchdog"))
    assert tripped["time"] == pytest.approx(on["time"] + WATCHDOG, abs=1e-3)


# What befalls the gate: never a gate too many, and what the driver says of it is true or "unknown".


def prepared(gate):
    """Prepare the gate, however often it takes."""
    for _ in range(10):
        with contextlib.suppress(LabError):
            gate.prepare(1.8e-3)
            return
    raise AssertionError("the gate could not be prepared")


@pytest.mark.parametrize("fault", some(TROUBLES, "delay"), ids=named)
def test_trouble_under_triggers_opens_no_second_gate_and_accounts_for_the_first(serve, fault):
    brief = {"lasts": 0.05} if fault["trouble"] == "disconnect" else {}
    served = serve({"part": "lamp.gate", "probability": 0.08, **fault, **brief})
    gate = served.driver("gate")
    prepared(gate)
    said = []
    for _ in range(16):
        before = len(served.events("gate"))
        try:
            gate.fire()
            wait(0.03)
            told = gate.fired()
        except LabError:
            told = None
        said.append((told, len(served.events("gate")) - before))
    assert served.events(f"fault: {fault['trouble']}")
    assert all(opened <= 1 for _, opened in said)
    # A dialect without checksums: a garbled status is another status; in a train, bank and meter are asked as well.
    if fault["trouble"] != "garble":
        assert all(told is None or told == bool(opened) for told, opened in said)
    assert sum(told is None for told, _ in said) < len(said)


def test_a_gate_that_loses_its_mains_opens_no_more(serve):
    served = serve({"part": "lamp.gate", "probability": 0.05, "trouble": "power_cycle"}, seed=3)
    gate = served.driver("gate")
    gate.identify()
    gate.prepare(1.8e-3)
    for _ in range(40):
        with contextlib.suppress(LabError):
            gate.fire()
            gate.fired()
        if served.events("power up"):
            break
    (lost, *_) = served.events("power up")
    with contextlib.suppress(LabError):
        gate.fire()
        gate.fired()
    assert all(line["time"] < lost["time"] for line in served.events("gate"))


# What befalls the potentiostat.


@pytest.fixture
def job(sample):
    rest = Step(OpenCircuit(), Until(duration=0.5), Record(interval=0.05))
    return Job("rest", (rest, rest), CellLimits(0.0, 5.0, 1e-3), "token", 3600.0)


def fetch(channel, first, seconds, clock):
    """Ask for records until the end is told, whatever happens to the link; return them."""
    records, until = [], clock.now() + seconds
    while clock.now() < until:
        with contextlib.suppress(WireError):
            page = channel.records(first + len(records), 7)
            records += page.records
        if records and type(records[-1]).__name__ == "RunStopped":
            break
        wait(0.05)
    return records


def wired(served, sample):
    """Lay a cell on the first channel and return its driver."""
    served.server.world.assemble(to_json(sample))
    served.server.world.bring(to_json(sample), "potentiostat/0")
    channel = served.driver("channels")
    channel.identify()
    return channel


@pytest.mark.parametrize("exchange", ["rows", pytest.param("start", marks=pytest.mark.slow)])
@pytest.mark.parametrize("fault", TROUBLES, ids=named)
def test_trouble_on_the_potentiostat_starts_nothing_twice_and_loses_or_doubles_no_row(
    serve, sample, job, fault, exchange
):
    served = serve({"part": "potentiostat.channels", "exchange": {"start": 4, "rows": 9}[exchange], **fault})
    channel = wired(served, sample)
    channel.upload(job)
    try:
        first = channel.start(job.token)
    except WireError:
        assert served.events("started") == []
        return
    records = fetch(channel, first, 4.0, served.clock)
    rows = [record.number for record in records if type(record).__name__ == "RowTaken"]
    assert rows == list(range(rows[0], rows[0] + len(rows)))
    assert len(rows) >= 20
    assert len(served.events("started")) == len(served.events("stopped")) == 1
    assert len(served.events("element")) == 2


def test_a_potentiostat_that_loses_its_mains_opens_the_cell_and_says_so(serve, sample, job):
    served = serve({"part": "potentiostat.channels", "exchange": 8, "trouble": "power_cycle"})
    channel = wired(served, sample)
    channel.upload(job)
    first = channel.start(job.token)
    said = [type(record).__name__ for record in fetch(channel, first, 1.0, served.clock)]
    assert {"InstrumentAlarm", "RunStopped"} & set(said)
    assert len(served.events("started")) == 1
    assert served.events("element")[-1]["time"] < served.events("power")[0]["time"]


def test_a_second_client_of_the_bridge_waits_for_its_turn_and_a_dead_one_frees_it(serve, sample, job):
    served = serve()
    first = wired(served, sample)
    first.upload(job)
    address = served.address("channels").target
    with serial.serial_for_url(address, timeout=2) as other:
        other.write(pack({"id": 1, "do": "stop", "channel": 0}))
        assert unpack(other.readline())["error"]["code"] == "owned"
        first.wire.close()
        wait(0.1)
        other.write(pack({"id": 2, "do": "stop", "channel": 0}))
        assert "error" not in unpack(other.readline())
