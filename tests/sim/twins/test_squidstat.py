"""The Squidstat twin through its library, as a vendor's program sees it; charges are the cell's own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from sim.twins import squidstat_solver
from sim.twins.squidstat import SquidstatTwin
from sim.twins.squidstat_elements import EXACT
from tests.support.cells import CELL, CURRENT, Foil


@dataclass
class Heard:
    """What a program's slots were told."""

    elements: list[tuple[int, str, int, int]] = field(default_factory=list)
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)
    points: list[Any] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


def cycle_twice(library: Any, heard: Heard, channel: int = 0) -> None:
    """Rest, then charge and discharge twice; written as the vendor's examples are."""
    tracker = library.AisDeviceTracker.Instance()
    experiment = library.AisExperiment()
    assert experiment.appendElement(library.AisOpenCircuitElement(60, 10))
    charge = library.AisConstantCurrentElement(CURRENT, 60, 36000)
    charge.setMaxVoltage(4.2)
    discharge = library.AisConstantCurrentElement(-CURRENT, 60, 36000)
    discharge.setMinVoltage(3.0)
    cycle = library.AisExperiment()
    assert cycle.appendElement(charge, 1)
    assert cycle.appendElement(discharge, 1)
    assert experiment.appendSubExperiment(cycle, 2)

    def start(device_name: str) -> None:
        handler = tracker.getInstrumentHandler(device_name)
        handler.activeDCDataReady.connect(
            lambda channel, data: heard.rows.append(
                (data.timestamp, data.workingElectrodeVoltage, data.current, data.temperature)
            )
        )
        handler.experimentNewElementStarting.connect(
            lambda channel, node: heard.elements.append((channel, node.stepName, node.stepNumber, node.cycle))
        )
        handler.experimentStopped.connect(lambda channel, reason: heard.stopped.append(reason))
        handler.deviceError.connect(lambda channel, text: heard.errors.append(text))
        for error in (
            handler.uploadExperimentToChannel(channel, experiment),
            handler.startUploadedExperiment(channel),
        ):
            heard.answers.append(error.value())

    tracker.newDeviceConnected.connect(start)
    error = tracker.connectToDeviceOnComPort("/dev/ttyACM0")
    assert error.value() == library.AisErrorCode.Success, error.message()


def connected(twin: SquidstatTwin) -> Any:
    """Return the handler of a connected twin."""
    tracker = twin.library.AisDeviceTracker.Instance()
    assert tracker.connectToDeviceOnComPort(twin.port).value() == 0
    return tracker.getInstrumentHandler(twin.device_name)


def listening(twin: SquidstatTwin) -> tuple[Any, Heard]:
    """Return a handler and what it will say."""
    handler, heard = connected(twin), Heard()
    handler.activeDCDataReady.connect(
        lambda channel, data: heard.rows.append(
            (data.timestamp, data.workingElectrodeVoltage, data.current, data.temperature)
        )
    )
    handler.activeACDataReady.connect(lambda channel, data: heard.points.append(data))
    handler.experimentNewElementStarting.connect(
        lambda channel, node: heard.elements.append((channel, node.stepName, node.stepNumber, node.cycle))
    )
    handler.experimentStopped.connect(lambda channel, reason: heard.stopped.append(reason))
    handler.deviceError.connect(lambda channel, text: heard.errors.append(text))
    return handler, heard


def run(twin: SquidstatTwin, *moments: float) -> None:
    """Look at the twin at each moment."""
    for moment in moments:
        twin.advance(moment)
        twin.deliver()


def single(twin: SquidstatTwin, element: Any, channel: int = 0) -> Any:
    """Return an experiment of one element."""
    experiment = twin.library.AisExperiment()
    experiment.appendElement(element)
    return experiment


