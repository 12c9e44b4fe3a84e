"""A film flown by an engine as plans do it: pages, one outcome, a pause that closes the shutter."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from bluesky.utils import RunEngineInterrupted

from devices.roles.films import DepositionJob
from devices.samples import Layer, SampleRef
from labctl.engine import LabEngine
from plans.flying import fly


@pytest.fixture
def engine(time):
    return LabEngine(time, context_managers=[])


@pytest.fixture
def flown(bench, engine, recipes):
    kept = SimpleNamespace(rows=[], outcome=[], stops=[])

    def keep(name, document):
        if name == "event_page":
            kept.rows += document["data"].get("thickness", []) if "state" in document["data"] else []
            kept.outcome += document["data"].get("end_reason", [])
        if name == "stop":
            kept.stops.append(document["exit_status"])

    engine.subscribe(keep)
    bench.vented()

    def run(thickness):
        job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"](thickness=thickness))
        engine(fly(bench.station, job, {"plan_name": "deposit"}, flush=5.0))

    kept.run = run
    return kept


def test_an_engine_flies_a_film_and_collects_every_row(bench, flown):
    flown.run(20e-9)
    assert flown.stops == ["success"]
    assert flown.outcome == ["completed"]
    assert len(flown.rows) == bench.station.streams["primary"].rows_in
    assert bench.chamber.film == pytest.approx(20e-9, rel=1e-3)


def in_the_film(engine, bench, action, *arguments):
    """Have a thread of its own do something to the engine once the shutter is open."""
    begun = []

    def look(name, document):
        if name == "event_page" and bench.station.read_state() == "deposit" and not begun:
            begun.append(threading.Thread(target=action, args=arguments))
            begun[0].start()

    engine.subscribe(look)


def test_a_plan_that_pauses_holds_the_film_and_goes_on_with_it(bench, engine, flown):
    in_the_film(engine, bench, engine.request_pause, False)
    with pytest.raises(RunEngineInterrupted):
        flown.run(100e-9)
    assert not bench.chamber.shutters["substrate_shutter"]
    film = bench.chamber.film
    bench.clock.sleep(100.0)
    assert bench.chamber.film == film
    engine.resume()
    assert flown.stops == ["success"]
    assert bench.station.flight().interrupted
    assert bench.chamber.film == pytest.approx(100e-9, rel=3e-3)


def test_an_aborted_plan_leaves_a_dark_chamber_and_a_recorded_film(bench, engine, flown):
    in_the_film(engine, bench, engine.abort, "enough")
    with pytest.raises(RunEngineInterrupted):
        flown.run(100e-9)
    assert flown.stops == ["abort"]
    assert flown.outcome == ["stopped"]
    assert not any(bench.chamber.on.values())
    assert not any(bench.chamber.flows.values())
    left = bench.station.unfinished
    assert left.accounted
    assert left.thickness == pytest.approx(bench.chamber.film, abs=0.1e-9)


def test_a_monitor_that_moves_at_the_instant_of_opening_does_not_end_the_film(bench, recipes):
    """A measurement that ends a millisecond after the shutter opened shows what nobody can take for a rate."""
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    flight = bench.station._flight
    flight.film.open_time, flight.film.monitor = 2e-4, 0.026e-9
    assert flight._left() == pytest.approx(recipes["lco"]().thickness / flight.keeper.believed, rel=0.05)
