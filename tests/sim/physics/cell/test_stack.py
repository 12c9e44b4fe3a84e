"""Layers in parallel: equal ones share equally, unequal ones as their resistance and capacity say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Ageing, Cell, CellError, CellParameters, EndReason
from sim.physics.cell.control import Current, Power, Record, RequestError, Until, Voltage
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.stack import ParallelStack

AREA, CURRENT = 1.5e-4, 1.3e-4


def layer(**changes: object) -> CellParameters:
    return replace(cathode.cell_on(graded_edges(1.2e-6, 30), 2e-14, area=AREA), **changes)


def discharge(layers):
    """Return the charge each layer gives [C], and the segment, after a charge with a hold."""
    stack = ParallelStack(layers)
    states = stack.step(stack.fresh(), Current(6 * CURRENT), Until(upper=4.25)).states
    states = stack.step(states, Voltage(4.25), Until(smallest_current=0.3 * CURRENT)).states
    until, record = Until(lower=3.0), Record(interval=20.0)
    segment = stack.step(states, Current(-6 * CURRENT), until, record)
    given = [before.charge - after.charge for before, after in zip(states, segment.states, strict=True)]
    return np.array(given), segment


def test_equal_layers_share_equally_and_do_what_one_cell_does() -> None:
    given, segment = discharge([layer()] * 6)
    assert segment.layer_current == pytest.approx(
        np.outer(segment.current, np.full(6, 1 / 6)), rel=1e-12, abs=0.0
    )
    cell = Cell(layer())
    state = cell.current_step(cell.fresh(), CURRENT, math.inf, upper=4.25).state
    state = cell.step(state, Voltage(4.25), Until(smallest_current=0.05 * CURRENT)).state
    alone = cell.current_step(state, -CURRENT, math.inf, lower=3.0)
    assert given == pytest.approx(-alone.charge[-1], rel=1e-7)
    assert segment.energy[-1] == pytest.approx(6 * alone.energy[-1], rel=1e-7)
    assert segment.end is EndReason.LOWER_VOLTAGE
    assert segment.voltage[-1] == pytest.approx(3.0, abs=1e-6)


def test_currents_add_up_to_round_off() -> None:
    _, segment = discharge([layer(contact_resistance=0.03), *[layer()] * 5])
    assert np.max(np.abs(segment.layer_current.sum(axis=1) - segment.current)) < 1e-13 * 6 * CURRENT
    assert segment.current == pytest.approx(-6 * CURRENT, rel=1e-9)


def test_layer_behind_a_resistance_starts_behind_and_ends_ahead() -> None:
    given, segment = discharge([layer(contact_resistance=0.03), *[layer()] * 5])
    share = segment.layer_current[:, 0] / -CURRENT
    assert share[0] < 0.7
    assert share[-1] > 1.5
    assert given[0] < 0.99 * given[1]


def test_layer_with_less_film_gives_as_much_less() -> None:
    given, _ = discharge([layer(active_share=(0.85 * 0.985,) * 30), *[layer()] * 5])
    assert given[0] / given[1] == pytest.approx(0.85, abs=0.01)


def thick(**changes: object) -> CellParameters:
    """Return a layer of 10 um, as an anodeless cell has."""
    return replace(cathode.cell_on(graded_edges(10e-6, 30), 3e-14, area=AREA), **changes)


def given_by(layers, hours: float):
    """Return the charge [C] that layers give from 4.25 V at rest, and the segment, with 1 % of time a row."""
    stack = ParallelStack(layers)
    full = float(cathode.LITHIUM_COBALT_OXIDE.lithium(4.25))
    states = tuple(replace(state, lithium=(full,) * 30) for state in stack.fresh())
    sites = sum(each.site_charge * each.active_share[0] * each.thickness * AREA for each in layers[1:])
    current = (1.0 - full) * sites / 5.0 * 6.0 / (3600.0 * hours)
    segment = stack.step(states, Current(-current), Until(lower=3.0), Record(interval=36.0 * hours))
    return np.array([a.charge - b.charge for a, b in zip(states, segment.states, strict=True)]), segment


def test_layer_behind_300_ohm_cm2_gives_15_percent_less_at_five_hours() -> None:
    given, segment = given_by([thick(contact_resistance=0.03), *[thick()] * 5], hours=5.0)
    share = 6.0 * segment.layer_current[:, 0] / segment.current
    assert given[0] / given[1:].mean() - 1.0 == pytest.approx(-0.15, abs=0.01)
    assert share[1] == pytest.approx(0.6, abs=0.05)
    assert share[-1] > 2.6


def test_first_instant_shares_by_the_resistances() -> None:
    layers = [layer(contact_resistance=0.03), *[layer()] * 5]
    stack = ParallelStack(layers)
    states = tuple(replace(state, lithium=(0.6,) * 30) for state in stack.fresh())
    segment = stack.step(states, Current(-6e-8), Until(duration=1e-9), Record())
    alone = [Cell(each) for each in layers[:2]]
    drop = [cell.voltage(states[0], 0.0) - cell.voltage(states[0], -1e-8) for cell in alone]
    assert segment.layer_current[0, 0] / segment.layer_current[0, 1] == pytest.approx(
        drop[1] / drop[0], rel=1e-3
    )


def test_layer_with_15_percent_less_film_gives_12_percent_less_where_diffusion_limits() -> None:
    given, _ = given_by([thick(active_share=(0.85 * 0.985,) * 30), *[thick()] * 5], hours=1.0)
    assert given[0] / given[1:].mean() - 1.0 == pytest.approx(-0.12, abs=0.006)


def test_charge_of_every_layer_is_that_of_its_film() -> None:
    layers = [layer(contact_resistance=0.01 * k, leak_resistance=100.0) for k in range(3)]
    stack = ParallelStack(layers)
    before = stack.step(stack.fresh(), Current(CURRENT), Until(upper=4.1)).states
    after = stack.step(before, Voltage(4.1), Until(duration=100.0)).states
    for each, old, new in zip(layers, before, after, strict=True):
        sites = each.site_density * np.diff(each.edges) * each.area
        left = float(sites @ np.subtract(old.lithium, new.lithium))
        assert new.anode_lithium - old.anode_lithium == pytest.approx(left, abs=1e-11 * float(sites.sum()))
        assert new.charge - old.charge == pytest.approx(left + 4.1 / 100.0 * AREA * 100.0, rel=1e-9)


def test_ageing_and_named_ends_reach_the_layers() -> None:
    stack = ParallelStack([layer(ageing=Ageing(resistance_growth=1e-3))] * 2)
    full = tuple(replace(state, lithium=(0.55,) * 30) for state in stack.fresh())
    down = stack.step(full, Current(-2 * CURRENT), Until(duration=600.0)).states
    up = stack.step(down, Current(2 * CURRENT), Until(duration=1.0)).states
    assert down[0].discharged > 0.0
    assert up[0].cycles > 0.0
    ended = stack.step(full, Power(-8e-3), Until())
    assert ended.end is EndReason.MAXIMUM_POWER


def test_bad_stacks_are_refused() -> None:
    with pytest.raises(CellError, match="layer"):
        ParallelStack([])
    stack = ParallelStack([layer()] * 2)
    with pytest.raises(CellError, match="fit"):
        stack.step(stack.fresh()[:1], Current(1e-4), Until(duration=1.0))
    with pytest.raises(RequestError):
        stack.step(stack.fresh(), Voltage(4.0), Until())
    with pytest.raises(CellError, match="meet"):
        stack.step(stack.fresh(), Power(-10.0), Until(duration=1.0))
