import json
import math
import pickle
from dataclasses import replace

import pytest

from sim.physics.vacuum.gases import AIR, AR, ATMOSPHERE, H2O, N2, NOTHING, O2, SCCM, Amounts, amounts
from sim.physics.vacuum.outgassing import Surface
from sim.physics.vacuum.pump import position_for, steady_pressures
from sim.physics.vacuum.vessel import (
    LOAD_LOCK,
    Pumping,
    Settings,
    Vessel,
    VesselState,
    at_rest,
    full_of_air,
    joined,
    step,
)

VESSEL = Vessel()
LITHIUM_COBALT = amounts({"Ar": 24 * SCCM, "O2": SCCM})
LIPON = amounts({"N2": 50 * SCCM})


def empty(position: float, age: float = 1e6) -> VesselState:
    return VesselState(NOTHING, NOTHING, position, 0.0, None, (Surface(1.5, age),))


def run(state: VesselState, settings: Settings, duration: float, dt: float) -> VesselState:
    for _ in range(round(duration / dt)):
        state = step(VESSEL, state, settings, dt)
    return state


def lost(state: VesselState) -> float:
    """Return the share of the molecules that came in which are neither out nor stored."""
    return abs(state.entered - state.pumped - sum(state.molecules)) / state.entered


def test_no_molecule_is_lost_whatever_happens() -> None:
    """Regulating, then a dead line, a stuck throttle, the pump off, a vent."""
    state = empty(0.5)
    for settings in (
        Settings(LITHIUM_COBALT, set_point=3.0),
        Settings(amounts({"O2": SCCM}), set_point=3.0),
        Settings(LIPON, set_point=0.4, stuck=True),
        Settings(LIPON, pumping=Pumping.NOTHING, sinks=amounts({"N2": 0.1})),
        Settings(vent=True, pumping=Pumping.ROUGH),
    ):
        state = run(state, settings, 20.0, 0.05)
        assert lost(state) < 1e-10


def speed_at(gas: int, position: float) -> float:
    """Return 1 / (1/Sp + 1/C) [m3/s], C = Cmin (Cmax/Cmin)^x sqrt(28/M), of numbers written here."""
    turbo = {AR: 0.55, O2: 0.58, N2: 0.60}[gas]
    conductance = 2e-3 * 500.0**position * math.sqrt(28.0 / {AR: 39.948, O2: 31.998, N2: 28.014}[gas])
    return 1.0 / (1.0 / turbo + 1.0 / conductance)


@pytest.mark.parametrize("flows", [LITHIUM_COBALT, LIPON])
def test_each_gas_settles_where_pump_and_flow_balance(flows: Amounts) -> None:
    """p S = q k T, for each gas with its own S."""
    state = run(empty(0.6, 1e12), Settings(flows, position=0.6), 3600.0, 60.0)
    found = VESSEL.pressures(state.molecules)
    for gas, flow in enumerate(flows):
        if flow > 0.0:
            assert found[gas] * speed_at(gas, 0.6) == pytest.approx(flow * 1.380649e-23 * 295.0, rel=1e-6)
    assert found == pytest.approx(steady_pressures(VESSEL.pump, flows, 0.6, 295.0), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("sccm", "flows", "pressure", "speed"),
    [(25.0, LITHIUM_COBALT, 3.0, 15.20e-3), (50.0, LIPON, 0.4, 227.98e-3)],
)
def test_a_vessel_that_holds_the_papers_pressure_pumps_with_the_speed_that_its_flow_asks_for(
    sccm: float, flows: Amounts, pressure: float, speed: float
) -> None:
    """q k T / p from what leaves it in an hour and from what it holds: 15.20 and 227.98 L/s."""
    settings = Settings(flows, set_point=pressure)
    settled = run(empty(0.6, 1e12), settings, 120.0, 0.05)
    later = step(VESSEL, settled, settings, 3600.0)
    leaving = (later.pumped - settled.pumped) / 3600.0
    assert leaving == pytest.approx(sccm * SCCM, rel=1e-6)
    held = sum(VESSEL.pressures(later.molecules))
    assert leaving * 1.380649e-23 * 295.0 / held == pytest.approx(speed, rel=3e-4)


