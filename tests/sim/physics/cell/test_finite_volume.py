"""The finite-volume engine against the modal one, and what it alone can do."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellError, CellParameters, EndReason
from sim.physics.cell.control import REST, Current, Power, Record, RequestError, Resistance, Until, Voltage
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.finite_volume import FiniteVolumeCell
from sim.physics.cell.finite_volume_stage import Exponential
from sim.physics.cell.impedance import impedance

AREA, THICKNESS = 1e-4, 1.2e-6


def parameters(backward: float = 20.0, **changes: object) -> CellParameters:
    edges = graded_edges(THICKNESS, 40)
    depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
    plain = cathode.cell_on(edges, 2e-14 * backward**-depth, area=AREA)
    return replace(plain, **{"cathode_capacitance": 0.0, "anode_capacitance": 0.0, **changes})


MODAL, VOLUMES = Cell(parameters()), FiniteVolumeCell(parameters(), tolerance=3e-6)
HALF = replace(MODAL.fresh(), lithium=(0.6,) * 40)
FULL = replace(MODAL.fresh(), lithium=(0.5,) * 40)
LAYERED = FiniteVolumeCell(parameters(cathode_capacitance=0.1, anode_capacitance=0.1), tolerance=1e-6)


@pytest.mark.parametrize(
    ("start", "control", "until"),
    [
        (HALF, Current(8.6e-4), Until(upper=4.25)),
        (FULL, Current(-8.6e-4), Until(lower=3.0)),
        (HALF, Voltage(4.2), Until(smallest_current=2e-5)),
        (HALF, Power(8e-4), Until(upper=4.2)),
        (FULL, Power(-1e-3), Until(lower=3.3)),
        (FULL, Resistance(6e3), Until(lower=3.2)),
        (HALF, Voltage(3.9, 1e-3), Until(upper=4.2)),
        (HALF, Current(0.0, 5e-6), Until(upper=4.3)),
        (replace(FULL, lithium=tuple(np.linspace(0.6, 0.5, 40).tolist())), REST, Until(duration=100.0)),
    ],
)
def test_both_engines_agree_within_5e_5(start, control, until) -> None:
    modal, volumes = MODAL.step(start, control, until), VOLUMES.step(start, control, until)
    assert volumes.end is modal.end
    sites = MODAL.site_charge
    assert volumes.charge[-1] == pytest.approx(modal.charge[-1], abs=5e-5 * sites)
    assert volumes.energy[-1] == pytest.approx(modal.energy[-1], abs=5e-5 * 4.0 * sites)
    assert np.max(np.abs(np.subtract(volumes.state.lithium, modal.state.lithium))) < 5e-5


def test_leaks_and_limits_agree_as_well() -> None:
    leaky = parameters(leak_resistance=0.1)
    modal = Cell(leaky).step(HALF, REST, Until(duration=50.0))
    volumes = FiniteVolumeCell(leaky, tolerance=3e-6).step(HALF, REST, Until(duration=50.0))
    assert volumes.voltage[-1] == pytest.approx(modal.voltage[-1], abs=1e-5)
    assert VOLUMES.step(HALF, Power(-0.3), Until(lower=1.0)).end is EndReason.MAXIMUM_POWER
    assert VOLUMES.step(HALF, Current(-2e-2), Until()).end is EndReason.LIMITING_CURRENT


def test_charge_is_that_of_the_film_and_the_double_layers() -> None:
    state = HALF
    program = ((Current(8e-4), 1.0), (REST, 1e-3), (Voltage(4.1), 5.0), (Power(-4e-4), 20.0))
    widths = np.diff(LAYERED.parameters.edges)
    sites = LAYERED.parameters.site_density * widths * AREA

    def drop(state) -> float:
        front = float(cathode.LITHIUM_COBALT_OXIDE.potential(state.lithium[0]))
        return front + state.cathode_overpotential

    for control, duration in program:
        before = state
        segment = LAYERED.step(state, control, Until(duration=duration))
        state = segment.state
        left = float(sites @ np.subtract(before.lithium, state.lithium))
        layer = 0.1 * AREA * (drop(state) - drop(before))
        assert abs(segment.charge[-1] - left - layer) < 1e-9 * LAYERED.site_charge


def test_current_step_charges_the_double_layers_in_their_time() -> None:
    transfer = 0.025692579 / 50.0
    time = transfer * 0.1
    times = (0.01 * time, time, 8.0 * time)
    segment = LAYERED.step(HALF, Current(1e-6), Until(duration=1e-3), Record(times=times))
    start = float(cathode.LITHIUM_COBALT_OXIDE.potential(0.6))
    rise = (segment.voltage - start) / 1e-6 * AREA
    assert rise[0] == pytest.approx(5e-3, rel=1e-3)
    # Anode exactly, cathode with what diffusion adds (below 10 % here).
    expected = 5e-3 + transfer * (1.0 - math.exp(-1.0)) * (1.0 + 1.0 / (2.0 * math.sqrt(0.6 * 0.4)))
    assert rise[2] == pytest.approx(expected, rel=0.02)


@dataclass(frozen=True)
class Sine:
    """Ask for a voltage that swings by an amplitude [V] about a mean [V] at a frequency [Hz]."""

    mean: float
    amplitude: float
    frequency: float

    def residual(self, voltage, current, time):
        """Return what is missing and its derivatives, as every control does."""
        swing = self.amplitude * np.sin(2.0 * np.pi * self.frequency * time)
        return voltage - self.mean - swing, 1.0, 0.0


@pytest.mark.parametrize("steepness", [None, 1.0])
@pytest.mark.parametrize("frequency", [1e-2, 1.0, 1e2, 1e3])
def test_large_engine_under_a_sine_of_5_millivolts_meets_the_spectrum(frequency, steepness) -> None:
    # Its first volume is a tenth of what diffuses in a millisecond; the spectrum alone knows the electrolyte's
    # capacitance, 0.4 % at 1 kHz.
    edges = graded_edges(THICKNESS, 60, 800.0)
    dependence = None if steepness is None else Exponential(steepness)
    parameters = replace(cathode.cell_on(edges, 5e-15, area=AREA), electrolyte_capacitance=0.0)
    cell = FiniteVolumeCell(parameters, dependence, tolerance=1e-6)
    state = replace(cell.fresh(), lithium=(0.6,) * 60)
    times = np.arange(1, 241) / 80.0 / frequency  # three periods of eighty points
    sine = Sine(float(cathode.LITHIUM_COBALT_OXIDE.potential(0.6)), 5e-3, frequency)
    until, record = Until(duration=float(times[-1])), Record(times=tuple(times.tolist()))
    segment = cell.step(state, sine, until, record)
    last = segment.time > 1.999 / frequency
    phase = 2.0 * np.pi * frequency * segment.time[last]
    shapes = np.stack((np.ones_like(phase), phase, np.sin(phase), np.cos(phase)), axis=1)
    rows = np.stack((segment.voltage[last], segment.current[last]), axis=1)
    (swing, flow), (swing_after, flow_after) = np.linalg.lstsq(shapes, rows)[0][2:]
    measured = (swing + 1j * swing_after) / (flow + 1j * flow_after)
    expected = impedance(cell.parameters, state, np.array([frequency]), dependence=dependence)[0]
    assert abs(measured / expected - 1.0) < 3e-3


def test_slow_signal_of_the_large_engine_is_its_impedance() -> None:
    """A ramp of current long on the scale of the double layers meets R, and C = -q / U' at last."""
    slow = FiniteVolumeCell(parameters(backward=1.0), tolerance=1e-6)
    current = 1e-6
    segment = slow.step(HALF, Current(current), Until(duration=400.0), Record(times=(300.0,)))
    slope = np.diff(segment.voltage[-2:])[0] / 100.0
    frequency = np.array([1e-5])
    capacitance = -1.0 / (2.0 * np.pi * frequency * impedance(slow.parameters, HALF, frequency).imag)
    assert current / slope == pytest.approx(float(capacitance[0]), rel=5e-3)


