"""Each fault of the fault table by its name, and the signature by which a plan may see it."""

import pytest

from sim.sputter.built import PlannedFault

LCO = {"Ar": 24.0, "O2": 1.0}


def shown(stand, gun="gun1"):
    """Return what the generator would say: forward, reflected [W], bias [V]."""
    load = stand.station.supplies[gun].rf_load
    return stand.gun(gun).forward, load.reflected(), load.bias()


def test_no_ignition_throws_all_power_back_until_it_is_mended(sputter):
    sputter.pump()
    sputter.let_in(**LCO)
    sputter.hold(3.0)
    sputter.lap(60.0)
    sputter.close_loop()
    sputter.fail("no_ignition", "gun1")
    sputter.drive("gun1", 40.0)
    sputter.lap(120.0)
    assert shown(sputter) == (40.0, 40.0, 0.0)
    sputter.mend("no_ignition", "gun1")
    sputter.lap(20.0)
    assert sputter.gun("gun1").lit


def test_a_dead_oxygen_line_is_seen_by_flow_and_valve_and_not_by_pressure_or_rate(burning_lco):
    burning_lco.shutter(True, "gun1")
    before, position = burning_lco.rate(), burning_lco.gas.state.position
    burning_lco.fail("mfc_dead", "O2")
    burning_lco.lap(60.0)
    assert burning_lco.gas.pressure == pytest.approx(3.0, rel=1e-3)
    assert burning_lco.flows["O2"] == pytest.approx(0.0, abs=1e-6)
    assert position == pytest.approx(0.359, abs=2e-3)
    assert burning_lco.gas.state.position == pytest.approx(0.353, abs=2e-3)
    assert burning_lco.rate() == pytest.approx(before, rel=5e-3, abs=0.0)
    assert burning_lco.lost_molecules() < 1e-10


def test_a_dead_heater_cools_whatever_its_controller_gives(sputter):
    sputter.chamber.holder.heat(1.0)
    sputter.lap(100.0)
    hot = sputter.chamber.holder.temperature()
    sputter.fail("heater_dead", "")
    sputter.lap(100.0)
    cold = sputter.chamber.holder.temperature()
    assert cold < hot
    sputter.mend("heater_dead", "")
    sputter.lap(100.0)
    assert sputter.chamber.holder.temperature() > cold


def test_a_dead_argon_line_drives_the_valve_to_its_limit_and_the_rate_up(burning_lco):
    burning_lco.shutter(True, "gun1")
    before = burning_lco.rate()
    burning_lco.fail("mfc_dead", "Ar")
    burning_lco.lap(240.0)
    assert burning_lco.gas.state.position == 0.0
    assert 0.5 < burning_lco.gas.pressure < 1.5
    assert burning_lco.gun("gun1").shown.bias > 200.0
    assert burning_lco.rate() > 1.4 * before
    assert burning_lco.lost_molecules() < 1e-10
    assert burning_lco.lost_mass() < 1e-9


def test_a_stuck_argon_line_is_seen_by_its_flow_and_halves_the_oxygen(burning_lco):
    oxygen = burning_lco.gas.pressures[1]
    burning_lco.fail("mfc_stuck", "Ar", value=48.0)
    peak = 0.0
    for _ in range(60):
        burning_lco.lap(1.0)
        peak = max(peak, burning_lco.gas.pressure)
    assert 3.5 < peak < 4.5
    assert burning_lco.gas.pressure == pytest.approx(3.0, rel=1e-2)
    assert burning_lco.gas.state.position == pytest.approx(0.47, abs=0.01)
    assert burning_lco.gas.pressures[1] == pytest.approx(0.5 * oxygen, rel=0.05)
    assert burning_lco.flows["Ar"] == pytest.approx(48.0)


@pytest.mark.parametrize("fault", ["valve_stuck", "match_stuck"])
def test_what_is_stuck_in_steady_state_shows_nothing_until_something_is_changed(burning_lco, fault):
    of = "gun1" if fault == "match_stuck" else ""
    burning_lco.lap(30.0)
    before = (burning_lco.gas.pressure, *shown(burning_lco))
    burning_lco.fail(fault, of)
    burning_lco.lap(300.0)
    assert (burning_lco.gas.pressure, *shown(burning_lco)) == pytest.approx(before, rel=1e-3, abs=1e-2)
    burning_lco.hold(1.5)
    burning_lco.lap(120.0)
    if fault == "valve_stuck":
        assert burning_lco.gas.pressure == pytest.approx(3.0, rel=1e-2)
    else:
        assert burning_lco.gun("gun1").shown.reflected > 0.5