def test_a_program_in_the_vendors_style_runs_unchanged() -> None:
    twin, heard, foil = SquidstatTwin(), Heard(), Foil()
    twin.wire_cell(0, foil)
    cycle_twice(twin.library, heard)
    run(twin, 0.0, 1e5)
    assert heard.answers == [0, 0]
    assert [each[1:] for each in heard.elements] == [
        ("Open Circuit Potential", 1, 1),
        ("Constant Current, Advanced", 2, 1),
        ("Constant Current, Advanced", 3, 1),
        ("Constant Current, Advanced", 2, 1),
        ("Constant Current, Advanced", 3, 1),
    ]
    assert heard.stopped == ["Experiment completed"]
    assert not heard.errors
    assert not connected(twin).isChannelBusy(0)


def test_the_charge_is_that_of_the_cell_called_alone() -> None:
    twin, heard, foil = SquidstatTwin(accuracy=EXACT), Heard(), Foil()
    twin.wire_cell(0, foil)
    cycle_twice(twin.library, heard)
    run(twin, 0.0, 1e5)
    state = CELL.current_step(CELL.fresh(), 0.0, 60.0).state
    for _ in range(2):
        state = CELL.current_step(state, CURRENT, 36000.0, upper=4.2, lower=-10.0).state
        state = CELL.current_step(state, -CURRENT, 36000.0, lower=3.0, upper=10.0).state
    assert foil.state.charge == pytest.approx(state.charge, rel=1e-12, abs=0.0)
    assert np.asarray(foil.state.lithium) == pytest.approx(np.asarray(state.lithium), rel=1e-9)
    assert twin.charges == [(0, pytest.approx(state.charge, abs=1e-12))]
    times, _, currents, _ = np.array(heard.rows).T
    assert np.trapezoid(currents, times) == pytest.approx(state.charge, abs=1e-9 * 0.31)


def test_looking_changes_neither_rows_nor_cell() -> None:
    outcomes = []
    for moments in ((1e5,), tuple(np.linspace(0.0, 1e5, 4003)), (0.0, 12.3456, 12.3457, 800.0, 1e5)):
        twin, heard, foil = SquidstatTwin(seed=3), Heard(), Foil()
        twin.wire_cell(0, foil)
        cycle_twice(twin.library, heard)
        run(twin, 0.0)
        for moment in moments:
            run(twin, moment)
            twin.settle()
        outcomes.append((heard.rows, heard.elements, foil.state.charge, twin.log))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_rows_lie_on_the_instruments_grid() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    twin.advance(7.0)
    experiment = single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 35))
    handler.uploadExperimentToChannel(0, experiment)
    handler.startUploadedExperiment(0)
    run(twin, 50.0)
    assert [row[0] for row in heard.rows] == pytest.approx([0.0, 10.0, 20.0, 30.0, 35.0])
    assert [row[2] for row in heard.rows] == pytest.approx([CURRENT] * 5)


def test_a_voltage_difference_overrides_the_interval() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    element = twin.library.AisConstantCurrentElement(CURRENT, 1, 600)
    element.setMinSamplingVoltageDifference(0.01)
    handler.uploadExperimentToChannel(0, single(twin, element))
    handler.startUploadedExperiment(0)
    run(twin, 1000.0)
    steps = np.abs(np.diff([row[1] for row in heard.rows]))
    assert len(heard.rows) < 100
    assert steps[:-1] == pytest.approx(0.01, rel=1e-6)


def test_noise_has_the_stated_size_and_its_seed() -> None:
    def rest(seed: int) -> list[tuple[float, float, float, float]]:
        twin = SquidstatTwin(seed=seed)
        handler, heard = listening(twin)
        twin.wire_cell(1, Foil())
        handler.uploadExperimentToChannel(1, single(twin, twin.library.AisOpenCircuitElement(3600, 1)))
        handler.startUploadedExperiment(1)
        run(twin, 4000.0)
        return heard.rows

    first = np.array(rest(1))
    assert rest(1) == rest(1)
    assert rest(1) != rest(2)
    quantisation = 20.0 / 2**20 / math.sqrt(12)
    assert np.std(first[2000:, 1]) == pytest.approx(math.hypot(20e-6, quantisation), rel=0.2)
    assert np.mean(first[:, 3]) == pytest.approx(25.0, abs=0.01)