def test_what_sinks_take_is_told_apart_from_what_the_pump_takes() -> None:
    settings = Settings(LIPON, position=0.6, sinks=amounts({"N2": 0.05}))
    state = run(empty(0.6, 1e12), settings, 600.0, 1.0)
    share = 0.05 / (0.05 + speed_at(N2, 0.6))
    assert state.gettered == amounts({"N2": state.gettered[N2]})
    assert state.gettered[N2] / state.pumped == pytest.approx(share, rel=1e-6)
    assert lost(state) < 1e-10


def test_what_films_give_off_is_pumped_as_what_flows_in_and_rests() -> None:
    """p S = q k T."""
    settings = Settings(LIPON, position=0.6, sources=amounts({"O2": 0.1 * SCCM}))
    state = run(empty(0.6, 1e12), settings, 60.0, 0.5)
    assert at_rest(VESSEL, state, settings)
    assert not at_rest(VESSEL, state, replace(settings, sources=NOTHING))
    found = VESSEL.pressures(state.molecules)[O2]
    assert found * speed_at(O2, 0.6) == pytest.approx(0.1 * SCCM * 1.380649e-23 * 295.0, rel=1e-6)
    assert lost(state) < 1e-10


def test_what_films_took_is_kept_by_gas_and_of_an_older_version_was_oxygen() -> None:
    kept = replace(empty(0.5), gettered=amounts({"O2": 2.0, "N2": 3.0})).to_dict()
    assert VesselState.from_dict(json.loads(json.dumps(kept))).gettered == amounts({"O2": 2.0, "N2": 3.0})
    assert VesselState.from_dict({**kept, "gettered": 5.0}).gettered == amounts({"O2": 5.0})


def test_any_step_gives_the_same_while_nothing_moves() -> None:
    fine, coarse = (
        run(replace(empty(0.6), flows=LIPON), Settings(LIPON, position=0.6), 10.0, dt) for dt in (0.01, 10.0)
    )
    assert coarse.molecules[N2] == pytest.approx(fine.molecules[N2], rel=1e-12)
    assert coarse.molecules[H2O] == pytest.approx(fine.molecules[H2O], rel=1e-5)
    assert coarse.pumped == pytest.approx(fine.pumped, rel=1e-9)


def test_roughing_takes_as_long_as_the_volume_over_the_speed_says() -> None:
    state, time = full_of_air(VESSEL), 0.0
    while state.reading > 20.0:
        state, time = step(VESSEL, state, Settings(pumping=Pumping.ROUGH), 0.1), time + 0.1
    assert time == pytest.approx(60e-3 / 5e-3 * math.log(ATMOSPHERE / 20.0), rel=0.02)


def test_pressure_falls_with_time_when_water_is_all_that_is_left() -> None:
    rough = run(full_of_air(VESSEL), Settings(pumping=Pumping.ROUGH), 103.0, 0.5)
    hour = run(rough, Settings(), 3600.0 - 103.0, 1.0)
    assert hour.reading == pytest.approx(5.7e-5, rel=0.03)
    later = run(hour, Settings(), 9.0 * 3600.0, 60.0)
    assert math.log10(later.reading / hour.reading) == pytest.approx(-1.0, abs=0.03)


@pytest.mark.parametrize(
    ("flows", "pressure", "start"),
    [(LITHIUM_COBALT, 3.0, 0.359), (LITHIUM_COBALT, 3.0, 1.0), (LIPON, 0.4, 0.359), (LIPON, 0.4, 1.0)],
)
def test_pressure_settles_within_half_a_minute(flows: Amounts, pressure: float, start: float) -> None:
    state, settings = empty(start), Settings(flows, set_point=pressure)
    state = run(state, settings, 30.0, 0.02)
    for _ in range(30):
        state = run(state, settings, 1.0, 0.02)
        assert state.reading == pytest.approx(pressure, rel=0.01)
    assert state.reading == pytest.approx(pressure, rel=0.002)
    assert at_rest(VESSEL, state, settings)
    assert not at_rest(VESSEL, state, replace(settings, set_point=1.1 * pressure))


def overshoot(start: float) -> float:
    """Return by which share [1] nitrogen passes 0.4 Pa when regulation begins at a position of the throttle."""
    state, highest = empty(start), 0.0
    for _ in range(1500):
        state = step(VESSEL, state, Settings(LIPON, set_point=0.4), 0.02)
        highest = max(highest, state.reading)
    return highest / 0.4 - 1.0


