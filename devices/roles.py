"""What plans and stations ask for: roles, not makes. A driver fits a role by having its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.base import RowStream
from devices.clock import Clock
from devices.cycling.programs import Program
from devices.lamp.unfinished import Unfinished
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import SampleRef
from devices.sheet.recipe import SheetRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from devices.sputter.unfinished import UnfinishedFilm


@dataclass(frozen=True)
class ChargerState:
    """One reading of a charger: voltage [V], current [A] and its flags; age [s] of one that is not of now."""

    voltage: float
    current: float
    high_voltage_on: bool
    fault: bool
    age: float = 0.0


class Charger(Protocol):
    """Charges the lamp's bank.

    guard: called before the high voltage is switched on; raises InterlockError when nobody may. acting: whether who
    asks now is the loop that acts. What feeds a watchdog is said for nobody else while the high voltage is on: a look
    is answered with the last reading and its age.
    """

    guard: Callable[[], None]
    acting: bool

    @property
    def watchdog(self) -> float | None:
        """Seconds of silence after which it switches off by itself.

        None if it never does: then only a dead-man in hardware makes a lamp safe whose host died.
        """

    def program(self, voltage: float) -> None:
        """Switch on and charge to `voltage` [V]; LimitError outside its range, InstrumentError when faulted."""

    def state(self) -> ChargerState:
        """Ask for the present state, which feeds its watchdog; whoever only looks is told the last one."""

    def off(self) -> None:
        """Switch the high voltage off; the bank bleeds."""

    def reset(self) -> None:
        """Clear a latched fault; the high voltage stays off."""

    def safe(self) -> None:
        """Off, whatever the state."""


class PulseTrigger(Protocol):
    """Gates the lamp: one gate per software trigger, so that silence means no pulse.

    guard: called before every trigger; raises InterlockError when none may be sent. setting_guard: the same before a
    gate is set and triggers are let through. bursts: whether one trigger may open several gates, which only a dead-man
    in hardware allows.
    """

    guard: Callable[[], None]
    setting_guard: Callable[[], None]
    bursts: bool

    def prepare(self, duration: float) -> None:
        """Set the gate's width [s], enable single shots and read both back."""

    def prepare_burst(self, width: float, count: int, period: float) -> None:
        """Have one trigger open `count` gates of a width [s], one period [s] apart."""

    def require_set(self) -> None:
        """Raise InstrumentError when what was prepared does not stand any more; nothing is sent that acts."""

    def fire(self) -> None:
        """Send one software trigger, if the guard allows. Never repeated."""

    def fired(self) -> bool:
        """Return whether a gate was completed since the last call (the instrument forgets on reading).

        Raises InterlockError when the trigger was inhibited and no gate opened.
        """

    def safe(self) -> None:
        """Inhibit: no trigger can pass."""


class EnergyMeter(Protocol):
    """Measures the energy of each flash."""

    def prepare(self) -> None:
        """Go to single-shot energy mode and discard an old value."""

    def take(self) -> float | None:
        """Return the energy [J] measured since the last call, or None when there is no new value."""

    def safe(self) -> None:
        """Nothing to make safe; answers all the same."""


BoardDeed = Literal["close", "feed", "forget"]
"""What a board is asked to do that only its station may: close its contact, feed its watchdog, forget what was open."""


class PermissiveBoard(Protocol):
    """Reads the contacts of the interlock loop, and holds a contact of its own in it under a watchdog: the dead-man.

    guard: called before each deed; raises InterlockError when it may not be done.
    """

    guard: Callable[[BoardDeed], None]

    def inputs(self) -> Mapping[str, bool]:
        """Return for each permissive by name whether its contact is closed, which permits."""

    def opened(self) -> frozenset[str]:
        """Return the permissives whose contacts were open, however shortly, since forget()."""

    def forget(self) -> None:
        """Forget which contacts were open; one that is open now is latched again."""

    def enable(self) -> None:
        """Close the own contact for as long as alive() is called."""

    def alive(self) -> None:
        """Say that the host lives. Raises InterlockError when the watchdog has opened the contact."""

    def flashes(self) -> int:
        """Return how many flashes the board has counted, modulo 65536; it goes on when the host does not."""

    def was_off(self) -> bool:
        """Return whether it was switched off since this was last asked, or nobody can know: its count is void then."""

    def reset(self) -> None:
        """Clear a watchdog that has tripped; the contact stays open."""

    def safe(self) -> None:
        """Open the own contact: no trigger can pass."""


