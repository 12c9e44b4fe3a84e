"""Faults switched by name while a bench is served."""

import contextlib
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

import labctl
from devices.errors import LabError
from labctl.cli import app
from labctl.config.models import Address
from labctl.serving.face import pointers, resource, table
from labctl.serving.server import BLACK_BOX
from labctl.serving.trouble_desk import CONTROL, Switch, TroubleDesk, ask


class Later:
    """An event loop whose time somebody else moves."""

    def __init__(self):
        self.now, self.due = 0.0, []

    def time(self):
        return self.now

    def call_later(self, delay, action):
        handle = Handle(self.now + delay, action)
        self.due.append(handle)
        return handle

    def go_to(self, time):
        for each in sorted(self.due, key=lambda each: each.at):
            if each.at <= time and not each.over:
                self.now, each.over = each.at, True
                each.action()
        self.now = time


class Handle:
    def __init__(self, at, action):
        self.at, self.action, self.over = at, action, False

    def cancel(self):
        self.over = True


class Notes:
    def __init__(self):
        self.lines = []

    def now(self):
        return 0.0

    def note(self, where, event, text=""):
        self.lines.append((where, event))


@pytest.fixture
def desk():
    """Return a desk with one fault, what was done, and its loop."""
    done, loop = [], Later()
    made = TroubleDesk(loop, Notes(), {"lamp.tube_dark": Switch("dark", done.append)})
    return made, done, loop


def test_a_fault_comes_and_goes_at_its_time_and_once(desk):
    made, done, loop = desk
    assert made.switch("lamp.tube_dark", True, after=5.0, lasts=10.0) == "lamp.tube_dark on in 5 s, for 10 s"
    assert next(made.rows()).due == 5.0
    loop.go_to(4.9)
    assert done == []
    loop.go_to(5.0)
    made.switch("lamp.tube_dark", True)
    assert done == [True]
    loop.go_to(20.0)
    assert done == [True, False]


def test_off_forgets_what_was_to_come(desk):
    made, done, loop = desk
    made.switch("lamp.tube_dark", True, after=5.0)
    made.switch("lamp.tube_dark", False)
    loop.go_to(100.0)
    assert done == []


def test_the_same_seed_draws_the_same_time(desk):
    made, _, _ = desk
    said = [made.switch("lamp.tube_dark", True, after=100.0, seed=seed) for seed in (7, 7, 8)]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (b'{"do": "switch", "name": "lamp.tube_drak", "on": true}', "did you mean"),
        (b'{"do": "switch", "name": "lamp.tube_dark", "on": true, "after": -1}', "times from now on"),
        (b'{"do": "dance"}', "not one of list, switch"),
        (b"not JSON", "refused"),
        (b'{"do": "switch"}', "refused"),
    ],
)
def test_nonsense_is_refused_in_words_and_changes_nothing(desk, request_, said):
    made, done, _ = desk
    reply = made.answer(request_).decode()
    assert "refused" in reply
    assert said in reply
    assert done == []


@pytest.mark.parametrize(
    ("bench", "among_them"),
    [
        ("twin", {"lamp.contact_open.door", "potentiostat.lead_off.0", "lamp.charger.silent"}),
        (
            "sputter",
            {"sputter.water_leak", "sputter.mfc_dead.Ar", "evaporator.boat_empty", "furnace.sensor_high"},
        ),
    ],
)
def test_every_fault_of_a_served_bench_can_be_switched_on_and_off_twice(serve, bench, among_them):
    served = serve(bench=bench)
    rows = ask(served.folder, {"do": "list"})["faults"]
    names = [row["name"] for row in rows]
    assert among_them <= set(names)
    for row in rows:
        told = row["what"].partition(":")[0]
        assert told.replace(" ", "_") not in row["name"], f"{row['name']} says nothing but its name"
    for name in names * 2:
        for on in (True, False):
            ask(served.folder, {"do": "switch", "name": name, "on": on})
    assert not any(row["on"] for row in ask(served.folder, {"do": "list"})["faults"])
    assert not served.server.over.is_set()
    assert stat.S_IMODE((served.folder / CONTROL).stat().st_mode) == 0o600


def test_what_is_switched_befalls_the_wire_and_the_world(serve):
    served = serve()

    def turn(name, on):
        arguments = ["twin", "fault", name, on, "--dir", str(served.folder)]
        assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0

    path = Path(served.address("meter").target)
    turn("lamp.meter.unplugged", "on")
    assert not path.exists()
    turn("lamp.meter.unplugged", "off")
    assert path.exists()
    turn("lamp.contact_open.door", "on")
    charger = served.driver("charger")
    assert "Glassman" in charger.identify()
    turn("lamp.charger.silent", "on")
    with pytest.raises(LabError):
        charger.identify()
    turn("lamp.charger.silent", "off")
    with contextlib.suppress(LabError):
        # The wire waits once more for an answer that may be late, before it asks anew.
        charger.identify()
    assert "Glassman" in charger.identify()
    events = [
        (line["part"], line["event"])
        for line in map(json.loads, (served.folder / BLACK_BOX).read_text().splitlines())
    ]
    assert ("permissives", "contact open") in events
    listed = CliRunner().invoke(app, ["twin", "faults", "--dir", str(served.folder)]).output
    assert "lamp.contact_open.door" in listed
    assert listed.count(" ON ") == 1
    only = CliRunner().invoke(app, ["twin", "faults", "on", "--dir", str(served.folder)]).output
    assert only.startswith("lamp.contact_open.door  ON ")
    assert len(only.splitlines()) == 1
    few = CliRunner().invoke(app, ["twin", "faults", "lamp.meter", "--dir", str(served.folder)]).output
    assert all(line.startswith("lamp.meter.") for line in few.splitlines())


def test_what_is_switched_on_a_chamber_is_seen_by_a_session_on_its_ports(serve, config, tmp_path):
    served = serve(bench="sputter")
    switched = {"do": "switch", "name": "sputter.contact_open.water"}
    with labctl.open_session(
        str(served.bench), config=config, data=tmp_path / "data", only=["sputter"], handle_signals=False
    ) as lab:
        board = lab.sputter.permissives
        assert board.inputs()["water"] is True
        ask(served.folder, {**switched, "on": True})
        assert board.inputs()["water"] is False
        ask(served.folder, {**switched, "on": False})
        assert board.inputs()["water"] is True


def test_where_nobody_serves_that_is_said_with_what_to_type(tmp_path):
    with pytest.raises(LabError, match="labctl twin serve"):
        ask(tmp_path, {"do": "list"})


def test_the_table_names_every_part_and_how_to_point_others_at_it(serve):
    rows = serve().server.table
    text = "\n".join(table(rows))
    assert all(row.address in text and row.driver in text for row in rows)
    pointed = "\n".join(pointers(rows))
    assert "serial.tools.miniterm" in pointed
    assert all(resource(row.address).startswith(("ASRL/", "TCPIP::127.0.0.1::")) for row in rows)
    assert Address.parse(f"visa:{resource(rows[1].address)}").kind == "visa"
