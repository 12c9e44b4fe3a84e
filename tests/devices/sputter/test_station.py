"""A film from pumping to a dark chamber, and what the station refuses on the way."""

from __future__ import annotations

import itertools
import logging
import math
from contextlib import nullcontext
from dataclasses import replace

import pytest

from devices.errors import Corrupt, InterlockError, LabError, LimitError
from devices.roles.films import DepositionJob, SputterSystem
from devices.roles.hands import Confirm
from devices.samples import Layer, SampleRef
from devices.sputter.parameters import RateCalibration, Target
from devices.sputter.parts import Pressure
from devices.sputter.recipe import SCCM, GasFlow, GunSetting


def test_a_film_is_pumped_lit_cleaned_deposited_and_everything_is_off_again(bench, recipes):
    error = bench.wait(bench.began(recipes["lco"]()))
    assert error is None, error
    station, chamber = bench.station, bench.chamber
    flight = station.flight()
    assert (flight.end_reason, flight.asked, flight.done, flight.interrupted) == ("completed", 20, 20, False)
    assert chamber.film == pytest.approx(20e-9, rel=2e-4)
    assert not any(chamber.shutters.values())
    assert not any(chamber.on.values())
    assert not any(chamber.flows.values())
    assert not chamber.board_closed
    assert station.read_state() == "pumping"
    assert station.unfinished is None
    assert isinstance(station, SputterSystem)


def test_the_rows_hold_the_film_and_the_layer_sums_it_up(bench, recipes):
    bench.wait(bench.began(recipes["lco"]()))
    rows, layers = bench.rows(), bench.rows("layers")
    open_rows = [index for index, is_open in enumerate(rows["shutter_open"]) if is_open]
    assert len(open_rows) == pytest.approx(400, abs=2)
    assert {rows["state"][index] for index in open_rows} == {"deposit"}
    assert all(rows["gun1_power"][index] == 120.0 for index in open_rows)
    assert list(dict.fromkeys(rows["state"])) == ["pumping", "gas", "plasma", "deposit"]
    gaps = [b - a for a, b in itertools.pairwise(rows["elapsed"])]
    assert max(gaps) <= 1.0 + 1e-9
    assert layers["material"] == ["LiCoO2"]
    assert layers["thickness"][0] == pytest.approx(20e-9, rel=1e-4)
    assert layers["duration"][0] == pytest.approx(400.0, rel=1e-4)
    assert layers["energy"][0] == pytest.approx(120 * 400, rel=0.01)
    assert (layers["doubtful"], layers["reasons"], layers["openings"]) == ([0], [""], [1])


def test_a_ceramic_target_is_ramped_up_and_down_in_software(make_bench, recipes):
    bench = make_bench(targets={"gun1": Target("LiCoO2"), "gun2": Target("Li3PO4")})
    bench.wait(bench.began(recipes["lco"]()))
    steps = [
        (at, float(said.split()[1]))
        for at, said in bench.chamber.log
        if said.startswith("gun1") and said.endswith(" W")
    ]
    up = [(at, power) for at, power in steps if power > 40]
    for (at, power), (later, more) in itertools.pairwise(up):
        if later > at:
            assert abs(more - power) <= (later - at) / 3 + 1.0
    highest = next(at for at, power in up if power == 120)
    assert highest - up[0][0] == pytest.approx((120 - 41) * 3, abs=4)


def test_shutters_open_last_and_close_first(bench, recipes):
    bench.wait(bench.began(recipes["lco"]()))
    chamber = bench.chamber
    (on,), (off,) = chamber.when("substrate_shutter on"), chamber.when("substrate_shutter off")
    assert chamber.when("gun1_shutter on")[0] <= on
    assert chamber.when("gun1 on")[0] + 30 < on
    # Once before, to look at the base pressure: nobody knew where the throttle should stand.
    before, last = chamber.when("gas closed")
    assert before < chamber.when("gun1 on")[0]
    assert off < chamber.when("gun1 off")[0] <= last
    assert not chamber.when("gun2_shutter on")


def test_a_plasma_that_does_not_light_at_its_pressure_is_struck_at_a_higher_one(bench, recipes):
    error = bench.wait(bench.began(recipes["lipon"]()))
    assert error is None, error
    rows = bench.rows()
    lit = next(i for i, v in enumerate(rows["gun2_bias"]) if v > 0)
    assert rows["pressure"][lit] == pytest.approx(3.0)
    assert rows["pressure"][rows["shutter_open"].index(1)] == pytest.approx(0.4, rel=0.02)
    assert bench.chamber.film == pytest.approx(10e-9, rel=1e-3)