class Pyrometer(Protocol):
    """Measures the temperature of what lies under the lamp, between flashes; too slow to see one.

    `read` is ophyd's word for all quantities of a device, so one temperature is read_temperature().
    """

    def prepare(self) -> None:
        """Set emissivity and response, and read them back."""

    def read_temperature(self) -> float:
        """Return the temperature [K], fresh and in range.

        Raises InstrumentError with what it said instead of a value: warming, below its range, overflow, stuck.
        """

    def safe(self) -> None:
        """Nothing to make safe; answers all the same."""


class Thermometers(Protocol):
    """Measures temperatures in several places, slowly."""

    def prepare(self) -> None:
        """Set every channel and read it back."""

    def read_temperatures(self) -> Mapping[str, float]:
        """Return the temperatures [K] by the channels' names.

        Raises InstrumentError that names the channels that are open or out of range.
        """

    def safe(self) -> None:
        """End what is under way."""


Trace = tuple[tuple[float, ...], tuple[float, ...]]
"""Times [s] since the first sample, and volts."""


class TraceRecorder(Protocol):
    """Records one trace per trigger of its own input; the host only waits."""

    def prepare(self, duration: float, samples: int) -> None:
        """Have the next trigger record `samples` in `duration` [s]; so do those after each take()."""

    def take(self) -> Trace | None:
        """Return the trace recorded since the last call, or None when there is no whole one."""

    def safe(self) -> None:
        """Wait for no trigger any more."""


@dataclass(frozen=True)
class Crosspoint:
    """Where a row and a column of a relay matrix meet, both from 0."""

    row: int
    column: int


class RelayMatrix(Protocol):
    """Connects any of its rows to any of its columns. together: how many may be; settling [s] of its relays."""

    rows: int
    together: int
    settling: float

    @property
    def columns(self) -> int:
        """How many columns it has."""

    def connect(self, points: Sequence[Crosspoint]) -> None:
        """Open all relays, then close exactly these. Raises InstrumentError when one did not close."""

    def open_all(self) -> None:
        """Open all relays."""

    def safe(self) -> None:
        """Open all relays."""


class SiteMeter(Protocol):
    """Measures one cell on its row: voltage at rest, impedance; and holds a voltage for a while."""

    def sweep_time(self, frequencies: Sequence[float]) -> float:
        """Return how long [s] a sweep over frequencies [Hz] takes."""

    def prepare(self, frequencies: Sequence[float], amplitude: float) -> None:
        """Set the sweep: frequencies [Hz], amplitude [V rms]; no current flows."""

    def float_free(self) -> None:
        """Let no current flow."""

    def hold(self, voltage: float) -> None:
        """Hold a voltage [V] from now on. Raises LimitError."""

    def open_circuit(self) -> float:
        """Return the voltage [V] without a current, NaN where nothing holds it."""

    def begin(self, bias: float) -> None:
        """Begin a sweep at a bias [V]."""

    def take(self) -> list[float]:
        """Return R and X [ohm] of each frequency of the sweep in turn, NaN where nothing was measured."""

    def safe(self) -> None:
        """End what is under way; no current flows."""


@dataclass(frozen=True)
class Flight:
    """How a run on a station ended: asked and done in the station's unit of work, and why it ended."""

    end_reason: str
    asked: int
    done: int
    interrupted: bool


class Flown(Protocol):
    """A station whose long actions run by themselves and are collected in pages."""

    name: str
    clock: Clock
    streams: Mapping[str, RowStream]

    def kickoff(self) -> StatusBase:
        """Begin what was prepared."""

    def complete(self) -> StatusBase:
        """Return a status that finishes when it is over."""

    def stop(self, *, success: bool = False) -> None:
        """End it now, in the way the table of endings says."""

    def renew_lease(self) -> None:
        """Say that the acting loop is alive; keep-alives are sent only under this lease."""

    def flight(self) -> Flight:
        """Return what was asked and done."""

    def safe(self) -> None:
        """Bring it to its safe state."""


@dataclass(frozen=True)
class AnnealJob:
    """What a lamp is prepared with."""

    sample: SampleRef
    recipe: AnnealRecipe


@dataclass(frozen=True)
class CycleJob:
    """What a potentiostat channel is prepared with."""

    sample: SampleRef
    program: Program


@dataclass(frozen=True)
class TakeOver:
    """What a potentiostat channel is prepared with to go on with a job that an earlier session left on it.

    offsets: what that session had counted {cycle, step_count, record, charge, energy, test_time}.
    """

    sample: SampleRef
    program: Program
    offsets: Mapping[str, float]


