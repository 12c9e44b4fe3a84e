"""Two processes on one data directory: journals never mix, and the living are left alone."""

import fcntl
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from devices.errors import OwnershipError
from labctl.journal.records import RecordFile, has_writer, read_records, remove_dead
from labctl.journal.recovery import recover
from labctl.journal.verify import verify_run
from tests.labctl.journal.conftest import House

ROOT = Path(__file__).parents[3]

OTHER = """
    import sys
    from pathlib import Path
    from tests.labctl.journal.conftest import House

    house = House(Path(sys.argv[1]), boot="other")
    house.begin()
    print(house.uid, flush=True)
    for line in sys.stdin:
        house.measure(int(line)).collect()
        print("collected", flush=True)
    house.end().close()
"""


class Other:
    """A house in another process."""

    def __init__(self, data):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", textwrap.dedent(OTHER), str(data)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.uid = self.process.stdout.readline().strip()

    def measure(self, rows):
        self.process.stdin.write(f"{rows}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "collected\n"

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def other(house):
    made = Other(house.data)
    yield made
    if made.process.poll() is None:
        made.kill()


def test_two_processes_write_side_by_side_and_each_journal_is_whole(house, other, rows_of):
    house.begin()
    for _ in range(5):
        other.measure(4)
        house.measure(3).collect()
    house.end()
    other.end()
    assert recover(house.data) == []
    counts = {}
    for path in (house.data / "runs").glob("*/*/*.jnl"):
        assert verify_run(path).complaints == ()
        counts[path.stem] = len(rows_of(path)["primary"])
    assert counts == {house.uid: 15, other.uid: 20}


def test_a_run_of_a_living_process_is_not_recovered_and_that_of_a_dead_one_is(house, other):
    other.measure(4)
    (path,) = (house.data / "runs").glob("*/*/*.jnl")
    assert has_writer(path)
    assert recover(house.data) == []
    other.kill()
    (report,) = recover(house.data)
    assert report.uid == other.uid
    assert verify_run(path).good


def test_a_file_that_is_swept_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    real, new = fcntl.flock, tmp_path / "x.jnl.new"

    def slow(descriptor, how):
        if how == fcntl.LOCK_EX and not swept:
            swept.append(new)
            remove_dead(new)
        real(descriptor, how)

    swept = []
    monkeypatch.setattr(fcntl, "flock", slow)
    file = RecordFile(tmp_path / "x.jnl", {})
    file.close()
    assert swept
    assert [record.kind for record in read_records(file.path)] == ["H"]


def test_a_file_that_another_process_writes_cannot_be_taken(house, other):
    (path,) = (house.data / "runs").glob("*/*/*.jnl")
    with pytest.raises(OwnershipError, match="another process"):
        RecordFile.resumed(path)
    with pytest.raises(FileExistsError):
        RecordFile(path, {})
    other.end()
    assert next(record.kind for record in read_records(path)) == "H"


def test_two_recoveries_at_once_make_one_end(tmp_path, house):
    house.begin().measure(5)
    dead = house.died(tmp_path / "dead")
    command = "from pathlib import Path; from labctl.journal.recovery import recover;"
    command += f" print(len(recover(Path({str(dead)!r}))))"
    recoveries = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", command],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    done = [int(each.communicate(timeout=30)[0]) for each in recoveries]
    assert sum(done) == 1
    (path,) = (dead / "runs").glob("*/*/*.jnl")
    assert verify_run(path).complaints == ()


def test_a_house_of_its_own_leaves_no_thread(tmp_path):
    made = House(tmp_path / "data")
    made.begin().measure(1)
    made.close()
    assert not made.keeper._thread.is_alive()
