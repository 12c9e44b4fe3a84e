"""A night that was interrupted in good order and is gone on with: nothing again, and what cannot be known is told."""

import threading

from labctl import Run
from labctl.journal.records import read_records


def interrupted(conduct, path):
    """Interrupt a night at its first look."""
    ends = []

    def at_look(conductor):
        if not ends:
            ends.append(threading.Thread(target=conductor.end, args=("SIGTERM",)))
            ends[0].start()

    told = conduct(path, at_look=at_look)
    ends[0].join()
    return told


def test_what_was_interrupted_waits_and_its_runs_are_closed(conduct, write, data):
    told = interrupted(conduct, write("both-0", {"experiment": "cycle-1", "after": ["both-0"]}))
    assert (told.state("both-0"), told.state("cycle-1")) == ("waiting", "waiting")
    assert told.states["both-0"].reason == "SIGTERM"
    assert told.states["cycle-1"].runs == []
    ends = [Run(uid, data, alone=True).stop["exit_status"] for uid in told.states["both-0"].runs]
    # The signal comes at any moment, after the anneal too; what came before it stands as it ended.
    assert set(ends[:-1]) <= {"success"}
    assert set(ends[-1:]) <= {"success", "abort"}


def test_a_program_whose_instrument_died_with_its_host_goes_on_where_it_stood(conduct, write, data):
    path = write("cycle-0", "cycle-1")
    first = interrupted(conduct, path)
    told = conduct(path)
    assert {state.state for state in told.states.values()} == {"done"}, told.said
    for name in ("cycle-0", "cycle-1"):
        if first.state(name) == "waiting" and first.states[name].runs:
            chain = Run(told.states[name].runs[-1], data).table()
            assert chain["record"].tolist() == list(range(1, len(chain["record"]) + 1))


def test_a_program_that_was_through_when_its_host_died_is_done_and_not_begun_again(
    conduct, write, data, broken_off
):
    (uid,) = conduct(write("cycle-0"), night="first").states["cycle-0"].runs
    rows = len(Run(uid, data).table()["record"])
    (journal,) = (data / "runs").glob(f"*/*/*{uid}*.jnl")
    *_, stop = read_records(journal)
    assert stop.payload[0] == "stop"
    with journal.open("r+b") as file:
        file.truncate(stop.offset)
    broken_off("cycle-0", uid=uid)
    told = conduct(write("cycle-0"))
    assert told.state("cycle-0") == "done", told.said
    assert told.states["cycle-0"].runs == [uid]
    assert Run(uid, data).stop["exit_status"] != "success"
    assert len(Run(uid, data).table()["record"]) == rows