@dataclass(frozen=True)
class GoOn:
    """What a potentiostat channel is prepared with to go on with a program that nothing runs or keeps any more.

    offsets: what was counted of it so far, as of a TakeOver; position: where it stands, in the station's own words.
    """

    sample: SampleRef
    program: Program
    offsets: Mapping[str, float]
    position: Mapping[str, Any]


@dataclass(frozen=True)
class DepositionJob:
    """What a sputter system is prepared with."""

    sample: SampleRef
    recipe: DepositionRecipe


@dataclass(frozen=True)
class ConditioningJob:
    """What a sputter system is prepared with to have targets burn behind the closed shutter, on no sample.

    until_calm: until arcs and bias have settled, after the recipe's pre-sputtering.
    """

    recipe: DepositionRecipe
    until_calm: bool = False

    @property
    def sample(self) -> None:
        """There is none."""
        return None


@dataclass(frozen=True)
class EvaporationJob:
    """What an evaporator is prepared with."""

    sample: SampleRef
    recipe: EvaporationRecipe


@dataclass(frozen=True)
class FurnaceJob:
    """What a furnace is prepared with."""

    sample: SampleRef
    recipe: FurnaceRecipe


@dataclass(frozen=True)
class SheetJob:
    """What a multiplexer is prepared with: a sheet of cells, and what is done to each."""

    sample: SampleRef
    recipe: SheetRecipe


@dataclass(frozen=True)
class Cycled:
    """All that the journals have of a program: of a run and of those that went on with it.

    sample: its id; program_hash; began: the time label [s] of its start. rows, points, steps: the streams `primary`,
    `impedance` and `steps` by column; empty where there are none. runs: uids of the runs, in order; breaks: the test
    times [s] behind which nothing ran for a while, until it was gone on with.
    """

    runs: Sequence[str]
    sample: str
    program_hash: str
    began: float
    rows: Mapping[str, Any]
    points: Mapping[str, Any]
    steps: Mapping[str, Any]
    breaks: Sequence[float] = ()


@dataclass(frozen=True)
class Prediction:
    """What a model expects: its name, the hash of its parameters, and plain JSON values in SI.

    ask: what a person must agree to before it is done, in words; empty where nobody need be asked.
    """

    model: str
    parameters_hash: str
    values: Mapping[str, Any]
    ask: str = ""


@runtime_checkable
class FlashLamp(Flown, Protocol):
    """Flashes a film: `prepare(AnnealJob)`, then fly. Stream `primary`, one row per pulse."""

    def check(self, recipe: AnnealRecipe) -> None:
        """Raise LimitError when lamp or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: AnnealJob) -> StatusBase:
        """Check the job against the lamp's limits, bring the sample, set the instruments, charge nothing yet."""

    def predict(self, job: AnnealJob) -> Prediction | None:
        """Ask the lab's predictor; None when there is none."""

    def arm(self, job: AnnealJob) -> Any:
        """Check everything once more and return the token that lets kickoff() fire this one job."""

    def insert(self, token: Any) -> None:
        """Put in the token that the next kickoff() uses up."""

    def account(self) -> Unfinished | None:
        """Return the train that was not finished, with what the board's counter says of it now."""

    def accounted(self) -> None:
        """Take note that every flash of that train is recorded, or known to a person."""

    @property
    def last_began(self) -> float | None:
        """Time label [s] of the last train that was begun, whatever became of it; None if there was none."""

    @property
    def asks_to_finish(self) -> bool:
        """Whether a person must agree before the rest of a train is fired that did not come to its end."""


@runtime_checkable
class Potentiostat(Flown, Protocol):
    """Cycles a cell: `prepare(CycleJob)`, then fly. Streams `primary`, `impedance`, `steps`, `cycles`."""

    @property
    def channel(self) -> int:
        """The channel it is, from 0."""

    def check(self, program: Program) -> None:
        """Raise LimitError or ProgramError when channel or lab do not allow the program; nothing is sent."""

    def prepare(self, job: CycleJob | TakeOver | GoOn) -> StatusBase:
        """Check the job against the channel's limits, have the cell wired, upload the program.

        A TakeOver touches neither cell nor instrument.
        """

    def left_over(self, sample: SampleRef, program: Program) -> TakeOver:
        """Return what an earlier session left of a program on a cell. Raises InterlockError when it is another's."""

    def is_kept(self, sample: SampleRef, program: Program) -> bool:
        """Return whether the instrument runs what was left of a program on a cell, or keeps its rows."""

    def broken_off(self, sample: SampleRef, program: Program, run: str) -> GoOn:
        """Return what is left of a program that a run began. Raises InterlockError when nobody can say, or nothing."""