def test_a_learnt_position_does_not_overshoot() -> None:
    assert overshoot(position_for(VESSEL.pump, LIPON, 0.4, 295.0)) < 1e-3
    assert overshoot(position_for(VESSEL.pump, LITHIUM_COBALT, 3.0, 295.0)) > 0.5


def test_without_argon_the_throttle_closes_and_the_pressure_falls_to_one_pascal() -> None:
    settled = run(empty(0.359), Settings(LITHIUM_COBALT, set_point=3.0), 40.0, 0.02)
    dead = run(settled, Settings(amounts({"O2": SCCM}), set_point=3.0), 400.0, 0.1)
    assert dead.position == 0.0
    assert dead.reading == pytest.approx(0.98, abs=0.02)
    assert at_rest(VESSEL, dead, Settings(amounts({"O2": SCCM}), set_point=3.0))


def test_a_long_step_while_the_pressure_moves_is_refused() -> None:
    settings = Settings(LIPON, set_point=0.4)
    with pytest.raises(ValueError, match=r"dt = 1.0 s is too long while the pressure moves"):
        step(VESSEL, empty(0.5), settings, 1.0)
    settled = run(empty(0.839), settings, 60.0, 0.05)
    later = run(settled, settings, 36000.0, 600.0)
    assert later.reading == pytest.approx(0.4, rel=1e-4)


def test_a_stuck_throttle_shows_nothing_until_the_set_point_changes() -> None:
    settled = run(empty(0.359), Settings(LITHIUM_COBALT, set_point=3.0), 60.0, 0.02)
    stuck = run(settled, Settings(LITHIUM_COBALT, set_point=3.0, stuck=True), 60.0, 0.1)
    assert stuck.reading == pytest.approx(3.0, rel=1e-3)
    wiggled = run(stuck, Settings(LITHIUM_COBALT, set_point=2.7, stuck=True), 60.0, 0.1)
    assert wiggled.reading == pytest.approx(3.0, rel=1e-3)


def test_a_vent_ends_at_the_pressure_of_air_in_finite_time() -> None:
    """37 s through 2 L/s, of which 16 s at the speed of sound; the closed form takes one step or many."""
    dark = empty(1.0)
    settings = Settings(vent=True, pumping=Pumping.NOTHING)
    choked = run(dark, settings, 15.8, 0.1)
    assert choked.reading / ATMOSPHERE == pytest.approx(0.528, abs=0.005)
    once, often = run(dark, settings, 37.0, 37.0), run(dark, settings, 37.0, 0.1)
    assert once.molecules[AIR] == pytest.approx(often.molecules[AIR], rel=1e-9)
    full = run(often, settings, 10.0, 0.1)
    assert 0.99 * ATMOSPHERE < often.reading < full.reading
    assert full.reading == pytest.approx(ATMOSPHERE, rel=1e-3)
    assert full.surfaces[0].age == Surface(1.0).age


def test_a_load_lock_shares_its_gas_by_volume() -> None:
    chamber = empty(1.0)
    lock = full_of_air(LOAD_LOCK)
    mine, its = joined(VESSEL, chamber, LOAD_LOCK, lock)
    assert sum(mine.molecules) + sum(its.molecules) == pytest.approx(sum(lock.molecules), rel=1e-12)
    assert VESSEL.pressures(mine.molecules) == pytest.approx(LOAD_LOCK.pressures(its.molecules))


def test_a_holder_brings_its_water_with_it() -> None:
    dry = run(empty(1.0, 36000.0), Settings(), 60.0, 1.0)
    wet = run(replace(dry, surfaces=(*dry.surfaces, Surface(0.03, 600.0))), Settings(), 60.0, 1.0)
    same = run(dry, Settings(), 60.0, 1.0)
    assert wet.molecules[H2O] > 1.2 * same.molecules[H2O]


def test_a_state_survives_a_file_and_a_copy() -> None:
    state = run(empty(0.5), Settings(LIPON, set_point=0.4), 3.0, 0.1)
    assert VesselState.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    assert pickle.loads(pickle.dumps((VESSEL, state, Settings()))) == (VESSEL, state, Settings())
