"""The DAQ6510's twin: scans in time, triggers, buffers that fill up, units, what the lead detector is for."""

from __future__ import annotations

import numpy as np
import pytest

from sim.twins.keithley_daq6510 import CHANNEL_TIME, KeithleyDAQ6510Twin


@pytest.fixture
def twin():
    sources = {101: lambda time: 400.0 + time, 102: lambda time: 300.0, 103: lambda time: 500.0}
    return KeithleyDAQ6510Twin(np.random.default_rng(0), sources=sources, noise=0.0)


def say(twin, text, now=0.0):
    return twin.receive(text.encode() + b"\n", now).decode().strip()


def run(twin, until):
    while (due := twin.next_event()) is not None and due <= until:
        twin.advance(due)
        twin.fire_event(due)
    twin.advance(until)


THERMOMETERS = ":FUNC 'TEMP',(@101:103);:TEMP:UNIT KELV,(@101:103);:TEMP:TC:RJUN:RSEL INT,(@101:103)"


def scanning(twin, settings=""):
    say(twin, THERMOMETERS)
    say(twin, settings)
    say(twin, ":TEMP:ODET ON,(@101:103);:ROUT:SCAN:CRE (@101:103);:INIT")


def test_channels_are_read_one_after_the_other(twin):
    scanning(twin)
    for count in range(4):
        run(twin, (count + 0.5) * CHANNEL_TIME)
        assert say(twin, ":TRAC:ACT?", twin._now) == str(count)
    times = say(twin, ':TRAC:DATA? 1,3,"defbuffer1",REL,CHAN', 1.0)
    assert times == "0.000000000,101,0.080000000,102,0.160000000,103"
    assert say(twin, ":TRIG:STAT?", 1.0).startswith("IDLE")


def test_each_is_read_as_hot_as_it_is_then(twin):
    scanning(twin)
    run(twin, 1.0)
    assert say(twin, ':TRAC:DATA? 1,2,"defbuffer1",READ', 1.0) == "4.000800000E+02,3.000000000E+02"


@pytest.mark.parametrize(("unit", "value"), [("KELV", 300.0), ("CELS", 26.85), ("FAHR", 80.33)])
def test_units_are_those_that_were_set(twin, unit, value):
    scanning(twin, f":TEMP:UNIT {unit},(@101:103)")
    run(twin, 1.0)
    assert float(say(twin, ':TRAC:DATA? 2,2,"defbuffer1"', 1.0)) == pytest.approx(value, abs=1e-6)


def test_without_the_lead_detector_an_open_thermocouple_looks_like_room(twin):
    twin.unplug(103, 0.0)
    scanning(twin)
    run(twin, 1.0)
    say(twin, ":TRAC:CLE;:TEMP:ODET OFF,(@101:103);:INIT", 1.0)
    run(twin, 2.0)
    assert float(say(twin, ':TRAC:DATA? 3,3,"defbuffer1"', 2.0)) == 300.0


def test_with_it_it_overflows(twin):
    twin.unplug(103, 0.0)
    scanning(twin)
    run(twin, 1.0)
    assert say(twin, ':TRAC:DATA? 3,3,"defbuffer1"', 1.0) == "9.900000000E+37"


def armed(twin, blocks=':TRIG:BLOC:WAIT 1,EXT;:TRIG:BLOC:MDIG 2,"t",100'):
    say(twin, ':TRAC:MAKE "t",100;:DIG:FUNC "VOLT",(@110);:DIG:VOLT:SRAT 1e6,(@110);:ROUT:CLOS (@110)')
    say(twin, f':TRIG:LOAD "Empty";{blocks};:INIT')


def test_a_trace_begins_with_its_trigger_and_is_whole_when_it_has_lasted(twin):
    armed(twin)
    run(twin, 5.0)
    assert say(twin, ":TRIG:STAT?", 5.0).startswith("WAITING")
    twin.pulse(5.0, lambda time: 1e4 * time)
    assert twin.next_event() == pytest.approx(5.0 + 100e-6)
    run(twin, 6.0)
    values = np.fromstring(say(twin, ':TRAC:DATA? 1,100,"t",REL,READ', 6.0), sep=",").reshape(-1, 2)
    assert values[:, 0] == pytest.approx(1e-6 * np.arange(100), abs=1e-12)
    assert values[:, 1] == pytest.approx(1e-2 * np.arange(100), abs=1e-6)


def test_only_one_trigger_counts(twin):
    armed(twin)
    for time in (1.0, 2.0, 3.0):
        twin.pulse(time, lambda time: 0.0 * time)
        run(twin, time + 0.5)
    assert [event for _, event, _ in twin.log].count("digitising") == 1


def test_a_full_buffer_takes_no_more_and_says_so(twin):
    armed(twin, ':TRIG:BLOC:WAIT 1,EXT;:TRIG:BLOC:MDIG 2,"t",150')
    twin.pulse(1.0, lambda time: 0.0 * time)
    run(twin, 2.0)
    assert say(twin, ':TRAC:ACT? "t"', 2.0) == "100"
    assert say(twin, ":SYST:ERR?", 2.0).startswith("4915,")


@pytest.mark.parametrize(
    "blocks",
    [
        "",
        ":TRIG:BLOC:WAIT 2,EXT",
        ':ROUT:OPEN:ALL;:TRIG:BLOC:MDIG 1,"t",100',
        ':ROUT:CLOS (@111);:TRIG:BLOC:MDIG 1,"t",100',
    ],
)
def test_a_model_that_cannot_run_is_a_conflict(twin, blocks):
    say(twin, ':TRAC:MAKE "t",100;:DIG:FUNC "VOLT",(@110);:ROUT:CLOS (@110);:TRIG:LOAD "Empty"')
    say(twin, blocks)
    assert say(twin, ":INIT;:SYST:ERR?").startswith("-221,")


def test_settings_are_refused_while_it_waits_and_abort_ends_that(twin):
    armed(twin)
    assert say(twin, ":ROUT:OPEN:ALL;:SYST:ERR?").startswith("-221,")
    assert say(twin, ":ABOR;:ROUT:OPEN:ALL;:SYST:ERR?").startswith("0,")
    twin.pulse(1.0, lambda time: 0.0 * time)
    assert twin.next_event() is None


def test_a_reset_forgets_channels_scan_and_buffers(twin):
    scanning(twin)
    say(twin, ':TRAC:MAKE "t",100;*RST')
    assert twin.next_event() is None
    assert say(twin, ":FUNC? (@101);:ROUT:SCAN:CRE?") == "VOLT;(@)"
    assert say(twin, ':TRAC:ACT? "t";:SYST:ERR?').startswith("-224,")


def test_noise_is_seeded():
    twins = [
        KeithleyDAQ6510Twin(np.random.default_rng(2), sources={101: lambda time: 300.0}) for _ in range(2)
    ]
    replies = []
    for twin in twins:
        say(twin, ":FUNC 'TEMP',(@101);:ROUT:SCAN:COUN:SCAN 5;:ROUT:SCAN:CRE (@101);:INIT")
        run(twin, 2.0)
        replies.append(say(twin, ':TRAC:DATA? 1,5,"defbuffer1"', 2.0))
    assert replies[0] == replies[1]
    assert len(set(replies[0].split(","))) == 5
