"""A fault that no chamber has, or of a chamber that is not there, is told when the file is read."""

import pytest

from devices.errors import ConfigError
from labctl.clock.virtual import VirtualClock
from labctl.config.benches import bench
from labctl.config.chamber_faults import FAULTS
from labctl.twins import make_world, set_up_twins

FAULT = '\n[[world.chambers.{of}.faults]]\nfault = "{fault}"\ntime = "5 s"\n'


@pytest.fixture
def planned(folder):
    """Return a function that plans a fault on the shipped sputter bench, and returns its file."""

    def file(fault, chamber="sputter", more=""):
        path = folder / "benches" / "sputter.toml"
        path.write_text(path.read_text() + FAULT.format(of=chamber, fault=fault) + more)
        return path

    return file


def twins_of(path, directory):
    """Return the twins of a bench by name."""
    found, clock = bench(path), VirtualClock()
    try:
        world = make_world(clock.now, 1, found.world, directory)
        for name, entry in found.devices.items():
            set_up_twins(world, name, entry, clock, "boot")
        return {
            name: (entry.station_class.role, world.station(name)) for name, entry in found.devices.items()
        }
    finally:
        clock.close()


def test_a_misspelt_fault_names_the_near_one(planned, told):
    ((key, value, allowed),) = told(bench, planned("arc_strom"))
    assert (key, value) == ("world.chambers.sputter.faults[0].fault", '"arc_strom"')
    assert allowed.startswith('no such fault; did you mean "arc_storm"?; there are ')


def test_a_fault_of_another_machine_is_refused(planned, told):
    ((key, _, allowed),) = told(bench, planned("arc_storm", "evaporator"))
    assert key == "world.chambers.evaporator.faults[0].fault"
    assert "boat_empty" in allowed


def test_a_chamber_that_is_not_there_names_the_near_one(planned, told):
    ((key, _, allowed),) = told(bench, planned("arc_storm", "sputer"))
    assert key == "world.chambers.sputer"
    assert (
        allowed
        == 'no such chamber or furnace; did you mean "sputter"?; there are sputter, evaporator, furnace'
    )


def test_a_fault_of_a_gun_that_is_not_there_is_a_mistake_of_the_bench(planned, tmp_path):
    path = planned("arc_storm", more='of = "gun7"\n')
    with pytest.raises(
        ConfigError, match=r"arc_storm does not befall 'gun7'; it may befall gun1, gun2, gun3"
    ):
        twins_of(path, tmp_path)


def test_the_names_are_those_that_the_twins_know(folder, tmp_path):
    for role, twins in twins_of(folder / "benches" / "sputter.toml", tmp_path).values():
        known = set(twins.faults.faults)
        assert known <= set(FAULTS[role])
        assert role != "SputterSystem" or known == set(FAULTS[role])