def test_a_shutter_stuck_closed_leaves_the_plasma_and_takes_the_rate(burning_lco):
    burning_lco.fail("shutter_stuck_closed", "substrate_shutter")
    burning_lco.shutter(True, "gun1")
    assert burning_lco.rate() == 0.0
    assert shown(burning_lco)[2] > 150.0
    frequency = burning_lco.chamber.frequency()
    burning_lco.lap(60.0)
    assert burning_lco.chamber.frequency() == pytest.approx(frequency, abs=0.1)


def test_a_shutter_stuck_open_is_seen_by_the_crystal_while_nothing_should_come(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.fail("shutter_stuck_open", "substrate_shutter")
    burning_lco.relay("substrate_shutter", False)
    frequency = burning_lco.chamber.frequency()
    burning_lco.lap(60.0)
    assert frequency - burning_lco.chamber.frequency() > 50.0
    burning_lco.mend("shutter_stuck_open", "substrate_shutter")
    assert burning_lco.rate() == 0.0


def test_a_cracked_target_shows_a_step_of_the_bias_and_loses_a_fifth_of_its_rate(burning_lco):
    burning_lco.shutter(True, "gun1")
    before = burning_lco.rate()
    burning_lco.fail("target_crack", "gun1")
    burning_lco.lap(1.0)
    assert shown(burning_lco)[2] == pytest.approx(162.0, abs=1.0)
    # The lower bias makes more ions of the same power, which make up for a part of it.
    assert burning_lco.rate() == pytest.approx(0.8 * before, rel=0.05)
    burning_lco.chamber.change(lambda: None)
    assert "target cracked" in burning_lco.chamber.growth.taken({}, None).doubts


def test_an_arc_storm_shows_on_the_meter_and_makes_pinholes(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.fail("arc_storm", "gun1")
    spikes = 0
    for _ in range(60):
        burning_lco.lap(1.0)
        forward, reflected, _ = shown(burning_lco)
        spikes += reflected > 0.1 * forward
    assert spikes > 6
    assert len(burning_lco.told("arc")) > 15
    film = burning_lco.chamber.growth.taken({}, None)
    assert film.pinholes > 200.0
    assert "arcs" in film.doubts
    assert burning_lco.gun("gun1").lit


def test_an_arc_storm_folds_its_generator_back_most_of_the_time(burning_lco):
    burning_lco.handed_to_the_generator()
    burning_lco.fail("arc_storm", "gun1")
    folded = 0
    for _ in range(60):
        burning_lco.heard(1.0)
        forward, _, bias = shown(burning_lco)
        assert bias > 20.0
        said = burning_lco.generator("gun1", b"GS")
        limited = bool(int.from_bytes(said[5:7], "big") & 1 << 9)
        assert limited == (forward < 119.0)
        folded += limited
    assert folded > 40
    burning_lco.mend("arc_storm", "gun1")
    burning_lco.heard(3.0)
    assert shown(burning_lco)[0] == pytest.approx(119.0)


def test_arcs_come_as_often_as_they_are_told_to(burning_lco):
    burning_lco.fail("arc_storm", "gun1", 0.5)
    burning_lco.lap(600.0)
    assert len(burning_lco.told("arc")) == pytest.approx(300, rel=0.2)


def test_a_stuck_valve_fails_when_it_is_sent_elsewhere(burning_lco):
    burning_lco.lap(30.0)
    burning_lco.fail("valve_stuck")
    burning_lco.lap(300.0)
    assert burning_lco.say("valve", b"i:50\r\n") == b"i:50000\r\n"
    burning_lco.hold(1.5)
    burning_lco.lap(2.0)
    assert burning_lco.say("valve", b"i:50\r\n") == b"i:50020\r\n"
    assert burning_lco.say("valve", b"O:\r\n") == b"E:000082\r\n"
    burning_lco.mend("valve_stuck")
    assert burning_lco.say("valve", b"c:8201\r\n") == b"c:82\r\n"
    assert burning_lco.say("valve", b"O:\r\n") == b"O:\r\n"


def test_arcs_come_at_the_same_times_however_often_somebody_looks(make_sputter):
    told = []
    for looks in (1, 500):
        stand = make_sputter()
        stand.lco()
        stand.lap(6 * 3600.0, looks=looks)
        told.append([time for time, _ in stand.told("arc")])
    assert len(told[0]) >= 2
    assert told[0] == pytest.approx(told[1])


def test_a_lost_generator_takes_the_plasma_and_leaves_the_pressure(burning_lco):
    burning_lco.handed_to_the_generator()
    burning_lco.fail("control_lost", "gun1")
    burning_lco.lap(2.0)
    assert not burning_lco.gun("gun1").lit
    assert burning_lco.gas.pressure == pytest.approx(3.0, rel=1e-2)
    assert burning_lco.told("plasma out")


def test_a_slowing_turbo_pump_opens_the_valve(burning_lco):
    position = burning_lco.gas.state.position
    burning_lco.fail("turbo_slowing")
    burning_lco.lap(300.0)
    assert burning_lco.gas.rotor < 0.7
    assert burning_lco.gas.state.position > position
    burning_lco.lap(600.0)
    assert burning_lco.gas.rotor == pytest.approx(0.5)
    burning_lco.mend("turbo_slowing")
    burning_lco.lap(200.0)
    assert burning_lco.gas.rotor == 1.0


def test_a_leak_of_water_keeps_the_base_pressure_high(sputter):
    sputter.pump()
    sputter.fail("water_leak")
    sputter.lap(600.0)
    assert sputter.gas.pressure > 1e-4
    sputter.mend("water_leak")
    sputter.lap(600.0)
    assert sputter.gas.pressure < 3e-5


def test_a_leak_into_a_held_pressure_moves_the_throttle_at_once(burning_lco):
    burning_lco.lap(120.0)
    gas, position = burning_lco.gas, burning_lco.gas.state.position
    let_in = sum(gas.told.values())
    burning_lco.fail("water_leak", value=1e-3)
    burning_lco.lap(5.0, looks=5)
    assert 5e-4 < gas.state.position - position < 0.01
    burning_lco.lap(120.0)
    # Held again: what is pumped is what comes in.
    assert gas.pressure == pytest.approx(gas.set_point, rel=1e-3)
    # Through a narrow throttle, where light molecules are faster.
    water = gas.leak / (let_in + gas.leak) * (18.0 / 40.0) ** 0.5
    assert gas.composition()["H2O"] == pytest.approx(water, rel=0.05)
    burning_lco.mend("water_leak")
    burning_lco.lap(120.0)
    assert gas.state.position == pytest.approx(position, abs=2e-4)


def test_crystals_fail_and_die_and_are_replaced(burning_lco):
    def life():
        return burning_lco.say("monitor", _asked("P1"))

    burning_lco.lap(5.0)
    alive = life()
    burning_lco.fail("crystal_dead")
    burning_lco.lap(5.0)
    assert life() != alive
    burning_lco.mend("crystal_dead")
    burning_lco.fail("crystal_failing")
    burning_lco.lap(100.0)
    assert b"A" in life()


def _asked(command):
    from sim.twins.inficon_sqm160 import _crc

    body = bytes([len(command) + 34]) + command.encode()
    return b"!" + body + _crc(body)


def test_missing_cooling_water_puts_everything_out(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.handed_to_the_generator()
    burning_lco.fail("contact_open", "water")
    burning_lco.lap(1.0)
    assert not burning_lco.gun("gun1").lit
    assert not burning_lco.chamber.shutters.is_open("substrate_shutter")


def test_planned_faults_come_at_their_time_and_go_again(make_sputter):
    planned = {"fault": "mfc_dead", "of": "O2", "time": 1000.0, "lasts": 50.0}
    stand = make_sputter(truth={"pumped_for": 7e4, "faults": [planned]})
    stand.lap(1100.0)
    assert stand.told("fault") == [(1000.0, "mfc_dead O2")]
    assert stand.told("mended") == [(1050.0, "mfc_dead O2")]


def test_a_fault_by_chance_comes_at_a_time_that_its_seed_says(sputter):
    book = sputter.station.faults
    times = [book.plan(PlannedFault("turbo_slowing", mean=1e4, seed=seed)) for seed in (1, 2, 1)]
    assert times[0] == times[2]
    assert times[0] != times[1]


def test_faults_say_what_there_is(sputter):
    with pytest.raises(ValueError, match=r"no such fault 'fire'; there are turbo_slowing"):
        sputter.fail("fire")
    with pytest.raises(ValueError, match=r"mfc_dead does not befall 'Kr'; it may befall Ar, O2, N2"):
        sputter.fail("mfc_dead", "Kr")
    with pytest.raises(ValueError, match="give its time"):
        sputter.station.faults.plan(PlannedFault("turbo_slowing"))
    assert "mfc_dead O2" in sputter.station.faults.names()
    assert "contact_open water" in sputter.station.faults.names()
