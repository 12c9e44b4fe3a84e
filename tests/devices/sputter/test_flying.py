"""A film's flight: what is asked just before each deed, the order of shutters, power and gas, what a hold keeps."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError, LabError, WireError
from devices.flown.account import FlightLog
from devices.limits import SputterLimits
from devices.roles.films import DepositionJob
from devices.samples import Layer, SampleRef


def order_of(bench, *deeds):
    """Return where in the chamber's log each deed stands, which it must once."""
    said = [what for _, what in bench.chamber.log]
    assert all(said.count(each) == 1 for each in deeds)
    return [said.index(each) for each in deeds]


def test_the_substrates_shutter_opens_last_and_closes_first_then_the_power_goes_and_then_the_gas(
    bench, recipes
):
    assert bench.wait(bench.began(recipes["lco"]())) is None
    order = order_of(
        bench,
        "gun1 on",
        "gun1_shutter on",
        "substrate_shutter on",
        "substrate_shutter off",
        "gun1_shutter off",
        "gun1 off",
    )
    assert order == sorted(order)
    said = [what for _, what in bench.chamber.log]
    # Once before, to look at the base pressure: nobody knew where the throttle should stand.
    before, last = (number for number, what in enumerate(said) if what == "gas closed")
    assert before < order[0]
    assert order[-1] < last


def dead_man(bench):
    bench.chamber.contacts["dead_man"] = False


def cover(bench):
    bench.chamber.contacts["cover"] = False


def end_of(bench, recipe):
    """Return what a film failed with, before it was begun or after."""
    bench.vented()
    assert (
        bench.wait(bench.station.prepare(DepositionJob(SampleRef("s1", (Layer("Al", 1e-4),)), recipe)))
        is None
    )
    return bench.wait(bench.clock.call(bench.station.kickoff)) or bench.wait(bench.station.complete())


@pytest.mark.parametrize(
    ("deed", "lack", "permissive"),
    [
        ("Ar 24 sccm", cover, "cover"),
        ("gun1 on", dead_man, "dead_man"),
        ("substrate_shutter on", dead_man, "dead_man"),
    ],
)
def test_what_is_missing_at_any_second_before_a_deed_is_seen_before_it_and_it_is_not_done(
    make_bench, recipes, deed, lack, permissive
):
    """Rows look at slow things now and then only; before a deed all is looked at."""
    undisturbed = make_bench()
    begun = undisturbed.clock.now()
    assert end_of(undisturbed, recipes["lco"]()) is None
    due = undisturbed.chamber.when(deed)[0] - begun
    for tenths in range(5, 105, 10):
        bench = make_bench()
        at = due - tenths / 10
        bench.clock.after(at, lambda bench=bench: lack(bench), "a test")
        begun = bench.clock.now()
        error = end_of(bench, recipes["lco"]())
        assert isinstance(error, InterlockError), tenths
        assert error.permissive == permissive
        assert not [when for when in bench.chamber.when(deed) if when >= begun + at]


def test_a_hold_while_the_target_is_cleaned_keeps_the_shutter_closed_until_it_goes_on(bench, recipes):
    complete = bench.began(recipes["lco"](presputter=60.0))
    bench.reach("plasma")
    bench.lap(30.0)
    bench.station.pause()
    bench.lap(200.0)
    assert not bench.chamber.when("substrate_shutter on")
    assert bench.chamber.lit["gun1"]
    bench.station.resume()
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=1e-3)


def test_a_plasma_burns_on_in_a_hold_for_as_long_as_the_limits_say_and_no_longer(make_bench, recipes):
    bench = make_bench(limits=SputterLimits(hold=100.0))
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(30.0)
    bench.station.pause()
    held = bench.clock.now()
    bench.lap(200.0)
    (off,) = bench.chamber.when("gun1 off")
    down = [at for at, what in bench.chamber.log if what.startswith("gun1 ") and at > held]
    assert held + 100.0 <= min(down) <= held + 102.0
    # At 4 W/s from 120 W.
    assert off <= held + 100.0 + 120.0 / 4.0 + 3.0


