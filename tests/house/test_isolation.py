"""Several channels cycle at once: what befalls one leaves the others' rows as they are without it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.recipes import to_json
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

SAMPLES = tuple(
    SampleRef(
        id=f"cell-{number}",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    for number in range(3)
)
EVERY = Record(interval=5.0)
PROGRAM = Program(
    "p",
    (
        Step(ConstantCurrent(2e-5), Until(duration=600.0, voltage_above=4.2), EVERY),
        Step(OpenCircuit(), Until(duration=100.0), EVERY),
        Step(ConstantCurrent(-1e-5), Until(duration=600.0, voltage_below=3.0), EVERY),
    ),
    CellLimits(2.9, 4.35, 1e-4),
)
FAILS = 200.0
"""Seconds of the bench's time from the first start to the fault."""


def cycled(open_lab: Any, config: Any, data: Any, fault: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Cycle three cells at once; return what each measured and how it ended. fault(lab) befalls the first."""
    bench = config / "benches" / "virtual.toml"
    text = bench.read_text()
    if "channels = 3" not in text:
        head = '[devices.potentiostat]\nclass = "PotentiostatStation"\n'
        assert head in text
        bench.write_text(text.replace(head, head + "channels = 3\n"))
    folder = data / "bench" / "virtual" / "samples"
    folder.mkdir(parents=True)
    for sample in SAMPLES:
        foil, pulse = Foil(to_json(sample), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
        for number in range(20):
            foil.flash(2.5 * number, pulse)
        (folder / f"{sample.id}.json").write_text(json.dumps(foil.to_dict()))
    lab = open_lab("virtual", config=config, data=data)
    for sample in SAMPLES:
        lab.wait(lab.hands.set(Assemble(sample)))
    stations = [getattr(lab, f"potentiostat_{number}") for number in range(3)]
    works = [
        lab.start(lab.plans.cycle(station, sample, PROGRAM))
        for station, sample in zip(stations, SAMPLES, strict=True)
    ]

    def fail() -> Any:
        yield FAILS
        fault(lab)

    lab.clock.spawn("fault", fail(), lambda error: pytest.fail(str(error)))
    while not all(work.done for work in works):
        lab.clock.sleep(20.0)
    runs = {run.start["sample"]["id"]: run for run in map(Run, sorted((data / "runs").glob("*/*/*.jnl")))}
    ended = [str(runs[sample.id].stop["exit_status"]) for sample in SAMPLES]
    return [runs[sample.id].table() for sample in SAMPLES], ended


def lead_off(lab: Any) -> None:
    """Let a lead fall off the first cell."""
    lab.twins.touch("potentiostat_0")
    lab.twins.station("potentiostat_0").squidstat.wire_cell(0, None)


def test_a_lead_that_falls_off_one_channel_leaves_the_others_untouched(
    open_lab: Any, config: Any, tmp_path: Any
) -> None:
    whole, ended = cycled(open_lab, config, tmp_path / "whole", lambda lab: None)
    assert ended == ["success"] * 3
    broken, ended = cycled(open_lab, config, tmp_path / "broken", lead_off)
    assert ended[0] != "success"
    assert ended[1:] == ["success"] * 2
    assert len(broken[0]["test_time"]) < len(whole[0]["test_time"])
    for alone, beside in zip(whole[1:], broken[1:], strict=True):
        for name in ("test_time", "voltage", "current", "charge", "step_count"):
            assert np.array_equal(alone[name], beside[name], equal_nan=True), name