@pytest.mark.parametrize(("end", "more"), [("rate", {}), ("time", {"duration": 123.4})])
def test_a_film_ends_by_rate_or_time(bench, recipes, end, more):
    error = bench.wait(bench.began(recipes["lco"](end=end, **more)))
    assert error is None, error
    layer = bench.rows("layers")
    # The believed rate is that of 120 W, the recipe asks for 119.6 W.
    expected = 123.4 if more else 20e-9 / (0.05e-9 * 119.58 / 120)
    assert layer["duration"][0] == pytest.approx(expected, rel=1e-4)


def test_targets_wear_over_sessions_and_a_new_one_begins_anew(bench, make_bench, recipes):
    bench.wait(bench.began(recipes["lco"]()))
    worn = bench.station.parameters.targets["gun1"].life - bench.station.target_life()["gun1"]
    assert worn > 120 * 430
    second = make_bench()
    second.station.recall(bench.station.report(), died=False)
    assert second.station.target_life() == bench.station.target_life()
    second.station.new_target("gun1")
    assert second.station.target_life()["gun1"] == Target("LiCoO2").life
    other = make_bench(targets={"gun1": Target("LiMn2O4"), "gun2": Target("Li3PO4")})
    other.station.recall(bench.station.report(), died=False)
    assert other.station.target_life()["gun1"] == Target("LiMn2O4").life


def test_a_target_too_worn_for_the_film_is_refused(make_bench, recipes):
    bench = make_bench(targets={"gun1": Target("LiCoO2", worn=4.2 * 3.6e6)})
    with pytest.raises(InterlockError, match=r"gun1: LiCoO2 has 0\.01 kWh left, this film needs 2\.2"):
        bench.station.check(recipes["lco"](thickness=3.3e-6))


def test_a_chamber_is_not_pumped_to_what_none_reaches(bench):
    for pump in (bench.station.pump_down, lambda pressure: bench.station.leak_check(pressure, 60.0)):
        with pytest.raises(LimitError, match="no chamber reaches less"):
            pump(1e-12)
    assert bench.chamber.asked == 0


def test_a_pressure_below_what_the_pump_reaches_is_refused(bench, recipes):
    with pytest.raises(LimitError, match="reaches no less"):
        bench.station.check(recipes["lco"](pressure=0.13))
    bench.station.check(recipes["lco"](pressure=0.14))
    with pytest.raises(LimitError, match="reaches no less"):
        bench.station.check(recipes["lipon"](pressure=0.24))
    bench.station.check(recipes["lipon"](pressure=0.25))


@pytest.mark.parametrize(
    ("which", "changes", "said"),
    [
        ("lipon", {"base_pressure": 2e-5}, "base_pressure before LiPON"),
        ("lco", {"thickness": 20e-6}, "thickness"),
        ("lco", {"pressure": 15.0}, "pressure"),
        ("lco", {"gases": (GasFlow("He", SCCM),)}, r"no such gas here: .* = 1 sccm"),
        ("lco", {"base_pressure": 1e-12}, r"no chamber reaches less.* = 1e-12 Pa is below 1e-07 Pa"),
        (
            "lco",
            {"guns": (GunSetting("LiCoO2", power=100.0, ramp=500 / 60),)},
            r"gun1\.ramp .its target bears no faster.* = 500 W/min is outside \[0, 240\] W/min",
        ),
    ],
)
def test_what_lab_or_machine_do_not_allow_is_refused_before_anything_is_sent(
    bench, recipes, which, changes, said
):
    with pytest.raises(LimitError, match=said):
        bench.station.check(recipes[which](**changes))
    assert bench.chamber.asked == 0


def test_a_worn_crystal_is_refused(bench, recipes):
    bench.vented()
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"](thickness=3.3e-6))
    assert bench.wait(bench.station.prepare(job)) is None
    tasks = list(bench.hands.tasks)
    bench.station.limits = bench.station.limits.__class__(crystal_left=0.8)
    for ask in (
        lambda: bench.clock.call(bench.station.kickoff),
        lambda: bench.station.check(job.recipe),
        lambda: bench.station.prepare(job),
    ):
        with pytest.raises(InterlockError, match="crystal life"):
            ask()
    assert bench.hands.tasks == tasks
    bench.station.check(job.recipe, film=False)


