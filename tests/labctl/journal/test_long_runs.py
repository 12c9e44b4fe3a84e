"""Long runs: memory stays flat while they are written, and a file that may grow no further loses nothing it took."""

import errno
import os
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import pytest

from labctl.journal.documents import read_ends
from labctl.journal.recovery import recover
from labctl.journal.verify import verify_run

ROOT = Path(__file__).parents[3]

PAGE = 1000
"""Rows between two collects."""

FLAT = 1_000_000
"""Bytes by which what is held may differ between an early and a late page; a page itself holds half of it."""


@pytest.mark.parametrize("rows", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)
def test_memory_is_flat_while_rows_are_written(house, rows):
    house.begin()
    house.streams["primary"].spool = None  # each spooled row alone is one write(), which holds nothing
    made = [(1e9 + n, {"voltage": n / 7, "record": n, "word": "x"}) for n in range(PAGE)]

    def page():
        for time, row in made:
            house.streams["primary"].append(time, row)
        house.collect()

    for _ in range(3):
        page()
    tracemalloc.start()
    for _ in range(2):
        page()
    early = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in range(rows // PAGE):
        page()
    late = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert late[0] - early[0] < FLAT
    assert late[1] - early[1] < FLAT


LIMITED = """
    import resource, sys
    from pathlib import Path
    from tests.labctl.journal.conftest import House

    house = House(Path(sys.argv[1]))
    house.begin()
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
    kept = spooled = 0
    try:
        while True:
            house.measure(1)
            spooled = house.streams["primary"].rows_in
            if spooled % 5 == 0:
                house.collect()
                kept = spooled
    except OSError as error:
        print(error.errno, spooled, kept, flush=True)
    import os
    os._exit(0)
"""


def test_a_file_that_may_grow_no_further_keeps_all_that_it_took(tmp_path, rows_of):
    data = tmp_path / "data"
    said = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(LIMITED), str(data)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    number, spooled, kept = map(int, said.split())
    assert number in (errno.EFBIG, errno.ENOSPC)
    assert spooled >= kept > 0
    recover(data)
    (path,) = (data / "runs").glob("*/*/*.jnl")
    assert read_ends(path)[1] is not None
    assert verify_run(path).complaints == ()
    assert [row["record"] for _, row in rows_of(path)["primary"]][:spooled] == list(range(spooled))
