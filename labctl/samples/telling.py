"""What start documents say of a sample beside what was asked: as it is believed to be, where that is something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator
from pydantic import TypeAdapter, ValidationError

from devices.samples import SampleRef
from labctl.samples.believed import believed
from labctl.samples.past import Gaps

AREA_AGAIN = "area_m2"
"""What `sample` in a start document says twice, with its unit."""


def anode_of(said: Mapping[str, Any]) -> str:
    """Return what a cell's voltage is against: its host, else the lithium that lies or plates on its electrolyte."""
    hosts = {each["name"] for each in said.get("materials") or () if each.get("kind") == "anode"}
    on_top = [layer["material"] for layer in (said.get("cell_layers") or ())[1:2]]
    return next((name for name in on_top if name in hosts), "Li")


def with_belief(data: Path) -> Callable[[MsgGenerator[Any]], MsgGenerator[Any]]:
    """Return a preprocessor that adds `believed` to start documents, where something was measured or put on.

    Where journals of the sample's past cannot be read, `past_not_known` says which.
    `sample` stays as the plan was asked; area and thickness as believed correct `capacity`, a measured one is it.
    """

    def told(message: Msg) -> Msg:
        if message.command != "open_run":
            return message
        return message._replace(kwargs={**message.kwargs, **_believed(data, message.kwargs)})

    def preprocessed(plan: MsgGenerator[Any]) -> MsgGenerator[Any]:
        return (yield from bpp.msg_mutator(plan, told))

    return preprocessed


def _believed(data: Path, metadata: Mapping[str, Any]) -> dict[str, Any]:
    sample = sample_of(metadata.get("sample"))
    if sample is None:
        return {}
    gaps = [str(gap) for gap in Gaps(data).of(sample.id, sample.parents)]
    said: dict[str, Any] = {"past_not_known": gaps} if gaps else {}
    found = believed(data, sample)
    if not (found.by or found.films):
        return said
    capacity = {"capacity": found.cell.described()} if "capacity" in metadata else {}
    return {"believed": found.described(), **capacity, **said}


def sample_of(said: Any) -> SampleRef | None:
    """Return the sample that a plan speaks of; None where it is none of ours: anybody's plan may say anything."""
    if not isinstance(said, Mapping):
        return None
    plain = {key: value for key, value in said.items() if key != AREA_AGAIN}
    try:
        return TypeAdapter(SampleRef).validate_python(plain, strict=False)
    except ValidationError:
        return None
