"""What `labctl check` says of a program: every limit it would hit, every doubt, and how long at the most."""

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits
from devices.errors import LimitError
from devices.limits import ChannelLimits
from labctl.language.parser import parse
from labctl.language.report import report, stops

CHANNEL = ChannelLimits(0.0, 5.0, 0.01)
CELL = CellSize(1.5e-5, 0.036, basis="thickness x area")


LIMITS = CellLimits(2.9, 4.3, 1e-3)


def program(text, limits=LIMITS):
    return parse(text, CELL).program("p", limits)


def test_totals_say_that_they_are_bounds():
    lines = list(report(program("(Charge at C/10 until 4.2 V; Discharge at C/10 until 3 V) * 5"), CELL))
    (time,) = [line for line in lines if line.startswith("  time")]
    assert "at most 4.17 days" in time
    assert any("10 +- 0 uAh (thickness x area)" in line for line in lines)
    assert any("5 x  Charge at 1 uA until 4.2 V" in line and "capacity / current" in line for line in lines)


def test_an_exact_time_is_no_bound():
    (time,) = [line for line in report(program("Rest for 90 min"), CELL) if line.startswith("  time")]
    assert time.split() == ["time", "90", "min"]


def test_without_a_capacity_it_says_so_and_tells_no_charge():
    lines = list(report(program("Charge at 1 uA until 4.2 V"), CellSize(1.5e-5)))
    assert any("capacity unknown" in line for line in lines)
    assert not any(line.startswith("  charge") for line in lines)
    assert any("nothing but the cell bounds step 0" in line for line in lines)


def test_every_limit_is_named_at_once():
    wide = program("Charge at 1 mA for 100 h\nRest for 1 h", CellLimits(-1.0, 6.0, 0.02))
    found = stops(wide, CELL, CHANNEL, {})
    assert len(found) == 4
    for words in ("voltage_min = -1 V", "voltage_max = 6 V", "current_max = 0.02 A", "step 0 passes more"):
        assert any(words in line for line in found)


def test_an_instruments_own_refusals_are_named_for_each_step():
    def check(program):
        for index, step in enumerate(program.leaves()):
            if step.until.duration == 1.0:
                raise LimitError(f"meter step {index}", 1.0, "s", 2.0, 9.0)

    found = stops(program("Rest for 1 s; Rest for 5 s; Rest for 1 s"), CELL, None, {"meter": check})
    assert [line.split(" =")[0] for line in found] == ["meter step 0", "meter step 2"]


def test_a_current_that_ends_in_time_hits_no_limit():
    assert stops(program("Charge at 1 uA for 1 h; Charge at 1 mA until 4.2 V"), CELL, CHANNEL, {}) == []


def test_a_charge_limit_that_ends_a_whole_charge_is_named_and_one_behind_it_is_not():
    whole = "Charge at C/2 until 4.2 V\nDischarge at C/2 for 1 h or until 3.0 V\nCharge at C/2 until 3.9 V"
    clipped = stops(program(whole, CellLimits(2.9, 4.3, 1e-3, charge_max=0.020)), CELL, CHANNEL, {})
    assert len(clipped) == 1
    assert clipped[0].startswith("step 0 passes what the film holds, 10 uAh; limits.charge_max = 5.556 uAh")
    assert stops(program(whole, CellLimits(2.9, 4.3, 1e-3, charge_max=0.040)), CELL, CHANNEL, {}) == []
