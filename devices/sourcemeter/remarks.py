"""What a SourceMeter does otherwise than a program says, in words for who runs it."""

from __future__ import annotations

from devices.cycling.presence import HOST_LAPSE
from devices.cycling.programs import Program
from devices.cycling.techniques import ConstantVoltage, VoltageRamp
from devices.cycling.verdict import is_rest
from devices.sourcemeter.abilities import BUFFER_ROWS, LEAST_PERIOD, stairs_remark


def remarks_on(program: Program, model: str) -> tuple[str, ...]:
    """Return what a model does otherwise than the program says."""
    steps = program.leaves()
    slowest = max(max(step.record.interval, LEAST_PERIOD) for step in steps)
    said = [
        "the host steps the program: without it the step under way goes on to its duration (the longest step"
        f" where it has none) or {BUFFER_ROWS} rows, then the output goes off and no further step begins; the"
        f" same when nobody asked for rows for {HOST_LAPSE:g} s",
        "ends are judged on samples: a step may pass its end by one row interval (here up to"
        f" {slowest:g} s), one that ends by voltage by less; voltage and current stay within the cell's limits"
        " meanwhile, and a constant current that reached its voltage is held there",
        "between two steps the output is off for some 100 ms while the cell's voltage is looked at, and behind steps"
        " shorter than a second for up to a second, until the rows of the step before are written down",
    ]
    if program.on_host_loss == "open":
        said.append(
            "it cannot notice that its host is gone: on_host_loss = open opens the cell as soon as nobody asks"
            " only while the host's process lives, else at the end of the step under way"
        )
    if any(isinstance(step.run, ConstantVoltage) for step in steps):
        said.append(
            "a hold that would need more than limits.current_max is driven at that current until it does not"
        )
    if any(is_rest(step) for step in steps):
        said.append(
            "a rest is a source of 0 A: its offset is up to 100 pA"
            if model == "2450"
            else "a rest is a source of 0 A on the 1 uA range: its offset is up to 400 pA"
        )
    said += [
        stairs_remark(index, step) for index, step in enumerate(steps) if isinstance(step.run, VoltageRamp)
    ]
    if any(step.record.voltage_change or step.record.current_change for step in steps):
        said.append("rows come by interval alone, not by a change of voltage or current")
    if any(step.until.voltage_rate_below or step.until.current_rate_below for step in steps):
        said.append("a rate is that over the last interval, or as long as the noise of a row needs")
    return tuple(said)
