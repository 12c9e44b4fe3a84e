"""The relay matrix beyond its transcript: a relay that sticks, power that goes."""

from sim.twins.keysight_34980a import Keysight34980ATwin


def test_a_stuck_relay_says_that_it_is_open():
    twin = Keysight34980ATwin(slots=(1,))
    twin.stick(0, 0)
    assert twin.receive(b"ROUT:CLOS (@1101,1102);:ROUT:CLOS? (@1101,1102)\n", 0.0) == b"0,1\n"


def test_reed_relays_fall_open_without_power():
    twin = Keysight34980ATwin(slots=(1,))
    twin.receive(b"ROUT:CLOS (@1101)\n", 0.0)
    assert twin.columns_on(0) == [0]
    twin.power_up(1.0)
    assert twin.columns_on(0) == []
