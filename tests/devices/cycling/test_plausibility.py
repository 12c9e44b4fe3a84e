"""What is unlikely to be meant is said by name, and nothing is refused for it."""

import pytest

from devices.cycling.cells import CellSize
from devices.cycling.doubts.seen import FASTEST, Seen
from devices.cycling.plausibility import CASES, plausibility
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from devices.samples import Layer, SampleRef

CELL = CellSize(1.5e-5, 0.036, materials=("LiCoO2", "LiPON", "Li"))
"""10 uAh: 1C is 10 uA."""

LIMITS = CellLimits(2.0, 5.0, 10.0)


def charge(current=1e-6, record=Record(), **ends):  # noqa: B008 - a frozen value
    return Step(ConstantCurrent(current), Until(**(ends or {"voltage_above": 4.2})), record)


def rest(record=Record(), temperature=None, **ends):  # noqa: B008 - a frozen value
    return Step(OpenCircuit(), Until(**ends), record, temperature=temperature)


def hold(volts, **ends):
    return Step(ConstantVoltage(volts), Until(**ends))


def spectrum(last, amplitude=0.01):
    return Step(PotentiostaticImpedance(1e5, last, amplitude))


def sweep(start, end, rate):
    return Step(VoltageRamp(start, end, rate), record=Record(0.01 / rate))


def cases(*steps, cell=CELL, limits=LIMITS):
    """The names of the cases that the last of some steps is."""
    before = steps[-2] if len(steps) > 1 else None
    return {name for name, case in CASES.items() if case(Seen(steps[-1], before, limits, cell))}


ODD = {
    "fast_current": charge(5e-3),
    "slow_current": charge(5e-9),
    "power_of_another_cell": Step(ConstantPower(-5e-3), Until(voltage_below=3.0)),
    "load_of_another_cell": Step(ConstantResistance(2.0), Until(voltage_below=3.0)),
    "charge_of_another_cell": charge(charge=36.0),
    "energy_of_another_cell": charge(energy=36.0),
    "cutoff_at_once": hold(4.2, current_below=1e-3),
    "cutoff_never": hold(4.2, current_below=1e-9),
    "wrong_direction": charge(voltage_below=3.0, duration=60.0, record=Record(1.0)),
    "already_there": (hold(4.3, duration=60.0), charge(voltage_above=4.2)),
    "voltage_of_another_cathode": hold(4.8, duration=60.0),
    "sweep_of_another_cathode": sweep(3.0, 4.9, 1e-3),
    "fast_sweep": sweep(3.0, 4.2, 1.0),
    "slow_sweep": sweep(3.0, 4.2, 1e-6),
    "endless_rest": rest(voltage_rate_below=1e-12),
    "end_at_rest": rest(duration=60.0, charge=1e-3),
    "many_rows": rest(Record(1e-3), duration=1e5),
    "few_rows": charge(duration=60.0),
    "long_spectrum": spectrum(1e-4),
    "loud_spectrum": spectrum(1.0, 0.5),
    "temperature_of_another_cell": rest(temperature=573.15, duration=60.0),
}

NARROW = {
    "limit_at_the_end": (charge(voltage_above=4.2), CellLimits(2.9, 4.202, 1e-3)),
    "limit_at_the_current": (charge(1e-5), CellLimits(2.9, 4.3, 1e-5)),
}

FINE = {
    "a charge and a hold": (charge(), hold(4.2, current_below=1e-6)),
    "a hold that is bounded": hold(4.2, current_below=1e-9, duration=3600.0),
    "a slow current for a time": charge(5e-9, duration=3600.0),
    "a charge after a hold at rest": (hold(3.0, duration=60.0), charge(voltage_above=4.2)),
    "a discharge": charge(-1e-4, voltage_below=3.0),
    "a power": Step(ConstantPower(-5e-6), Until(voltage_below=3.0)),
    "a load": Step(ConstantResistance(2e6), Until(voltage_below=3.0)),
    "a half charge": charge(charge=0.018),
    "an energy": charge(energy=0.1),
    "a voltammogram": sweep(3.0, 4.25, 1e-3),
    "a rest": rest(voltage_rate_below=1e-4 / 60),
    "a rest of a year": rest(duration=3e7, record=Record(3600.0)),
    "a pulse that is recorded": charge(1e-4, duration=10.0, record=Record(1.0)),
    "a pulse with changes": charge(1e-4, duration=10.0, record=Record(10.0, 5e-3)),
    "a spectrum": spectrum(0.1),
    "a galvanostatic spectrum": Step(GalvanostaticImpedance(1e5, 0.1, 1e-6)),
    "a warm rest": rest(temperature=333.15, duration=60.0),
}


def as_steps(odd):
    return odd if isinstance(odd, tuple) else (odd,)


def test_every_case_is_tried():
    assert {*ODD, *NARROW, "lithium_at_an_end", "over_discharge", "voltage_of_another_electrolyte"} == set(
        CASES
    )


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (charge(voltage_above=4.3), "4.3 V is 0.40 V beyond the 3.9 V up to which LiSiPON"),
        (hold(4.0, duration=60.0), "4 V is 0.10 V beyond"),
        (sweep(3.5, 4.2, 1e-3), "4.2 V is 0.30 V beyond"),
        (charge(voltage_above=3.9), ""),
    ],
)
def test_a_voltage_that_the_electrolyte_does_not_bear_is_doubted_with_the_number(step, said):
    cell = CellSize(
        1.5e-5, 0.036, materials=("LiMn2O4", "LiSiPON", "Li"), window=(3.5, 4.3), stable=(0.0, 3.9)
    )
    found = CASES["voltage_of_another_electrolyte"](Seen(step, None, LIMITS, cell))
    assert said in found
    assert bool(found) == bool(said)


