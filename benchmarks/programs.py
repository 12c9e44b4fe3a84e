"""Time `labctl check` on programs: 100 of them, read, put on a cell, expanded, estimated, asked of a driver.

    python benchmarks/programs.py [--count 100]

Prints the seconds of the wall for all of them, with and without the first use of the unit registry.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from labctl.config.folder import Config
from labctl.language.export import FORMATS
from labctl.program_check import find_program, program_on, size_of, tell_programs

SAMPLE = "lco-0.7um"


def many(count: int, folder: Path) -> list[Path]:
    """Write so many programs, no two alike: the shipped ones as text, with a step of its own each."""
    names, cell = Config().names("program"), size_of(SAMPLE)
    paths = []
    for number in range(count):
        name = names[number % len(names)]
        text = FORMATS["text"](program_on(find_program(name), cell, name), cell)
        path = folder / f"p{number}.txt"
        path.write_text(f"{text}Charge at {number + 1} nA until 4.{number:03d} V\n")
        paths.append(path)
    return paths


def seconds(paths: Sequence[Path], bench: str) -> float:
    """Return how long it takes to tell them."""
    began = time.perf_counter()
    told = list(tell_programs(paths, sample=SAMPLE, bench=bench))
    assert len(told) == len(paths)
    return time.perf_counter() - began


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shipped = [Config().path("program", name) for name in Config().names("program")]
        print(f"{len(shipped)} shipped programs, the first time: {seconds(shipped, ''):.2f} s")
        print(f"{len(shipped)} shipped programs again: {seconds(shipped, ''):.3f} s")
        paths = many(arguments.count, Path(folder))
        print(f"{arguments.count} programs: {seconds(paths, ''):.2f} s")
        print(
            f"{len(shipped)} shipped programs and a bench's driver, the first time: {seconds(shipped, 'twin'):.2f} s"
        )
        print(f"{arguments.count} programs and a bench's driver: {seconds(paths, 'twin'):.2f} s")


if __name__ == "__main__":
    main()