@pytest.mark.parametrize(
    ("setter", "limit", "word"),
    [
        ("setChannelMaximumVoltage", 4.0, "maximum voltage"),
        ("setChannelMinimumVoltage", 3.0, "minimum voltage"),
        ("setChannelMaximumCurrent", 0.5 * CURRENT, "maximum current"),
        ("setChannelMinimumCurrent", -0.5 * CURRENT, "minimum current"),
    ],
)
def test_a_safety_limit_opens_the_cell_within_a_sample_and_is_named(
    setter: str, limit: float, word: str
) -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    foil = Foil()
    if "Minimum" in setter:
        foil.state = CELL.current_step(foil.state, CURRENT, math.inf, upper=4.2).state
    twin.wire_cell(0, foil)
    assert getattr(handler, setter)(0, limit).value() == 0
    current = -CURRENT if "Minimum" in setter else CURRENT
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(current, 10, 36000))
    )
    assert handler.startUploadedExperiment(0).value() == 0
    run(twin, 36000.0)
    assert len(heard.stopped) == 1
    assert word in heard.stopped[0]
    assert not handler.isChannelBusy(0)
    if "Voltage" in setter:
        assert heard.rows[-1][1] == pytest.approx(limit, abs=1e-6)
    else:
        assert heard.rows[-1][0] <= 1e-3 + 1e-12


def test_a_stop_takes_a_last_row_and_leaves_the_cell_where_it_was() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    foil = Foil()
    twin.wire_cell(0, foil)
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 36000))
    )
    handler.startUploadedExperiment(0)
    run(twin, 123.4)
    assert handler.stopExperiment(0).value() == 0
    twin.deliver()
    assert heard.rows[-1][0] == pytest.approx(123.4)
    assert heard.stopped == ["Experiment stopped manually"]
    assert foil.state.charge == pytest.approx(CURRENT * 123.4, rel=1e-12, abs=0.0)
    assert handler.stopExperiment(0).value() == 105


def test_an_open_lead_runs_to_the_rail_and_trips_the_limit() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    foil = Foil()
    twin.wire_cell(0, foil)
    handler.setChannelMaximumVoltage(0, 4.3)
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 36000))
    )
    handler.startUploadedExperiment(0)
    run(twin, 100.0)
    twin.wire_cell(0, None)
    run(twin, 100.0)
    assert "maximum voltage" in heard.stopped[0]
    assert heard.rows[-1][1:3] == (pytest.approx(10.0, abs=1e-3), 0.0)
    assert foil.state.charge == pytest.approx(100 * CURRENT, rel=1e-12, abs=0.0)


def test_a_film_that_carries_no_more_ends_at_its_limit() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    handler.setChannelMinimumVoltage(0, 1.0)
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(-CURRENT, 10, 36000))
    )
    handler.startUploadedExperiment(0)
    run(twin, 36000.0)
    assert "minimum voltage limit of 1 V" in heard.stopped[0]
    assert heard.rows[-1][1] == pytest.approx(1.0)


def test_without_any_limit_the_rail_is_an_error() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(-CURRENT, 10, 36000))
    )
    handler.startUploadedExperiment(0)
    run(twin, 36000.0)
    assert heard.errors == heard.stopped
    assert "Overload" in heard.errors[0]


def test_settling_shows_the_cell_in_the_middle_of_an_element() -> None:
    twin = SquidstatTwin()
    handler, _ = listening(twin)
    foil = Foil()
    twin.wire_cell(0, foil)
    handler.uploadExperimentToChannel(
        0, single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 36000))
    )
    handler.startUploadedExperiment(0)
    run(twin, 50.0)
    twin.settle()
    assert foil.state.charge == pytest.approx(50 * CURRENT, rel=1e-12, abs=0.0)
    run(twin, 80.0)
    handler.stopExperiment(0)
    assert foil.state.charge == pytest.approx(80 * CURRENT, rel=1e-12, abs=0.0)


