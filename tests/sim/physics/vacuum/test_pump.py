import pytest

from sim.physics.vacuum.gases import AR, BOLTZMANN, N2, NAMES, O2, SCCM, amounts
from sim.physics.vacuum.pump import Pump, position_for, steady_pressures, throttled_speeds, turned

PUMP = Pump()
LITHIUM_COBALT = amounts({"Ar": 24 * SCCM, "O2": SCCM})
LIPON = amounts({"N2": 50 * SCCM})


def test_flows_and_pressures_of_the_papers_fix_the_speed_of_the_pump() -> None:
    """25 sccm at 3 Pa ask for 15.20 L/s, 50 sccm at 0.4 Pa for 227.98 L/s, at 295 K."""
    throughput = SCCM * BOLTZMANN * 295.0
    assert (25 * throughput / 3.0, 50 * throughput / 0.4) == pytest.approx((15.20e-3, 227.98e-3), rel=1e-4)
    position = position_for(PUMP, LIPON, 0.4, 295.0)
    assert throttled_speeds(PUMP, position)[N2] == pytest.approx(50 * throughput / 0.4, rel=1e-6)


@pytest.mark.parametrize("gas", ["Ar", "O2"])
def test_25_sccm_of_one_gas_at_3_pascals_are_pumped_with_15_20_litres_a_second(gas: str) -> None:
    """25 SCCM k 295 K / 3 Pa, by the throttle's own position, and by that of the mixture for the mean of its gases."""
    wanted = 25 * SCCM * BOLTZMANN * 295.0 / 3.0
    alone = amounts({gas: 25 * SCCM})
    speeds = dict(zip(NAMES, throttled_speeds(PUMP, position_for(PUMP, alone, 3.0, 295.0)), strict=True))
    assert speeds[gas] == pytest.approx(wanted, rel=1e-6)
    assert speeds[gas] == pytest.approx(15.20e-3, rel=1e-4)
    position = position_for(PUMP, LITHIUM_COBALT, 3.0, 295.0)
    mixed = throttled_speeds(PUMP, position)
    resistance = 24.0 / 25.0 / mixed[AR] + 1.0 / 25.0 / mixed[O2]
    assert 1.0 / resistance == pytest.approx(wanted, rel=1e-6)


def test_the_papers_recipes_have_their_positions() -> None:
    position = position_for(PUMP, LITHIUM_COBALT, 3.0, 295.0)
    assert position == pytest.approx(0.359, abs=1e-3)
    argon, oxygen, *_ = steady_pressures(PUMP, LITHIUM_COBALT, position, 295.0)
    assert (argon, oxygen) == pytest.approx((2.892, 0.108), abs=1e-3)
    assert position_for(PUMP, LIPON, 0.4, 295.0) == pytest.approx(0.839, abs=1e-3)


def test_a_dead_oxygen_line_hides_behind_the_throttle() -> None:
    assert position_for(PUMP, amounts({"Ar": 24 * SCCM}), 3.0, 295.0) == pytest.approx(0.353, abs=1e-3)


def test_a_pressure_out_of_reach_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match=r"pressure = 0.1 Pa is outside \[0.137, "):
        position_for(PUMP, LITHIUM_COBALT, 0.1, 295.0)
    with pytest.raises(ValueError, match=r"outside \[0.243, "):
        position_for(PUMP, LIPON, 0.2, 295.0)


def test_light_gases_pass_a_nearly_closed_throttle_faster() -> None:
    argon, oxygen, nitrogen, water, _ = throttled_speeds(PUMP, 0.0)
    assert argon < oxygen < nitrogen < water
    assert throttled_speeds(PUMP, 1.0)[AR] < PUMP.speeds[AR]


def test_a_rotor_at_rest_pumps_nothing() -> None:
    assert throttled_speeds(PUMP, 1.0, rotor=0.0) == (0.0,) * 5
    assert throttled_speeds(PUMP, 1.0, rotor=0.5)[N2] < throttled_speeds(PUMP, 1.0)[N2]


def test_a_rotor_runs_up_and_down() -> None:
    assert turned(PUMP, 0.0, True, PUMP.run_up / 2) == pytest.approx(0.5)
    assert turned(PUMP, 0.9, True, PUMP.run_up) == 1.0
    assert turned(PUMP, 1.0, False, 2 * PUMP.run_down) == 0.0
