"""Every instrument is one stem: a driver, a twin, a transcript; the transcript is played against both."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devices import errors
from devices.base import Instrument
from devices.ports import Pair, TranscriptPort
from devices.wire import Wire
from sim.apparatus import FlashHead
from tests.sim.twins.vacuum_parts import Crystal, Inlet, Rotor, Throttle

ROOT = Path(__file__).parents[3]
TRANSCRIPTS = ROOT / "tests" / "transcripts"

INJECTED: dict[str, Any] = {
    "bank": FlashHead,
    "crystal": Crystal,
    "leads": lambda: SimpleNamespace(
        open_circuit=lambda now: 3.95,
        impedance=lambda frequencies, now: np.full(len(frequencies), 400.0 - 10.0j),
        hold=lambda voltage, now: None,
    ),
    "inlets": lambda: {"Ar": Inlet(), "O2": Inlet()},
    "on_pulse": lambda: lambda time, fired: None,
    "on_gate": lambda: lambda time, width: None,
    "on_loop": lambda: lambda closed, time: None,
    "pressures": lambda: {"ion": lambda: 0.05, "manometer": lambda: 0.05},
    "rng": lambda: np.random.default_rng(0),
    "rotor": Rotor,
    "source": lambda: lambda time: 529.45,
    "sources": lambda: {101: lambda time: 400.0, 102: lambda time: 300.0},
    "rf_load": lambda: SimpleNamespace(
        drive=lambda forward: None,
        reflected=lambda: 0.7,
        bias=lambda: 181.0,
        capacitors=lambda: (0.425, 0.63),
        set_capacitors=lambda load, tune: None,
        automatic=lambda on: None,
    ),
    "dc_load": lambda: SimpleNamespace(drive=lambda power: None, voltage=lambda: 400.0, current=lambda: 0.3),
    "on_relay": lambda: lambda number, on: None,
    "oven": lambda: SimpleNamespace(heat=lambda share: None, temperature=lambda: 529.45),
    "throttle": Throttle,
}
"""What a twin's constructor may ask for by name."""


def classes_of(module: str) -> list[type]:
    """Return the classes that a module itself defines."""
    found = importlib.import_module(module)
    return [each for _, each in inspect.getmembers(found, inspect.isclass) if each.__module__ == module]


def driver_of(stem: str) -> type[Instrument] | None:
    """Return the driver in devices/instruments/<stem>.py, or None."""
    drivers = [each for each in classes_of(f"devices.instruments.{stem}") if issubclass(each, Instrument)]
    assert len(drivers) <= 1, f"{stem}: more than one driver in a file"
    return drivers[0] if drivers else None


def twin_of(stem: str, parameters: dict[str, Any]) -> Any:
    """Build the twin in sim/twins/<stem>.py."""
    twins = [each for each in classes_of(f"sim.twins.{stem}") if hasattr(each, "next_event")]
    assert len(twins) == 1, f"{stem}: one twin per file, found {twins}"
    wanted = inspect.signature(twins[0]).parameters
    injected = {name: make() for name, make in INJECTED.items() if name in wanted}
    return twins[0](**injected, **parameters)


def transcript_of(stem: str) -> dict[str, Any]:
    """Read a transcript."""
    return tomllib.loads((TRANSCRIPTS / f"{stem}.toml").read_text())


def pairs_of(exchange: dict[str, Any]) -> list[Pair]:
    """Return the byte pairs of one exchange."""
    return [Pair(*(text.encode("latin-1") for text in pair)) for pair in exchange["pairs"]]


MODULES = sorted(
    path.stem for path in (ROOT / "devices" / "instruments").glob("*.py") if path.stem != "__init__"
)
STEMS = [stem for stem in MODULES if driver_of(stem)]
RECORDED = sorted(path.stem for path in TRANSCRIPTS.glob("*.toml"))
SPEAKING = [
    stem for stem in RECORDED if any(hasattr(each, "receive") for each in classes_of(f"sim.twins.{stem}"))
]
"""Stems whose twin answers bytes itself; the others stand behind a bridge."""


@pytest.mark.parametrize("stem", sorted({*STEMS, *RECORDED}))
def test_each_stem_has_a_driver_a_twin_and_a_transcript(stem: str) -> None:
    assert stem in STEMS, "no driver"
    assert (ROOT / "sim" / "twins" / f"{stem}.py").exists(), "no twin"
    assert stem in RECORDED, "no transcript"


def about(told: Any) -> Any:
    """Return what equals what a transcript tells: a number to a millionth of it, however small it is."""
    if isinstance(told, dict):
        return {name: about(each) for name, each in told.items()}
    return pytest.approx(told, rel=1e-6, abs=0.0) if isinstance(told, float) else pytest.approx(told)


@pytest.mark.parametrize("stem", RECORDED)
def test_the_driver_plays_its_transcript(stem: str, clock: Any) -> None:
    transcript = transcript_of(stem)
    exchanges = [each for each in transcript["exchange"] if "call" in each]
    port = TranscriptPort([pair for each in exchanges for pair in pairs_of(each)], clock, "lane")
    driver = driver_of(stem)
    assert driver
    wire = Wire(port, clock, name=stem, lane="lane", sync=driver.sync)
    device = driver(wire, clock, name="device", **transcript.get("driver", {}))
    for exchange in exchanges:
        call = getattr(device, exchange["call"])
        if "raises" in exchange:
            with pytest.raises(getattr(errors, exchange["raises"])):
                call(*exchange.get("arguments", []))
            continue
        result = call(*exchange.get("arguments", []))
        given = dataclasses.asdict(result) if dataclasses.is_dataclass(result) else result  # type: ignore[arg-type]
        assert given == about(exchange.get("gives")), exchange["says"]
    wire.close()


@pytest.mark.parametrize("size", [1, 3, 1000], ids=["byte by byte", "in threes", "whole"])
@pytest.mark.parametrize("stem", SPEAKING)
def test_the_twin_plays_its_transcript_however_the_bytes_come(stem: str, size: int) -> None:
    transcript = transcript_of(stem)
    twin = twin_of(stem, transcript.get("twin", {}))
    now = 0.0
    for exchange in transcript["exchange"]:
        if not exchange.get("twin", True):
            continue
        now += exchange.get("after", 0.0)
        while (due := twin.next_event()) is not None and due <= now:
            twin.advance(due)
            twin.fire_event(due)
        twin.advance(now)
        if "happens" in exchange:
            method, *arguments = exchange["happens"]
            getattr(twin, method)(*arguments)
        for pair in pairs_of(exchange):
            parts = [pair.request[start : start + size] for start in range(0, len(pair.request), size)]
            assert b"".join(twin.receive(part, now) for part in parts) == pair.reply, (exchange["says"], pair)


@pytest.mark.parametrize("stem", STEMS)
def test_a_driver_names_its_kind_and_says_how_to_identify_it_and_make_it_safe(stem: str) -> None:
    driver = driver_of(stem)
    assert driver
    assert driver.kind_name
    assert driver.identify is not Instrument.identify
    assert driver.safe is not Instrument.safe
