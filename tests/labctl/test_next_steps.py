"""What to do next goes by the cause."""

from devices.errors import DataError, InterlockError
from labctl.next_steps import next_step


def test_a_cell_and_a_film_ask_for_different_things():
    assert "--data" in next_step(InterlockError("prediction", "a is a cell; it does not belong there"))
    assert "assemble_then_cycle" in next_step(InterlockError("sample", "a is no cell yet: nothing is on it"))
    covered = "a has 1.00 um LiPON, which is known to bear 250 degC; it is to be heated to 520 degC"
    assert "--data" in next_step(InterlockError("sample", covered))
    cut = "the last film of sputter, LiCoO2 on a, was cut off: the last row of its run says at how much"
    assert "labctl account" in next_step(InterlockError("sample", cut))
    assert next_step(InterlockError("door", "the door is open")) == ""
    assert next_step(DataError("a is a cell; but no interlock")) == ""
