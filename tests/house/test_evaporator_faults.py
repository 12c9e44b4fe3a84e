"""Every fault of an evaporator, judged by the twin's black box: the boat off and the shutter closed within 12 s, the
film doubtful, and no later step that takes it without a person's word."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from devices.errors import InterlockError
from labctl.config.folder import Config
from tests.support import quick_films
from tests.support.faulty_films import FaultyFilm, maker_of

ROOT = Path(__file__).parents[2]
WITHIN = 12.0
AFTER = 5.0
"""s of open shutter after which a fault comes."""
WATER = 1e-3
"""Pa m3/s of water, which takes the chamber beyond ten times its base pressure."""


class Tool(FaultyFilm):
    """A session with an evaporator, its black box, and faults that come while the film grows."""

    station, plan_name = "evaporator", "evaporate"
    material, layers = "Li", "cell_layers"

    def __init__(self, data, *, ends=True, **changes):
        super().__init__()
        self.wired(quick_films.quick_session(data, bench="line", ask=self.asked, loaded=("evaporator",)))
        foil = quick_films.foil()
        self.sample = replace(foil, grown=foil.grown[-1:])
        self.recipe = quick_films.evaporation(**{"thickness": 200e-9, **changes})
        self.offs, self.onset = [], None
        drive = self.chamber.change

        def seen(act):
            before = self.chamber.power
            drive(act)
            if before and not self.chamber.power:
                self.offs.append(self.chamber.now)

        self.chamber.change = seen
        if not ends:
            self.lab.evaporator.permissives.end_switches = ()

    def plan(self, fault, at, of="", value=None):
        self.onset = at
        super().plan(fault, at, of, value)

    def plan_in(self, state, fault, of="", value=None, after=AFTER):
        """Have a fault come a while after the evaporator came into a state."""

        def come(name, doc):
            if name == "event_page" and self.lab.evaporator.read_state() == state and self.onset is None:
                self.plan(fault, self.lab.clock.now() + after, of, value)

        self.lab.RE.subscribe(come)

    def evaporate(self):
        """Make the film."""
        self.lab.RE(self.lab.plans.evaporate(self.lab.evaporator, self.sample, self.recipe))

    def fails(self):
        """Try to make the film; return what it failed with."""
        with pytest.raises(InterlockError) as failed:
            self.evaporate()
        return failed.value.permissive

    def alarms(self):
        """Return the codes of the alarms."""
        events = self.run().table("events")
        return {
            str(code)
            for code, severity in zip(events["code"], events["severity"], strict=True)
            if severity == "alarm"
        }

    def require_off(self):
        """Require that the boat went off in time, and that everything is off now."""
        off, closed = self.offs[-1], self.when("shutter closed", "substrate")
        stuck = any("stuck" in said for _, what, said in self.chamber.log if what == "fault")
        assert off - self.onset <= WITHIN
        assert stuck or closed[-1] - self.onset <= WITHIN
        assert not self.chamber.power
        assert self.lab.evaporator.relays.states()["substrate_shutter"] is False
        assert self.lab.evaporator.read_state() == "fault"


@pytest.fixture
def make(tmp_path):
    with maker_of(Tool, tmp_path / "data") as tool:
        yield tool


@pytest.mark.parametrize(
    ("fault", "of", "code"),
    [
        ("shutter_stuck_closed", "substrate_shutter", "shutter_stuck_closed"),
        ("crystal_dead", "", "crystal"),
        ("crystal_failing", "", "crystal"),
        ("control_lost", "boat", "power_lost"),
        ("contact_open", "water", "water"),
        ("turbo_slowing", "", "turbo"),
        ("water_leak", "", "leak"),
        ("boat_empty", "", "boat_empty"),
    ],
)
def test_a_fault_during_a_film_takes_boat_and_shutter_away_in_time(make, fault, of, code):
    tool = make(rate=0.3e-9, thickness=40e-9)
    tool.plan_in("deposit", fault, of, value={"water_leak": WATER}.get(fault))
    assert tool.fails() == code
    assert code in tool.alarms()
    tool.require_off()
    tool.require_doubtful(code)


def test_a_shutter_that_is_stuck_open_keeps_the_boat_cold(make):
    tool = make()
    tool.plan("shutter_stuck_open", 1.0, "substrate_shutter")
    assert tool.fails() == "shutter_stuck_open"
    assert not tool.chamber.evaporated


def test_a_shutter_that_does_not_open_ends_the_film_at_once(make):
    tool = make()
    tool.plan("shutter_stuck_closed", 1.0, "substrate_shutter")
    assert tool.fails() == "shutter_stuck_closed"
    events = tool.run().table("events")
    tool.onset = events["t"][list(events["code"]).index("shutter_open")]
    alarm = events["t"][list(events["code"]).index("shutter_stuck_closed")]
    assert alarm - tool.onset <= 2.0 + 1e-6
    assert tool.run().table("layers")["thickness"][0] < 10e-9
    tool.require_doubtful("shutter_stuck_closed")


def test_a_shutter_that_opens_over_a_boat_being_heated_ends_it_and_counts_what_came(make):
    tool = make()
    tool.plan_in("plasma", "shutter_stuck_open", "substrate_shutter", after=100.0)
    assert tool.fails() == "shutter_stuck_open"
    tool.require_off()
    tool.require_doubtful("shutter_stuck_open")


def test_a_shutter_that_does_not_close_is_seen_when_the_film_is_done(make):
    tool = make()
    tool.plan_in("deposit", "shutter_stuck_open", "substrate_shutter")
    assert tool.fails() == "shutter_stuck_open"
    events = tool.run().table("events")
    tool.onset = tool.offs[-1] - (
        events["t"][list(events["code"]).index("shutter_stuck_open")]
        - events["t"][list(events["code"]).index("shutter_closed")]
    )
    tool.require_off()
    tool.require_doubtful("shutter_stuck_open")


def test_a_film_whose_shutter_nobody_sees_is_doubtful(make):
    tool = make(ends=False)
    tool.evaporate()
    tool.require_doubtful("nobody saw the shutter")


def test_a_film_that_went_well_is_not_doubtful(make):
    tool = make()
    tool.evaporate()
    layer = tool.run().table("layers")
    assert not layer["doubtful"][0], layer["reasons"][0]
    assert not tool.alarms()
    assert tool.chamber.rotates is False


def test_a_failing_crystal_does_not_lead_the_boat_away(make):
    tool = make(rate=0.3e-9, thickness=100e-9)
    tool.plan_in("deposit", "crystal_failing")
    powers = []
    drive = tool.chamber.change

    def seen(act):
        drive(act)
        if tool.onset is not None:
            powers.append(tool.chamber.power)

    tool.chamber.change = seen
    assert tool.fails() == "crystal"
    assert max(powers) <= 1.05 * max(powers[0], 1.0) + 1.0
    tool.require_off()


@pytest.mark.parametrize("rate", [0.3e-9, 1e-9, 3e-9])
def test_a_crystal_that_only_drifts_is_seen_in_time_at_any_rate(make, rate, monkeypatch):
    monkeypatch.setattr("sim.twins.inficon_sqm160.JUMPS_ABOVE", math.inf)
    tool = make(rate=rate, thickness=150.0 * rate)
    tool.plan_in("deposit", "crystal_failing")
    assert tool.fails() == "crystal"
    tool.require_off()
    tool.require_doubtful("crystal")


def test_lithium_goes_into_no_heat_that_melts_it_without_a_word(make):
    tool = make()
    tool.evaporate()
    recipe = Config(ROOT / "config").furnace("furnace-520C-15min")
    with pytest.raises(InterlockError, match=r"0\.20 um Li since .* melts at 180\.5 degC"):
        tool.lab.RE(tool.lab.plans.bake(tool.lab.furnace, tool.sample, recipe))
    assert "it is to be heated to 520 degC" in tool.answers[-1]


def test_at_the_prompt_nobody_sets_a_furnace_and_anybody_switches_it_off(make):
    heater = make().lab.furnace.heater
    with pytest.raises(InterlockError, match="furnace: nothing that runs does this now"):
        heater.set_temperature(673.15)
    heater.off()
    heater.safe()


def test_some_water_over_a_film_makes_it_doubtful_and_does_not_end_it(make):
    tool = make(rate=0.3e-9, thickness=40e-9)
    tool.plan_in("deposit", "water_leak", value=2e-4)
    tool.evaporate()
    assert "leak" in tool.alarms()
    tool.require_doubtful("leak")


def test_water_too_little_for_an_alarm_during_a_film_is_seen_when_it_is_looked_back(make):
    tool = make()
    tool.plan_in("deposit", "water_leak", value=5e-5, after=30.0)
    tool.evaporate()
    assert tool.alarms() == {"water"}
    tool.require_doubtful("water")


def test_the_sample_turns_while_its_film_grows(make):
    tool, turned = make(), []
    tool.lab.RE.subscribe(
        lambda name, doc: (
            turned.append(tool.chamber.rotates)
            if name == "event_page" and tool.lab.evaporator.read_state() == "deposit"
            else None
        )
    )
    tool.evaporate()
    assert turned
    assert all(turned)
    assert not tool.chamber.rotates


def test_the_bench_names_the_end_switches(make):
    bench = Config(ROOT / "config").bench("line")
    board = bench.devices["evaporator"].parts["permissives"]
    assert set(board.parameters.ends) == {"shutter_open", "shutter_closed"}
    with pytest.raises(ValueError, match="inputs at the most"):
        replace(board.parameters, contacts=("water", "cover", "door", "cell", "chuck"))