class Depositing(Flown, Protocol):
    """What every chamber has in which films are made. A film is never made twice: what was begun is accounted for."""

    @property
    def unfinished(self) -> UnfinishedFilm | None:
        """The film under way, or the last one that did not come to its end; None when all was done."""

    def accounted(self) -> None:
        """Take note that what was put on the last sample is recorded, or known to a person."""

    def pump_down(self, pressure: float) -> StatusBase:
        """Pump to a pressure [Pa]; InterlockError when that may not be done now."""

    def vent(self) -> StatusBase:
        """Let air in; InterlockError with plasma, gas, or a hot chuck. One that is depositing ends its film for it."""

    def is_vented(self) -> bool:
        """Return whether the chamber is open to air."""

    def leak_check(self, pressure: float, duration: float) -> StatusBase:
        """Pump to a pressure [Pa], close it off for a time [s]; stream `leaks` has what was fitted to its rise."""

    @property
    def load_lock(self) -> bool:
        """Whether samples come in and out without venting."""

    def reset(self) -> None:
        """Leave FAULT, by a person's command."""


@runtime_checkable
class SputterSystem(Depositing, Protocol):
    """Sputters a film: `prepare(DepositionJob)`, then fly. Streams `primary`, one row a second, and `layers`.

    A ConditioningJob burns targets behind the closed shutter.
    """

    def check(self, recipe: DepositionRecipe) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: DepositionJob | ConditioningJob) -> StatusBase:
        """Check the job, have the sample brought, if there is one."""

    def film_rate(self, recipe: DepositionRecipe) -> FilmRate | None:
        """Return the rate at which the film is believed to grow; None when nobody knows."""

    def tooling(self, recipe: DepositionRecipe) -> Tooling | None:
        """Return the tooling factor that the monitor will be set to; None when it does not watch the film."""

    def target_life(self) -> Mapping[str, float]:
        """Return what the target of each gun may still have [J]."""

    def wear(self) -> Mapping[str, Mapping[str, Any]]:
        """Return of the target of each gun its `material`, the `energy` it had and its whole `life` [J]."""


@runtime_checkable
class Evaporator(Depositing, Protocol):
    """Evaporates a film from a boat: `prepare(EvaporationJob)`, then fly. Streams as a sputter system's."""

    def check(self, recipe: EvaporationRecipe) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: EvaporationJob) -> StatusBase:
        """Check the job, have the sample brought, with the mask on it."""


@runtime_checkable
class Furnace(Flown, Protocol):
    """Heats a sample: `prepare(FurnaceJob)`, then fly. Stream `primary`, one row a second, temperatures as measured."""

    def check(self, recipe: FurnaceRecipe) -> None:
        """Raise LimitError when furnace or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: FurnaceJob) -> StatusBase:
        """Check the job, have the sample brought."""


@runtime_checkable
class Multiplexer(Flown, Protocol):
    """Measures the cells of a sheet, several at a time: `prepare(SheetJob)`, then fly.

    Streams `primary`, one row a cell, and `impedance`, one row a cell and frequency.
    """

    def check(self, sample: SampleRef, recipe: SheetRecipe) -> None:
        """Raise LimitError or InterlockError when instruments or lab do not allow it; nothing is sent."""

    def duration(self, sample: SampleRef, recipe: SheetRecipe) -> float:
        """Return how long [s] the map of a sheet takes."""

    def prepare(self, job: SheetJob) -> StatusBase:
        """Check the job, have the sheet brought under the probes, set the instruments."""


@dataclass(frozen=True)
class FilmRate:
    """How fast a film is believed to grow [m/s], its relative sd, and which calibration says so ("" for a guess)."""

    rate: float
    sd: float
    calibration: str


@dataclass(frozen=True)
class Tooling:
    """Film on the sample over film on the crystal [1], its relative sd, which calibration says so ("" for a guess)."""

    value: float
    sd: float
    calibration: str


class FilmPredictor(Protocol):
    """Says how fast films grow, from what was measured on a machine; never from physics. A Predictor may be one too."""

    def film_rate(self, station: str, recipe: DepositionRecipe) -> FilmRate | None:
        """Return the rate of a recipe's film on the station of that name; None when nothing was measured."""

    def tooling(self, station: str, material: str) -> Tooling | None:
        """Return film on the sample over film on the crystal, of a material; None when nothing was measured."""


