"""Lithium from a boat: its rate is held by its power, the film ends by the monitor."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from devices.errors import InterlockError, LimitError
from devices.evaporator import EvaporatorStation
from devices.limits import SputterLimits
from devices.roles.films import EvaporationJob, Evaporator
from devices.roles.hands import Bring
from devices.samples import Layer, SampleRef
from devices.sputter.evaporation import RateControl
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.recipe import EvaporationRecipe

SAMPLE = SampleRef("s1", (Layer("Al", 1e-4),))


def li(**changes):
    fields = {
        "rate": 0.3e-9,
        "thickness": 200e-9,
        "base_pressure": 1e-4,
        "power": 200.0,
        "mask": "circle 1 mm",
    }
    return EvaporationRecipe("li", "Li", **{**fields, "mask_area": 0.785e-6, **changes})


class Evaporators:
    """An evaporator of fakes; the boat follows its power as T^4 with a lag, its vapour the law of Hertz and Knudsen."""

    def __init__(self, fakes, clock):
        self.clock, self.chamber = clock, fakes.Chamber(clock)
        chamber = self.chamber
        self.parts = fakes.parts_of_chamber(chamber, sources=("boat",))
        for part in ("valve", "heater"):
            del self.parts[part]
        self.hot, self.filled = 300.0, 1.0
        plain = chamber.advance

        def advance():
            dt = clock.now() - chamber.at
            plain()
            if dt > 0:
                goal = max(300.0, 800.0 * (chamber.power["boat"] * chamber.on["boat"] / 100) ** 0.25)
                self.hot += (goal - self.hot) * (1 - math.exp(-dt / 30))
                if chamber.is_open("substrate_shutter"):
                    chamber.film += self.rate() * dt
                chamber.monitored += self.rate() * dt

        chamber.advance, chamber.rate = advance, lambda: (advance(), self.rate())[1]
        chamber.ignites_above = 0.0
        self.asked = []
        self.station = EvaporatorStation(
            name="evaporator",
            clock=clock,
            lane="evaporator",
            instruments=self.parts,
            parameters=EvaporatorParameters(films={"Li": FilmConstants(534.0)}, load_lock=True),
            limits=SputterLimits(crystal_left=0.1),
            hands=self,
        )

    def set(self, task):
        self.asked.append(task)
        status = self.clock.status("task", 10.0)
        status.set_finished()
        return status

    def rate(self):
        vapour = 10 ** (10.061 - 8023 / self.hot) / math.sqrt(self.hot)
        return self.filled * 0.29e-9 * vapour / (10 ** (10.061 - 8023 / 800.0) / math.sqrt(800.0))

    def wait(self, status):
        until = self.clock.now() + 1e5
        while not status.done and self.clock.now() < until:
            self.station.renew_lease()
            self.clock.sleep(5.0)
        return status.exception(timeout=0)

    def began(self, recipe):
        assert self.wait(self.station.prepare(EvaporationJob(SAMPLE, recipe))) is None
        assert self.wait(self.clock.call(self.station.kickoff)) is None
        return self.station.complete()

    def reach(self, state):
        while self.station.read_state() != state:
            self.station.renew_lease()
            self.clock.sleep(1.0)

    def rows(self, stream="primary"):
        (page,) = self.station.streams[stream].collect_pages()
        return page["data"]


@pytest.fixture
def evaporators(fakes, time):
    return Evaporators(fakes, time)


def test_a_film_of_lithium_comes_at_its_rate_to_its_thickness(evaporators):
    assert isinstance(evaporators.station, Evaporator)
    error = evaporators.wait(evaporators.began(li()))
    assert error is None, error
    assert evaporators.chamber.film == pytest.approx(200e-9, rel=0.005)
    rows, layers = evaporators.rows(), evaporators.rows("layers")
    rates = [rate for rate, is_open in zip(rows["rate"], rows["shutter_open"], strict=True) if is_open]
    assert max(rates[30:]) < 0.3e-9 * 1.1
    assert min(rates[30:]) > 0.3e-9 * 0.9
    assert layers["area"] == [0.785e-6]
    assert layers["doubtful"] == [0]
    assert evaporators.station.read_state() == "pumping"
    assert not evaporators.chamber.on["boat"]
    assert isinstance(evaporators.asked[0], Bring)
    assert "circle 1 mm" in evaporators.asked[0].mask


def test_a_power_rests_near_the_wanted_rate_and_follows_it_from_further_off():
    control = RateControl(1e-9, 2.0, 15.0)
    assert [control.step(rate, 1.0) for rate in (0.95e-9, 1.05e-9, 1e-9)] == [0.0, 0.0, 0.0]
    assert control.step(1.2e-9, 1.0) < 0.0 < control.step(0.8e-9, 1.0)


def test_an_empty_boat_is_told_and_leaves_a_doubtful_film(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("deposit")
    evaporators.clock.sleep(10.0)
    evaporators.filled = 0.0
    error = evaporators.wait(complete)
    assert error.permissive == "boat_empty"
    assert not evaporators.chamber.on["boat"]
    assert evaporators.rows("layers")["doubtful"] == [1]
    assert evaporators.station.read_state() == "fault"


def test_a_boat_that_never_gets_hot_enough_is_given_up_behind_the_shutter(evaporators):
    complete = evaporators.began(li(power=40.0))
    assert evaporators.wait(complete).permissive == "rate"
    assert not evaporators.chamber.when("substrate_shutter on")


def test_a_boat_that_gives_nothing_at_all_its_power_is_given_up_long_before_the_hour(evaporators):
    evaporators.filled = 0.0
    complete = evaporators.began(li())
    evaporators.reach("plasma")
    since = evaporators.clock.now()
    error = evaporators.wait(complete)
    assert error.permissive == "rate"
    assert "is the boat empty" in str(error)
    # 200 s of its ramp, and a boat's heat.
    assert max(evaporators.chamber.when("boat off")) - since <= 510.0
    assert not evaporators.chamber.when("substrate_shutter on")


def heated(evaporators, share):
    """Return the status of a film whose boat gives a share of its rate, behind the closed shutter, and now [s]."""
    complete = evaporators.began(li(soak=600.0))
    evaporators.reach("plasma")
    while evaporators.rate() < share * 0.3e-9:
        evaporators.station.renew_lease()
        evaporators.clock.sleep(1.0)
    return complete, evaporators.clock.now()


def off_after(evaporators, since):
    """Return after how long [s] the boat was off, whose shutter never opened."""
    assert not evaporators.chamber.when("substrate_shutter on")
    return max(evaporators.chamber.when("boat off")) - since


@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_boat_that_empties_while_its_rate_is_sought_is_told_in_time(evaporators, share):
    complete, since = heated(evaporators, share)
    evaporators.filled = 0.0
    assert evaporators.wait(complete).permissive == "boat_empty"
    assert off_after(evaporators, since) <= 12.0


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_crystal_that_fails_while_the_rate_is_sought_is_told_in_time(evaporators, share):
    complete, since = heated(evaporators, share)
    evaporators.filled = 0.6
    assert evaporators.wait(complete).permissive == "crystal"
    assert off_after(evaporators, since) <= 12.0


@pytest.mark.parametrize("share", [0.2, 0.95])
def test_a_leak_beside_a_boat_that_gave_its_gas_is_told_in_time(evaporators, share):
    complete, since = heated(evaporators, share)
    evaporators.chamber.base = 3e-3
    assert evaporators.wait(complete).permissive == "leak"
    assert off_after(evaporators, since) <= 12.0


def test_what_a_fresh_charge_gives_off_is_waited_for(evaporators):
    complete, since = heated(evaporators, 1e-4)
    evaporators.chamber.base = 3e-3
    while evaporators.clock.now() < since + 300.0:
        evaporators.station.renew_lease()
        evaporators.clock.sleep(5.0)
    assert evaporators.station.read_state() == "plasma"
    evaporators.chamber.base = 2e-6
    assert evaporators.wait(complete) is None
    assert evaporators.rows("layers")["doubtful"] == [0]


def test_a_leak_beside_a_charge_that_was_never_seen_clean_is_not_waited_for_for_an_hour(evaporators):
    complete, since = heated(evaporators, 1e-4)
    evaporators.chamber.base = 3e-3
    assert evaporators.wait(complete).permissive == "leak"
    assert 600.0 <= off_after(evaporators, since) <= 620.0


def test_lithium_wants_a_good_vacuum(evaporators):
    with pytest.raises(LimitError, match="base_pressure before Li"):
        evaporators.station.check(li(base_pressure=1e-3))


def test_a_dead_crystal_ends_it_at_once(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("deposit")
    since = evaporators.clock.now()
    evaporators.chamber.crystal_ok = False
    assert isinstance(evaporators.wait(complete), InterlockError)
    assert max(evaporators.chamber.when("boat off")) - since < 12


def test_a_crystal_that_fails_while_the_boat_cools_makes_the_film_doubtful(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("deposit")
    chamber = evaporators.chamber
    while not chamber.when("substrate_shutter off"):
        evaporators.station.hold_lease()
        evaporators.clock.sleep(1.0)
    since = evaporators.clock.now()
    assert chamber.on["boat"]
    chamber.monitored -= 2e-9
    assert evaporators.wait(complete).permissive == "crystal"
    assert max(chamber.when("boat off")) - since < 12
    assert evaporators.rows("layers")["doubtful"] == [1]


def test_a_crystal_that_fails_while_the_boat_is_heated_ends_it_before_it_gives_anything(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("plasma")
    evaporators.clock.sleep(3.0)
    evaporators.chamber.monitored -= 2e-9
    assert evaporators.wait(complete).permissive == "crystal"
    assert not evaporators.chamber.when("substrate_shutter on")


def test_a_crystal_that_stops_while_the_boat_is_heated_ends_it_whatever_it_still_reads(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("plasma")
    evaporators.clock.sleep(3.0)
    since = evaporators.clock.now()
    evaporators.chamber.crystal_ok = False
    assert evaporators.wait(complete).permissive == "crystal"
    assert max(evaporators.chamber.when("boat off")) - since < 12
    assert not evaporators.chamber.when("substrate_shutter on")


def test_a_shutter_that_sticks_is_told_within_two_seconds_of_its_switching(evaporators):
    evaporators.chamber.stuck = "closed"
    assert evaporators.wait(evaporators.began(li())).permissive == "shutter_stuck_closed"
    (opened,) = evaporators.chamber.when("substrate_shutter on")
    assert max(evaporators.chamber.when("substrate_shutter off")) - opened <= 2.001
    assert max(evaporators.chamber.when("boat off")) - opened <= 5.001
    assert evaporators.rows("layers")["doubtful"] == [1]


def test_nothing_is_heated_behind_a_shutter_that_is_stuck_open(evaporators):
    evaporators.chamber.stuck = "open"
    assert evaporators.wait(evaporators.began(li())).permissive == "shutter_stuck_open"
    assert not evaporators.chamber.when("boat on")


def test_a_shutter_that_does_not_close_is_told_however_fast_the_boat_is_ramped_down(evaporators):
    complete = evaporators.began(li(ramp=100.0, power=105.0))
    evaporators.reach("deposit")
    evaporators.chamber.stuck = "open"
    assert evaporators.wait(complete).permissive == "shutter_stuck_open"
    assert evaporators.rows("layers")["doubtful"] == [1]


def test_without_end_switches_a_film_is_doubtful(evaporators):
    evaporators.chamber.has_ends = False
    assert evaporators.wait(evaporators.began(li())) is None
    layers = evaporators.rows("layers")
    assert layers["doubtful"] == [1]
    assert "nobody saw the shutter" in layers["reasons"][0]


def test_the_sample_turns_while_the_boat_is_hot(evaporators):
    assert evaporators.wait(evaporators.began(li())) is None
    chamber = evaporators.chamber
    (begun,), (ended,) = chamber.when("rotation on"), chamber.when("rotation off")
    assert begun < chamber.when("substrate_shutter on")[0] < chamber.when("substrate_shutter off")[-1] < ended


def test_a_film_that_was_held_for_long_goes_on_by_a_boat_heated_again(evaporators):
    complete = evaporators.began(li())
    evaporators.reach("deposit")
    evaporators.clock.sleep(5.0)
    evaporators.station.pause()
    for _ in range(150):
        evaporators.station.hold_lease()
        evaporators.clock.sleep(5.0)
    assert not evaporators.chamber.on["boat"]
    evaporators.station.resume()
    assert evaporators.wait(complete) is None
    assert evaporators.rows("layers")["doubtful"] == [0]
    assert evaporators.chamber.film == pytest.approx(200e-9, rel=0.01)


def test_at_the_end_the_boat_is_off_and_the_loop_is_open(evaporators):
    assert evaporators.wait(evaporators.began(li())) is None
    assert not evaporators.chamber.on["boat"]
    assert not evaporators.chamber.board_closed


def test_a_crystal_that_is_used_up_is_told_before_anything_is_pumped(evaporators):
    monitor = evaporators.parts["monitor"]
    read = monitor.read_film
    job = EvaporationJob(SAMPLE, li())
    assert evaporators.wait(evaporators.station.prepare(job)) is None
    monitor.read_film = lambda: replace(read(), life=0.05)
    for ask in (
        lambda: evaporators.clock.call(evaporators.station.kickoff),
        lambda: evaporators.station.check(li()),
        lambda: evaporators.station.prepare(job),
    ):
        with pytest.raises(InterlockError, match="put in a new one"):
            ask()
    assert not evaporators.chamber.when("roughing_valve on")


def failing(evaporators, lack):
    """Return what a film that grows fails with when something goes wrong, and after how long [s] the boat is off."""
    complete = evaporators.began(li())
    evaporators.reach("deposit")
    for _ in range(20):
        evaporators.station.renew_lease()
        evaporators.clock.sleep(1.0)
    since = evaporators.clock.now()
    lack(evaporators)
    error = evaporators.wait(complete)
    return error, evaporators.chamber.when("boat off")[-1] - since


def turbo_fails(evaporators):
    evaporators.chamber.turbo_on = False
    # Slowly, as a pump runs down in its bearings.
    speed = evaporators.parts["turbo"].state
    begun = evaporators.clock.now()

    def state():
        evaporators.chamber.turbo_speed = 800.0 - 2.0 * (evaporators.clock.now() - begun)
        return speed()

    evaporators.parts["turbo"].state = state


def gas_comes_in(evaporators):
    evaporators.chamber.base = 3e-2


@pytest.mark.parametrize(("lack", "permissive"), [(turbo_fails, "turbo"), (gas_comes_in, "pressure")])
def test_a_pump_that_slows_down_and_gas_over_a_hot_boat_end_the_film(evaporators, lack, permissive):
    error, lasted = failing(evaporators, lack)
    assert isinstance(error, InterlockError)
    assert error.permissive == permissive
    assert lasted <= 20.0
    assert evaporators.rows("layers")["doubtful"] == [1]


@pytest.mark.parametrize("rate", [0.1e-9, 0.3e-9])
def test_what_came_through_a_shutter_that_somebody_opened_is_a_doubtful_film(evaporators, rate):
    complete = evaporators.began(li(thickness=50e-9, rate=rate))
    evaporators.reach("plasma")
    while evaporators.rate() <= 0.9 * rate:
        evaporators.station.renew_lease()
        evaporators.clock.sleep(1.0)
    before, relays = evaporators.chamber.film, evaporators.parts["relays"]

    def opened():
        relays.on_now["substrate_shutter"] = True
        relays.follow()

    evaporators.clock.call(opened)
    assert evaporators.wait(complete).permissive == "shutter"
    through = evaporators.chamber.film - before
    layer = evaporators.rows("layers")
    assert through > 0.2e-9
    assert layer["doubtful"] == [1]
    assert layer["thickness"][0] == pytest.approx(through, rel=0.6)
