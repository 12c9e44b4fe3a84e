"""How long the shell takes to be ready, beside a bare IPython with the same libraries; %lab; what viewers cost a run.

Pairs are run one after the other and compared by the processor's time, which other work on the machine does not
change; the median of the ratios is told. `python benchmarks/shell.py` prints three numbers.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, thread_time

PAIRS = 5
READY = "import os; os._exit(0)"
"""Typed in both as the first thing: what follows is not getting ready."""

BARE = ("-m", "IPython", "-c", f"import bluesky, ophyd, matplotlib; {READY}")
EVENTS = 100_000
ROOT = Path(__file__).parents[1]


def processor_time(arguments: Sequence[str]) -> float:
    """Return the seconds of processor that a Python takes from its beginning to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ready(folder: Path) -> None:
    """Compare the shell, opened and left, with the bare one."""
    shell = ("-P", "-m", "labctl", "shell", "--data", str(folder), "-c", f"lamp.name; {READY}")
    # Both once before: what is compiled is kept.
    processor_time(shell)
    processor_time(BARE)
    pairs = [(processor_time(shell), processor_time(BARE)) for _ in range(PAIRS)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    ours, bare = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"shell ready: {ours:.2f} s of processor, bare {bare:.2f} s, ratio {ratio:.2f}")


def lab_line(folder: Path) -> None:
    """Time %lab with a dead device present."""
    from labctl.session import open_session
    from labctl.shell.overview import in_words, overview

    bench = (ROOT / "config" / "benches" / "twin.toml").read_text()
    dead = (
        '\n[devices.far]\nclass = "PotentiostatStation"\n[devices.far.parts.channels]\n'
        'driver = "palmsens_emstat4"\naddress = "socket://127.0.0.1:9"\n'
    )
    text = bench.replace('kind = "virtual"\npace = "none"', 'kind = "wall"')
    (folder / "dead.toml").write_text(text.replace("\n[world]", f"{dead}\n[world]"))
    with open_session(str(folder / "dead.toml"), data=folder / "dead", start_with_the_rest=True) as lab:
        times = []
        for _ in range(20):
            began = perf_counter()
            told = in_words(overview(folder / "dead", lab))
            times.append(perf_counter() - began)
        print(told)
        print(
            f"%lab with a dead device: {1e3 * statistics.median(times):.2f} ms, at the most {1e3 * max(times):.2f} ms"
        )


def viewers() -> None:
    """Time what an event costs the engine's thread with a screen that draws, and with one that is dead."""
    from labctl.live.screen import Screen

    describe = {
        "uid": "d",
        "run_start": "r",
        "name": "primary",
        "data_keys": {"voltage": {"dtype": "number", "shape": []}},
    }
    for name in ("draws", "is dead"):
        with Path(os.devnull).open("w") as nowhere:
            screen = Screen(dict, perf_counter, out=nowhere)
            if name == "is dead":
                screen.close()
            with screen.during(None):
                screen("start", {"uid": "r", "time": 0.0, "purpose": "cycle"})
                screen("descriptor", describe)
                began = thread_time()
                for number in range(EVENTS):
                    screen("event", {"descriptor": "d", "seq_num": number, "data": {"voltage": 4.0}})
                spent = thread_time() - began
            screen.close()
        print(f"an event for a screen that {name}: {1e6 * spent / EVENTS:.2f} us")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        ready(Path(made))
        lab_line(Path(made))
        viewers()