class Predictor(Protocol):
    """Predicts from belief (journals and facts), never from a twin's world."""

    def anneal(self, sample: SampleRef, recipe: AnnealRecipe) -> Prediction:
        """Predict what the lamp will do to this sample, with the pulses it already had."""

    def rest(
        self,
        sample: SampleRef,
        recipe: AnnealRecipe,
        passed: Sequence[tuple[float, float]],
        elapsed: float,
        began: float,
    ) -> Prediction:
        """Predict the rest of a train that was held.

        passed: of each pulse so far the time [s] since the first and the bank's voltage [V]; elapsed: when it goes
        on [s since the first]; began: the time label [s] of the train, after which no run is looked at.
        """


@dataclass(frozen=True)
class TrainSoFar:
    """What the journals tell of a train that did not come to its end, and of the runs that went on with it.

    first, last: uids of the run that began it and of the newest that goes on with it. asked, done: pulses. fired: the
    newest run in which the lamp was to fire: hash of its recipe, its time label [s], the pulses recorded of it, those
    recovered too. began: time label [s] of the train's first pulse, of its first run where none is recorded.
    latest: that of the newest pulse, None without one.
    """

    first: str
    last: str
    asked: int
    done: int
    fired_recipe: str
    fired_time: float
    fired_done: int
    began: float
    latest: float | None


class TrainRecords(Protocol):
    """Tells of trains that did not come to their ends."""

    def so_far(self, run: str, sample: SampleRef, recipe: AnnealRecipe) -> TrainSoFar:
        """Return what is known of the train that a run began on this sample by this recipe; DataError for another."""


class LampCalibration(Protocol):
    """Fits a lamp's model to what was measured, and keeps the fits."""

    def fit(self, lamp: str, uids: Sequence[str]) -> Any:
        """Fit the lamp of that name to the runs of these uids, and keep the fit with them."""


@dataclass(frozen=True)
class FilmSoFar:
    """What the journals tell of a film that did not come to its end.

    first, last: uids of the run that began it and of the newest that goes on with it, and the hash of that one's
    recipe. thickness [m] and open_time [s] of the shutter, of all of them.
    """

    first: str
    last: str
    recipe: str
    thickness: float
    open_time: float


class FilmRecords(Protocol):
    """Tells of films that did not come to their ends."""

    def so_far(self, run: str, sample: SampleRef, recipe: DepositionRecipe) -> FilmSoFar:
        """Return what is known of the film that a run began on this sample by this recipe; DataError for another."""


class FilmCalibration(Protocol):
    """Fits rates of films, and the monitor's tooling, to films that were measured, and keeps the fits."""

    def fit(self, station: str, uids: Sequence[str]) -> Any:
        """Fit what the runs of these uids put on, on the station of that name, and keep the fit with them."""


class CellRecords(Protocol):
    """What the lab knows of a cell from its runs."""

    def rest_voltage(self, sample: SampleRef) -> float | None:
        """Return the voltage [V] it had after its last long rest, None when it was driven since, or never seen."""

    def cycled(self, run: str) -> Cycled:
        """Return what the journals have of the program that a run began. Raises DataError when there is no such run."""


@dataclass(frozen=True)
class Bring:
    """A task for hands: have the sample at `place` (a station's name, or "name/channel"), under a mask if any."""

    sample: SampleRef
    place: str
    mask: str = ""


@dataclass(frozen=True)
class Assemble:
    """A task for hands: have the sample's cell layers put on."""

    sample: SampleRef


@dataclass(frozen=True)
class Confirm:
    """A task for hands: have a person agree to what will be done to the sample at a station."""

    sample: SampleRef
    place: str
    question: str


@dataclass(frozen=True)
class Measure:
    """A task for hands: have the step of the film of a material on a sample measured, as by a profilometer."""

    sample: SampleRef
    material: str


@dataclass(frozen=True)
class Treat:
    """A task for hands: have a sample's parts go through something beside an anneal, see sim.materials.treatments."""

    sample: SampleRef
    treatment: str


class Hands(Protocol):
    """Whoever carries samples: a person on hardware, the bench on twins. What was done is recorded as a fact."""

    name: str

    def check(self, task: Bring | Assemble) -> None:
        """Raise InterlockError when it is known beforehand that the task cannot be done."""

    def set(self, task: Bring | Assemble | Confirm | Measure | Treat) -> StatusBase:
        """Have the task done; the status finishes when it is."""
