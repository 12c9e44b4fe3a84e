"""All kinds of derived results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.errors import LabError
from labctl.derived.anneal_summary import ANNEAL_SUMMARY
from labctl.derived.cycle_table import CYCLE_TABLE, RAGONE, RATE_TABLE
from labctl.derived.holds import HOLDS
from labctl.derived.incremental import DQ_DV
from labctl.derived.kind import Kind
from labctl.derived.pulses import PULSE_TABLE
from labctl.derived.sheet_bins import SHEET_BINS
from labctl.derived.spectra import SPECTRA
from labctl.derived.stack_layers import STACK_LAYERS
from labctl.derived.titrations import GITT, PITT

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        ANNEAL_SUMMARY,
        CYCLE_TABLE,
        RATE_TABLE,
        RAGONE,
        DQ_DV,
        SPECTRA,
        GITT,
        PITT,
        HOLDS,
        PULSE_TABLE,
        SHEET_BINS,
        STACK_LAYERS,
    )
}


def chosen(names: Sequence[str]) -> list[Kind]:
    """Return kinds by name, all of them for no names. Raises LabError for an unknown one."""
    if unknown := [name for name in names if name not in KINDS]:
        raise LabError(f"there is no derived result {', '.join(unknown)!r}; there are {', '.join(KINDS)}")
    return [KINDS[name] for name in names] if names else list(KINDS.values())
