"""No bytes, however torn, bring twins down; what they are in afterwards is a state of theirs."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.apparatus import FlashHead
from sim.twins.aja_0313 import AJA0313Twin
from sim.twins.aja_dcxs import AJADCXSTwin
from sim.twins.eurotherm_2400 import Eurotherm2400Twin
from sim.twins.fug_probus import FuGProbusTwin
from sim.twins.impac_upp import ImpacUPPTwin
from sim.twins.keithley_daq6510 import KeithleyDAQ6510Twin
from sim.twins.remote_recipe import RemoteRecipeTwin
from sim.twins.velleman_k8090 import VellemanK8090Twin

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
LIKELY = b'0123456789.,;:-+eE?@()">{} \r\n'


def transcript(stem):
    return tomllib.loads((TRANSCRIPTS / f"{stem}.toml").read_text())


MADE = {
    "aja_0313": lambda: AJA0313Twin(
        SimpleNamespace(
            drive=lambda forward: None,
            reflected=lambda: 0.7,
            bias=lambda: 181.0,
            capacitors=lambda: (0.425, 0.63),
            set_capacitors=lambda load, tune: None,
            automatic=lambda on: None,
        )
    ),
    "aja_dcxs": lambda: AJADCXSTwin(
        SimpleNamespace(drive=lambda power: None, voltage=lambda: 400.0, current=lambda: 0.3)
    ),
    "velleman_k8090": lambda: VellemanK8090Twin(lambda number, on: None),
    "eurotherm_2400": lambda: Eurotherm2400Twin(
        SimpleNamespace(heat=lambda share: None, temperature=lambda: 529.45)
    ),
    "fug_probus": lambda: FuGProbusTwin(FlashHead()),
    "impac_upp": lambda: ImpacUPPTwin(lambda time: 500.0, np.random.default_rng(0)),
    "keithley_daq6510": lambda: KeithleyDAQ6510Twin(
        np.random.default_rng(0), sources={101: lambda time: 400.0}
    ),
    "remote_recipe": lambda: RemoteRecipeTwin(
        lambda time, fired: None, table=transcript("remote_recipe")["twin"]["table"]
    ),
}


def torn(request, chance):
    """Return a request with up to three bytes changed, lost, put in or cut off."""
    data = bytearray(request)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if place < len(data):
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + 1]
            case 2:
                data.insert(place, chance.choice(LIKELY))
            case _:
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("stem", MADE)
def test_torn_requests_are_answered_or_not_and_nothing_breaks(stem):
    chance, twin, now = random.Random(7), MADE[stem](), 0.0
    requests = [pair[0].encode("latin-1") for each in transcript(stem)["exchange"] for pair in each["pairs"]]
    for _ in range(5000):
        now += 0.1 * chance.random()
        while (due := twin.next_event()) is not None and due <= now:
            twin.advance(due)
            twin.fire_event(due)
        twin.advance(now)
        assert isinstance(twin.receive(torn(chance.choice(requests), chance), now), bytes)
