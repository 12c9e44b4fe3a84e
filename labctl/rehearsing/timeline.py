"""What happens when, read from journals and from what hands did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.how_many import how_many
from labctl.runs.run import Run
from labctl.samples.facts import Facts

FEW = 3
"""Cycles that are told one by one before and after those that are told together."""


@dataclass(frozen=True)
class Span:
    """Something from `began` to `ended`, labels [s since the epoch]."""

    began: float
    ended: float
    what: str


def timeline(data: Path, runs: list[Run], samples: set[str], since: float) -> tuple[Span, ...]:
    """Return what happened in runs, and what hands did to samples since a label [s], in its order."""
    spans = [span for run in runs for span in _of_run(run)]
    spans += [
        Span(fact["time"], fact["time"], f"{sample} {_in_words(fact)}")
        for sample in samples
        for fact in Facts(data).of(sample)
        if fact["time"] >= since and fact["fact"] in ("brought", "assembled")
    ]
    return tuple(sorted(spans, key=lambda span: span.began))


def _in_words(fact: Mapping[str, Any]) -> str:
    return "becomes a cell" if fact["fact"] == "assembled" else f"is brought to {fact['place']}"


def _of_run(run: Run) -> Iterator[Span]:
    began = float(run.start["time"])
    ended = began if run.stop is None else float(run.stop["time"])
    sample = run.start.get("sample")
    on = f" of {sample['id']}" if isinstance(sample, dict) and sample.get("id") else ""
    how = "" if run.stop is None else f": {run.stop['exit_status']}"
    yield Span(began, ended, f"{run.start.get('plan_name', 'run')}{on}{how}")
    table = run.table() if "primary" in run.streams else {}
    if len(table.get("pulse", ())):
        labels = [float(each) for each in run.times("primary")]
        yield Span(began, labels[0], "  the bank is charged")
        yield Span(labels[0], labels[-1], f"  {how_many(len(labels), 'pulse')}")
        yield Span(labels[-1], ended, "  the bank is discharged, the foil cools")
    if "steps" in run.streams:
        yield from _of_steps(run)


def _of_steps(run: Run) -> Iterator[Span]:
    """Yield cycles where there are some, and steps that belong to none."""
    steps, labels = run.table("steps"), run.times("steps")
    if not len(labels):
        return
    zero = float(labels[0] - steps["t_end"][0])
    whole = _capacities(run)
    spans: dict[int, tuple[float, float]] = {}
    for cycle, technique, began, ended in zip(
        steps["cycle"], steps["technique"], steps["t_start"], steps["t_end"], strict=True
    ):
        if int(cycle) in whole:
            first, _ = spans.get(int(cycle), (float(began), 0.0))
            spans[int(cycle)] = (first, float(ended))
        else:
            yield Span(zero + float(began), zero + float(ended), f"  {str(technique).replace('_', ' ')}")
    told = [(cycle, *span) for cycle, span in sorted(spans.items())]
    left_out = told[FEW:-FEW] if len(told) > 2 * FEW + 1 else []
    if left_out:
        text = f"  cycles {left_out[0][0]} to {left_out[-1][0]}"
        yield Span(zero + left_out[0][1], zero + left_out[-1][2], text)
    for each in told:
        if each not in left_out:
            yield Span(zero + each[1], zero + each[2], f"  cycle {each[0]}{whole[each[0]]}")


def _capacities(run: Run) -> dict[int, str]:
    if "cycles" not in run.streams:
        return {}
    table = run.table("cycles", ["cycle", "charge_capacity", "discharge_capacity"])
    return {
        int(cycle): f": {charge * 1e6:.2f} uAh in, {discharge * 1e6:.2f} uAh out"
        for cycle, charge, discharge in zip(*table.values(), strict=True)
    }
