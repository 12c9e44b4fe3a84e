"""Programs in files of every kind, on a sample's cell, asked of a bench's drivers without opening anything."""

import pytest

from devices.errors import ConfigError
from labctl.config.folder import Config
from labctl.language.export import FORMATS
from labctl.program_check import find_program, program_on, size_of, stations_of, tell_programs

CONFIG = Config()
NAMES = CONFIG.names("program")
STEPS = (
    "limits 2.95 V to 4.3 V, 1 mA\n('Charge at {rate} until 4.25 V', 'Discharge at {rate} until 3 V') * 3\n"
)


def write(tmp_path, text, name="steps.txt"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_program_runs_on_a_shipped_sample_and_hits_no_limit(name):
    path = CONFIG.path("program", name)
    (told,) = tell_programs([path], sample="lco-1.2um", bench="twin")
    assert not told.stopped
    assert not any("DOUBT" in line for line in told.lines)
    assert any(line.startswith("  time") for line in told.lines)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_program_reads_back_from_its_text(name, tmp_path):
    cell = size_of("lco-1.2um")
    program = program_on(find_program(name), cell, name)
    path = write(tmp_path, FORMATS["text"](program, cell), f"{name}.txt")
    assert program_on(find_program(str(path)), cell, name) == program


def test_a_text_file_of_steps_is_a_program(tmp_path):
    (told,) = tell_programs([write(tmp_path, STEPS.format(rate="C/2"))], sample="lco-0.7um")
    assert told.lines[0].startswith("steps: 2 steps, 6 runs")


def test_a_unicycler_file_is_a_program(tmp_path):
    cell = size_of("")
    text = FORMATS["unicycler"](program_on(find_program("rates-0.7um"), cell, ""), cell)
    (told,) = tell_programs([write(tmp_path, text, "r.json")], sample="lco-0.7um")
    assert told.lines[0].startswith("r: 4 steps, 32 runs")


def test_an_experiments_program_is_on_its_own_sample():
    (told,) = tell_programs([CONFIG.path("experiment", "fla-0.7um")])
    assert any("7.245" in line for line in told.lines)


def test_what_is_no_program_says_nothing():
    assert list(tell_programs([CONFIG.path("recipe", "fla-850V-20")])) == []


def test_c_rates_without_a_sample_ask_for_one(tmp_path):
    with pytest.raises(ConfigError, match="give --sample"):
        list(tell_programs([write(tmp_path, STEPS.format(rate="C/2"))]))
    (told,) = tell_programs([write(tmp_path, STEPS.format(rate="5 uA"))])
    assert any("capacity unknown" in line for line in told.lines)


def test_milli_for_micro_is_doubted_and_stops_where_the_lab_does(tmp_path):
    path = write(tmp_path, STEPS.format(rate="5 mA").replace("1 mA", "20 mA"))
    (told,) = tell_programs([path], sample="lco-0.7um")
    assert told.stopped
    assert any("DOUBT" in line and "uA, not mA" in line for line in told.lines)
    assert any("LIMIT" in line and "limits.toml" in line for line in told.lines)


def test_the_drivers_of_a_bench_are_asked():
    (name,) = stations_of(CONFIG.bench("twin"), CONFIG.limits())
    assert name == "potentiostat"


def test_channels_that_are_alike_are_asked_once(tmp_path):
    bench = CONFIG.bench_path("twin").read_text()
    lines = '[devices.potentiostat.parts.channels]\ndriver = "squidstat"\naddress = "twin"\n'
    assert lines in bench
    path = write(
        tmp_path,
        bench.replace('class = "PotentiostatStation"', 'class = "PotentiostatStation"\nchannels = 4'),
        "b.toml",
    )
    assert len(stations_of(CONFIG.bench(str(path)), CONFIG.limits())) == 1


def test_a_temperature_on_a_bench_without_a_chamber_is_named_for_every_step(tmp_path):
    path = write(
        tmp_path, "limits 3 V to 4.2 V, 1 uA\nRest for 1 h at 25 oC\nRest for 1 h\nRest for 2 h at 30 oC"
    )
    (told,) = tell_programs([path], sample="lco-0.7um", bench="twin")
    said = [line for line in told.lines if "LIMIT" in line]
    assert [("step 0" in line, "step 2" in line) for line in said] == [(True, False), (False, True)]
    assert all("chamber" in line for line in said)
    assert not next(iter(tell_programs([path], sample="lco-0.7um"))).stopped


def test_what_an_instrument_does_otherwise_is_noted():
    (told,) = tell_programs([CONFIG.path("program", "formation")], sample="lco-0.7um", bench="keithley")
    assert any(line.startswith("  NOTE    potentiostat: the host steps the program") for line in told.lines)


def test_a_current_below_the_drivers_least_is_named(tmp_path):
    path = write(tmp_path, STEPS.format(rate="1 pA"))
    (told,) = tell_programs([path], sample="lco-0.7um", bench="twin")
    assert told.stopped
    assert sum("LIMIT" in line for line in told.lines) == 2


def test_a_program_too_long_for_an_instrument_is_a_limit_without_remarks(tmp_path):
    holds = "\n".join(
        f"Hold at {3.1 + (number % 2) * 1e-1 + number * 1e-3:.3f} V for 1 h" for number in range(400)
    )
    path = write(tmp_path, f"limits 3 V to 4.2 V, 100 uA\n{holds}\n")
    (told,) = tell_programs([path], sample="lco-0.7um", bench="emstat")
    assert any("LIMIT" in line and "memory" in line for line in told.lines)
    assert not any("NOTE" in line for line in told.lines)
