"""What every chamber's station has, whatever its source is: states, interlocks, a memory of films, one flight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Column, Instrument
from devices.clock import Clock
from devices.errors import ConfigError, InterlockError, LabError, Mistake
from devices.flown.station import FlownStation
from devices.limits import SputterLimits
from devices.recipes import canonical_hash, to_json
from devices.roles.films import ConditioningJob, DepositionJob, EvaporationJob
from devices.roles.hands import Film, Hands
from devices.samples import SampleRef, doubts_about
from devices.sputter.aside import PATIENCE, Aside
from devices.sputter.crew import Crew, Gauges
from devices.sputter.endings import Endings
from devices.sputter.equipment import ROTATION, ROUGHING_VALVE, SUBSTRATE_SHUTTER, Equipment, ends_of
from devices.sputter.flying import ChamberFlight
from devices.sputter.interlocks import HEAT, MONITOR, THROTTLE, TURBO, Permits, Verdict, judged
from devices.sputter.leaks import LEAK_COLUMNS
from devices.sputter.looks import CELSIUS, Looks
from devices.sputter.makings import require_reachable
from devices.sputter.memory import ChamberMemory
from devices.sputter.records import LAYER_COLUMNS, FilmLog, grains
from devices.sputter.states import LASTING, TABLE, ChamberMachine, ChamberState, Deed
from devices.sputter.unfinished import UnfinishedFilm
from devices.sputter.vacuum import shows_air
from devices.sputter.watch import Trouble

DEEDS: tuple[Deed, ...] = ("pump", "vent", "gas", "strike", "open")

FlightT = TypeVar("FlightT", bound=ChamberFlight)
JobT = TypeVar("JobT", bound=DepositionJob | ConditioningJob | EvaporationJob)


class ChamberStation(FlownStation[JobT, FlightT]):
    """The part of a chamber's station that does not depend on its source; subclasses fly flights of their own."""

    needs_lease = True
    _log: FilmLog

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        equipment: Equipment,
        columns: Mapping[str, Column],
        gauges: Gauges,
        load_lock: bool,
        volume: float,
        limits: SputterLimits,
        hands: Hands,
    ) -> None:
        _require_ends(name, equipment)
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments, hands=hands)
        self.limits = limits
        self.load_lock = load_lock
        self._equipment = equipment
        self._machine = ChamberMachine(name, TABLE, self._changed)
        self._permits = Permits(name)
        self._memory = ChamberMemory(name)
        self._memory.glow.known_from(clock.now())
        self._looks = Looks(clock, equipment)
        rows = self.add_stream("primary", columns)
        layers = {
            key: each if each.part in instruments else Column(each.unit, each.dtype)
            for key, each in LAYER_COLUMNS.items()
        }
        events = self.add_stream("events", EVENT_COLUMNS)
        self._log = FilmLog(clock, rows, events, self.add_stream("layers", layers))
        self._crew = Crew(
            name,
            lane,
            clock,
            equipment,
            self._looks,
            self._machine,
            self._permits,
            self._log,
            limits,
            gauges,
            lambda lasting: self.publish(lasting=lasting),
        )
        self._guard()
        self._aside = Aside(self._crew, rows, self.add_stream("leaks", LEAK_COLUMNS), volume)

    def __repr__(self) -> str:
        why = f": {self._machine.why}; lab.{self.name}.reset()" if self._machine.why else ""
        return "\n".join(
            (
                f"{self.name}: {self.read_state().upper()}{why}",
                *self._looked(),
                f"  sample       {self._memory.sample or 'unknown'}",
                f"  last film    {self._log.last}",
            )
        )

    def _looked(self) -> list[str]:
        """Return in words what the last look showed, and how long ago that was."""
        seen, shown = self._looks.seen, self._crew.shown
        if not seen.pressures:
            return ["  pressure     not asked since this session began"]
        ago = in_short(max(self.clock.now() - seen.at, 0.0))
        gauges = ", ".join(f"{name} {each.said}" for name, each in seen.pressures.items() if each.said)
        said = f"{gauges or 'no gauge knows it'}; " if math.isnan(shown) else f"{shown:.3g} Pa, "
        lines = [f"  pressure     {said}{ago} ago"]
        if seen.blind:
            lines.append(f"  substrate    nothing shows how hot it is: {seen.blind}")
        elif not math.isnan(seen.temperature):
            lines.append(f"  substrate    {seen.temperature - CELSIUS:.0f} degC")
        return lines

    @property
    def unfinished(self) -> UnfinishedFilm | None:
        """The film under way, or the last one that did not come to its end; None when all was done."""
        if self._flight is not None and self._flown is not None:
            return self._remembered(*self._flown)
        return self._memory.unfinished

    def accounted(self) -> None:
        """Take note that what was put on the last sample is recorded, or known to a person."""
        self._memory.accounted()
        self.publish(lasting=True)

    def require_ready(self, sample: SampleRef | None, *, goes_on: bool = False) -> None:
        """Raise InterlockError or LabError where no sample would be taken as the chamber is, whatever a person says.

        goes_on: with the film that was cut off here, for which a person accounts.
        """
        if self._flight is not None:
            raise LabError(f"{self.name} is in the middle of a film; stop it first")
        self._machine.require("prepare")
        if not goes_on:
            self._memory.require_known()
        if sample is not None:
            self._require_reachable(sample)

    def inside(self) -> SampleRef | None:
        """Return the sample that was brought here last, unless it was taken away since; None where nobody knows."""
        return self._hands.still_at(self.name, self._memory.sample) if self._memory.sample else None

    def is_vented(self) -> bool:
        """Return whether the chamber is open to air."""
        return self._machine.state is ChamberState.VENTED

    def read_state(self) -> str:
        """Return the state's word."""
        return str(self._machine.state.value)

    def verdicts(self) -> dict[str, dict[str, Verdict]]:
        """Return for each deed the verdict on its interlocks, by the last look."""
        return {deed: judged(deed, self._crew.situation()) for deed in DEEDS}

    def read(self) -> dict[str, Any]:
        """Read every quantity of every instrument, and the station's own state."""
        return {**super().read(), **self.state.read()}

    def describe(self) -> dict[str, Any]:
        """Describe every quantity of every instrument, and the station's own state."""
        return {**super().describe(), **self.state.describe()}

    def report(self) -> dict[str, Any]:
        """Return state, latched fault, the film that is not finished, what is kept, last readings, from memory."""
        film, seen, pressure = self.unfinished, self._looks.seen, self._crew.shown
        return {
            "state": str(self._machine.state.value),
            "latched": self._machine.why,
            "film": None if film is None else film.told(),
            "kept": self._memory.told(),
            "reading": {
                "pressure": pressure if pressure == pressure else None,
                "age": max(self.clock.now() - seen.at, 0.0) if seen.pressures else None,
                **({} if self._flight is None else self._flight.told()),
            },
        }

    def connect(self) -> tuple[dict[str, str], dict[str, str]]:
        """Ask every instrument who it is, and the gauges whether air is in: somebody may have left it vented."""
        found, failed = super().connect()
        if "gas" not in failed:
            try:
                self.clock.call(self._looks.vacuum)
            except LabError as error:
                failed["gas"] = f"{type(error).__name__}: {error}"
            else:
                if self._machine.state is ChamberState.PUMPING and shows_air(self._crew):
                    self._machine.go(ChamberState.VENTED)
        return found, failed

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Be in FAULT where the last session left one, or its host died with plasma or film; reset() ends it."""
        why = self._memory.recalled(report, died=died)
        if why:
            self._made_safe()
            self._machine.go(ChamberState.FAULT, why)

    def pump_down(self, pressure: float) -> StatusBase:
        """Pump to a pressure [Pa]; the status fails when it is not reached in the time that limits allow."""
        require_reachable(self.name, pressure, self._crew.limits)
        self._require_free("pump")
        return self._aside.pump_down(pressure)

    def vent(self) -> StatusBase:
        """Let air in. With a film under way nothing is vented and the film is given up: somebody wants to be there."""
        if self._flight is not None:
            self._flight.give_up(Trouble("vent", "venting was commanded", gently=False))
            raise InterlockError(
                "vent",
                f"{self.name} is making a film; nothing was vented. The film is given up for it: wait until the"
                " chamber is safe, then vent again",
            )
        self._require_free("vent")
        return self._aside.vent()

    def leak_check(self, pressure: float, duration: float) -> StatusBase:
        """Pump to a pressure [Pa], close everything off for a time [s], fit how it rises: a row of stream `leaks`."""
        require_reachable(self.name, pressure, self._crew.limits)
        self._require_free("pump")
        return self._aside.leak_check(pressure, duration)

    def chuck_is_cold(self) -> None:
        """Take a person's word that the chuck is cold, for the next venting, while its thermocouple is broken.

        A film that is begun before ends it. Raises LabError where one shows how hot it is, or there is none, and while
        something is under way; InterlockError where the state does not allow venting.
        """
        self._require_free("vent")
        self.clock.call(self._looks.everything)
        seen = self._looks.seen
        if not seen.blind:
            shown = seen.temperature - CELSIUS
            said = "nothing watches its chuck" if math.isnan(shown) else f"its chuck is at {shown:.0f} degC"
            raise LabError(f"{self.name}: {said}, nobody's word is wanted; nothing was done")
        seen.said_cold = True
        self._log.tell(
            "chuck", "warning", f"a person says that the chuck is cold for one venting; {seen.blind}"
        )

    def complete(self) -> StatusBase:
        """Return the status that finishes with the flight, or with what the chamber does of its own."""
        return super().complete() if self._aside.status is None else self._aside.status

    def reset(self) -> None:
        """Leave FAULT, by a person's command: no plan does this. Raises LabError while the cause is still there."""
        self._machine.require("reset")
        unsafe = self._made_safe()
        if unsafe:
            raise LabError(unsafe)
        with self._permits.granting("board forget"):
            self.clock.call(self._equipment.board.reset)
        self.clock.call(self._looks.everything)
        open_ = [name for name, closed in self._looks.seen.contacts.items() if not closed]
        if open_ and self._machine.state is ChamberState.FAULT:
            raise InterlockError(", ".join(open_), f"still open; {self.name} stays in FAULT")
        if self._machine.state is ChamberState.FAULT:
            self._log.tell("reset", "info", f"reset by a person after: {self._machine.why}")
            self._machine.go(ChamberState.PUMPING)

    def _guard(self) -> None:
        """Let nobody act on the instruments but through this station."""
        equipment, permits = self._equipment, self._permits
        for source, supply in equipment.powered.items():
            supply.guard, supply.acting = permits.only(f"power {source}"), False
        equipment.gas.guard = permits.gas
        equipment.relays.guard = permits.relay
        equipment.relays.guard_off = self._may_be_off
        equipment.board.guard = permits.board
        if equipment.more_ends is not None:
            equipment.more_ends.guard = permits.board
        for part, deed in (
            (equipment.valve, THROTTLE),
            (equipment.monitor, MONITOR),
            (equipment.heater, HEAT),
            (equipment.turbo, TURBO),
        ):
            if part is not None:
                part.guard = permits.only(deed)

    def _may_be_off(self, relay: str) -> None:
        """Raise InterlockError for what a film, or pumping, needs on; shutters and the vent valve may always close."""
        if relay in (ROTATION, ROUGHING_VALVE) and (self._flight is not None or self._aside.is_busy):
            self._permits.relay(relay)

    def _prepare(self, job: JobT, mask: str = "") -> StatusBase:
        """Have the sample brought, under a mask if there is one, and a person's word where one is wanted."""
        self.require_ready(job.sample)
        self._call_off()
        if isinstance(job, ConditioningJob):
            return self._prepared_without_film(job)
        sample, film = job.sample, Film(job.recipe.material, job.recipe.thickness, job.goes_on)

        def ready() -> None:
            self._job, self._memory.sample = job, sample.id

        before = self._to_take_out(sample)
        return self._prepared(
            sample,
            ready,
            ask=doubts_about(sample, film.material if film.goes_on else ""),
            mask=mask,
            then=film,
            instead_of=before,
        )

    def _to_take_out(self, sample: SampleRef) -> str:
        """Return the id of another sample that is to be taken out first, empty for none."""
        try:
            found = self.inside()
            before = "" if found is None else found.id
        except LabError:
            # Facts that cannot be read are no reason not to name it.
            before = self._memory.sample
        return "" if before == sample.id else before

    def _prepared_without_film(self, job: JobT) -> StatusBase:
        """Have a person agree where a sample is in the chamber and no end switches see its shutter."""

        def ready() -> None:
            self._job = job

        is_blind = SUBSTRATE_SHUTTER in self._equipment.unseen_shutters
        if isinstance(job, ConditioningJob) and job.inside is not None and is_blind:
            return self._agreed(job.inside, exposed(job.inside.id, self.name), ready)
        ready()
        nothing = self.clock.status(f"prepare {self.name}", PATIENCE)
        nothing.set_finished()
        return nothing

    def _begin(self, job: JobT, flight: FlightT, thickness: float) -> StatusBase:
        """Fly; a film that goes on with one that was cut off is as doubtful, whatever of that was recorded."""
        self.before_arming()
        if job.sample is not None:
            for why in self._memory.doubts_of(job.sample.id, job.recipe.material):
                flight.film.doubt(why)
        self._aside.forget()
        # What was cold will be heated, by its plasma if by nothing else.
        self._looks.seen.said_cold = False
        self._log.begin(grains(thickness))
        return self._fly(job, flight)

    def _failed_late(self, error: Exception) -> None:
        self._log.tell("ended", "info", f"the last step of a film that was ended: {error!r}")

    def _taken(self, consequence: str = "nothing was begun") -> JobT:
        """Return the prepared job, which is used up by that."""
        if self._flight is not None:
            raise LabError(f"{self.name} is already making a film; none is begun twice")
        if self._aside.is_busy:
            raise LabError(f"{self.name} is being pumped or vented; wait for it")
        job = super()._taken(consequence)
        self._machine.require("pump")
        return job

    def _require_reachable(self, sample: SampleRef) -> None:
        """Raise InterlockError when the sample cannot come in as the chamber is."""
        inside = sample.id == self._memory.sample
        if inside or self.load_lock or self._machine.state is ChamberState.VENTED:
            return
        raise InterlockError(
            "sample",
            f"{sample.id} is not in {self.name}, which has no load lock and is {self.read_state()}: vent it first, by"
            f" lab.RE(lab.plans.vent(lab.{self.name})) or by an experiment like vent-evaporator. Nothing was done",
        )

    def _require_free(self, deed: Deed) -> None:
        """Raise InterlockError when the state does not allow a deed, LabError when something is under way."""
        self._machine.require(deed)
        if self._flight is not None or self._aside.is_busy:
            raise LabError(f"{self.name} is busy; nothing was done")

    def _remembered(self, job: JobT, flight: FlightT) -> UnfinishedFilm | None:
        """Return a film under way, or one just ended, as it is remembered; None where none is made."""
        if job.sample is None:
            return None
        film, told = flight.film, flight.told()
        return UnfinishedFilm(
            job.sample.id,
            canonical_hash(to_json(job.recipe)),
            job.recipe.material,
            self._log.flight.asked,
            self._log.flight.done,
            told["thickness"],
            film.open_time,
            flight.began,
            tuple(film.doubts),
        )

    def _done(self) -> None:
        if self._flown is not None and self._flown[0].sample is not None:
            self._memory.forget()
        super()._done()

    def _remember(self) -> None:
        assert self._flown is not None
        film = self._remembered(*self._flown)
        if film is not None and self._flown[1].film.openings:
            self._memory.ended(film)

    def _rest(self, failure: str, unsafe: str) -> None:
        if failure or unsafe:
            if self._machine.state is not ChamberState.FAULT:
                self._machine.go(ChamberState.FAULT, unsafe or failure)
        elif self._machine.state not in (ChamberState.FAULT, ChamberState.VENTED, ChamberState.BASE):
            self._machine.go(ChamberState.PUMPING)

    def _tell_end(self, reason: str, failure: str, unsafe: str) -> None:
        # What failed was told as it was seen.
        if unsafe:
            self._log.tell("unsafe", "alarm", unsafe)
            return
        flight, why = self._log.flight, f"in FAULT until lab.{self.name}.reset()" if failure else reason
        said = f"{why}; {flight.done} of {flight.asked} nm done, shutters closed, power off, gas closed"
        self._log.tell("stopped", "warning", said)

    def _stopped(self, *, gently: bool) -> str:
        return self._made_safe(gently=gently)

    def _made_safe(self, *, gently: bool = False) -> str:
        self._aside.call_off()
        # Those of the last flight count how long its shutter was open.
        endings = (
            Endings(self.clock, self._equipment, self._permits)
            if self._flown is None
            else self._flown[1].endings
        )
        endings.failures.clear()
        for delay in endings.all(gently=gently):
            self.clock.sleep(delay, self.lane)
        if not endings.failures:
            return ""
        return (
            f"{self.name} could not be made safe: {'; '.join(endings.failures)}. The dead-man closes shutters and drops"
            " the plasma 2 s after the last word from here; look at the generators' front panels"
        )

    def _changed(self) -> None:
        """Report a change of the state; one into or out of danger outlives a power cut."""
        self.publish(lasting=bool({self._machine.state, self._machine.before} & LASTING))


