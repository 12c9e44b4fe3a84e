"""The stations: the dead-man's loop, samples in and out, what outlives a session."""

import pytest

from sim.foil import FoilError
from sim.parts import TwinPart
from sim.stations import STATIONS


def test_an_open_loop_puts_the_plasma_out_and_closes_the_shutters_in_hardware(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.handed_to_the_generator()
    assert burning_lco.board("~013114").startswith(b"!01")
    burning_lco.board("~**")
    burning_lco.heard(1.9)
    assert burning_lco.gun("gun1").lit
    burning_lco.heard(0.2)
    assert not burning_lco.gun("gun1").lit
    assert burning_lco.station.supplies["gun1"].interlock_open
    for name in ("substrate_shutter", "gun1_shutter"):
        assert not burning_lco.chamber.shutters.is_open(name)
    ((at, said),) = burning_lco.told("layer ended")
    assert said.startswith("LiCoO2")
    assert at == pytest.approx(burning_lco.now - 0.1)


def test_the_black_box_tells_shutters_layers_and_plasma(burning_lco):
    burning_lco.bring()
    burning_lco.shutter(True, "gun1")
    begin = burning_lco.now
    burning_lco.lap(600.0)
    burning_lco.shutter(False, "gun1")
    assert burning_lco.told("plasma on")
    assert burning_lco.told("layer begun") == [(begin, "s1")]
    assert (begin, "substrate_shutter") in burning_lco.told("shutter opened")
    ((end, said),) = burning_lco.told("layer ended")
    assert end == begin + 600.0
    assert float(said.split()[1]) == pytest.approx(30.0, rel=0.02)


def test_a_sample_goes_in_and_out_through_air_only_without_a_load_lock(make_sputter):
    stand = make_sputter(load_lock=False)
    with pytest.raises(FoilError, match="under vacuum"):
        stand.bring()
    stand.relay("vent_valve", True)
    stand.lap(100.0)
    stand.relay("vent_valve", False)
    stand.bring()
    stand.pump()
    with pytest.raises(FoilError, match="under vacuum"):
        stand.bench.assemble({"id": "s1"})
    assert stand.chamber.foil is not None


def test_what_has_grown_so_far_is_on_the_sample_when_it_is_settled_or_taken(burning_lco):
    foil = burning_lco.bring()
    burning_lco.shutter(True, "gun1")
    burning_lco.lap(600.0)
    burning_lco.station.settle()
    assert foil.grown[0].thickness == pytest.approx(30e-9, rel=0.02)
    burning_lco.lap(600.0)
    burning_lco.station.take(foil, burning_lco.now)
    assert foil.grown[0].thickness == pytest.approx(60e-9, rel=0.02)
    assert burning_lco.chamber.foil is None


def test_wear_crystal_vacuum_and_sample_outlive_a_session(make_sputter, tmp_path):
    first = make_sputter(directory=tmp_path)
    first.lco()
    first.bring()
    first.shutter(True, "gun1")
    first.lap(7200.0)
    first.bench.save()
    second = make_sputter(directory=tmp_path, truth={})
    assert second.gun("gun1").state.wear == first.gun("gun1").state.wear
    assert second.chamber.crystal == first.chamber.crystal
    assert second.gas.pressure == pytest.approx(first.gas.pressure)
    assert [each.age for each in second.gas.state.surfaces] == pytest.approx(
        [each.age for each in first.gas.state.surfaces]
    )
    assert second.chamber.foil is second.bench.foil("s1")
    assert second.chamber.foil.grown[0].thickness == pytest.approx(0.36e-6, rel=0.02)
    assert not second.gun("gun1").lit
    second.lap(60.0)
    assert second.lost_molecules() < 1e-10


def test_a_sample_whose_file_is_gone_is_no_longer_in_the_chamber(make_sputter, tmp_path):
    first = make_sputter(directory=tmp_path)
    first.bring()
    first.bench.save()
    (tmp_path / "s1.json").unlink()
    second = make_sputter(directory=tmp_path)
    assert second.chamber.foil is None
    assert second.bring() is second.chamber.foil


def test_a_target_that_was_exchanged_begins_anew(make_sputter, tmp_path):
    first = make_sputter(directory=tmp_path)
    first.lco()
    first.bench.save()
    second = make_sputter(directory=tmp_path, targets={"gun1": "Ti"})
    assert second.gun("gun1").state.wear.energy == 0.0


def test_venting_has_targets_conditioned_anew(burning_lco):
    assert burning_lco.gun("gun1").state.wear.conditioned > 0.0
    burning_lco.drive("gun1", 0.0)
    burning_lco.relay("roughing_valve", False)
    burning_lco.relay("vent_valve", True)
    burning_lco.lap(200.0)
    assert burning_lco.gun("gun1").state.wear.conditioned == 0.0
    assert burning_lco.gun("gun1").state.wear.energy > 0.0


def test_a_power_cycle_of_the_relays_closes_the_shutters(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.bench.power_cycle("tool", "relays")
    assert not burning_lco.chamber.shutters.is_open("substrate_shutter")


def test_parts_that_no_twin_is_known_for_are_refused(sputter):
    parts = {"gun1": TwinPart("glassman_fj", {})}
    with pytest.raises(ValueError, match="wrong"):
        STATIONS["SputterSystem"](sputter.bench, "other", parts, {})


def test_a_target_nobody_knows_is_refused(make_sputter):
    with pytest.raises(ValueError, match="no target of 'Unobtainium' is known"):
        make_sputter(targets={"gun1": "Unobtainium"})


def test_gauges_and_flows_are_read_by_their_own_bytes(burning_lco):
    burning_lco.say("gas", b"@253U!PASCAL;FF")
    said = burning_lco.say("gas", b"@253PRZ?;FF").decode()
    assert float(said[7:].split()[0]) == pytest.approx(3.0, rel=5e-3)
    assert burning_lco.say("gas", b"@253FR5?;FF") == b"@253ACK1.00E+00;FF"
    position = int(burning_lco.say("valve", b"A:\r\n")[2:8]) / 1e5
    assert position == pytest.approx(0.359, abs=2e-3)


def test_a_board_of_end_switches_shows_where_shutters_truly_are(make_sputter):
    """A made switch reads 0; what is not connected reads 1. It lies in no loop."""
    stand = make_sputter(ends=("gun1_open", "gun1_closed", "shutter_open", "shutter_closed"))
    stand.close_loop()
    assert stand.board("@01", "ends").startswith(b">0075")
    stand.relay("gun1_shutter", True)
    assert stand.board("@01", "ends").startswith(b">0076")
    stand.relay("substrate_shutter", True)
    assert stand.board("@01", "ends").startswith(b">007A")
    stand.fail("shutter_stuck_closed", "gun1_shutter")
    assert stand.board("@01", "ends").startswith(b">0079")
    stand.fail("end_switch_dead", "gun1_closed")
    assert stand.board("@01", "ends").startswith(b">007B")
    stand.mend("end_switch_dead", "gun1_closed")
    assert stand.board("@01", "ends").startswith(b">0079")
    assert stand.board("@0100", "ends").startswith(b">")
    assert stand.station.board.loop_closed


def test_faults_of_end_switches_are_there_where_switches_are(make_sputter):
    assert not any(name.startswith("end_switch") for name in make_sputter().station.faults.names())
    names = make_sputter(ends=("gun2_open",)).station.faults.names()
    assert [name for name in names if name.startswith("end_switch")] == ["end_switch_dead gun2_open"]
