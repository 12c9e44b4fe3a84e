"""The SourceMeter's twin, spoken to in its own dialect; what it does to a cell is the cell's own physics."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from sim.bench import Bench
from sim.foil import Surroundings
from sim.parts import TwinPart
from sim.physics.cell.control import Current, Until, Voltage
from sim.physics.cell.control import Record as Rows
from sim.potentiostats import MAKES, Keithley2450Twins
from sim.twins.keithley_2450 import Keithley2450Twin
from tests.support.cells import CELL, CURRENT, HALF, Foil

SOURCE = (
    'OUTP:SMOD HIMP;:FORM:ASC:PREC 16;:SENS:FUNC "CURR";:SOUR:FUNC VOLT;:SOUR:VOLT:RANG 20;:SOUR:VOLT {volts}'
    ";:SENS:CURR:RANG:AUTO ON;:SOUR:VOLT:ILIM {amperes};:SENS:CURR:RANG {amperes}"
)
LOOP = (
    "TRIG:TIM1:STAT OFF;:TRIG:TIM1:DEL {interval};:TRIG:TIM1:COUN 0;:TRIG:TIM1:STAR:STIM NOT1;:TRIG:TIM1:STAT ON"
    ";:TRIG:BLOC:SOUR:STAT 1, ON;:TRIG:BLOC:NOT 2, 1;:TRIG:BLOC:MEAS 3;:TRIG:BLOC:WAIT 4, TIM1"
    ";:TRIG:BLOC:BRAN:COUN 5, {count}, 3;:TRIG:BLOC:SOUR:STAT 6, OFF;:TRAC:CLE"
)


@dataclass
class Spoken:
    """A twin and somebody who talks to it."""

    noise: float = 0.0
    foil: Foil | None = field(default_factory=lambda: Foil(state=HALF))
    now: float = 0.0

    def __post_init__(self) -> None:
        self.twin = Keithley2450Twin(noise=self.noise, seed=5)
        self.twin.receive(b"OUTP:SMOD HIMP\n", 0.0)
        self.twin.wire_cell(self.foil, 0.0)

    def say(self, line: str, after: float = 0.0) -> str:
        self.now += after
        self.twin.advance(self.now)
        return self.twin.receive(line.encode() + b"\n", self.now).decode().strip()

    def does(self, line: str) -> None:
        assert self.say(f"{line};:SYST:ERR?") == '0,"No error;0;0 0"'

    def rows(self, elements: str = "SOUR, READ, REL") -> np.ndarray:
        last = int(self.say("TRAC:ACT:END?"))
        words = self.say(f'TRAC:DATA? 1, {last}, "defbuffer1", {elements}').split(",")
        return np.array([float(word) for word in words]).reshape(last, -1)


def charging(noise: float = 0.0, count: int = 200) -> Spoken:
    spoken = Spoken(noise)
    spoken.does(SOURCE.format(volts=4.1, amperes=CURRENT))
    spoken.does(LOOP.format(interval=20.0, count=count))
    spoken.does("INIT")
    return spoken


def test_a_voltage_source_rides_its_limit_and_then_holds_as_the_cell_does() -> None:
    spoken = charging()
    spoken.say("*OPC?", 5000.0)
    volts, amperes, since = spoken.rows().T
    times = since + spoken.twin.row_time
    first = CELL.step(HALF, Current(CURRENT), Until(upper=4.1), Rows(times=tuple(times.tolist())))
    turn = float(first.time[-1])
    held = tuple((times[times > turn] - turn).tolist())
    then = CELL.step(first.state, Voltage(4.1), Until(duration=4000.04 - turn), Rows(times=held))
    ridden = times <= turn
    assert 10 < ridden.sum() < len(times) - 10
    assert volts[ridden] == pytest.approx(np.interp(times[ridden], first.time, first.voltage), abs=0.51e-5)
    assert amperes[ridden] == pytest.approx(CURRENT, abs=1e-10)
    assert volts[~ridden] == pytest.approx(4.1, abs=1e-9)
    assert amperes[~ridden] == pytest.approx(np.interp(held, then.time, then.current), abs=2e-10)
    assert spoken.twin.charge == pytest.approx(float(first.charge[-1] + then.charge[-1]), rel=1e-6)


def test_how_often_somebody_looks_changes_no_row() -> None:
    seldom, often = charging(noise=1.0), charging(noise=1.0)
    seldom.say("*OPC?", 4100.0)
    for _ in range(820):
        often.say("TRIG:STAT?;:TRAC:ACT:END?;:OUTP?;:SYST:ERR?", 5.0)
    assert np.array_equal(seldom.rows(), often.rows())


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    def rows(seed: int) -> bytes:
        twin = Keithley2450Twin(seed=seed)
        twin.receive(b'SOUR:FUNC CURR;:SENS:FUNC "VOLT"\nTRIG:LOAD "DurationLoop", 1\nINIT\n', 0.0)
        twin.advance(2.0)
        return twin.receive(b'TRAC:DATA? 1, 20, "defbuffer1", READ\n', 2.0)

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


@pytest.mark.parametrize(
    ("amperes", "full"), [(8e-9, 1e-8), (8e-7, 1e-6), (1e-4, 1e-4), (2e-4, 1e-3), (0.9, 1.0)]
)
def test_a_current_is_read_with_the_noise_and_the_digits_of_its_range(amperes: float, full: float) -> None:
    spoken = Spoken(noise=1.0, foil=None)
    spoken.does(SOURCE.format(volts=1.0, amperes=amperes))
    spoken.does(LOOP.format(interval=1.0, count=400))
    spoken.does("INIT")
    spoken.say("*OPC?", 500.0)
    read = spoken.rows()[:, 1]
    assert np.std(read) == pytest.approx(4e-6 * full, rel=0.15, abs=0.0)
    assert read / (1e-6 * full) == pytest.approx(np.round(read / (1e-6 * full)), abs=1e-6)
    volts = spoken.rows()[:, 0]
    assert np.std(volts) == pytest.approx(10e-6, rel=0.15)


def test_an_output_that_is_off_disconnects_the_cell_or_discharges_it() -> None:
    rest = CELL.voltage(HALF, 0.0)
    apart, shorted = Spoken(), Spoken()
    shorted.does("OUTP:SMOD NORM")
    for spoken in (apart, shorted):
        spoken.now = 600.0
        spoken.twin.advance(600.0)
        spoken.twin.settle()
    assert apart.foil is not None
    assert shorted.foil is not None
    assert apart.twin.charge == 0.0
    assert CELL.voltage(apart.foil.state, 0.0) == pytest.approx(
        CELL.voltage(CELL.current_step(HALF, 0.0, 600.0).state, 0.0)
    )
    assert shorted.twin.charge == pytest.approx(-600.0 * 1e-5), (
        "a tenth of the 100 uA range flows towards 0 V"
    )
    assert CELL.voltage(shorted.foil.state, 0.0) < rest


def test_a_source_of_no_current_reads_the_cell_and_leaves_it() -> None:
    spoken = Spoken()
    spoken.does('SENS:FUNC "VOLT";:SOUR:FUNC CURR;:SOUR:CURR 0;:SOUR:CURR:VLIM 5;:FORM:ASC:PREC 16;:OUTP ON')
    assert float(spoken.say("READ?")) == pytest.approx(CELL.voltage(HALF, 0.0), abs=0.51e-5)
    spoken.say("OUTP OFF", 3600.0)
    assert spoken.twin.charge == 0.0


def test_a_current_source_is_stopped_by_its_voltage_limit() -> None:
    spoken = Spoken()
    spoken.does(
        f'SENS:FUNC "VOLT";:SOUR:FUNC CURR;:SOUR:CURR {CURRENT};:SOUR:CURR:VLIM 4.1;:FORM:ASC:PREC 16;:OUTP ON'
    )
    early = [float(word) for word in spoken.say('READ? "defbuffer1", READ, SOUR', 60.0).split(",")]
    segment = CELL.current_step(HALF, CURRENT, 60.0)
    assert early == pytest.approx([float(segment.voltage[-1]), CURRENT], abs=1e-5)
    first = CELL.step(HALF, Current(CURRENT), Until(upper=4.1))
    held = CELL.step(first.state, Voltage(4.1), Until(duration=100.0))
    late = spoken.say('READ? "defbuffer1", READ, SOUR', float(first.time[-1]) + 40.0)
    volts, amperes = (float(word) for word in late.split(","))
    assert volts == pytest.approx(4.1, abs=1e-9)
    assert amperes == pytest.approx(float(held.current[-1]), abs=1e-10)


def test_a_source_that_begins_below_the_cell_draws_no_more_than_its_limit() -> None:
    spoken = Spoken()
    spoken.does(SOURCE.format(volts=3.0, amperes=CURRENT) + ";:OUTP ON")
    spoken.say("OUTP OFF", 100.0)
    assert spoken.twin.charge == pytest.approx(-100.0 * CURRENT)


def test_the_output_goes_off_at_the_end_of_its_trigger_model_whoever_looks() -> None:
    spoken = charging(count=3)
    spoken.twin.advance(10_000.0)
    assert [(time, words) for time, event, words in spoken.twin.log if event == "output"] == [
        (0.0, "on"),
        (pytest.approx(60.0), "off"),
    ]
    assert spoken.twin.charge == pytest.approx(60.0 * CURRENT, rel=1e-9)
    spoken.now = 10_000.0
    assert spoken.say("TRIG:STAT?;:OUTP?") == "IDLE;IDLE;6;0"


def test_the_bench_is_told_when_the_output_switches_by_itself() -> None:
    spoken = charging(count=3)
    assert spoken.twin.next_event() == pytest.approx(60.0)
    spoken.twin.fire_event(60.0)
    assert not spoken.twin.output


def test_abort_stops_the_rows_and_leaves_output_and_buffer() -> None:
    spoken = charging()
    assert spoken.say("ABOR;:TRIG:STAT?;:OUTP?;:TRAC:ACT?", 50.0) == "ABORTED;ABORTED;0;1;3"
    assert spoken.say("TRAC:ACT?", 500.0) == "3"
    spoken.does("OUTP OFF")
    assert spoken.twin.charge == pytest.approx(550.0 * CURRENT, rel=1e-6)


def test_a_buffer_that_is_full_stops_or_overwrites_its_oldest_rows() -> None:
    once, round_about = charging(count=20), charging(count=20)
    for spoken, mode in ((once, "ONCE"), (round_about, "CONT")):
        spoken.say("ABOR;:OUTP OFF;:TRAC:CLE")
        spoken.does(f'TRAC:POIN 10, "defbuffer1";:TRAC:FILL:MODE {mode}, "defbuffer1"')
        spoken.does("INIT")
        spoken.say("*OPC?", 290.0)
    assert once.say("TRAC:ACT?;:TRAC:ACT:STAR?;:TRAC:ACT:END?") == "10;1;10"
    assert once.say("SYST:ERR?").startswith("4915,")
    assert once.say("SYST:ERR?").startswith("0,")
    assert round_about.say("TRAC:ACT?;:TRAC:ACT:STAR?;:TRAC:ACT:END?") == "10;6;5"
    newest = float(round_about.say('TRAC:DATA? 5, 5, "defbuffer1", FRAC').split(",")[-1])
    oldest = float(round_about.say('TRAC:DATA? 6, 6, "defbuffer1", FRAC').split(",")[-1])
    assert newest == pytest.approx(oldest)
    assert float(round_about.say('TRAC:DATA? 5, 5, "defbuffer1", REL')) == pytest.approx(180.0)


def test_a_source_that_is_changed_under_way_changes_the_rows_from_then_on() -> None:
    spoken = charging()
    spoken.say("SOUR:VOLT 3.0", 50.0)
    spoken.say("*OPC?", 50.0)
    assert np.sign(spoken.rows()[:, 1]).tolist() == [1, 1, 1, -1, -1]


def test_a_sweep_measures_behind_the_delay_at_each_of_its_levels() -> None:
    spoken = Spoken(foil=None)
    spoken.does(SOURCE.format(volts=3.0, amperes=1e-3))
    spoken.does('SOUR:SWE:VOLT:LIN 3, 4, 11, 0.5, 1, FIXED, OFF, OFF, "defbuffer1"')
    spoken.does("INIT")
    spoken.say("*OPC?", 60.0)
    rows = spoken.rows()
    assert rows[:, 0] == pytest.approx(np.linspace(3.0, 4.0, 11))
    assert np.diff(rows[:, 2]) == pytest.approx(0.5 + spoken.twin.row_time)
    assert not spoken.twin.output


def test_blocks_walk_through_the_list_of_a_sweep_and_begin_it_anew_behind_its_end() -> None:
    spoken = Spoken(foil=None)
    spoken.does(SOURCE.format(volts=3.0, amperes=1e-3))
    spoken.does("SOUR:SWE:VOLT:LIN 3, 4, 3, 0")
    walk = "TRIG:BLOC:SOUR:STAT 2, ON;:TRIG:BLOC:MEAS 3;:TRIG:BLOC:BRAN:COUN 5, 4, 3"
    name = '"VoltLinearSweepList"'
    spoken.does(f'TRIG:LOAD "Empty";:TRIG:BLOC:CONF:REC 1, {name}, 2;:{walk};:TRIG:BLOC:CONF:NEXT 4, {name}')
    spoken.does("INIT")
    spoken.say("*OPC?", 9.0)
    assert spoken.rows()[:, 0] == pytest.approx([3.5, 4.0, 3.0, 3.5])


def test_no_source_passes_the_protection() -> None:
    spoken = Spoken()
    spoken.does("SOUR:VOLT:PROT PROT5")
    assert spoken.say("SOUR:VOLT 5.5;:SYST:ERR?").startswith("-222,")
    assert spoken.say("SOUR:CURR:VLIM 6;:SYST:ERR?").startswith("-222,")
    spoken.does("SOUR:VOLT 4.9")
    spoken.does("SOUR:VOLT:PROT PROT2;:FORM:ASC:PREC 3")
    assert spoken.say("SOUR:VOLT?;:SOUR:CURR:VLIM?") == "2.00E+00;2.00E+00"


@pytest.mark.parametrize(
    "line",
    [
        "TRIG:BLOC:MEAS 9",
        "TRIG:BLOC:BRAN:ALW 3, 1",
        'TRIG:LOAD "Empty"',
        "SOUR:FUNC CURR",
        "SOUR:SWE:VOLT:LIN 3, 4, 11, 1",
    ],
)
def test_a_trigger_model_that_runs_is_not_changed(line: str) -> None:
    assert charging().say(f"{line};:SYST:ERR?").startswith("-221,")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("SOUR:VOLT 211", -222),
        ("SOUR:VOLT:ILIM 1.2", -222),
        ("SOUR:VOLT:ILIM 1e-10", -222),
        ("SENS:CURR:NPLC 20", -222),
        ("TRIG:BLOC:DEL:CONS 1, 20000", -222),
        ("TRIG:BLOC:MEAS 64", -222),
        ('TRIG:BLOC:MEAS 1, "mine"', -224),
        ('TRIG:BLOC:CONF:REC 1, "VoltLinearSweepList"', -224),
        ('TRIG:BLOC:CONF:NEXT 1, "mine"', -224),
        ("TRAC:DATA? 1, 1", -222),
        ('SENS:FUNC "TEMP"', -224),
        ("SENS:FUNC CURR", -104),
        ("INIT", -221),
        ('TRIG:LOAD "Simple"', -224),
        ("SOUR:VOLTS 1", -113),
        ("*FOO?", -113),
    ],
)
def test_mistakes_are_queued_and_change_nothing(line: str, code: int) -> None:
    spoken = Spoken()
    before = spoken.say("SOUR:VOLT?;:SOUR:VOLT:ILIM?;:TRIG:STAT?;:OUTP?")
    assert spoken.say(line) == ""
    assert spoken.say("SYST:ERR?").startswith(f"{code},")
    assert spoken.say("SYST:ERR?").startswith("0,")
    assert spoken.say("SOUR:VOLT?;:SOUR:VOLT:ILIM?;:TRIG:STAT?;:OUTP?") == before


def test_a_reading_beyond_its_range_overflows() -> None:
    spoken = Spoken()
    spoken.does(SOURCE.format(volts=4.3, amperes=1e-3) + ";:SENS:CURR:RANG:AUTO ON;:SOUR:VOLT:ILIM 1e-3")
    spoken.does("SENS:CURR:RANG 1e-5;:OUTP ON")
    assert float(spoken.say("READ?")) == 9.9e37
    spoken.does("SENS:CURR:RANG:AUTO ON")
    assert float(spoken.say("READ?")) == pytest.approx(1e-3)


def test_power_comes_back_to_defaults_with_the_cell_still_there() -> None:
    spoken = charging()
    spoken.twin.power_cycle(100.0)
    spoken.now = 100.0
    assert spoken.say("*ESR?;:OUTP?;:TRIG:STAT?;:TRAC:ACT:END?") == "128;0;EMPTY;EMPTY;0;0"
    assert spoken.say("OUTP:VOLT:SMOD?") == "NORM"
    spoken.does("OUTP:SMOD HIMP")
    assert spoken.twin.charge == pytest.approx(100.0 * CURRENT, rel=1e-6)


def test_the_2461_has_its_own_ranges() -> None:
    twin = Keithley2450Twin(model="2461")
    assert b"MODEL 2461" in twin.receive(b"*IDN?\n", 0.0)
    twin.receive(b"SENS:CURR:RANG 1e-8;:FORM:ASC:PREC 3\n", 0.0)
    assert twin.receive(b"SENS:CURR:RANG?\n", 0.0) == b"1.00E-06\n"


def test_a_bench_has_it_as_a_make_of_potentiostat() -> None:
    assert MAKES["keithley_2450"] is Keithley2450Twins
    moment = 0.0
    bench = Bench(lambda: moment, seed=1, surroundings=Surroundings(298.15, 100.0))
    bench.add(
        "smu",
        MAKES["keithley_2450"](bench, "smu", {"channels": TwinPart("keithley_2450", {"model": "2461"})}, {}),
    )
    assert b"MODEL 2461" in bench.endpoint("smu", "channels").exchange(b"*IDN?\n")