def test_lipon_is_known_to_five_volts_and_windows_are_those_against_the_cells_own_anode():
    lithium = CellSize(1.5e-5, 0.036, materials=("LiCoPO4", "LiPON", "Li"), window=(4.3, 5.1))
    assert cases(charge(voltage_above=5.1), cell=lithium, limits=CellLimits(4.0, 5.3, 10.0)) == {
        "voltage_of_another_electrolyte"
    }
    host = CellSize(1.5e-5, 0.036, materials=("LiMn2O4", "LiPON", "Li4Ti5O12"), window=(3.5, 4.3), anode=1.6)
    assert cases(charge(-1e-6, voltage_below=1.9), cell=host, limits=CellLimits(1.0, 5.0, 10.0)) == set()
    assert cases(charge(voltage_above=2.7), cell=host, limits=CellLimits(1.0, 5.0, 10.0)) == set()
    assert cases(charge(voltage_above=3.0), cell=host, limits=CellLimits(1.0, 5.0, 10.0)) == {
        "voltage_of_another_cathode"
    }


def test_a_discharge_of_all_its_lithium_is_doubted_where_there_is_no_anode():
    bare = CellSize(1.5e-5, 0.036, materials=("LiCoO2", "LiPON", "Cu"), anodeless=True)
    over = charge(-1e-6, duration=40000.0)
    assert cases(over, cell=bare) == {"lithium_at_an_end"}
    assert cases(over) == set()
    assert cases(charge(-1e-6, duration=3600.0), cell=bare) == set()
    assert cases(charge(-1e-6, voltage_below=3.0), cell=bare) == set()


@pytest.mark.parametrize(
    "step", [charge(-1e-6, voltage_below=1.0), hold(1.0, duration=60.0), sweep(3.0, 1.0, 1e-3)]
)
def test_an_anodeless_cell_below_its_window_is_said_to_have_no_lithium_left(step):
    bare = CellSize(1.5e-5, 0.036, materials=("LiCoO2", "LiPON", "Cu"), window=(3.0, 4.25), anodeless=True)
    said = CASES["over_discharge"](Seen(step, None, LIMITS, bare))
    assert said.startswith(
        "1 V is below 3 V, to which LiCoO2 is discharged: the cell has no lithium but what"
    )
    assert "voltage_of_another_cathode" not in cases(step, cell=bare)
    assert "over_discharge" not in cases(step)


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_that_case_and_no_other(name):
    assert cases(*as_steps(ODD[name])) == {name}


@pytest.mark.parametrize("name", NARROW)
def test_a_limit_that_a_step_itself_reaches_is_doubted(name):
    step, limits = NARROW[name]
    assert cases(step, limits=limits) == {name}
    assert cases(step, limits=CellLimits(2.9, 4.3, 1e-3)) == set()


@pytest.mark.parametrize("name", FINE)
def test_what_people_do_is_not_doubted(name):
    assert cases(*as_steps(FINE[name])) == set()


def test_a_charge_that_a_limit_cuts_off_is_doubted():
    limits = CellLimits(2.9, 4.3, 1e-3, charge_max=0.01)
    assert cases(charge(charge=0.02), limits=limits) == {"limit_at_the_end"}


def doubts(*steps, cell=CELL, **more):
    return plausibility(Program("p", steps, LIMITS, **more), cell)


@pytest.mark.parametrize("unit", [1e-3, 1.0])
def test_milliamperes_where_microamperes_were_meant_are_doubted(unit):
    (doubt,) = doubts(charge(5.0 * unit))
    assert doubt.startswith("step 0: ")
    assert "uA, not mA" in doubt


@pytest.mark.parametrize("rate", [0.01, 0.5, 10.0, FASTEST])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_currents_that_films_bear_are_not_doubted(rate, sign):
    end = {"voltage_above" if sign > 0 else "voltage_below": 4.2}
    assert doubts(charge(sign * rate * 0.036 / 3600 * 0.999, **end)) == []


def test_of_an_unknown_film_only_what_needs_no_film_is_doubted():
    unknown = CellSize(1.5e-5)
    assert doubts(charge(1.0), cell=unknown) == []
    for name in ("wrong_direction", "fast_sweep", "endless_rest", "many_rows", "long_spectrum"):
        assert cases(*as_steps(ODD[name]), cell=unknown) == {name}


def test_the_materials_are_the_samples():
    layers = (Layer("Al", 1e-4), Layer("LiCoO2", 1e-6))
    sample = SampleRef("s", layers, (Layer("LiPON", 1e-6), Layer("Li", 2e-6)))
    assert CellSize.of(sample).materials == ("LiCoO2", "LiPON", "Li")
    (doubt,) = plausibility(
        Program("p", (rest(temperature=460.0, duration=60.0),), LIMITS), CellSize.of(sample)
    )
    assert "LiPON" in doubt


def test_c_rates_of_another_cell_are_told():
    told = doubts(rest(duration=60.0), rates_on=CellSize(1e-5, 3.6, basis="sample.capacity_mAh in p.json"))
    assert told == [
        "its C-rates are those of 1 mAh (sample.capacity_mAh in p.json), and the film should hold 10 uAh"
    ]
    assert doubts(rest(duration=60.0), rates_on=CellSize(1e-5, 0.037)) == []
