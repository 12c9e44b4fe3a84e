"""Who carries samples: the bench where a station is a twin, a person where it is real."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from ophyd.status import StatusBase
from pydantic import TypeAdapter

from devices.clock import Clock
from devices.errors import InterlockError, LabError
from devices.recipes import to_json
from devices.roles.hands import Assemble, Bring, Confirm, Film, Heat, Measure, Treat
from devices.samples import SampleRef, doubts_about
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from labctl.samples.next_step import OnIt
from labctl.samples.past import Gaps, in_the_way
from labctl.samples.treatments import FACT as TREATED
from labctl.samples.treatments import described_with, refused_treatment
from labctl.units import UnitError, parse
from sim.materials.treatments import TREATMENTS

log = logging.getLogger(__name__)

DESCRIBED = ("layers", "cell_layers", "area")
"""What makes a sample that sample, besides its id."""

BUILDING = "the building of its cell"
"""The place of an Assemble."""

PATIENCE = 24 * 3600.0
"""Seconds a person may take."""


class Carried(Protocol):
    """Where samples are carried without a person: a bench of twins, here or served by another process."""

    def check(self, description: Mapping[str, Any], *, cell: bool) -> None:
        """Raise ValueError when there is no such foil, or no such cell, in this world."""

    def bring(self, description: Mapping[str, Any], place: str) -> None:
        """Carry a foil to a place; ValueError when it cannot be."""

    def assemble(self, description: Mapping[str, Any]) -> None:
        """Build the cell on a foil; ValueError when it cannot be."""

    def measure(self, description: Mapping[str, Any], material: str) -> tuple[float, float]:
        """Return the step [m] of a film on a foil and its standard uncertainty; ValueError where there is none."""


class LabHands:
    """Does what can be done on the twins, asks a person for the rest, and records both as facts.

    A sample with a doubtful film goes nowhere without a person's word, nor one on which a film would be repeated or
    misplaced, or would melt. A word is good for that place and that question only. Into heat that its electrolyte is
    not known to bear a sample does not go at all.
    """

    name = "hands"
    parent = None

    def __init__(
        self,
        clock: Clock,
        facts: Facts,
        bench: Carried,
        twins: Collection[str],
        ask: Callable[[str], object],
        cyclers: Collection[str] = (),
    ) -> None:
        """`twins` are the stations without hardware; `ask` shows a person a sentence and returns when it is done.

        cyclers: the stations at which nothing is done to a sample that another run would make worse.
        """
        self._clock, self._facts, self._bench, self._twins, self._ask = clock, facts, bench, twins, ask
        self._cyclers = cyclers
        self._beforehand: dict[str, str] = {}

    def __repr__(self) -> str:
        twins = f" at {', '.join(sorted(self._twins))} the bench of twins does it;" if self._twins else ""
        return (
            f"hands: who carries samples and builds cells:{twins} elsewhere a person is asked. Plans use them"
        )

    def check(self, task: Bring | Assemble) -> None:
        """Raise InterlockError when it is known beforehand that the task cannot be done."""
        sample = task.sample
        if isinstance(task, Assemble) and not sample.cell_layers:
            raise InterlockError("sample", f"{sample.id} has no cell_layers: there is no cell to build")
        self._refuse_another(sample)
        if self._twins:
            try:
                self._bench.check(self._described(task), cell=isinstance(task, Assemble))
            except ValueError as error:
                raise InterlockError("sample", str(error)) from error

    def set(self, task: Bring | Assemble | Confirm | Measure | Treat) -> StatusBase:
        """Have the task done; InterlockError when the bench cannot."""
        self._refuse_another(task.sample)
        if isinstance(task, Treat):
            return self._treated(task)
        if isinstance(task, Confirm):
            return self._confirmed(task)
        if isinstance(task, Measure):
            return self._measured(task)
        self._refuse_without_past(task)
        self._refuse_in_heat(task)
        status = self._clock.status(f"{type(task).__name__} {task.sample.id}", PATIENCE)
        station = task.place.partition("/")[0] if isinstance(task, Bring) else ""
        if station in self._twins or (not station and self._twins):
            if refused := self._refused_for_doubts(task):
                status.set_exception(refused)
                return status
            self._clock.call(lambda: self._on_bench(task))
            self._record(task, "twin bench")
            status.set_finished()
        else:
            threading.Thread(target=self._by_person, args=(task, status), daemon=True).start()
        return status

    def still_at(self, place: str, sample: str) -> SampleRef | None:
        """Return a sample that was brought to a place last and not taken away since, as it was described then."""
        facts = list(self._facts.of(sample))
        described = next((fact["sample"] for fact in facts if fact["fact"] == "described"), None)
        moves = [fact for fact in facts if fact["fact"] in ("brought", "assembled")]
        if described is None or not moves or moves[-1].get("place") != place:
            return None
        return TypeAdapter(SampleRef).validate_json(json.dumps({"id": sample, **described}))

    def _treated(self, task: Treat) -> StatusBase:
        """Have a sample's parts go through something and record it: on twins it is so, else a person does it."""
        if refused := refused_treatment(list(self._facts.of(task.sample.id)), task.sample.id, task.treatment):
            raise InterlockError("sample", refused)
        status = self._clock.status(f"{task.treatment} of {task.sample.id}", PATIENCE)
        if self._twins:
            self._record_treated(task, "twin bench")
            status.set_finished()
        else:
            threading.Thread(target=self._treated_by_person, args=(task, status), daemon=True).start()
        return status

    def _treated_by_person(self, task: Treat, status: StatusBase) -> None:
        try:
            self._ask(f"make it so for sample {task.sample.id}: {TREATMENTS[task.treatment]}")
        except (EOFError, OSError) as error:
            status.set_exception(InterlockError("hands", f"nobody is there for {task.sample.id} ({error!r})"))
            return
        self._record_treated(task, "person")
        status.set_finished()

    def _record_treated(self, task: Treat, by: str) -> None:
        self._facts.add(task.sample.id, self._clock.time(), TREATED, treatment=task.treatment, by=by)

    def _measured(self, task: Measure) -> StatusBase:
        """Have a film's step measured and recorded: by the bench where all is twins, else by a person."""
        status = self._clock.status(f"the thickness of {task.sample.id}", PATIENCE)
        if self._twins:
            try:
                description = to_json(task.sample)
                value, sd = self._clock.call(lambda: self._bench.measure(description, task.material))
            except ValueError as error:
                raise InterlockError("sample", str(error)) from error
            self._record_measured(task, value, sd, "profilometer of the twin bench")
            status.set_finished()
        else:
            threading.Thread(target=self._measured_by_person, args=(task, status), daemon=True).start()
        return status

    def _measured_by_person(self, task: Measure, status: StatusBase) -> None:
        question = (
            f"measure the step of the {task.material} on {task.sample.id} with a profilometer; type its thickness and"
            " uncertainty, as in 712 nm 5 nm"
        )
        try:
            said = str(self._ask(question)).split()
            value, sd = (parse(" ".join(said[at : at + 2]), "m") for at in (0, 2))
        except (EOFError, OSError, UnitError) as error:
            status.set_exception(InterlockError("hands", f"nobody measured {task.sample.id} ({error})"))
            return
        self._record_measured(task, value, sd, "profilometer")
        status.set_finished()

    def _record_measured(self, task: Measure, value: float, sd: float, how: str) -> None:
        measured = {"quantity": "thickness", "value": value, "sd": sd, "layer": task.material, "how": how}
        self._facts.add(task.sample.id, self._clock.time(), "measured", **measured)

    def _confirmed(self, task: Confirm) -> StatusBase:
        """Ask a person to agree; on twins time stands still meanwhile."""
        status = self._clock.status(f"a person's word on {task.sample.id}", PATIENCE)
        if task.place.partition("/")[0] in self._twins:
            self._ask_person(task, status)
        else:
            threading.Thread(target=self._ask_person, args=(task, status), daemon=True).start()
        return status

    def _ask_person(self, task: Confirm, status: StatusBase) -> None:
        if refused := self._refused(task, "prediction"):
            status.set_exception(refused)
        else:
            status.set_finished()

    def _refused(self, task: Confirm, interlock: str) -> InterlockError | None:
        """Ask a person to agree and record that; return why it was not."""
        asked = request(task)
        if by := self._beforehand.get(asked):
            self._record_agreed(task, by)
            return None
        try:
            answer = str(self._ask(asked))
        except (EOFError, OSError) as error:
            log.warning("nobody answered: %r", error)
            return InterlockError(interlock, f"nobody is there to agree: {task.question}")
        if answer.strip().lower() != "yes":
            return InterlockError(interlock, f"a person did not agree: {task.question}")
        self._record_agreed(task, "person")
        return None

    def _refused_for_doubts(self, task: Bring | Assemble) -> InterlockError | None:
        """Return why a sample stays where it is: something is to be asked, and no person's word was had for that."""
        place = task.place if isinstance(task, Bring) else BUILDING
        for question in self._questions(task):
            if any(
                (fact["fact"], fact.get("place"), fact.get("question")) == ("confirmed", place, question)
                for fact in self._facts.of(task.sample.id)
            ):
                continue
            if refused := self._refused(Confirm(task.sample, place, question), "sample"):
                return refused
        return None

    def _refuse_in_heat(self, task: Bring | Assemble) -> None:
        """Raise InterlockError for heat that what lies on a sample is not known to bear, whoever would agree."""
        then = task.then if isinstance(task, Bring) else None
        if isinstance(then, Heat) and (why := OnIt.of(self._facts.data, task.sample).refusal(then)):
            raise InterlockError("sample", f"{why}; nothing was heated")

    def _questions(self, task: Bring | Assemble) -> list[str]:
        """Return what a person must agree to before a task: doubtful films, and what would not go with them."""
        then = task.then if isinstance(task, Bring) else None
        goes_on = then.material if isinstance(then, Film) and then.goes_on else ""
        found = [doubts_about(believed(self._facts.data, task.sample).sample, goes_on)]
        if then is not None:
            found.append(OnIt.of(self._facts.data, task.sample).question(then))
        return [question for question in found if question]

    def answered(self, requests: Collection[str], by: str) -> None:
        """Take what was agreed to beforehand, word for word as it would be asked, and by what: nobody is asked then."""
        self._beforehand.update(dict.fromkeys(requests, by))

    def agreed(self, task: Confirm, by: str) -> StatusBase:
        """Record that a question was answered with yes beforehand, and by what; finished at once."""
        self._refuse_another(task.sample)
        self._record_agreed(task, by)
        status = self._clock.status(f"the word of {by} on {task.sample.id}", PATIENCE)
        status.set_finished()
        return status

    def _record_agreed(self, task: Confirm, by: str) -> None:
        self._facts.add(
            task.sample.id, self._clock.time(), "confirmed", place=task.place, question=task.question, by=by
        )

    def _described(self, task: Bring | Assemble) -> Mapping[str, Any]:
        """Return the sample for a bench: with what it went through, and the mask that is laid on it."""
        described = described_with(self._facts.data, task.sample)
        return {**described, "mask": task.mask} if isinstance(task, Bring) else described

    def _on_bench(self, task: Bring | Assemble) -> None:
        description = self._described(task)
        try:
            if isinstance(task, Bring):
                self._bench.bring(description, task.place)
            else:
                self._bench.assemble(description)
        except ValueError as error:
            raise InterlockError("sample", str(error)) from error

    def _refuse_another(self, sample: SampleRef) -> None:
        """Raise InterlockError when this id was another sample before: its past would be taken for this one's."""
        described = {name: to_json(sample)[name] for name in DESCRIBED}
        for fact in self._facts.of(sample.id):
            if fact["fact"] == "described" and fact["sample"] != described:
                raise InterlockError(
                    "sample",
                    f"{sample.id} was described with other layers or another area before; give the new sample an id"
                    " of its own",
                )

    def _refuse_without_past(self, task: Bring | Assemble) -> None:
        """Raise InterlockError where what a sample went through may stand in a journal that cannot be read."""
        sample, gaps = task.sample, Gaps(self._facts.data).of(task.sample.id, task.sample.parents)
        lasting = isinstance(task, Bring) and task.place.partition("/")[0] not in self._cyclers
        if why := in_the_way(gaps, sample.id, lasting=lasting):
            raise InterlockError("sample", why)
        for gap in gaps:
            log.warning("the past of %s is not known: %s", sample.id, gap)

    def _by_person(self, task: Bring | Assemble, status: StatusBase) -> None:
        try:
            if refused := self._refused_for_doubts(task):
                status.set_exception(refused)
                return
            self._ask(sentence(task))
        except LabError as error:
            status.set_exception(error)
            return
        except (EOFError, OSError) as error:
            status.set_exception(InterlockError("hands", f"nobody is there to {sentence(task)} ({error!r})"))
            return
        self._record(task, "person")
        status.set_finished()

    def _record(self, task: Bring | Assemble, by: str) -> None:
        if not any(fact["fact"] == "described" for fact in self._facts.of(task.sample.id)):
            described = {name: to_json(task.sample)[name] for name in DESCRIBED}
            self._facts.add(task.sample.id, self._clock.time(), "described", sample=described)
        if isinstance(task, Bring):
            mask = {"mask": task.mask} if task.mask else {}
            self._facts.add(task.sample.id, self._clock.time(), "brought", place=task.place, by=by, **mask)
        else:
            layers = to_json(task.sample)["cell_layers"]
            self._facts.add(task.sample.id, self._clock.time(), "assembled", layers=layers, by=by)


def request(task: Confirm) -> str:
    """Return what a person is asked to agree to."""
    return f"agree for sample {task.sample.id} at {task.place}: {task.question}; type yes"


def sentence(task: Bring | Assemble) -> str:
    """Return what a person is asked to do."""
    if isinstance(task, Bring):
        first = f"take sample {task.instead_of} out of {task.place}, then " if task.instead_of else ""
        under = f", under the mask {task.mask}, close to it" if task.mask else ""
        return f"{first}bring sample {task.sample.id} to {task.place}{under}"
    layers = ", ".join(f"{layer.material} {layer.thickness * 1e6:g} um" for layer in task.sample.cell_layers)
    return f"build the cell on sample {task.sample.id}: {layers}"
