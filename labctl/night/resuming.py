"""Going on with an item that was broken off: what is done is never done again, what cannot be known is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid
from ophyd.status import StatusBase

from devices.lamp.states import LampState
from devices.roles.hands import Assemble, Bring, Confirm, Hands, Measure, Treat
from devices.samples import SampleRef
from labctl.night.conductor import NeedsWord
from labctl.night.listing import Item
from labctl.runs.run import Run
from labctl.samples.facts import Facts
from labctl.session import Session
from plans.flying import finished

FAULT = str(LampState.FAULT.value)
"""What a lamp says of itself when only a person's command lets it go on."""


def go_on_with(lab: Session, item: Item, uids: Sequence[str], md: dict[str, Any]) -> MsgGenerator[Any]:
    """Return the plan that does what is left of an item, whose runs so far are `uids`, oldest first.

    Raises NeedsWord where a person has to say something first, LabError where it cannot be gone on with.
    """
    way = WAYS.get(item.experiment.plan)
    if way is None:
        raise NeedsWord(
            f"its plan {item.experiment.plan} was broken off and cannot be gone on with by itself; look what was done"
            " (`labctl runs`), then remove it or give what is left as an item of its own"
        )
    return way(_Broken(lab, item, uids, md))


class _Broken:
    """An item that was broken off: its session, its runs by purpose, the metadata of what follows."""

    def __init__(self, lab: Session, item: Item, uids: Sequence[str], md: dict[str, Any]) -> None:
        self.lab, self.item, self.md = lab, item, md
        self.experiment = item.experiment
        self.given = lab.arguments(item.experiment)
        self.runs = [Run(uid, lab.data, alone=True) for uid in uids]

    def last(self, purpose: str) -> Run | None:
        """Return the last run of a purpose."""
        return next((run for run in reversed(self.runs) if run.start.get("purpose") == purpose), None)


def _anneal(broken: _Broken) -> MsgGenerator[Any]:
    """Return the plan of what is left of a train; None of it where all pulses fell."""
    lab, given, run = broken.lab, broken.given, broken.last("anneal")
    if run is None:
        whole: MsgGenerator[Any] = lab.plan_of(broken.experiment, broken.md)
        return whole
    lamp, sample, recipe = given["lamp"], given["sample"], given["recipe"]
    if _all_fired(broken, run):
        return _nothing()
    finishes = broken.item.entry.on_restart == "finish"
    if not finishes and (lamp.asks_to_finish or lamp.read_state() == FAULT):
        raise NeedsWord(
            f"a train on {sample.id} broke off; look at the film and the lamp, type lab.{lamp.name}.reset(), then"
            f' `labctl order go-on {broken.item.name}`; on_restart = "finish" says so beforehand'
        )
    if lamp.read_state() == FAULT:
        # The list says, in a person's name, that a broken train is finished by the board's counter.
        lamp.reset()
    hands: Hands = AgreedByList(lab.hands, broken.item.name) if finishes else lab.hands
    rest: MsgGenerator[Any] = lab.plans.finish_train(
        lamp, lab.trains, hands, sample, recipe, run.uid, md=broken.md
    )
    return rest


def _nothing() -> MsgGenerator[None]:
    yield from bps.null()


def _all_fired(broken: _Broken, run: Run) -> bool:
    given = broken.given
    sofar = broken.lab.trains.so_far(run.uid, given["sample"], given["recipe"])
    return sofar.done >= sofar.asked


def _cycle(broken: _Broken) -> MsgGenerator[Any]:
    """Return the plan that takes a program over, or goes on with it where it was; none where it came to its end."""
    lab, given, run = broken.lab, broken.given, broken.last("cycle")
    channel, sample, program = given["potentiostat"], given["sample"], given["program"]
    around: Mapping[str, Any] = {
        name: given[name] for name in ("surroundings", "look_around") if name in given
    }
    more: Mapping[str, Any] = {**around, "md": broken.md}
    if run is None:
        begun: MsgGenerator[Any] = lab.plans.cycle(channel, sample, program, **more)
        return begun
    if run.stop is not None and run.stop["exit_status"] == "success":
        return _nothing()
    kept = channel.is_kept(sample, program)
    if not kept and channel.is_through(sample, program, run.uid):
        # It died between its last row and its stop document.
        return _nothing()
    way = lab.plans.take_over if kept else lab.plans.go_on_cycling
    rest: MsgGenerator[Any] = way(channel, sample, program, run.uid, **more)
    return rest


def _anneal_then_cycle(broken: _Broken) -> MsgGenerator[Any]:
    """Return the plan of what is left of both, with the cell built in between where it is not yet."""
    lab, given = broken.lab, broken.given
    if broken.last("cycle") is not None:
        return _cycle(broken)
    annealing = _anneal(broken)
    sample = given["sample"]
    built = any(fact["fact"] == "assembled" for fact in Facts(lab.data).of(sample.id))

    def rest() -> MsgGenerator[Any]:
        annealed = yield from annealing
        yield from bps.unstage(given["lamp"])
        if not built:
            status = yield from bps.abs_set(lab.hands, Assemble(sample), group=short_uid(label="assemble"))
            yield from finished(status)
        cycled = yield from _cycle(broken)
        return annealed, cycled

    return rest()


class AgreedByList:
    """Hands whose questions were answered beforehand, by the list of the night."""

    def __init__(self, hands: Any, item: str) -> None:
        self._hands, self._item = hands, item
        self.name, self.parent = hands.name, None

    def check(self, task: Bring | Assemble) -> None:
        """As the lab's hands."""
        self._hands.check(task)

    def set(self, task: Bring | Assemble | Confirm | Measure | Treat) -> StatusBase:
        """Agree, and keep that as a fact of the sample; anything else is for the lab's hands."""
        if isinstance(task, Confirm):
            return self._hands.agreed(task, f"the list of the night, item {self._item}")
        return self._hands.set(task)

    def still_at(self, place: str, sample: str) -> SampleRef | None:
        """As the lab's hands."""
        found: SampleRef | None = self._hands.still_at(place, sample)
        return found


WAYS: Mapping[str, Callable[[_Broken], MsgGenerator[Any]]] = {
    "anneal": _anneal,
    "cycle": _cycle,
    "anneal_then_cycle": _anneal_then_cycle,
}
"""How each plan is gone on with; others ask."""
