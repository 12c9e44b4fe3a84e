"""A night that was interrupted in good order and is gone on with: nothing again, and what cannot be known is told."""

import threading

from labctl import Run


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
    for uid in told.states["both-0"].runs:
        assert Run(uid, data, alone=True).stop["exit_status"] == "abort"


def test_a_cell_whose_instrument_died_with_its_host_fails_with_words_and_the_night_goes_on(conduct, write):
    path = write("cycle-0", {"experiment": "cycle-0", "name": "long-0"}, {"experiment": "flash-1"})
    first = interrupted(conduct, path)
    if not first.states["cycle-0"].runs or first.state("cycle-0") == "done":
        return
    told = conduct(path)
    assert told.state("cycle-0") == "failed"
    assert "InterlockError" in told.states["cycle-0"].reason
    assert told.state("flash-1") == "done"