SPENT = [
    ({}, "28% of its life left", "does not oscillate"),
    ({"end": "time", "duration": 60.0}, "", "does not oscillate"),
    ({"end": "rate"}, "", "does not oscillate"),
    ({"monitor_failure": "go_on"}, "", ""),
    ({"end": "rate", "monitor_failure": "go_on"}, "", ""),
    ({"end": "time", "duration": 60.0, "monitor_failure": "go_on"}, "", ""),
]


@pytest.mark.parametrize(("changes", "spent", "dead"), SPENT)
def test_a_spent_crystal_refuses_only_films_that_it_ends_and_a_dead_one_those_that_would_be_cut_short(
    bench, recipes, changes, spent, dead
):
    read = bench.parts["monitor"].read_film
    for ok, said in ((True, spent), (False, dead)):
        bench.parts["monitor"].read_film = lambda ok=ok: replace(read(), life=0.28, ok=ok)
        with pytest.raises(InterlockError, match=said) if said else nullcontext():
            bench.station.check(recipes["lco"](**changes))


def test_a_guessed_rate_is_none_to_go_on_by_without_a_crystal(make_bench, recipes):
    bench = make_bench(rates={"LiCoO2": RateCalibration(0.05e-9, 120.0, 3.0)})
    read = bench.parts["monitor"].read_film
    bench.parts["monitor"].read_film = lambda: replace(read(), life=0.28)
    with pytest.raises(InterlockError, match="28% of its life left"):
        bench.station.check(recipes["lco"](monitor_failure="go_on"))


def test_a_film_that_a_spent_crystal_does_not_end_is_made_with_it(bench, recipes):
    read = bench.parts["monitor"].read_film
    bench.parts["monitor"].read_film = lambda: replace(read(), life=0.28)
    assert bench.wait(bench.began(recipes["lco"](end="rate"))) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=0.01)


@pytest.mark.parametrize(("rates", "factor"), [({}, 1.0), ({"sd": 0.02, "id": "c1"}, 1.02)])
def test_a_film_that_its_rate_ends_is_as_long_as_that_rate_says_whatever_the_monitor_makes_of_it(
    make_bench, recipes, rates, factor
):
    # A guess is no reason to doubt a monitor that sees 1.3 times as much.
    bench = make_bench(rates={"LiCoO2": RateCalibration(0.05e-9, 120.0, 3.0, **rates)})
    bench.chamber.rates["gun1"] *= factor if rates else 1.3
    assert bench.wait(bench.began(recipes["lco"](end="rate", thickness=30e-9))) is None
    layer = bench.rows("layers")
    believed = 0.05e-9 * 119.58 / 120
    assert layer["duration"][0] == pytest.approx(30e-9 / believed, rel=1e-4)
    assert layer["thickness_by_time"][0] == pytest.approx(30e-9, rel=1e-3)
    assert layer["thickness_monitor"][0] == pytest.approx(30e-9 * (factor if rates else 1.3), rel=0.01)
    assert layer["doubtful"] == [0]


def test_a_film_that_nobody_could_tell_the_thickness_of_is_refused_with_what_is_missing(make_bench, recipes):
    bench = make_bench(rates={}, films={})
    by_time = recipes["lco"](end="time", duration=60.0, presputter=70.0)
    with pytest.raises(
        InterlockError, match=r"parameters\.rates\), or constants of LiCoO2 \(parameters\.films\)"
    ):
        bench.station.check(by_time)
    bench.station.check(by_time, film=False)
    with pytest.raises(InterlockError, match=r"\(parameters\.rates\)\. Nothing was set"):
        make_bench(rates={}, monitor="before").station.check(by_time)
    make_bench(rates={}).station.check(by_time)
    make_bench(films={}).station.check(by_time)