def test_a_gun_that_does_not_light_has_no_power_between_two_tries(bench, recipes):
    bench.chamber.dark.add("gun1")
    assert end_of(bench, recipes["lco"]()).permissive == "no_ignition"
    switched = [what for _, what in bench.chamber.log if what in ("gun1 on", "gun1 off")]
    tries = 1 + SputterLimits().strikes
    assert switched == ["gun1 on", "gun1 off"] * tries


def test_nothing_is_pumped_before_what_was_written_is_kept(bench, recipes):
    def fails():
        raise OSError("the disk is gone")

    bench.vented()
    bench.station.before_arming = fails
    job = DepositionJob(SampleRef("s1", (Layer("Al", 1e-4),)), recipes["lco"]())
    assert bench.wait(bench.station.prepare(job)) is None
    with pytest.raises(OSError, match="the disk is gone"):
        bench.clock.call(bench.station.kickoff)
    assert not bench.chamber.when("roughing_valve on")


def test_a_film_that_is_done_in_its_first_short_opening_is_not_opened_again(make_bench, recipes):
    bench = make_bench(rates={})
    assert bench.wait(bench.began(recipes["lco"](thickness=0.17e-9, presputter=80.0))) is None
    (opened,), (closed,) = (bench.chamber.when(f"substrate_shutter {word}") for word in ("on", "off"))
    assert 3.0 <= closed - opened < 4.0
    assert bench.rows("layers")["openings"] == [1]


@pytest.mark.parametrize("fails", [False, True])
def test_the_shutters_are_closed_before_anybody_is_told_why_and_whatever_becomes_of_that(
    bench, recipes, monkeypatch, fails
):
    told = []

    def tell(log, code, severity, text):
        if severity == "alarm":
            told.append((code, bench.parts["relays"].on_now["substrate_shutter"], bench.chamber.on["gun1"]))
            if fails:
                raise OSError("no space left")

    complete = bench.began(recipes["lco"]())
    bench.reach("deposit")
    monkeypatch.setattr(FlightLog, "tell", tell)
    bench.chamber.contacts["cover"] = False
    assert bench.wait(complete).permissive == "cover"
    assert told[0] == ("cover", False, False)
    assert not bench.chamber.lit["gun1"]
    assert bench.rows("layers")["doubtful"] == [1]


def test_a_chamber_that_cannot_be_made_safe_is_not_reset(bench, recipes):
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.chamber.contacts["cover"] = False
    bench.reach("fault")
    bench.chamber.contacts["cover"] = True

    def fails():
        raise WireError("silent")

    bench.parts["gun1"].safe = fails
    with pytest.raises(LabError, match="could not be made safe: gun1 off: silent"):
        bench.station.reset()
    assert bench.station.read_state() == "fault"
    del bench.parts["gun1"].safe
    bench.station.reset()
    assert bench.station.read_state() == "pumping"


@pytest.mark.parametrize("deed", ["safe", "close"])
def test_a_film_that_is_done_has_no_row_more_when_its_chamber_is_made_safe(bench, recipes, deed):
    assert bench.wait(bench.began(recipes["lco"]())) is None
    rows = bench.station.streams["primary"]
    made = rows.rows_in
    bench.rows()
    getattr(bench.station, deed)()
    assert rows.rows_in == made
    complete = bench.began(recipes["lco"]())
    assert bench.wait(complete) is None
    assert bench.rows()["elapsed"][0] < 1.0


def test_a_film_that_is_stopped_has_its_last_row_once_however_often_it_is_made_safe(bench, recipes):
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(30.0)
    rows = bench.station.streams["primary"]
    before = rows.rows_in
    bench.station.stop()
    assert rows.rows_in == before + 1
    assert bench.rows()["shutter_open"][-1] == 0
    bench.station.safe()
    assert rows.rows_in == before + 1


def test_a_film_is_stopped_in_good_order_though_its_last_row_is_not_taken(bench, recipes, caplog):
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(30.0)

    def full(*_):
        raise OSError("no space left")

    bench.station.streams["primary"].spool = type("Full", (), {"append": full})()
    bench.station.stop()
    assert not bench.chamber.lit["gun1"]
    assert "no space left" in caplog.text
    code, severity, text = bench.codes()[-1]
    assert (code, severity) == ("stopped", "warning")
    assert "shutters closed, power off, gas closed" in text
