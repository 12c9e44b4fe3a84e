"""A session: a bench opened by name, its devices wired, its engine ready, its runs kept."""

from __future__ import annotations

import inspect
import logging
import secrets
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from bluesky.protocols import Pausable, Readable
from bluesky.utils import MsgGenerator, RunEngineInterrupted

from devices.base import Station
from devices.errors import ConnectError, DataError, InterlockError, LabError
from devices.limits import Limits
from devices.locks import PortLock
from devices.potentiostat import PotentiostatStation
from devices.single import SingleInstrument
from labctl.baseline import with_baseline
from labctl.belief import Believer, bank_of, surroundings_of
from labctl.bench_reading import (
    cyclers_of,
    lacking,
    make_clock,
    refuse_virtual_time_for_hardware,
    stations_of,
    with_only,
)
from labctl.calibration import FluenceCalibration, calibrated
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.config.models import BenchFile, Experiment, World
from labctl.connecting import Devices
from labctl.ctrl_c import CtrlC
from labctl.engine import SHELL, LabEngine
from labctl.films.journals import FilmJournals
from labctl.films.places import PLACE_OF
from labctl.films.rates import FilmRates
from labctl.hands import Carried, LabHands
from labctl.journal.disk import Disk
from labctl.journal.documents import Journal
from labctl.journal.keeper import Keeper
from labctl.journal.recovery import recover
from labctl.lasting import LastingMetadata
from labctl.leases import Leases
from labctl.mistyped import Mistyped
from labctl.plan_calls import as_meant, with_inputs
from labctl.plans import discover_plans
from labctl.provenance import session_metadata
from labctl.runs.going_on import going_on
from labctl.runs.making import made_by
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from labctl.samples.past import name_run
from labctl.samples.telling import with_belief
from labctl.serving.hands import ServedWorld
from labctl.shadow.beside import Shadows
from labctl.trains import TrainJournals
from labctl.twins import make_world
from labctl.wiring import is_twin
from labctl.workers import Interrupts, Unheeded, Worker, Workers

log = logging.getLogger(__name__)

BY_HAND = "what was typed by hand"
"""What the engine is called that keeps nothing, as a holder of leases."""

Ask = Callable[[str], object]


def open_session(
    bench: str = "twin",
    *,
    config: str | Path | None = None,
    data: str | Path | None = None,
    start_with_the_rest: bool = False,
    operator: str = "",
    handle_signals: bool = True,
    only: Sequence[str] = (),
) -> Session:
    """Open a bench by name and return the session, a context manager.

    config and data name other folders than the ones labctl finds (see `labctl --help`). A device that does not
    answer ends the opening with a ConnectError that names them all, unless `start_with_the_rest`.
    handle_signals False leaves Ctrl-C to the caller (scripts do; see labctl.stopping). only: the devices to open, by
    name; all if none is named.
    Raises ConfigError before any device is touched, OwnershipError when another session has the bench.
    """
    chosen = Config(None if config is None else Path(config)).select(bench)
    return Session(
        with_only(chosen.bench, only),
        chosen.limits,
        data_dir(None if data is None else Path(data)),
        start_with_the_rest=start_with_the_rest,
        operator=operator,
        handle_signals=handle_signals,
    )