def test_calls_answer_with_the_vendors_codes() -> None:
    twin = SquidstatTwin(channels=2)
    tracker = twin.library.AisDeviceTracker.Instance()
    assert tracker.connectToDeviceOnComPort("/dev/ttyACM7").value() == 1
    assert tracker.getInstrumentHandler("Plus2000").startUploadedExperiment(0).value() == 13
    handler = connected(twin)
    assert handler.getNumberOfChannels() == 2
    good = single(twin, twin.library.AisOpenCircuitElement(10, 1))
    assert handler.uploadExperimentToChannel(2, good).value() == 10
    assert handler.startUploadedExperiment(0).value() == 52
    assert handler.uploadExperimentToChannel(0, twin.library.AisExperiment()).value() == 53
    for bad in (
        twin.library.AisOpenCircuitElement(10, 0),
        twin.library.AisOpenCircuitElement(math.nan, 1),
        twin.library.AisConstantCurrentElement(2.0, 1, 10),
    ):
        assert handler.uploadExperimentToChannel(0, single(twin, bad)).value() == 54
    assert handler.setChannelMaximumVoltage(0, math.nan).value() == 54
    assert handler.uploadExperimentToChannel(0, good).value() == 0
    assert handler.startUploadedExperiment(0).value() == 0
    assert handler.isChannelBusy(0)
    assert not handler.isChannelBusy(1)
    assert not handler.isChannelBusy(9)
    assert handler.uploadExperimentToChannel(0, good).value() == 11
    assert handler.startUploadedExperiment(0).value() == 11


def test_repeats_are_refused_below_one_and_clamped_as_the_header_says() -> None:
    library = SquidstatTwin().library
    experiment, element = library.AisExperiment(), library.AisOpenCircuitElement(1, 1)
    assert not experiment.appendElement(element, 0)
    assert experiment.appendElement(element, 70000)
    assert experiment.nodes[0][1] == 65535


def test_slots_may_call_the_library() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    again = single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 30))

    def restart(channel: int, reason: str) -> None:
        if len(heard.stopped) < 3:
            handler.uploadExperimentToChannel(channel, again)
            handler.startUploadedExperiment(channel)

    handler.experimentStopped.connect(restart)
    restart(0, "")
    run(twin, *np.arange(0.0, 200.0, 1.0))
    assert len(heard.stopped) == 3


def start(handler: Any, experiment: Any, channel: int = 0) -> None:
    """Upload and start."""
    assert handler.uploadExperimentToChannel(channel, experiment).value() == 0
    assert handler.startUploadedExperiment(channel).value() == 0


def of(library: Any, *elements: Any) -> Any:
    """Return an experiment of some elements."""
    experiment = library.AisExperiment()
    for element in elements:
        assert experiment.appendElement(element)
    return experiment


def everything(library: Any) -> Any:
    """Return an experiment with every kind of element."""
    hold = library.AisConstantPotElement(0.1, 5, 60)
    hold.setVoltageVsOCP(True)
    hold.setMindIdt(1e-12)
    power = library.AisConstantPowerElement(-3e-4, 100, 7)
    power.setMaxCurrent(1e-3)
    load = library.AisConstantResistanceElement(5e4, 100, 7)
    load.setMinVoltage(2.0)
    sweep = library.AisDCPotentialSweepElement(0, -0.05, 1e-3, 1)
    sweep.setStartVoltageVsOCP(True)
    sweep.setEndVoltageVsOCP(True)
    spectrum = library.AisEISPotentiostaticElement(1000, 1, 5, 0, 0.01)
    spectrum.setBiasVoltageVsOCP(True)
    return of(
        library,
        library.AisConstantCurrentElement(CURRENT, 10, 1000),
        hold,
        power,
        load,
        sweep,
        library.AisDCCurrentSweepElement(0, 1e-4, 1e-6, 1),
        spectrum,
        library.AisEISGalvanostaticElement(10, 0.1, 3, 1e-5, 1e-6),
        library.AisOpenCircuitElement(100, 10),
    )


