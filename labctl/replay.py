"""An anneal run seen again: what its recorded pulses did to the film, by the physics, with temperatures over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.belief import pulses_of, surroundings_from
from labctl.runs.making import course_of, earlier_anneals
from labctl.runs.run import Run
from labctl.samples.of_run import sample_of_run
from sim.apparatus import bank_from
from sim.physics.anneal.cycles import CycleMemo
from sim.physics.anneal.furnace import in_furnace
from sim.physics.anneal.state import AnnealResult, DepthProfiles
from sim.physics.lamp.bank import Bank, Discharge
from sim.under_lamp import COOL_DOWN, NANOSECOND_DIGITS, Surroundings, film_under_lamp

Floats = NDArray[np.float64]

DEPTH_MOMENTS = (0.05, 0.3, 1.0, 2.0)
"""When temperature over depth is shown, in lengths of the last pulse after its start."""


@dataclass(frozen=True)
class Temperatures:
    """Temperatures [K] (n,) of surface, film-foil interface and foil back over time [s] since the first pulse."""

    time: Floats
    surface: Floats
    interface: Floats
    back: Floats


@dataclass(frozen=True)
class Replay:
    """A whole train, its last pulse (time since that pulse began, over depth too), and what it left in the film.

    elapsed (p,) [s]: when each pulse fell, since the first.
    """

    train: Temperatures
    last_pulse: Temperatures
    last_profiles: DepthProfiles
    elapsed: Floats
    result: AnnealResult

    @property
    def pulses(self) -> int:
        """How many pulses there were."""
        return len(self.elapsed)


def replay(run: Run, before: Sequence[Run] = (), surroundings: Surroundings | None = None) -> Replay:
    """Replay the pulses an anneal run recorded, on a film that had the heat of the runs `before` and was cold again."""
    believed = surroundings or recorded_surroundings(run)
    layers = sample_of_run(run).sample["layers"]
    foil = film_under_lamp(tuple(layers), believed)
    state, memo = foil.initial(believed.start_temperature), CycleMemo()
    for earlier in before:
        if course := course_of(earlier):
            state, memo = in_furnace(foil, state, *np.array(course).T), CycleMemo()
            continue
        train = list(pulses_of(earlier, recorded_bank(earlier)))
        for (elapsed, pulse), end in zip(train, _ends(train), strict=True):
            state = foil.cycle(state, pulse, round(end - elapsed, NANOSECOND_DIGITS), memo)
    pulses = list(pulses_of(run, recorded_bank(run)))
    parts = []
    for (elapsed, pulse), end in zip(pulses, _ends(pulses), strict=True):
        last_start = state
        state = foil.cycle(state, pulse, round(end - elapsed, NANOSECOND_DIGITS), memo)
        assert memo.shown is not None
        history = memo.shown.history
        parts.append((elapsed + history.time, history.surface, history.interface, history.back))
    last, moments = parts[-1], np.array(DEPTH_MOMENTS) * pulses[-1][1].duration
    return Replay(
        train=Temperatures(*(np.concatenate([part[index] for part in parts]) for index in range(4))),
        last_pulse=Temperatures(last[0] - pulses[-1][0], *last[1:]),
        last_profiles=foil.profiles(last_start, pulses[-1][1], moments),
        elapsed=np.array([elapsed for elapsed, _ in pulses]),
        result=foil.result(state),
    )


def replay_in_place(run: Run) -> Replay:
    """Replay a run after the earlier anneals of its sample in the same data folder."""
    return replay(run, earlier_anneals(run))


def recorded_bank(run: Run) -> Bank:
    """Return the bank that a run's start document describes; the twins' own when it says nothing."""
    return bank_from(_built(run))


def recorded_surroundings(run: Run) -> Surroundings:
    """Return where the foil lay, as a run's start document describes it."""
    return surroundings_from(_built(run))


def _built(run: Run) -> Mapping[str, Any]:
    """Return the parameters of the lamp that a run was made with; none where it says nothing."""
    for device in run.start.get("devices", {}).values():
        built = (device.get("parameters") or {}).get("station") or {}
        if "bank_capacitance" in built:
            return dict(built)
    return {}


def _ends(pulses: Sequence[tuple[float, Discharge]]) -> list[float]:
    """Return when each pulse's share of the time ends: with the next pulse, the last when the foil is cold."""
    return [elapsed for elapsed, _ in pulses[1:]] + [pulses[-1][0] + COOL_DOWN]