@pytest.mark.parametrize("which", ["lco", "lipon"])
def test_a_target_is_cleaned_however_long_its_ramp_is(make_bench, recipes, which):
    slow = {f"gun{number}": Target(of) for number, of in enumerate(("LiCoO2", "Li3PO4", "Li2O"), 1)}
    bench = make_bench(targets=slow)
    recipe = recipes[which]()
    guns = tuple(GunSetting(each.target, power_density=5e4) for each in recipe.guns)
    recipe = replace(recipe, guns=guns)
    least = bench.station.limits.presputter
    for short in (0.0, 0.99 * least):
        with pytest.raises(InterlockError, match=f"too short to clean a target; {least:g} s at the least"):
            bench.station.check(replace(recipe, presputter=short))
    bench.station.check(replace(recipe, presputter=least))


def test_a_monitor_that_only_looks_before_cannot_end_a_film(make_bench, recipes):
    bench = make_bench(monitor="before")
    with pytest.raises(InterlockError, match="no thickness monitor stays"):
        bench.station.check(recipes["lco"]())
    bench.station.check(recipes["lco"](end="rate"))


def test_without_a_rate_nothing_ends_by_it(make_bench, recipes):
    bench = make_bench(rates={})
    with pytest.raises(InterlockError, match="nobody knows at which rate"):
        bench.station.check(recipes["lco"](end="rate"))
    assert bench.station.film_rate(recipes["lco"]()) is None


def test_a_sample_comes_into_a_vented_chamber_only_or_through_a_lock(bench, make_bench, recipes):
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]())
    with pytest.raises(InterlockError, match="no load lock"):
        bench.station.prepare(job)
    locked = make_bench(load_lock=True)
    assert locked.wait(locked.station.prepare(job)) is None


def test_a_doubtful_film_wants_a_persons_word_before_the_next_layer(bench, recipes):
    doubtful = SampleRef("s2", (Layer("Al", 1e-4), Layer("LiCoO2", 1e-6, doubtful="arc storm")))
    bench.vented()
    bench.wait(bench.station.prepare(DepositionJob(doubtful, recipes["lco"]())))
    assert isinstance(bench.hands.tasks[0], Confirm)
    assert "arc storm" in bench.hands.tasks[0].question


def test_venting_waits_for_a_cold_chuck_and_pumps_nothing_into_a_vented_chamber(bench, recipes):
    bench.vented()
    bench.chamber.temperature = 400.0
    with pytest.raises(
        InterlockError, match=r"is hot: 127 degC, vented at 60 degC at the most; .* some 21 min"
    ):
        bench.station.vent()
    with pytest.raises(InterlockError, match="gas"):
        bench.parts["gas"].set_flow("Ar", SCCM)
    with pytest.raises(InterlockError, match="power gun1"):
        bench.parts["gun1"].on()
    with pytest.raises(InterlockError, match="substrate_shutter"):
        bench.parts["relays"].switch("substrate_shutter", True)
    with pytest.raises(InterlockError, match="board close"):
        bench.parts["permissives"].enable()


def test_a_chamber_that_does_not_reach_its_base_pressure_gets_no_gas(make_bench, recipes):
    bench = make_bench()
    bench.chamber.base = 5e-5
    bench.station.limits = None
    bench.vented()
    error = bench.wait(bench.station.pump_down(1e-3))
    assert error is None
    assert bench.station.read_state() == "base"


def test_pumping_that_takes_too_long_says_so(time, make_bench, recipes):
    from devices.limits import SputterLimits

    bench = make_bench(limits=SputterLimits(pump_time=1800.0))
    bench.chamber.base = 5e-5
    bench.vented()
    error = bench.wait(bench.station.pump_down(1e-5))
    assert isinstance(error, InterlockError)
    assert "5e-05 Pa after 1800 s" in str(error)


def test_a_cover_that_was_open_for_the_sample_is_no_fault_and_one_that_is_open_is(bench, recipes):
    bench.vented()
    bench.chamber.contacts["cover"] = False
    bench.clock.call(bench.parts["permissives"].opened)
    with pytest.raises(InterlockError) as refused:
        bench.station.pump_down(1e-3)
    assert refused.value.permissive == "cover"
    bench.chamber.contacts["cover"] = True
    assert bench.wait(bench.station.pump_down(1e-3)) is None


def test_nothing_is_begun_twice_or_unprepared(bench, recipes):
    with pytest.raises(LabError, match="not prepared"):
        bench.station.kickoff()
    bench.began(recipes["lco"]())
    with pytest.raises(LabError, match="none is begun twice"):
        bench.station.kickoff()
    with pytest.raises(LabError, match="middle of a film"):
        bench.station.prepare(DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]()))