def test_looking_changes_nothing_of_any_element() -> None:
    outcomes = []
    for moments in ((1e4,), (*np.linspace(0.0, 2000.0, 801), 1e4)):
        twin, foil = SquidstatTwin(seed=3), Foil()
        handler, heard = listening(twin)
        twin.wire_cell(0, foil)
        start(handler, everything(twin.library))
        for moment in moments:
            run(twin, moment)
            twin.settle()
        assert heard.stopped == ["Experiment completed"]
        assert len(heard.elements) == 9
        outcomes.append((heard.rows, heard.points, heard.elements, foil.state.charge, twin.log))
    assert outcomes[0] == outcomes[1]


def test_a_long_element_is_solved_in_parts_that_nobody_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    for most in (10_000, 7):
        monkeypatch.setattr(squidstat_solver, "MOST_ROWS", most)
        twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
        handler, heard = listening(twin)
        twin.wire_cell(0, foil)
        hold = twin.library.AisConstantPotElement(4.0, 1, 100)
        hold.setMaxCapacity(0.02)
        charge = twin.library.AisConstantCurrentElement(CURRENT, 10, 1000)
        start(handler, of(twin.library, charge, hold))
        run(twin, 2000.0)
        outcomes.append((np.array(heard.rows), foil.state.charge))
    assert len(outcomes[0][0]) == len(outcomes[1][0]) > 110
    assert outcomes[1][0] == pytest.approx(outcomes[0][0], rel=1e-5, abs=1e-9)
    assert outcomes[1][1] == pytest.approx(outcomes[0][1], rel=1e-9)


def test_voltages_from_open_circuit_are_added_to_it_where_the_element_begins() -> None:
    twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
    foil.state = CELL.current_step(CELL.fresh(), CURRENT, 1000.0).state
    ocp = CELL.voltage(foil.state, 0.0)
    handler, heard = listening(twin)
    twin.wire_cell(0, foil)
    hold = twin.library.AisConstantPotElement(0.02, 5, 60)
    hold.setVoltageVsOCP(True)
    assert hold.isVoltageVsOCP()
    start(handler, single(twin, hold))
    run(twin, 100.0)
    assert [row[1] for row in heard.rows] == pytest.approx([ocp + 0.02] * 13, abs=1e-9)


def test_a_paused_cell_rests_and_goes_on_with_what_was_left() -> None:
    twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
    handler, heard = listening(twin)
    paused: list[int] = []
    handler.experimentPaused.connect(paused.append)
    handler.experimentResumed.connect(lambda channel: paused.append(-1 - channel))
    twin.wire_cell(0, foil)
    start(handler, single(twin, twin.library.AisConstantCurrentElement(CURRENT, 10, 100)))
    assert handler.resumeExperiment(0).value() == 104
    run(twin, 33.0)
    assert handler.pauseExperiment(0).value() == 0
    assert (handler.isChannelBusy(0), handler.isChannelPaused(0)) == (True, True)
    assert handler.pauseExperiment(0).value() == 107
    run(twin, 1033.0)
    assert handler.resumeExperiment(0).value() == 0
    run(twin, 5000.0)
    assert paused == [0, -1]
    assert twin.charges == [(0, pytest.approx(100 * CURRENT))]
    state = CELL.current_step(CELL.fresh(), CURRENT, 33.0).state
    state = CELL.current_step(state, 0.0, 1000.0).state
    assert foil.state.charge == pytest.approx(CELL.current_step(state, CURRENT, 67.0).state.charge)
    assert max(np.diff([row[0] for row in heard.rows])) == pytest.approx(1000.0, abs=1e-2)


def test_a_skipped_element_gives_way_to_the_next_and_the_last_to_the_end() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    assert handler.skipExperimentStep(0).value() == 55
    rest = twin.library.AisOpenCircuitElement(1000, 10)
    start(handler, of(twin.library, rest, rest))
    run(twin, 15.0)
    assert handler.skipExperimentStep(0).value() == 0
    run(twin, 30.0)
    assert [each[2] for each in heard.elements] == [1, 2]
    assert handler.skipExperimentStep(0).value() == 0
    run(twin, 30.0)
    assert heard.stopped == ["Experiment completed"]
    assert [row[0] for row in heard.rows] == pytest.approx([0.0, 10.0, 15.0, 15.0, 25.0, 30.0])


