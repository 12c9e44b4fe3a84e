"""What a night tells while it goes on: read again, it is where every item stands, whenever the process died."""

import random

import pytest

from labctl.journal.records import NEW
from labctl.night.chronicle import OVER, Chronicle, happenings, states_of

NAMES = ("a", "b", "c")


def happen(chronicle, chance, number):
    """Tell one happening made up at random."""
    what = chance.choice(
        ["listed", "started", "run", "waiting", "asks", *OVER, "added", "removed", "ordered"]
    )
    item = "" if what in ("listed", "ordered") else chance.choice(NAMES)
    if what == "removed" and item not in chronicle.states:
        return
    more = {
        "listed": {"hashes": dict.fromkeys(chance.sample(NAMES, 2), "")},
        "started": {"experiment": f"e{number}", "attempt": 1},
        "run": {"uid": f"u{number}"},
        "waiting": {"reason": "so", "failed": chance.random() < 0.5},
    }
    chronicle.tell(float(number), what, item, **more.get(what, {"reason": f"r{number}"}))


@pytest.mark.parametrize("seed", range(30))
def test_a_chronicle_read_again_is_the_state_in_which_it_was_left(tmp_path, seed):
    chance, number = random.Random(seed), 0
    for _ in range(chance.randint(1, 4)):
        chronicle = Chronicle(tmp_path, {"night": "n"})
        assert chronicle.states == states_of(tmp_path)
        for _ in range(chance.randint(0, 12)):
            number += 1
            happen(chronicle, chance, number)
            assert chronicle.states == states_of(tmp_path)
        left = chronicle.states
        chronicle.close()
    assert states_of(tmp_path) == left


def test_a_torn_tail_costs_nothing_that_was_told_and_the_next_process_goes_on_in_a_file_of_its_own(tmp_path):
    first = Chronicle(tmp_path, {"night": "n"})
    first.tell(1.0, "started", "a", experiment="e", attempt=1)
    first.close()
    with (tmp_path / "1.jnl").open("ab") as file:
        file.write(b"0000001f 1234")
    (tmp_path / f"2.jnl{NEW}").write_bytes(b"half")
    second = Chronicle(tmp_path, {"night": "n"})
    second.tell(2.0, "done", "a")
    second.close()
    assert [told["what"] for told in happenings(tmp_path)] == ["started", "done"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.jnl", "2.jnl"]


def test_every_listed_item_is_known_before_anything_happened_to_it(tmp_path):
    chronicle = Chronicle(tmp_path, {"night": "n"})
    chronicle.tell(1.0, "listed", hashes={"a": "", "b": ""})
    chronicle.close()
    assert {name: state.state for name, state in states_of(tmp_path).items()} == {
        "a": "waiting",
        "b": "waiting",
    }