def test_the_sample_that_was_there_before_comes_out_first(bench, recipes):
    assert bench.wait(bench.began(recipes["lco"]())) is None
    bench.vented()
    other = replace(bench.hands.tasks[-1].sample, id="s2")
    assert bench.hands.tasks[-1].instead_of == ""
    assert bench.wait(bench.station.prepare(DepositionJob(other, recipes["lco"]()))) is None
    assert bench.hands.tasks[-1].instead_of == "s1"
    assert bench.wait(bench.station.prepare(DepositionJob(other, recipes["lco"]()))) is None
    assert bench.hands.tasks[-1].instead_of == ""


def test_a_sample_whose_facts_cannot_be_read_comes_out_first_all_the_same(bench, recipes, monkeypatch):
    assert bench.wait(bench.began(recipes["lco"]())) is None
    bench.vented()
    other = replace(bench.hands.tasks[-1].sample, id="s2")

    def unread(place, sample):
        raise Corrupt(f"{sample}.jsonl:2 is not a fact")

    monkeypatch.setattr(bench.hands, "still_at", unread)
    assert bench.wait(bench.station.prepare(DepositionJob(other, recipes["lco"]()))) is None
    assert bench.hands.tasks[-1].instead_of == "s1"


@pytest.fixture
def blind(bench):
    """Return a bench whose thermocouple breaks after it was pumped."""
    bench.vented()
    assert bench.wait(bench.station.pump_down(1e-3)) is None
    bench.parts["heater"].broken = True
    return bench


def test_with_a_broken_thermocouple_it_is_pumped_and_vented_on_a_persons_word(blind):
    assert blind.wait(blind.station.leak_check(1e-3, 10.0)) is None
    assert math.isnan(blind.rows()["substrate_temperature"][-1])
    with pytest.raises(InterlockError, match=r"type lab\.sputter\.chuck_is_cold\(\)") as refused:
        blind.station.vent()
    assert refused.value.permissive == "chuck"
    assert "error S.br" in str(refused.value)
    assert not blind.chamber.vent
    assert "nothing shows how hot it is: heater answered with error S.br" in repr(blind.station)
    blind.station.chuck_is_cold()
    blind.vented()
    assert blind.wait(blind.station.pump_down(1e-3)) is None


def test_a_persons_word_for_a_cold_chuck_ends_when_the_thermocouple_shows_something_again(blind):
    blind.station.chuck_is_cold()
    blind.parts["heater"].broken = False
    with pytest.raises(LabError, match="its chuck is at 22 degC, nobody's word is wanted"):
        blind.station.chuck_is_cold()
    blind.parts["heater"].broken = True
    with pytest.raises(InterlockError, match="chuck"):
        blind.station.vent()


def test_a_persons_word_for_a_cold_chuck_is_good_for_one_venting(blind):
    blind.station.chuck_is_cold()
    blind.vented()
    assert blind.wait(blind.station.pump_down(1e-3)) is None
    with pytest.raises(InterlockError, match="good for one venting"):
        blind.station.vent()
    blind.station.chuck_is_cold()
    blind.station.vent()
    blind.lap(5.0)
    blind.station.safe()
    blind.lap(5.0)
    with pytest.raises(InterlockError, match="chuck_is_cold"):
        blind.station.vent()


def test_a_film_ends_a_persons_word_for_a_cold_chuck_and_none_is_taken_while_it_is_made(blind, recipes):
    blind.station.chuck_is_cold()
    blind.vented()
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]())
    assert blind.wait(blind.station.prepare(job)) is None
    blind.station.chuck_is_cold()
    assert blind.wait(blind.clock.call(blind.station.kickoff)) is None
    blind.reach("plasma")
    with pytest.raises(InterlockError, match="to vent it must be"):
        blind.station.chuck_is_cold()
    assert blind.wait(blind.station.complete()) is None
    with pytest.raises(InterlockError, match="chuck_is_cold"):
        blind.station.vent()
    assert not blind.chamber.vent


@pytest.mark.parametrize("what", ["film", "pumping"])
def test_nobodys_word_for_a_cold_chuck_is_taken_while_it_is_busy(blind, recipes, what):
    blind.station.chuck_is_cold()
    if what == "film":
        blind.vented()
        job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]())
        assert blind.wait(blind.station.prepare(job)) is None
        blind.clock.call(blind.station.kickoff)
    else:
        blind.station.pump_down(1e-7)
    blind.lap(5.0)
    with pytest.raises(LabError, match="busy"):
        blind.station.chuck_is_cold()