def test_channels_are_free_or_busy_and_never_linked() -> None:
    twin = SquidstatTwin(channels=3, epoch=1.75e9)
    handler, _ = listening(twin)
    assert handler.getFreeChannels() == [0, 1, 2]
    run(twin, 5.0)
    start(handler, single(twin, twin.library.AisOpenCircuitElement(10, 1)), channel=1)
    assert handler.getFreeChannels() == [0, 2]
    assert handler.getExperimentUTCStartTime(1) == pytest.approx(1.75e9 + 5.0)
    assert handler.setLinkedChannels([0, 2]) == handler.setBipolarLinkedChannels([0, 1]) == -1
    assert handler.getLinkedChannels(0) == []
    assert not handler.hasBipolarMode(0)


def test_idle_samples_are_the_resting_cells_voltage_until_something_is_uploaded() -> None:
    twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
    handler, _ = listening(twin)
    idle: list[Any] = []
    handler.idleDCDataReady.connect(
        lambda channel, data: idle.append((channel, data.workingElectrodeVoltage))
    )
    twin.wire_cell(3, foil)
    assert handler.startIdleSampling(3).value() == 0
    run(twin, 1e5)
    assert [channel for channel, _ in idle] == [3, 3, 3]
    assert idle[0][1] == pytest.approx(CELL.voltage(CELL.fresh(), 0.0), abs=1e-6)
    rest = single(twin, twin.library.AisOpenCircuitElement(10, 1))
    assert handler.uploadExperimentToChannel(3, rest).value() == 0
    assert handler.startIdleSampling(3).value() == 56
    assert handler.startUploadedExperiment(3).value() == 0
    assert handler.startIdleSampling(3).value() == 11
    assert handler.startIdleSampling(7).value() == 10


def test_manual_mode_drives_until_it_is_stopped() -> None:
    twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
    handler, heard = listening(twin)
    twin.wire_cell(0, foil)
    assert handler.setManualModeOCP(0).value() == 51
    assert handler.startManualExperiment(0).value() == 0
    assert handler.startManualExperiment(0).value() == 11
    assert handler.setManualModeConstantVoltage(0, 20.0).value() == 102
    assert handler.setManualModeConstantCurrent(0, 3.0).value() == 110
    assert handler.setManualModeSamplingInterval(0, 0.0).value() == 112
    assert handler.setManualModeCurrentRange(0, 9).value() == 101
    assert handler.getManualModeCurrentRangeList(0)[2] == (-1e-4, 1e-4)
    run(twin, 5.0)
    for answer in (
        handler.setManualModeCurrentRange(0, 2),
        handler.setManualModeSamplingInterval(0, 2.0),
        handler.setManualModeConstantCurrent(0, CURRENT),
    ):
        assert answer.value() == 0
    run(twin, 25.0)
    assert handler.setManualModeCurrentAutorange(0).value() == 0
    assert handler.setManualModeOCP(0).value() == 0
    run(twin, 100.0)
    assert handler.stopExperiment(0).value() == 0
    run(twin, 101.0)
    assert twin.charges == [(0, pytest.approx(20.0 * CURRENT))]
    assert [row[2] for row in heard.rows if 6.0 < row[0] < 25.0] == pytest.approx([CURRENT] * 9, abs=1e-12)


