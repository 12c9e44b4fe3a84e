"""The adapter for tools of an unknown dialect: exact recipes or none, nothing fired twice, lost replies are unknown."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from devices.errors import (
    Garbled,
    InstrumentError,
    InterlockError,
    LabError,
    LimitError,
    OutcomeUnknown,
    ProgramError,
    WireError,
)
from devices.instruments.remote_recipe import RemoteRecipe
from devices.ports import Fault, random_faults
from devices.recipes import AnnealRecipe, MicroPulse
from labctl.config.readers import tool
from sim.twins.remote_recipe import RemoteRecipeTwin

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "tools" / "pulseforge-example.toml"
TABLE = asdict(tool(EXAMPLE))
RECIPE = AnnealRecipe("three", voltage=850.0, pulse_duration=1.8e-3, pulse_count=3, rate=0.4)
MICRO = AnnealRecipe(
    "micro", 850.0, 1.8e-3, 3, 0.4, micro_pulses=(MicroPulse(0.9e-3, 0.5), MicroPulse(0.9e-3, 1.0))
)


class Sent:
    """Counts what was sent, by line."""

    def __init__(self, twin: RemoteRecipeTwin) -> None:
        self.lines: list[bytes] = []
        self._receive = twin.receive
        twin.receive = self  # type: ignore[assignment,method-assign]

    def __call__(self, data: bytes, now: float) -> bytes:
        self.lines.append(data)
        return self._receive(data, now)


def tool_of(connect: Any, faults: Any = None, seed: int = 0, table: Any = None) -> tuple[Any, Any, list[Any]]:
    fired: list[Any] = []
    table = TABLE if table is None else table
    twin = RemoteRecipeTwin(lambda time, pulse: fired.append((time, pulse)), table=table)
    return connect(RemoteRecipe, twin, faults, seed, table=table), twin, fired


def silent(table: Any) -> Any:
    """Return a table of a tool that acknowledges nothing."""
    bare = {name: {**entry, "acknowledge": ""} if isinstance(entry, dict) and "acknowledge" in entry else entry
            for name, entry in table.items()}  # fmt: skip
    bare["micro_pulses"] = {**bare["micro_pulses"], "clear": {"send": "MP CLEAR", "acknowledge": ""}}
    return bare


def test_the_transcript_is_in_the_dialect_of_the_example() -> None:
    transcript = tomllib.loads((ROOT / "tests" / "transcripts" / "remote_recipe.toml").read_text())
    assert transcript["driver"]["table"] == transcript["twin"]["table"] == TABLE


@pytest.mark.parametrize("table", [TABLE, silent(TABLE)], ids=["acknowledging", "silent"])
def test_a_recipe_runs_as_asked_and_once(connect: Any, clock: Any, table: Any) -> None:
    device, _, fired = tool_of(connect, table=table)
    assert device.identify().startswith("FLASHTOOL")
    device.load(MICRO)
    device.arm()
    assert device.state() == "charging"
    clock.sleep(3.0)
    assert device.state() == "armed"
    began = clock.now()
    device.fire()
    clock.sleep(60.0)
    assert device.state() == "idle"
    assert device.pulses_done() == 3
    assert [time - began for time, _ in fired] == pytest.approx([0.0, 2.5, 5.0], abs=0.01)
    pulse = fired[0][1]
    assert (pulse.voltage, pulse.duration) == (850.0, pytest.approx(1.8e-3))
    assert [part for each in pulse.micro_pulses for part in each] == pytest.approx([0.9e-3, 0.5, 0.9e-3, 1.0])


def test_a_recipe_replaces_the_micro_pulses_of_the_last_one(connect: Any, clock: Any) -> None:
    device, _, fired = tool_of(connect)
    device.load(MICRO)
    device.load(RECIPE)
    device.arm()
    clock.sleep(3.0)
    device.fire()
    assert fired[0][1].micro_pulses == ()


@pytest.mark.parametrize(
    "change",
    [
        {"voltage": 951.0},
        {"voltage": 200.0 - 1e-6},
        {"pulse_duration": 6e-3},
        {"pulse_count": 501},
        {"rate": 0.6},
    ],
)
def test_out_of_range_is_refused_before_the_wire(connect: Any, change: Any) -> None:
    device, twin, _ = tool_of(connect)
    sent = Sent(twin)
    low = {"voltage": 201.0} if change.get("voltage", 999) < 201 else {}
    recipe = replace(RECIPE, **change) if not low else replace(RECIPE, voltage=200.5)
    with pytest.raises((LimitError, ProgramError)):
        device.load(recipe)
    assert sent.lines == []


@pytest.mark.parametrize(
    "change",
    [{"voltage": 850.5}, {"pulse_duration": 1.8005e-3}, {"rate": 1 / 3}],
    ids=["volts", "time", "rate"],
)
def test_what_the_tools_digits_cannot_say_is_refused_not_rounded(connect: Any, change: Any) -> None:
    device, twin, _ = tool_of(connect)
    sent = Sent(twin)
    with pytest.raises(ProgramError, match="no multiple"):
        device.load(replace(RECIPE, **change))
    assert sent.lines == []


def test_micro_pulses_are_refused_where_the_tool_has_none(connect: Any) -> None:
    device, twin, _ = tool_of(connect, table={**TABLE, "micro_pulses": None})
    sent = Sent(twin)
    with pytest.raises(LimitError, match="micro_pulses"):
        device.load(MICRO)
    device.check(RECIPE)
    assert sent.lines == []


def test_fire_wants_a_recipe_and_an_arming_of_its_own(connect: Any, clock: Any) -> None:
    device, _, fired = tool_of(connect)
    with pytest.raises(InterlockError):
        device.arm()
    device.load(RECIPE)
    with pytest.raises(InterlockError):
        device.fire()
    device.arm()
    with pytest.raises(InterlockError, match="charging"):
        device.fire()
    clock.sleep(3.0)
    device.fire()
    clock.sleep(30.0)
    with pytest.raises(InterlockError):
        device.fire()
    assert len(fired) == 3


def test_somebody_elses_arming_is_not_fired(connect: Any, clock: Any) -> None:
    device, twin, fired = tool_of(connect)
    device.load(RECIPE)
    twin.receive(b"ARM\r\n", clock.now())
    clock.sleep(3.0)
    assert device.state() == "armed"
    with pytest.raises(InterlockError, match="not armed by this session"):
        device.fire()
    assert fired == []


def test_a_tool_that_forgot_its_recipe_is_not_armed(connect: Any, clock: Any) -> None:
    device, twin, _ = tool_of(connect)
    device.load(RECIPE)
    twin.power_up(clock.now())
    with pytest.raises(InterlockError, match="forgotten"):
        device.arm()
    assert twin.state == "idle"


@pytest.mark.parametrize("line", [b"BANK 850", b"WIDTH 1800", b"SHOTS 3", b"RATE 400", b"MP 2 900 100.0"])
def test_a_setpoint_that_was_not_taken_is_an_error(connect: Any, line: bytes) -> None:
    device, twin, _ = tool_of(connect)
    receive = twin.receive
    wrong = line.replace(b"850", b"650").replace(b"1800", b"800").replace(b"SHOTS 3", b"SHOTS 33")
    wrong = wrong.replace(b"400", b"100").replace(b"MP 2 900", b"MP 2 500")
    twin.receive = lambda data, now: receive(data.replace(line, wrong), now)
    with pytest.raises(InstrumentError, match="did not take it"):
        device.load(MICRO)
    with pytest.raises(InterlockError):
        device.arm()


def test_a_refusal_is_told_in_the_tables_words(connect: Any, clock: Any) -> None:
    narrow = {**TABLE, "voltage": {**TABLE["voltage"], "high": 800.0}}
    fired: list[Any] = []
    twin = RemoteRecipeTwin(lambda time, pulse: fired.append(pulse), table=narrow)
    device = connect(RemoteRecipe, twin, table=TABLE)
    with pytest.raises(InstrumentError, match="value out of range"):
        device.load(RECIPE)


def test_a_lost_acknowledgement_of_fire_is_unknown_and_not_sent_again(connect: Any, clock: Any) -> None:
    for trouble in ("drop", "garble", "truncate", "ignore"):
        device, twin, fired = tool_of(connect)
        sent = Sent(twin)
        device.load(RECIPE)
        device.arm()
        clock.sleep(3.0)
        device.state()
        device.wire._port = _after(device.wire._port, clock, 2, Fault(trouble))
        with pytest.raises(OutcomeUnknown, match="pulses_done"):
            device.fire()
        clock.sleep(30.0)
        assert sent.lines.count(b"FIRE\r\n") == (trouble != "ignore")
        assert device.pulses_done() == len(fired) == (0 if trouble == "ignore" else 3)
        with pytest.raises(InterlockError):
            device.fire()


def _after(port: Any, clock: Any, exchanges: int, fault: Fault) -> Any:
    from devices.ports import FaultyPort

    return FaultyPort(port, clock, [*[None] * exchanges, fault])


def test_a_lost_acknowledgement_of_arm_is_unknown_and_it_is_not_fired(connect: Any, clock: Any) -> None:
    device, twin, fired = tool_of(connect)
    device.load(RECIPE)
    receive = twin.receive
    twin.receive = lambda data, now: (
        (receive(data, now), b"")[1] if data == b"ARM\r\n" else receive(data, now)
    )
    with pytest.raises(OutcomeUnknown):
        device.arm()
    clock.sleep(5.0)
    assert device.state() == "armed"
    with pytest.raises(InterlockError):
        device.fire()
    device.safe()
    assert twin.state == "idle"
    assert fired == []


def test_an_abort_ends_a_train(connect: Any, clock: Any) -> None:
    device, _, fired = tool_of(connect)
    device.load(replace(RECIPE, pulse_count=100))
    device.arm()
    clock.sleep(3.0)
    device.fire()
    clock.sleep(10.1)
    device.abort()
    clock.sleep(60.0)
    assert device.pulses_done() == len(fired) == 5
    assert device.state() == "idle"


def test_a_train_goes_on_without_a_host(connect: Any, clock: Any) -> None:
    """What the docstring warns of: silence stops nothing."""
    device, _, fired = tool_of(connect)
    device.load(replace(RECIPE, pulse_count=100))
    device.arm()
    clock.sleep(3.0)
    device.fire()
    clock.sleep(86400.0)
    device.state()
    assert len(fired) == 100
    assert RemoteRecipe.watchdog is None


def test_safe_is_reached_twice_and_a_tool_that_goes_on_is_an_error(connect: Any, clock: Any) -> None:
    device, twin, _ = tool_of(connect)
    device.load(RECIPE)
    device.arm()
    device.safe()
    device.safe()
    device.arm()
    receive = twin.receive
    twin.receive = lambda data, now: b"OK\r\n" if data == b"ABORT\r\n" else receive(data, now)
    with pytest.raises(InstrumentError, match="goes on"):
        device.safe()


def test_abort_is_sent_blind_when_no_reply_comes_through(connect: Any, clock: Any) -> None:
    device, twin, fired = tool_of(connect)
    device.load(replace(RECIPE, pulse_count=100))
    device.arm()
    clock.sleep(3.0)
    device.fire()
    device.wire._port = _after(device.wire._port, clock, 0, Fault("ignore"))
    receive = twin.receive
    twin.receive = lambda data, now: (receive(data, now), b"")[1]
    with pytest.raises(WireError):
        device.safe()
    assert twin.state == "idle"
    assert len(fired) == 1


def test_an_open_interlock_is_a_fault_until_an_abort(connect: Any, clock: Any) -> None:
    device, twin, fired = tool_of(connect)
    device.load(RECIPE)
    device.arm()
    clock.sleep(3.0)
    device.fire()
    twin.open_interlock(clock.now())
    assert device.state() == "fault"
    clock.sleep(60.0)
    assert device.pulses_done() == len(fired) == 1
    with pytest.raises(InterlockError, match="fault"):
        device.load(RECIPE)
    twin.interlock_open = False
    device.abort()
    assert device.state() == "idle"


def test_a_counter_that_is_never_reset_counts_from_the_arming(connect: Any, clock: Any) -> None:
    table = {**TABLE, "pulses_done": {**TABLE["pulses_done"], "since": "ever"}}
    device, twin, _ = tool_of(connect, table=table)
    for _ in range(2):
        device.load(RECIPE)
        device.arm()
        clock.sleep(3.0)
        device.fire()
        clock.sleep(30.0)
        assert device.pulses_done() == 3
    assert twin.receive(b"DONE?\r\n", clock.now()) == b"DONE 6\r\n"


def test_another_instrument_is_not_taken_for_the_tool(connect: Any) -> None:
    device, twin, _ = tool_of(connect)
    twin.receive = lambda data, now: b"SRS,DG645\r\n"
    with pytest.raises(WireError):
        device.identify()


def test_a_word_that_is_not_in_the_table_is_no_state(connect: Any) -> None:
    device, twin, _ = tool_of(connect)
    twin.receive = lambda data, now: b"STATE SLEEPING\r\n"
    with pytest.raises(Garbled):
        device.state()


TROUBLES: dict[Any, float] = {
    "ignore": 0.02,
    "delay": 0.02,
    "drop": 0.02,
    "garble": 0.04,
    "duplicate": 0.02,
    "truncate": 0.02,
    "dribble": 0.02,
    "disconnect": 0.01,
}


@pytest.mark.parametrize("seed", range(12))
def test_trouble_on_the_line_never_fires_more_than_was_asked(connect: Any, clock: Any, seed: int) -> None:
    device, _, fired = tool_of(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    armings = 0
    for _ in range(6):
        try:
            device.load(RECIPE)
            device.arm()
            clock.sleep(3.0)
            armings += 1
            device.fire()
        except LabError:
            pass
        clock.sleep(20.0)
        try:
            device.safe()
        except LabError:
            clock.sleep(1.0)
    assert len(fired) <= 3 * armings
    assert {(pulse.voltage, pulse.duration) for _, pulse in fired} <= {(850.0, 1800 * 1e-6)}
