"""A lab's transcript played against its driver and its twin: what of it does not hold, in words."""

from __future__ import annotations

import dataclasses
import inspect
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from devices.base import Instrument
from devices.errors import LabError
from devices.ports import Pair, TranscriptPort
from devices.wire import Wire
from labctl.clock.virtual import VirtualClock
from labctl.config.benches import driver_of
from labctl.config.own import join
from sim.singles import twin_class


def play(lab: Path, stem: str) -> list[str]:
    """Play transcripts/<stem>.toml against instruments/<stem>.py, and against twins/<stem>.py however the bytes come.

    Return what does not hold, nothing when all does. Raises ConfigError when a file cannot be read or imported.
    """
    join(lab)
    transcript = tomllib.loads((lab / "transcripts" / f"{stem}.toml").read_text(encoding="utf-8"))
    driver = driver_of(stem, f"instruments/{stem}.py", "")
    found = [*_missing(driver), *_of_driver(driver, transcript)]
    for size in (1, 3, 1000):
        found += _of_twin(stem, transcript, size)
    return list(dict.fromkeys(found))


def _missing(driver: type[Instrument]) -> Iterator[str]:
    if driver.identify is Instrument.identify:
        yield f"{driver.__name__} does not say how to ask it who it is: write identify()"
    if driver.safe is Instrument.safe:
        yield f"{driver.__name__} does not say what is safe: write safe()"


def _of_driver(driver: Any, transcript: Mapping[str, Any]) -> Iterator[str]:
    exchanges = [each for each in transcript["exchange"] if "call" in each]
    clock = VirtualClock(None)
    port = TranscriptPort([pair for each in exchanges for pair in _pairs(each)], clock, "lane")
    wire = Wire(port, clock, name="instrument", lane="lane", sync=driver.sync)
    try:
        device = driver(wire, clock, name="instrument", **transcript.get("driver", {}))
        for exchange in exchanges:
            try:
                given = getattr(device, exchange["call"])(*exchange.get("arguments", []))
            except LabError as error:
                if type(error).__name__ != exchange.get("raises"):
                    yield f"{exchange['says']}: the driver's {exchange['call']} fails: {error}"
                    return
                continue
            if not _same(given, exchange.get("gives")):
                yield f"{exchange['says']}: the driver gives {given!r}, not {exchange.get('gives')!r}"
        try:
            wire.close()
        except LabError as error:
            yield f"the driver said less than the transcript: {error}"
    finally:
        clock.close()


def _of_twin(stem: str, transcript: Mapping[str, Any], size: int) -> Iterator[str]:
    kind = twin_class(stem)
    given = {"rng": np.random.default_rng(0)} if "rng" in inspect.signature(kind).parameters else {}
    twin: Any = kind(**given, **transcript.get("twin", {}))
    now = 0.0
    for exchange in transcript["exchange"]:
        if not exchange.get("twin", True):
            continue
        now += exchange.get("after", 0.0)
        while (due := twin.next_event()) is not None and due <= now:
            twin.advance(due)
            twin.fire_event(due)
        twin.advance(now)
        for pair in _pairs(exchange):
            parts = [pair.request[start : start + size] for start in range(0, len(pair.request), size)]
            answer = b"".join(twin.receive(part, now) for part in parts)
            if answer != pair.reply:
                yield f"{exchange['says']}: to {pair.request!r} the twin answers {answer!r}, not {pair.reply!r}"


def _pairs(exchange: Mapping[str, Any]) -> list[Pair]:
    return [Pair(*(text.encode("latin-1") for text in pair)) for pair in exchange["pairs"]]


def _same(given: Any, wanted: Any) -> bool:
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        given = dataclasses.asdict(given)
    if isinstance(given, float) and isinstance(wanted, float | int):
        return math.isclose(given, wanted, rel_tol=1e-6)
    return bool(given == wanted)
