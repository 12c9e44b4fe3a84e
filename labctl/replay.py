"""An anneal run seen again: what its recorded pulses did to the film, by the physics, with temperatures over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.belief import pulses_of
from labctl.runs import Run
from sim.foil import COOL_DOWN, NANOSECOND_DIGITS, Surroundings, film_under_lamp
from sim.physics.anneal import AnnealResult, CycleMemo
from sim.physics.lamp import Bank

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Temperatures:
    """Temperatures [K] (n,) of surface, film-foil interface and foil back over time [s] since the first pulse."""

    time: Floats
    surface: Floats
    interface: Floats
    back: Floats


@dataclass(frozen=True)
class Replay:
    """A whole train, its last pulse (time since that pulse began), and what it left in the film."""

    train: Temperatures
    last_pulse: Temperatures
    pulses: int
    result: AnnealResult


def replay(run: Run, bank: Bank | None = None, surroundings: Surroundings | None = None) -> Replay:
    """Replay the pulses an anneal run recorded, on a film that was as made when the run began."""
    believed = surroundings or Surroundings()
    foil = film_under_lamp(tuple(run.start["sample"]["layers"]), believed)
    pulses = list(pulses_of(run, bank or Bank()))
    state, memo = foil.initial(believed.chuck_temperature), CycleMemo()
    parts = []
    ends = [elapsed for elapsed, _ in pulses[1:]] + [pulses[-1][0] + COOL_DOWN]
    for (elapsed, pulse), end in zip(pulses, ends, strict=True):
        state = foil.cycle(state, pulse, round(end - elapsed, NANOSECOND_DIGITS), memo)
        assert memo.last is not None
        history = memo.last.history
        parts.append((elapsed + history.time, history.surface, history.interface, history.back))
    last = parts[-1]
    return Replay(
        train=Temperatures(*(np.concatenate([part[index] for part in parts]) for index in range(4))),
        last_pulse=Temperatures(last[0] - pulses[-1][0], *last[1:]),
        pulses=len(pulses),
        result=foil.result(state),
    )
