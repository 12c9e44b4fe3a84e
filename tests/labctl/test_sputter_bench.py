"""The bench of sputter system, evaporator and furnace: opened, pumped, and what its world says is nobody's belief."""

from collections import defaultdict
from dataclasses import replace

import pytest

from devices.errors import ConfigError
from devices.roles.films import DepositionJob
from devices.samples import Layer, SampleRef
from labctl.config import readers
from labctl.config.benches import bench
from labctl.config.finder import config_dir
from labctl.session import open_session

RECIPE = config_dir() / "recipes" / "sputter-lco-0.7um.toml"
SAMPLE = SampleRef("s1", (Layer("Al", 100e-6),))
BAUD = {"monitor": 19200, "relays": 19200, "gun1": 38400, "gun2": 38400, "gun3": 38400, "bias": 38400}
"""Bits a second of the parts that are not at 9600 baud as delivered [the manuals named by their drivers]."""
ANSWERS = 16e-3
"""Seconds from a question to its answer: those for which a USB adapter of FTDI gathers bytes, as delivered."""


@pytest.fixture
def lab(tmp_path):
    with open_session("sputter", data=tmp_path, handle_signals=False) as opened:
        yield opened


def flown(lab, job):
    """Have a film made; return what it failed with."""
    station = lab.sputter

    def waited(status):
        until = lab.clock.now() + 1e5
        while not status.done and lab.clock.now() < until:
            station.renew_lease()
            lab.clock.sleep(5.0)
        return status.exception(timeout=0)

    assert waited(station.prepare(job)) is None
    assert waited(lab.clock.call(station.kickoff)) is None
    return waited(station.complete())


def test_a_film_through_all_wires_is_off_by_the_tooling_that_nobody_was_told(lab):
    recipe = readers.deposition(RECIPE)
    recipe = replace(recipe, thickness=20e-9, presputter=30.0)
    assert flown(lab, DepositionJob(SAMPLE, recipe)) is None
    (film,) = lab.twins.foil("s1").grown
    assert film.thickness == pytest.approx(1.06 * 20e-9, rel=0.02)
    assert lab.sputter.flight().done == lab.sputter.flight().asked


def test_a_planned_fault_ends_the_film_with_plasma_off_and_shutters_closed_in_time(tmp_path):
    shipped = (config_dir() / "benches" / "sputter.toml").read_text()
    begin = 350.0
    told = (
        f'\n[[world.chambers.sputter.faults]]\nfault = "contact_open"\nof = "water"\ntime = "{begin:g} s"\n'
    )
    path = tmp_path / "water.toml"
    path.write_text(shipped + told)
    recipe = readers.deposition(RECIPE)
    with open_session(str(path), data=tmp_path / "data", handle_signals=False) as lab:
        error = flown(lab, DepositionJob(SAMPLE, replace(recipe, thickness=20e-9, presputter=30.0)))
        assert error is not None
        chamber = lab.twins.station("sputter").chamber
        out = [time for time, event, _ in chamber.log if event == "plasma out"]
        assert begin <= out[0] <= begin + 12.0
        assert not any(chamber.shutters.opened().values())


def test_a_fault_needs_its_time(tmp_path):
    shipped = (config_dir() / "benches" / "sputter.toml").read_text()
    path = tmp_path / "sputter.toml"
    path.write_text(shipped + '\n[[world.chambers.sputter.faults]]\nfault = "mfc_dead"\n')
    with pytest.raises(ConfigError, match="give time, or mean"):
        bench(path)


def test_a_row_of_a_biased_film_from_two_guns_is_whole_and_fits_into_a_second_of_real_wires(lab):
    recipe = readers.deposition(RECIPE.with_name("sputter-lipon-1um.toml"))
    recipe = replace(recipe, end="time", duration=60.0, presputter=30.0, bias_power=20.0)
    takes, exchange, state = defaultdict(float), lab.twins.exchange, lab.sputter.read_state

    def timed(station, part, data):
        answer = exchange(station, part, data)
        if state() == "deposit":
            wire = 10 * (len(data) + len(answer)) / BAUD.get(part, 9600)
            takes[round(lab.clock.now(), 3)] += wire + ANSWERS * bool(answer)
        return answer

    lab.twins.exchange = timed
    lab.twins.station("sputter").supplies["bias"].detune(0.05, lab.clock.now())
    assert flown(lab, DepositionJob(SAMPLE, recipe)) is None
    rows = sorted(takes.values())[:-2]  # that of closing shutters has more to say
    assert len(rows) >= 58
    assert sum(rows) / len(rows) < 0.7
    assert rows[-1] < 0.9
    (page,) = lab.sputter.streams["primary"].collect_pages()
    told = page["data"]
    reflected = [told["substrate_bias_reflected"][row] for row, at in enumerate(told["shutter_open"]) if at]
    assert reflected == [pytest.approx(1.0)] * len(reflected)
    assert told["substrate_bias_reflected"][0] == 0.0