def test_nobodys_word_is_taken_for_a_chuck_that_nothing_watches(make_bench):
    bench = make_bench(instruments=("heater",))
    with pytest.raises(LabError, match="nothing watches its chuck"):
        bench.station.chuck_is_cold()
    bench.vented()


def test_a_film_on_a_cold_substrate_needs_no_thermocouple(bench, recipes):
    bench.vented()
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]())
    assert bench.wait(bench.station.prepare(job)) is None
    bench.parts["heater"].broken = True
    assert bench.wait(bench.clock.call(bench.station.kickoff)) is None
    assert bench.wait(bench.station.complete()) is None
    layer = bench.rows("layers")
    assert layer["doubtful"] == [0]
    assert math.isnan(layer["substrate_temperature"][0])


def test_nothing_is_heated_without_a_thermocouple(bench, recipes):
    bench.vented()
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"](substrate_temperature=573.15))
    assert bench.wait(bench.station.prepare(job)) is None
    bench.parts["heater"].broken = True
    bench.wait(bench.clock.call(bench.station.kickoff))
    error = bench.wait(bench.station.complete())
    assert error.permissive == "thermocouple"
    assert "nothing shows how hot the substrate is (heater answered with error S.br" in str(error)
    assert bench.chamber.wanted in (None, 295.0)


def test_a_thermocouple_that_breaks_under_a_hot_film_ends_it_in_time(bench, recipes):
    complete = bench.began(recipes["lco"](substrate_temperature=573.15))
    bench.reach("deposit")
    bench.lap(30.0)
    since = bench.clock.now()
    bench.parts["heater"].broken = True
    error = bench.wait(complete)
    assert error.permissive == "thermocouple"
    assert bench.chamber.when("substrate_shutter off")[-1] - since <= 12.0
    assert bench.rows("layers")["doubtful"] == [1]
    assert bench.station.read_state() == "fault"
    bench.station.reset()
    assert bench.station.read_state() == "pumping"


def test_pumping_and_venting_are_refused_at_the_call_and_what_fails_later_is_told(bench, caplog):
    bench.chamber.contacts["cover"] = False
    for pump in (bench.station.pump_down, lambda pressure: bench.station.leak_check(pressure, 60.0)):
        with pytest.raises(InterlockError, match="cover"):
            pump(1e-3)
        assert bench.station.flight().end_reason.startswith("cover: the chamber's cover is open")
    bench.chamber.contacts["cover"] = True
    bench.chamber.flows["Ar"] = 3.0 * SCCM
    with pytest.raises(
        InterlockError, match=r"gas flows \(Ar 3\.0 sccm\): close it by lab\.sputter\.safe\(\)"
    ):
        bench.station.vent()
    bench.station.safe()
    bench.vented()
    bench.station.pump_down(1e-3)
    bench.lap(20.0)
    bench.chamber.contacts["cover"] = False
    with caplog.at_level(logging.WARNING):
        bench.lap(3.0)
    assert "sputter: cover: the chamber's cover is open; pumping was ended" in caplog.text


def test_it_says_what_its_gauges_show_and_since_when(bench, recipes):
    assert "not asked since this session began" in repr(bench.station)
    bench.vented()
    assert bench.wait(bench.station.pump_down(1e-3)) is None
    bench.clock.sleep(1500.0)
    said = f"pressure     {bench.station._crew.pressure:.3g} Pa, 25 min ago"
    assert said in repr(bench.station)
    bench.parts["gas"].pressures = lambda: {"manometer": Pressure(-1.3e-4), "ion": Pressure(1.79e-9)}
    bench.clock.call(bench.station._looks.vacuum)
    assert "pressure     no gauge knows it; 0 s ago" in repr(bench.station)
    bench.parts["gas"].pressures = lambda: {"ion": Pressure(None, "OFF"), "pirani": Pressure(None, "ATM")}
    bench.clock.call(bench.station._looks.vacuum)
    assert "pressure     ion OFF, pirani ATM; 0 s ago" in repr(bench.station)
    assert bench.station.report()["reading"]["pressure"] is None
