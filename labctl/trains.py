"""What the journals tell of a train of flashes that did not come to its end."""

from __future__ import annotations

from pathlib import Path

from devices.recipes import AnnealRecipe
from devices.roles.lamp import TrainSoFar
from devices.samples import SampleRef
from labctl.runs.begun import begun
from labctl.runs.member import Member


class TrainJournals:
    """Reads trains from the journals of a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def so_far(self, run: str, sample: SampleRef, recipe: AnnealRecipe) -> TrainSoFar:
        """Return what is known of the train that a run began, or went on with; as devices.roles.lamp.TrainRecords says.

        A run of which somebody holds the journal is read as far as it is written. Raises DataError for a run of
        another sample or recipe.
        """
        members = begun(run, self._data, sample, recipe, "nothing was fired")
        times = [_times(each) for each in members]
        # A run that only wrote down what another one fired belongs to it.
        newest = max(index for index, each in enumerate(members) if not each.start.get("recovers"))
        labels = [label for each in times for label in each]
        return TrainSoFar(
            first=members[0].uid,
            last=members[-1].uid,
            asked=recipe.pulse_count,
            done=len(labels),
            fired_recipe=str(members[newest].start["recipe"]["hash"]),
            fired_time=float(members[newest].start["time"]),
            fired_done=sum(len(each) for each in times[newest:]),
            began=min(labels, default=float(members[0].start["time"])),
            latest=max(labels, default=None),
        )


def _times(member: Member) -> list[float]:
    if "primary" not in member.streams:
        return []
    labels, _ = member.rows("primary", [])
    return [float(each) for each in labels]
