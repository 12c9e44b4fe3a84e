"""How long a night has lasted: since boot on the same one, by labels after a restart; never by a clock that is set."""

import pytest

from labctl.clock.boot import NANO, boot_ns
from labctl.night.chronicle import Chronicle
from labctl.night.process import _elapsed
from labctl.state import boot_id


class Clock:
    """A clock whose label a test sets."""

    def __init__(self, kind, label):
        self.kind, self.label = kind, label

    def time(self):
        return self.label


@pytest.fixture
def begun(tmp_path):
    """Return begun(boot, ago) -> the chronicle of a night that began at label 1000 s, so long [s] ago."""
    made = []

    def begun_(boot, ago):
        folder = tmp_path / str(len(made))
        first = Chronicle(folder, {"night": "n"})
        first.tell(1000.0, "listed", hashes={}, boot=boot, since_boot=boot_ns() / NANO - ago)
        first.close()
        made.append(Chronicle(folder, {"night": "n"}))
        return made[-1]

    yield begun_
    for each in made:
        each.close()


@pytest.mark.parametrize("jump", [-3600.0, 0.0, 3600.0])
def test_on_the_same_boot_it_is_counted_whatever_the_clock_is_set_to(begun, jump):
    assert _elapsed(begun(boot_id(), 500.0), Clock("wall", 1500.0 + jump)) == pytest.approx(500.0, abs=1.0)


def test_after_a_restart_the_labels_tell_and_never_a_time_before_the_begin(begun):
    assert _elapsed(begun("the one before", 1.0), Clock("wall", 1500.0)) == 500.0
    assert _elapsed(begun("the one before", 1.0), Clock("wall", 900.0)) == 0.0


def test_in_virtual_time_the_labels_tell(begun):
    assert _elapsed(begun(boot_id(), 1.0), Clock("virtual", 37000.0)) == 36000.0