def test_setters_read_back_and_start_from_the_headers_defaults() -> None:
    library = SquidstatTwin().library
    current = library.AisConstantCurrentElement(1e-3, 1, 60)
    assert (current.getCurrent(), current.getSamplingInterval(), current.getMaxDuration()) == (
        1e-3,
        1.0,
        60.0,
    )
    assert (current.getMaxVoltage(), current.getMinVoltage()) == (math.inf, -math.inf)
    assert (current.getMaxCapacity(), current.isAutoRange()) == (math.inf, True)
    current.setApproxMaxCurrent(1e-2)
    assert (current.getApproxMaxCurrent(), current.isAutoRange()) == (1e-2, False)
    current.setAutoRange()
    assert current.isAutoRange()
    power = library.AisConstantPowerElement(1.0, 60, 1)
    assert (power.getPower(), power.getMaxDuration(), power.getSamplingInterval()) == (1.0, 60.0, 1.0)
    assert (power.getMaxCurrent(), power.getMinCurrent()) == (math.inf, 0.0)
    sweep = library.AisDCPotentialSweepElement(0, 1, 0.1, 1)
    assert (sweep.getScanRate(), sweep.isStartVoltageVsOCP(), sweep.getAlphaFactor()) == (0.1, False, 75.0)
    experiment = library.AisExperiment()
    assert (experiment.getExperimentName(), experiment.getDescription()) == (
        "Custom Experiment",
        "Not Defined",
    )
    with pytest.raises(TypeError, match="current, interval, duration"):
        library.AisConstantCurrentElement(1e-3, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda library: library.AisConstantPotElement(11.0, 1, 10),
        lambda library: library.AisConstantPowerElement(20.0, 10, 1),
        lambda library: library.AisConstantResistanceElement(0.0, 10, 1),
        lambda library: library.AisDCPotentialSweepElement(1.0, 1.0, 0.1, 1),
        lambda library: library.AisDCPotentialSweepElement(0.0, 1.0, -0.1, 1),
        lambda library: library.AisDCCurrentSweepElement(0.0, 2.0, 0.1, 1),
        lambda library: library.AisEISPotentiostaticElement(1e9, 1, 10, 0, 0.01),
        lambda library: library.AisEISPotentiostaticElement(1e3, 1, 10, 0, 0),
        lambda library: library.AisEISGalvanostaticElement(1e3, 1, 0, 0, 1e-3),
        lambda library: library.AisEISGalvanostaticElement(1e3, 1, 10, 1.0, 0.5),
    ],
)
def test_what_no_channel_can_do_is_an_invalid_parameter(make: Any) -> None:
    twin = SquidstatTwin()
    handler, _ = listening(twin)
    assert handler.uploadExperimentToChannel(0, single(twin, make(twin.library))).value() == 54


@pytest.mark.parametrize(
    ("make", "volts", "end"),
    [
        (lambda library: library.AisConstantPotElement(3.0, 1, 5), 3.0, "completed"),
        (lambda library: library.AisConstantPowerElement(-1e-3, 5, 1), -10.0, "compliance"),
        (lambda library: library.AisConstantResistanceElement(1e3, 5, 1), 0.0, "completed"),
        (lambda library: library.AisDCPotentialSweepElement(0.0, 1.0, 0.1, 1), 1.0, "completed"),
        (lambda library: library.AisDCCurrentSweepElement(1e-6, 1e-3, 1e-4, 1), 10.0, "compliance"),
    ],
)
def test_open_leads_carry_no_current(make: Any, volts: float, end: str) -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    start(handler, single(twin, make(twin.library)))
    run(twin, 100.0)
    assert end in heard.stopped[0]
    assert heard.rows[-1][1] == pytest.approx(volts, abs=1e-9)
    assert {row[2] for row in heard.rows} == {0.0}


def test_a_spectrum_of_open_leads_is_that_of_a_little_capacitance() -> None:
    twin = SquidstatTwin(accuracy=EXACT)
    handler, heard = listening(twin)
    start(handler, single(twin, twin.library.AisEISPotentiostaticElement(1e4, 1e2, 1, 0, 0.01)))
    run(twin, 100.0)
    for point in heard.points:
        assert point.absoluteImpedance == pytest.approx(1 / (2 * math.pi * point.frequency * 1e-11), rel=1e-3)
        assert point.phaseAngle == pytest.approx(-90.0, abs=0.1)
        assert point.numberOfCycles == pytest.approx(0.1 * point.frequency)
        assert point.voltageAmplitude == 0.01