def in_short(seconds: float) -> str:
    """Return a time [s] as people say it."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def exposed(sample: str, chamber: str) -> str:
    """Return what a person must agree to before targets burn over a sample whose shutter nobody sees."""
    return (
        f"{sample} is in {chamber}, where targets are to burn, and no end switches see whether the shutter over it"
        " stays closed; leave it in there"
    )


def _require_ends(name: str, equipment: Equipment) -> None:
    """Raise ConfigError for an end switch of no shutter, one named twice, and for contacts that lie in no loop."""
    known = [end for shutter in equipment.shutters for end in ends_of(shutter)]
    more = equipment.more_ends
    named = [("permissives", end) for end in equipment.board.end_switches]
    named += [] if more is None else [("ends", end) for end in more.end_switches]
    mistakes = [
        Mistake(
            "bench file", f"devices.{name}.parts.{part}.ends", f'"{end}"', "no relay switches its shutter"
        )
        for part, end in named
        if end not in known
    ]
    mistakes += [
        Mistake("bench file", f"devices.{name}.parts.{part}.ends", f'"{end}"', "stands there twice; keep one")
        for index, (part, end) in enumerate(named)
        if end in [before for _, before in named[:index]]
    ]
    if more is not None and more.contacts:
        reason = "its contacts would watch nothing; name them on `permissives`"
        mistakes.append(Mistake("bench file", f"devices.{name}.parts.ends.contacts", "", reason))
    if mistakes:
        raise ConfigError(mistakes)