class Session:
    """An open bench.

    RE: the engine at the prompt. workers: what runs beside it. interrupts: what Ctrl-C does. clock. hands.
    calibration: fits of the lamp. films: fits of film rates. trains: what is known of those that did not come to
    their end. md: what start documents say, which is RE.md; begun: the uids of all runs begun, by workers too.
    plans: every plan by name. devices: by name; each is an attribute too, as in `lab.lamp`. missing:
    devices that did not answer, with the reasons, when it started with the rest.
    """

    def __init__(
        self,
        bench: BenchFile,
        limits: Limits,
        data: Path,
        *,
        start_with_the_rest: bool = False,
        operator: str = "",
        handle_signals: bool = True,
        ask: Ask | None = None,
    ) -> None:
        refuse_virtual_time_for_hardware(bench)
        self.bench, self.limits, self.data = bench, limits, data
        self._trouble = ""
        self.begun: list[str] = []
        self._passing: list[LabEngine] = []
        self.plans = SimpleNamespace(**{name: self._here(plan) for name, plan in discover_plans().items()})
        self._ending = ExitStack()
        try:
            self._open(start_with_the_rest, operator, handle_signals, ask or _ask_in_terminal)
        except BaseException:
            self._ending.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(self.devices)
        return f"<labctl session on bench {self.bench.name!r}: {names}; data in {self.data}>"

    def _repr_html_(self) -> str:
        # What only a notebook asks for.
        from labctl.notebook import lab_html

        return lab_html(self)

    def run(self, experiment: Experiment, md: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Run an experiment and return the uids of its runs. Raises DataError when the disk ended it."""
        return self._gone_through(lambda: self.RE(self.plan_of(experiment, md)))

    def resume(self) -> tuple[str, ...]:
        """Go on with what was paused at the prompt, as run() does."""
        return self._gone_through(self.RE.resume)

    def _gone_through(self, go_on: Callable[[], Any]) -> tuple[str, ...]:
        try:
            uids = go_on()
        except RunEngineInterrupted as error:
            if self._trouble:
                raise DataError(
                    f"{self._trouble}; the run was ended, what was acquired is in the journal"
                ) from error
            raise
        return tuple(uids)

    def start(
        self,
        plan: MsgGenerator[Any],
        name: str = "worker",
        *,
        claims: Sequence[str] = (),
        told: Callable[[str, dict[str, Any]], object] | None = None,
        then: Callable[[Worker], object] = lambda _: None,
    ) -> Worker:
        """Run a plan beside whatever runs, under an engine and a journal of its own, and return its worker.

        claims: names of stations, and "sample ID", that are the worker's from now on until it is over; others are
        refused when the plan comes to them and somebody else works on them. told: is shown every document once it is
        kept. then: called with the worker on its thread when it is over.
        Raises InterlockError when somebody else has what is claimed.
        """
        name = self.workers.free_name(name)
        try:
            for claim in claims:
                self._leases.claim(claim, name)
        except InterlockError:
            self._leases.release(name)
            raise
        journal = self._journal()
        self._journals.callback(journal.close)
        engine = self._engine(name, journal, dict(self.md), context_managers=[])
        if told is not None:
            engine.subscribe(told)

        def over(worker: Worker) -> None:
            self._leases.release(name)
            then(worker)

        return self.workers.add(Worker(name, engine, plan, over, lambda: self.interrupts))

    def is_free(self, claim: str) -> bool:
        """Return whether nobody in this session works on a station, or on a "sample ID"."""
        return not self._leases.holder_of(claim)

    def holder_of(self, claim: str) -> str:
        """Return who in this session works on a station, or on a "sample ID"; empty where nobody does."""
        return self._leases.holder_of(claim)

    def at_work(self) -> dict[str, dict[str, Any]]:
        """Return what the stations report that the plan at the prompt works with, from memory."""
        names = self._leases.held_by(SHELL)
        return {name: self._stations[name].report() for name in names if name in self._stations}

    def passing_engine(self) -> LabEngine:
        """Return an engine for what is not to be kept: a setpoint typed at the prompt, a look at a value."""
        managers = [self.interrupts.during]
        engine = LabEngine(self.clock, {}, leases=self._leases, holder=BY_HAND, context_managers=managers)
        self._passing.append(engine)
        return engine

    def plan_of(self, experiment: Experiment, md: Mapping[str, Any] | None = None) -> MsgGenerator[Any]:
        """Return the plan of an experiment, called with what this bench has."""
        if isinstance(experiment, str):
            raise Mistyped(
                f"{experiment!r} is the name of an experiment, and what stands in its file is expected: "
                f'experiments["{experiment}"]; nothing was begun'
            )
        plan: Any = getattr(self.plans, experiment.plan)
        sample = experiment.sample
        known = {
            "inputs": [] if sample is None else made_by(self.data, sample.id, sample.parents),
            **experiment_metadata(experiment, md),
        }
        made: MsgGenerator[Any] = plan(**self.arguments(experiment), md=known)
        return made

    def arguments(self, experiment: Experiment) -> dict[str, Any]:
        """Return what an experiment's plan is called with on this bench."""
        sample, macro = experiment.sample, experiment.program
        program = None
        if macro is not None and sample is not None:
            program = macro.on(believed(self.data, sample).cell)
        given = {
            "sample": sample,
            "recipe": experiment.recipe,
            "program": program,
            "hands": self.hands,
            "surroundings": self._surroundings(),
            "look_around": self.bench.look_around,
            "calibration": self.calibration,
            "films": self.films,
            "records": FilmJournals(self.data),
            "trains": self.trains,
            **experiment.arguments,
        }
        wired = {} if sample is None else {"potentiostat": self.bench.wiring.get(sample.id, "potentiostat")}
        if "chamber" in experiment.arguments:
            wired["chamber"] = given.pop("chamber")
        wanted = inspect.signature(discover_plans()[experiment.plan]).parameters
        # Of stations that a plan can do without, those that its recipes are for.
        needed = {PLACE_OF.get(type(each)) for each in given.values()}
        return {
            name: given[name] if name in given else self._device(wired.get(name, name))
            for name, parameter in wanted.items()
            if name != "md" and (name in given or name in needed or parameter.default is parameter.empty)
        }

    def show_rows(self) -> None:
        """Show rows, and a bar on a terminal, whenever a plan is waited for from now on: for a prompt, a notebook."""
        from labctl.live.screen import Screen

        screen = Screen(self.at_work, self.clock.now)
        self.RE.subscribe(screen)
        self.RE.context_managers.append(screen.during)
        self._ending.callback(screen.close)

    def stations_of(self, experiment: Experiment) -> list[str]:
        """Return the names of the stations an experiment works with. Raises LabError when this bench lacks one."""
        return [each.name for each in self.arguments(experiment).values() if isinstance(each, Station)]

    def wait(self, status: Any) -> None:
        """Wait at the prompt for a status, letting virtual time go on. Raises what it failed with."""
        while not status.done:
            self.clock.sleep(0.1)
        failure = status.exception(timeout=0)
        if failure is not None:
            raise failure

    def engines(self) -> list[LabEngine]:
        """Return the engines at the prompt and those of the workers that work."""
        return [self.RE, *self._passing, *self.workers.engines]

    def hold(self) -> None:
        """Let nothing begin any more on stations that can be held: a train of flashes. What was begun is brought to
        its end; plans go on."""
        for station in self._stations.values():
            if isinstance(station, Pausable):
                station.pause()

    def pause_now(self) -> None:
        """Pause all that runs, at the prompt and beside it, at once; what runs on an instrument goes on."""
        for engine in self.engines():
            engine.pause_now()

    def safe(self) -> None:
        """Bring every device to its safe state. Raises LabError naming those that could not be."""
        failures = []
        for name, device in (self._stations | self.devices).items():
            if hasattr(device, "safe"):
                try:
                    device.safe()
                except Exception as error:  # noqa: BLE001 - one that fails must not keep the next from being made safe
                    failures.append(f"{name}: {error if isinstance(error, LabError) else repr(error)}")
        if failures:
            raise LabError("not everything is safe:\n  " + "\n  ".join(failures))

    def close(self) -> None:
        """End the session: devices in reverse order, each as the table of endings says, then what was kept."""
        self._ending.close()

    def _here(self, plan: Callable[..., Any]) -> Callable[..., Any]:
        """Return a plan that takes what is meant, and looks around as this bench does if its caller does not say."""

        @wraps(plan)
        def called(*args: Any, **kwargs: Any) -> Any:
            here: dict[str, Any] = {}
            if "surroundings" in plan.__annotations__:
                here = {"surroundings": self._surroundings(), "look_around": self.bench.look_around}
            args, kwargs = as_meant(plan, args, {**here, **kwargs}, self.data)
            return plan(*args, **with_inputs(plan, args, kwargs, self.data))

        return called

    def _surroundings(self) -> list[Any]:
        """Return what no experiment works with and can be read: a glovebox, a room's thermometer."""
        others = (
            device
            for name, device in self.devices.items()
            if name not in self._stations or device.role == SingleInstrument.role
        )
        return [device for device in others if isinstance(device, Readable)]

    def _device(self, name: str) -> Any:
        if name not in self.devices:
            reason = self.missing.get(name)
            raise LabError(
                lacking(self.bench, name)
                if reason is None
                else f"{name} did not answer at the start: {reason}"
            )
        return self.devices[name]

    def _open(self, start_with_the_rest: bool, operator: str, handle_signals: bool, ask: Ask) -> None:
        here = self.data / "bench" / self.bench.name
        try:
            (here / "samples").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{self.data} cannot be the data folder: {error.strerror}; name another"
            ) from error
        disk = Disk(self.data, self.limits.disk)
        disk.require()
        if closed := recover(self.data):
            from labctl.films.broken import warn_of_films

            warn_of_films(closed, self.data)
        self.clock = make_clock(self.bench, self.data)
        self._ending.callback(self.clock.close)
        lock = PortLock(str(here.resolve()), self.clock, self.data / "bench")
        self._ending.callback(lock.release)
        self._keeper = Keeper(disk, self._end_what_runs)
        self._ending.callback(self._keeper.close)
        self._facts = Facts(self.data)
        world = self.bench.world or World()
        self.twins = make_world(self.clock.now, self.bench.seed, world, here / "samples")
        self._ending.callback(self.twins.save)
        self.hands = LabHands(self.clock, self._facts, *self._carried(world), ask, cyclers_of(self.bench))
        self.calibration = FluenceCalibration(self.data, self.bench)
        self.films = FilmRates(self.data, self.bench)
        self.trains = TrainJournals(self.data)
        # Twins are what the file says; only what is believed of them goes by measurements.
        measured, fits = calibrated(self.bench, self.calibration)
        self.believer = Believer(
            self.data,
            bank_of(measured),
            surroundings_of(measured),
            limits=self.limits.damage,
        )
        opened = Devices(
            self.bench,
            measured,
            world,
            self.limits,
            self.data,
            self.clock,
            self.twins,
            self.hands,
            self.believer,
            self.films,
            self._keeper,
            secrets.token_hex(8),
            self._ending,
        )
        self.devices, self.missing = opened.devices, opened.missing
        self._stations, self._spooled = opened.stations, opened.spooled
        journal = self._journal()
        self._ending.callback(journal.close)
        opened.connect()
        for name, device in self.devices.items():
            setattr(self, name, device)
        if self.missing and not start_with_the_rest:
            raise ConnectError(self.missing)
        self._leases = Leases()
        said = session_metadata(
            measured, self.limits, self.clock, self.devices, opened.identities, operator, opened.boot
        )
        self.md = LastingMetadata(here / "metadata.json", {**said, "calibrations": fits} if fits else said)
        self.workers = Workers()
        self.interrupts: Interrupts = Unheeded()
        managers: list[Any] = []
        if handle_signals:
            ctrl_c = self.interrupts = CtrlC(self.engines)
            self._ending.callback(ctrl_c.give_back)
            managers = [ctrl_c.during]
        self.RE = self._engine(SHELL, journal, self.md, context_managers=managers)
        self._journals = self._ending.enter_context(ExitStack())
        self._ending.callback(self.RE.end, "the session was closed")
        self._ending.callback(self.workers.end, "the session was closed")
        self._say_what_was_left()

    def _journal(self) -> Journal:
        return Journal(self.data, self._keeper, self._spooled)

    def _end_what_runs(self, trouble: str) -> None:
        """End every run in good order, on a thread of its own: the disk is looked after meanwhile."""
        self._trouble = trouble

        def end() -> None:
            # It may come while the session is still being opened.
            for engine in (vars(self).get("RE"), vars(self).get("workers")):
                try:
                    if engine is not None:
                        engine.end(trouble)
                except Exception:
                    # The engine raises it where it was called as well; this thread has nobody to tell.
                    log.exception("%s: the run failed while it was ended", trouble)

        threading.Thread(target=end, name="disk", daemon=True).start()

    def _say_what_was_left(self) -> None:
        """Say of each channel what an earlier session left on it; twins of this process were made with it."""
        for name, device in self.devices.items():
            if isinstance(device, PotentiostatStation) and not is_twin(self.bench.devices[name]):
                try:
                    left = device.left()
                except LabError as error:
                    left = f"{name}: whether an earlier session left something on it is not known: {error}"
                if left:
                    log.warning("%s", left)

    def _engine(
        self, holder: str, journal: Journal, md: MutableMapping[str, Any], **options: Any
    ) -> LabEngine:
        """Return an engine whose runs are kept, with a baseline of the stations they work with."""
        engine = LabEngine(
            self.clock,
            md,
            leases=self._leases,
            holder=holder,
            scan_id_source=lambda _: self.md.next_scan(),
            **options,
        )
        engine.subscribe(journal)
        engine.subscribe(lambda _, start: name_run(self._facts, start), "start")
        engine.subscribe(lambda _, start: self.begun.append(start["uid"]), "start")
        engine.subscribe(Shadows(self.data, self.believer, self._stations, self.limits.shadow))

        def used() -> list[Any]:
            held = [self.devices[name] for name in self._leases.held_by(holder) if name in self.devices]
            return [*(device for device in held if isinstance(device, Readable)), *self._surroundings()]

        engine.preprocessors += [going_on(self.data), with_belief(self.data), with_baseline(used)]
        return engine

    def _carried(self, world: World) -> tuple[Carried, set[str]]:
        """Return where samples are carried without a person, and the stations there."""
        stations = stations_of(self.bench)
        if world.served:
            return ServedWorld(world.served), stations
        return self.twins, {name for name in stations if is_twin(self.bench.devices[name])}


def experiment_metadata(experiment: Experiment, md: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the start documents of an experiment's runs say of it."""
    said = {
        "experiment_name": experiment.name,
        "experiment_hash": experiment.config_hash,
        "notes": experiment.notes,
    }
    if experiment.operator:
        said["operator"] = experiment.operator
    return {**said, **(md or {})}


def _ask_in_terminal(sentence: str) -> object:
    sys.stderr.write(f"\nPlease {sentence}, then press Enter. ")
    sys.stderr.flush()
    return input()
