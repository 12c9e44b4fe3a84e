"""What the rehearsal of a night promised, kept beside the night to be held against what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.runs.spectra import Spectrum
from labctl.whole_file import write_whole

if TYPE_CHECKING:
    from labctl.night.listing import Night
    from labctl.night.rehearsal import Rehearsal

FILE = "rehearsed.json"


@dataclass(frozen=True)
class Promise:
    """What an item is about, and what it came to in rehearsal: time [s], charge moved in and out of cells [C], rows,
    impedance spectra in their order."""

    sample: str
    label: str
    state: str
    duration: float
    charge: float
    pulses: int
    rows: int
    spectra: tuple[Spectrum, ...] = ()


def keep(folder: Path, night: Night, rehearsal: Rehearsal) -> None:
    """Keep what a rehearsal came to in its night's folder."""
    samples = {item.name: item.experiment.sample for item in night.items}
    told = {
        name: {
            "sample": "" if (sample := samples[name]) is None else sample.id,
            "label": "" if sample is None else sample.label,
            "state": effort.state.state,
            "duration": effort.ended - effort.began,
            "charge": effort.charge,
            "pulses": effort.pulses,
            "rows": effort.rows,
            "spectra": [asdict(spectrum) for spectrum in effort.spectra],
        }
        for name, effort in rehearsal.efforts.items()
    }
    write_whole(folder / FILE, json.dumps(told).encode())


def kept(folder: Path) -> Mapping[str, Promise]:
    """Return what was promised of each item; nothing where no rehearsal was kept. Raises ValueError, TypeError."""
    try:
        told = json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return {}
    return {
        name: Promise(**(each | {"spectra": tuple(Spectrum(**one) for one in each.get("spectra", ()))}))
        for name, each in told.items()
    }
