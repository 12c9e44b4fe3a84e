"""What to do next about a refusal, by its cause: for the prompt and for commands."""

from __future__ import annotations

from devices.errors import InterlockError

STEPS: tuple[tuple[str, str], ...] = (
    (
        " is a cell; ",
        "this film was made a cell before: give a new film an `id` of its own in a file of samples/, or begin anew in"
        " another data folder with --data",
    ),
    (
        ", which is known to bear ",
        "a cathode is annealed before its electrolyte is put on: give a new film an `id` of its own in a file of"
        " samples/, or begin anew in another data folder with --data",
    ),
    (
        "was cut off: the last row of its run",
        "`labctl account DEVICE --bench BENCH` says the same from the command line; an experiment with plan ="
        ' "finish_deposition" (of an evaporator "finish_evaporation"), its sample, its recipe and its run puts the'
        " rest on it",
    ),
    (
        " is no cell yet",
        "have the cell built first: the plan assemble_then_cycle builds it on the film as it is, anneal_then_cycle"
        " flashes the film before",
    ),
)
"""What a refusal says, and what is to be done about it."""


def next_step(error: BaseException) -> str:
    """Return what to do about a refused action, empty where its cause asks for nothing of its own."""
    if not isinstance(error, InterlockError):
        return ""
    return next((step for said, step in STEPS if said in str(error)), "")