def test_a_limit_of_one_sign_leaves_the_other_alone() -> None:
    twin, foil = SquidstatTwin(accuracy=EXACT), Foil()
    foil.state = CELL.current_step(foil.state, CURRENT, 2000.0).state
    handler, heard = listening(twin)
    twin.wire_cell(0, foil)
    handler.setChannelMaximumCurrent(0, 1e-5)
    start(handler, single(twin, twin.library.AisConstantCurrentElement(-CURRENT, 10, 50)))
    run(twin, 100.0)
    start(handler, single(twin, twin.library.AisConstantPotElement(4.2, 1, 50)))
    run(twin, 200.0)
    assert heard.stopped == ["Experiment completed", "Channel maximum current limit of 1e-05 A exceeded"]


def test_a_channel_too_warm_opens_the_cell() -> None:
    twin = SquidstatTwin()
    handler, heard = listening(twin)
    twin.wire_cell(0, Foil())
    assert handler.setChannelMaximumTemperature(0, 20.0).value() == 0
    start(handler, single(twin, twin.library.AisOpenCircuitElement(10, 1)))
    run(twin, 1.0)
    assert "temperature" in heard.stopped[0]


def test_without_the_link_calls_fail_and_what_was_kept_is_said_on_connecting_until_it_is_erased() -> None:
    twin, recovered = SquidstatTwin(accuracy=EXACT), []
    handler, heard = listening(twin)
    lost: list[Any] = []
    erased: list[bool] = []
    handler.deviceDisconnected.connect(lambda: lost.append("handler"))
    twin.library.AisDeviceTracker.deviceDisconnected.connect(lost.append)
    handler.recoveryDCDataReady.connect(lambda channel, data: recovered.append(data.timestamp))
    handler.recoverDataErased.connect(erased.append)
    start(handler, single(twin, twin.library.AisOpenCircuitElement(100, 10)))
    run(twin, 25.0)
    twin.unplug()
    run(twin, 55.0)
    assert lost == ["handler", "Plus2000"]
    assert handler.stopExperiment(0).value() == 13
    assert handler.getNumberOfChannels() == -1
    assert not handler.isChannelBusy(0)
    tracker = twin.library.AisDeviceTracker
    assert tracker.connectToDeviceOnComPort(twin.port).value() == 1
    twin.replug()
    assert tracker.connectAllPluggedInDevices() == 1
    assert tracker.connectAllPluggedInDevices() == 0
    run(twin, 65.0)
    assert recovered == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert [row[0] for row in heard.rows] == [0.0, 10.0, 20.0, 60.0]
    assert handler.eraseRecoverData().value() == 0
    run(twin, 66.0)
    assert erased == [True]
    assert handler.isChannelBusy(0)
    assert [event for _, event, _ in twin.log][-4:] == ["unplugged", "replugged", "linked", "memory"]


def test_a_slot_may_take_fewer_arguments_and_be_taken_off() -> None:
    twin = SquidstatTwin()
    handler, _ = listening(twin)
    heard: list[Any] = []
    slot = heard.append
    handler.experimentStopped.connect(lambda: slot("stopped"))
    handler.experimentStopped.connect(slot)
    handler.experimentStopped.disconnect(slot)
    with pytest.raises(RuntimeError):
        handler.experimentStopped.disconnect(slot)
    start(handler, single(twin, twin.library.AisOpenCircuitElement(1, 1)))
    run(twin, 2.0)
    assert heard == ["stopped"]


def test_a_touch_costs_what_is_due_and_not_what_there_is() -> None:
    calls = []
    twin = SquidstatTwin(channels=64)
    handler, _ = listening(twin)
    for channel in range(64):
        interval = 1.0 if channel == 5 else 1000.0
        rest = single(twin, twin.library.AisOpenCircuitElement(5000.0, interval))
        start(handler, rest, channel)
    for channel in twin._channels:
        original = channel.advance
        channel.advance = lambda now, of=channel.number, go=original: (calls.append(of), go(now))[1]  # type: ignore
    run(twin, *np.arange(1.0, 900.0))
    assert set(calls) == {5}