def test_uniform_dependence_changes_nothing_and_a_steep_one_slows_the_full_film() -> None:
    same = FiniteVolumeCell(parameters(), Exponential(1e-12), tolerance=3e-6)
    steep = FiniteVolumeCell(parameters(), Exponential(1.0), tolerance=3e-6)
    control, until = Current(-8.6e-4), Until(lower=3.0)
    plain = VOLUMES.step(FULL, control, until).charge[-1]
    assert same.step(FULL, control, until).charge[-1] == pytest.approx(plain, rel=1e-7)
    assert abs(steep.step(FULL, control, until).charge[-1]) < 0.95 * abs(plain)


def test_rows_lie_where_they_are_asked_for() -> None:
    record = Record(interval=5.0, voltage_change=0.01)
    segment = VOLUMES.step(HALF, Current(8.6e-4), Until(upper=4.2), record)
    regular = np.isin(segment.time, 5.0 * np.arange(100))
    assert np.all(np.diff(segment.time) > 0.0)
    assert np.max(np.abs(np.diff(segment.voltage))) < 0.01 + 1e-6
    assert np.abs(np.diff(segment.voltage))[:-1][~regular[1:-1]] == pytest.approx(0.01, abs=1e-6)
    assert segment.voltage[-1] == pytest.approx(4.2, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("backward", [1.0, 30.0])
def test_engines_agree_over_a_whole_cycle_at_the_default_tolerance(backward: float) -> None:
    cells = (Cell(parameters(backward)), FiniteVolumeCell(parameters(backward)))
    left = [cell.fresh() for cell in cells]
    for control, until in (
        (Current(8.6e-5), Until(upper=4.25)),
        (Voltage(4.25), Until(smallest_current=4.3e-6)),
        (REST, Until(duration=600.0)),
        (Current(-8.6e-4), Until(lower=3.0)),
    ):
        segments = [cell.step(state, control, until) for cell, state in zip(cells, left, strict=True)]
        left = [segment.state for segment in segments]
        assert segments[0].charge[-1] == pytest.approx(
            segments[1].charge[-1], abs=5e-6 * cells[0].site_charge
        )
        assert segments[0].energy[-1] == pytest.approx(
            segments[1].energy[-1], abs=2e-5 * cells[0].site_charge
        )


def test_bad_requests_are_refused() -> None:
    with pytest.raises(RequestError):
        VOLUMES.step(HALF, REST, Until())
    with pytest.raises(CellError, match="volumes"):
        VOLUMES.step(replace(HALF, lithium=(0.5,)), REST, Until(duration=1.0))
    with pytest.raises(CellError, match="film"):
        FiniteVolumeCell(replace(parameters(), diffusivity=(1e-14,)))
