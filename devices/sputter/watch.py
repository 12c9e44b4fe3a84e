"""What tells from the readings that something is wrong with a deposition: one small watcher for each fault.

Each raises Trouble. Signatures and numbers: the fault table of the deposition twins; those without a source there are
guesses and say so.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from devices.errors import InterlockError
from devices.limits import SputterLimits
from devices.sputter.crew import Crew
from devices.sputter.equipment import SUBSTRATE_SHUTTER, VENT_VALVE
from devices.sputter.interlocks import require
from devices.sputter.looks import Seen
from devices.sputter.parts import Flow, MonitorReading, SupplyState
from devices.sputter.recipe import SCCM
from devices.sputter.states import Deed

LEAST_BIAS = 20.0
"""V of self-bias above which a plasma burns; guess, recipes run at some 200 V."""
MOST_REFLECTED = 0.5
"""Share of the forward power below which a burning plasma reflects; without one all of it comes back."""
SPIKE = 0.1
"""Share of the forward power above which a reflected one is an arc, and at least LEAST_SPIKE; guess."""
LEAST_SPIKE = 5.0
"""W."""
MINUTE = 60.0
AT_LIMIT = 0.005
"""How close to 0 or 1 a throttle is at its limit."""
LIMIT_TIME = 3.0
PRESSURE_TIME = 10.0
"""Seconds that the pressure may be off; guess."""
SETTLES = 30.0
"""Seconds of unchanged power and pressure before throttle and bias are expected to stay; guess, the throttle settles in
25 s [twins]."""
STEP_LASTS = 3.0
"""Seconds that a step must stay to be one: all of it is looked at again meanwhile."""
RATE_STEP_LASTS = 3.0
"""Seconds that a step of the rate must stay; guess, end switches are looked at before it counts."""
ARC_WINDOW = 20.0
"""Seconds in which half of a minute's arcs on one target are a storm: three by chance there come once in 28000 films of
18 h with 0.5 an hour [twins], with 0.5 a second five times out of six in nine seconds."""
BIAS_BY_POWER, VOLTAGE_BY_POWER = 0.45, 0.1
"""Exponents of the power with which a target's self-bias goes at radio frequency, and its voltage with direct current
[twins: within 1.2 % from 10 W to 120 W]."""
BIAS_BY_PRESSURE = -0.15
"""Exponent of the pressure with which a target's bias goes [twins]."""
UNEXPLAINED = "which its power and the pressure do not explain"
BIAS_LAW = 0.15
"""By which such an exponent may be off; guess."""
DARK_ROWS = 3
"""Rows in a row without a burning plasma after which it is out, and it was no arc."""
FOLLOWS = 300.0
"""Looks with which what is expected follows slow changes: a target wears in hours."""
PRESSURE_STEADY = 0.03
"""Of the set point within which the pressure counts as fixed."""
REFLECTED_LIMIT = "reflected power limit"
"""What a supply complains of in an arc storm."""
BIAS_OFF = 0.1
"""Share of the substrate's bias power by which it may be off, and at least BIAS_LEAST; guess."""
BIAS_LEAST = 3.0
"""W; generators are set in whole ones."""
BIAS_ROWS = 5
"""Rows in a row with another power than was set after which the bias is off: its match moves in seconds; guess."""
SURE = 4.0
"""Standard uncertainties of a rate that a gun's share of it must be worth to be missed."""
SHARES_SHOW = 60.0
"""Seconds of open shutter from which the shares of several guns are judged; guess, noise is a thousandth by then."""
STUCK_ROWS = 6
"""Rows over which a film behind a closed shutter is seen to grow: single rows have a tenth of noise."""
CRYSTAL_SETTLES = 60.0
"""Seconds after a plasma was lit until a crystal has warmed up."""


class Trouble(InterlockError):
    """Something is wrong with a film that is being made. gently: whether the power may be ramped down."""

    def __init__(self, code: str, why: str, *, gently: bool = True) -> None:
        super().__init__(code, why)
        self.code, self.why, self.gently = code, why, gently


def burns(state: SupplyState) -> bool:
    """Return whether a source's plasma burns."""
    return (
        state.on and state.bias >= LEAST_BIAS and state.reflected < MOST_REFLECTED * max(state.forward, 1e-9)
    )


def arcs(state: SupplyState) -> int:
    """Return how many arcs a reading of a source shows: one, or two.

    One lasts milliseconds, which a meter averages: a plasma that burns and throws most back, or trips the supply's
    limit, had several.
    """
    limited = REFLECTED_LIMIT in state.flags
    if not state.on or not (limited or state.reflected > max(SPIKE * state.forward, LEAST_SPIKE)):
        return 0
    several = limited or state.reflected >= MOST_REFLECTED * state.forward
    return 2 if several and state.bias >= LEAST_BIAS else 1


def stiffness(state: SupplyState) -> float:
    """Return a burning target's bias [V] by the power it takes [W], to the exponent that keeps it; NaN without."""
    if not burns(state) or state.load <= 0.0:
        return math.nan
    return state.bias / _law(state, state.load)


def _law(state: SupplyState, power: float) -> float:
    """Return what a target's bias goes with at a power [W], of a supply that drives it as this one does."""
    return math.pow(power, VOLTAGE_BY_POWER if state.current > 0 else BIAS_BY_POWER)


class Lasting:
    """Tells when something has been so for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = math.inf

    @property
    def is_so(self) -> bool:
        """Whether it is so, for how long ever."""
        return not math.isinf(self._since)

    def holds(self, now: float, so: bool) -> bool:
        """Return whether it has been so for that long."""
        if not so:
            self._since = math.inf
            return False
        self._since = min(self._since, now)
        return now - self._since >= self._seconds


class Drift:
    """Tells a step of something that otherwise only drifts. expected: what it is expected to be, NaN at first.

    settles [s] before it is expected to stay; lasts [s]: how long it must be off to have made a step.
    """

    def __init__(self, settles: float = SETTLES, lasts: float = STEP_LASTS) -> None:
        self._settles, self._lasts = settles, lasts
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after a change that moves it."""
        self._begun, self.expected = math.inf, math.nan
        self._off = Lasting(self._lasts)

    def is_settled(self, now: float) -> bool:
        """Return whether it is expected to stay."""
        return now - self._begun >= self._settles

    def stepped(self, now: float, value: float, most: float) -> bool:
        """Return whether it has been further from what is expected than it may, for long enough."""
        self._begun = min(self._begun, now)
        if not self.is_settled(now) or math.isnan(self.expected):
            self.expected = value
            return False
        moved = value - self.expected
        stays = abs(moved) <= most
        if stays:
            self.expected += moved / FOLLOWS
        return self._off.holds(now, not stays)


class FlowWatch:
    """Every gas flows as the recipe says, and no other. wrong: whether one does not just now.

    ranges [mol/s]: the most that each gas's controller lets in, of which its zero and its reading are uncertain.
    """

    def __init__(self, limits: SputterLimits, ranges: Mapping[str, float]) -> None:
        self.wrong = False
        self._share = limits.flow
        self._least = {gas: limits.flow_zero * most for gas, most in ranges.items()}
        self._off = Lasting(limits.flow_time)

    def look(self, now: float, flows: Mapping[str, Flow], wanted: Mapping[str, float]) -> None:
        """Raise Trouble when one has been off for too long."""
        off = [
            gas
            for gas, flow in flows.items()
            if abs(flow.actual - (goal := wanted.get(gas, 0.0)))
            > max(self._share * goal, self._least.get(gas, 0.0))
        ]
        missing = [gas for gas in wanted if gas not in flows]
        self.wrong = bool(off or missing)
        if self._off.holds(now, self.wrong):
            said = ", ".join(
                [
                    f"{gas} {flows[gas].actual / SCCM:.2f} of {wanted.get(gas, 0.0) / SCCM:.2f} sccm"
                    for gas in off
                ]
                + [f"{gas} is not there" for gas in missing]
            )
            raise Trouble("flow", f"a mass flow controller is off: {said}")


class PressureWatch:
    """The pressure stays, and the valve that holds it is not at its end."""

    def __init__(self, limits: SputterLimits) -> None:
        self._share = limits.pressure
        self._off, self._end = Lasting(PRESSURE_TIME), Lasting(LIMIT_TIME)

    def look(self, now: float, pressure: float, position: float, wanted: float) -> None:
        """Raise Trouble for a throttle at its limit, or a pressure that is off."""
        if self._end.holds(now, not AT_LIMIT < position < 1 - AT_LIMIT):
            raise Trouble(
                "valve_limit",
                f"the throttle is at {position:.3f}, its limit; {pressure:.3g} Pa of {wanted:.3g}",
            )
        if self._off.holds(now, not abs(pressure - wanted) <= self._share * wanted):
            raise Trouble("pressure", f"{pressure:.3g} Pa, {wanted:.3g} Pa are wanted")


class TurboWatch:
    """The turbo pump keeps its speed: one that fails is slow to slow down, and known long before it pumps less."""

    def __init__(self, limits: SputterLimits) -> None:
        self._most, self._fastest = limits.turbo_step, 0.0

    def look(self, share: float) -> None:
        """Raise Trouble when it has slowed down, by its share of full speed; NaN of a chamber without one."""
        if share < self._fastest - self._most:
            raise Trouble(
                "turbo", f"the turbo pump slows down: {share:.1%} of its speed after {self._fastest:.1%}"
            )
        self._fastest = max(self._fastest, share)


class ArcWatch:
    """Not too many arcs a minute, and not half of them on one target in a third of it."""

    def __init__(self, limits: SputterLimits) -> None:
        self._most = limits.arcs
        self._seen: deque[tuple[float, str]] = deque()

    def look(self, now: float, sparks: Mapping[str, int]) -> None:
        """Count the arcs that sources show. Raises Trouble in a storm, whose power is taken at once."""
        seen = self._seen
        for name, count in sparks.items():
            seen.extend([(now, name)] * count)
        while seen and seen[0][0] <= now - MINUTE:
            seen.popleft()
        if len(seen) <= self._most / 2:
            return
        lately = Counter(name for at, name in seen if at > now - ARC_WINDOW).most_common(1)
        name, most = lately[0] if lately else ("", 0)
        if len(seen) > self._most or most > self._most / 2:
            raise Trouble(
                "arc_storm",
                f"{len(seen)} arcs within a minute, {most} of them on {name} within {ARC_WINDOW:.0f} s; condition the"
                " target before going on",
                gently=False,
            )


class BiasWatch:
    """A target's bias makes no step that its power does not explain: one that does has cracked.

    known: its stiffness in an earlier film at this power and pressure, NaN where there was none. settled: what it is
    in this one, NaN until power and pressure have stayed for SETTLES. struck [V]: its bias with the power that lights
    it, NaN until that was seen.
    """

    def __init__(self, gun: str, limits: SputterLimits) -> None:
        self._gun, self._share = gun, limits.bias_step
        self.known = math.nan
        self.strikes(math.nan, math.nan, math.nan)
        self.reset()

    def strikes(self, before: float, power: float, pressure: float) -> None:
        """Take note of its bias [V] before with the power [W] that lights it at a pressure [Pa], NaN if unknown.

        It counts from the first row at this pressure.
        """
        self._strike, self.struck, self._seen_at = (before, power, pressure), math.nan, math.inf

    @property
    def is_off(self) -> bool:
        """Whether its bias has just made a step, which it may be an arc that makes."""
        return self._stepped.is_so

    def reset(self) -> None:
        """Begin anew, as after a change of gases."""
        self._before = self._power = self._pressure = math.nan
        self._said = UNEXPLAINED
        self._stepped = Lasting(STEP_LASTS)
        self._unsettle()

    def _unsettle(self) -> None:
        self.settled, self._fixed_since = math.nan, math.inf
        self._other, self._drift = Lasting(STEP_LASTS), Drift()

    def look(self, now: float, state: SupplyState, pressure: float, *, still: bool, fixed: bool) -> None:
        """Raise Trouble for a step. pressure [Pa]; still: whether it stays; fixed: whether the power does as well.

        A row that shows an arc says nothing.
        """
        if not still:
            self._unsettle()
        value = stiffness(state)
        if math.isnan(value) or not pressure > 0.0 or arcs(state):
            return
        self._shown(now, value, state, pressure)
        self._step(now, value, state.load, pressure)
        if not still:
            return
        if not fixed:
            self._fixed_since, self._drift = math.inf, Drift()
            return
        self._fixed_since = min(self._fixed_since, now)
        known = self.known
        if self._other.holds(now, abs(value - known) > self._share * known):
            self._tell(known, value, "in the film before at this power and pressure")
        if self._drift.stepped(now, value, self._share * self._drift.expected):
            self._tell(self._drift.expected, value, "at constant power and pressure")
        if now - self._fixed_since >= SETTLES:
            self.settled = value

    def _shown(self, now: float, value: float, state: SupplyState, pressure: float) -> None:
        """Take what was before for what the first row is held against, and note what this one shows."""
        before, power, held = self._strike
        if math.isinf(self._seen_at) and not abs(pressure - held) <= PRESSURE_STEADY * held:
            return
        law = _law(state, power)
        if math.isinf(self._seen_at) and not math.isnan(before):
            self._before, self._power, self._pressure = before / law, power, held
            self._said = "as it was lit before"
        self._seen_at = min(self._seen_at, now)
        if now - self._seen_at <= STEP_LASTS:
            self.struck = value * law

    def _step(self, now: float, value: float, power: float, pressure: float) -> None:
        """Look for one between two rows, at whatever power and pressure."""
        compressed = math.log(pressure / self._pressure)
        expected = self._before * math.exp(BIAS_BY_PRESSURE * compressed)
        slack = BIAS_LAW * (abs(math.log(power / self._power)) + abs(compressed))
        off = abs(value - expected) > (self._share + slack) * expected
        if self._stepped.holds(now, off):
            self._tell(expected, value, self._said)
        if not off:
            self._before, self._power, self._pressure = value, power, pressure
            self._said = UNEXPLAINED

    def _tell(self, before: float, value: float, said: str) -> None:
        raise Trouble(
            "target_crack",
            f"{self._gun}: the bias is {value / before:.0%} of what it was, {said}: its target may have cracked; look"
            " at it, for the next film takes it as it is",
        )


class RateWatch:
    """What the monitor sees fits the shutter: film when it is open, none when it is closed.

    grown [m]: what came behind a closed one, all of it since it closed, or since the plasma was lit.
    """

    def __init__(self, limits: SputterLimits) -> None:
        self.grown = 0.0
        self._heat, self._closed_at = limits.crystal_heat, math.nan
        self._frequency = math.nan
        self._share = limits.rate_share
        self._closed = Lasting(limits.rate_time)
        self._behind: deque[tuple[float, float]] = deque(maxlen=STUCK_ROWS + 1)

    def lit(self, reading: MonitorReading) -> None:
        """Take note of what the monitor shows before a plasma is lit behind a closed shutter."""
        self._closed_at, self._frequency = reading.thickness, reading.frequency

    def weighs(self, reading: MonitorReading) -> None:
        """Raise Trouble when the crystal, since the plasma was lit, bears more than its heat can feign.

        That needs no believed rate, and no power at which one holds: it counts from the first row of a plasma.
        """
        self.grown = reading.thickness - self._closed_at
        if reading.ok and self._frequency - reading.frequency > self._heat:
            raise Trouble(
                "shutter_stuck_open",
                f"{self.grown * 1e9:.1f} nm came behind the closed shutter since the plasma was lit: it is stuck open",
                gently=False,
            )

    def behind(self, now: float, thickness: float, believed: float) -> None:
        """Raise Trouble when the film [m] goes on growing though the shutter is closed."""
        if math.isnan(self._closed_at):
            self._closed_at = thickness
        self._behind.append((now, thickness))
        since, before = self._behind[0]
        if len(self._behind) <= STUCK_ROWS or now <= since:
            return
        # By thickness: a monitor's own rate is a mean that looks back beyond the shutter's closing.
        self.grown = thickness - self._closed_at
        rate = (thickness - before) / (now - since)
        if rate > self._share * believed:
            raise Trouble(
                "shutter_stuck_open",
                f"film grows at {rate * 6e10:.2f} nm/min behind the closed shutter: it is stuck open",
                gently=False,
            )

    def open(self, now: float, rate: float, believed: float) -> None:
        """Raise Trouble when no film comes though the shutter is open."""
        self._behind.clear()
        self._closed_at = math.nan
        if self._closed.holds(now, rate < self._share * believed):
            raise Trouble(
                "shutter_stuck_closed",
                f"film grows at {rate * 6e10:.2f} nm/min, {believed * 6e10:.2f} are believed: the shutter is stuck"
                " closed, or nothing comes from the source",
            )


class SourceWatch:
    """Every source that was lit is ours, on, and burns."""

    def __init__(self) -> None:
        self._dark: dict[str, int] = {}

    def look(self, supplies: Mapping[str, SupplyState], sources: Sequence[str]) -> dict[str, int]:
        """Return the arcs that sources show. Raises Trouble for one that is no longer ours, or has gone out."""
        sparks = {}
        for name in sources:
            state = supplies[name]
            require_control(name, state)
            if not state.on:
                said = ", ".join(sorted(state.flags)) or "it says nothing of why"
                raise Trouble("power_lost", f"{name} is off: {said}", gently=False)
            # An arc looks like a plasma that is out, for a moment.
            self._dark[name] = 0 if burns(state) else self._dark.get(name, 0) + 1
            if self._dark[name] >= DARK_ROWS:
                raise Trouble(
                    "plasma_lost",
                    f"{name}: the plasma went out ({state.forward:.0f} W, {state.reflected:.0f} W reflected,"
                    f" {state.bias:.0f} V)",
                    gently=False,
                )
            if count := arcs(state):
                sparks[name] = count
        return sparks


class ShareWatch:
    """No gun of several is missing in what they give together: its own shutter may stay closed.

    shares [1] of the believed rate by gun, sd [1] of that rate on the monitor. can_tell: whether the weakest would be
    missed; not where nobody knows the shares.
    """

    def __init__(self, shares: Mapping[str, float], sd: float) -> None:
        self._shares, self._sd = shares, sd
        self.can_tell = bool(shares) and SURE * sd <= min(shares.values())

    def look(self, rate: float, believed: float) -> None:
        """Raise Trouble when as much is missing of a believed rate [m/s] as one gun gives at the least."""
        missing = 1.0 - rate / believed
        if self.can_tell and missing > min(self._shares.values()) - 0.5 * SURE * self._sd:
            gun = min(self._shares, key=lambda each: abs(self._shares[each] - missing))
            raise Trouble(
                "gun_shutter",
                f"film grows at {rate * 6e10:.2f} nm/min, {believed * 6e10:.2f} are believed: what is missing is about"
                f" what {gun} gives; its shutter may be stuck closed",
            )


class SubstrateBiasWatch:
    """The substrate's bias is ours, on, and what it was set to."""

    def __init__(self) -> None:
        self._off = 0

    def look(self, state: SupplyState, wanted: float | None) -> None:
        """Raise Trouble when it is no longer ours, went out, or takes another power than the wanted one [W].

        wanted: None while it is ramped.
        """
        require_control("bias", state)
        if not state.on:
            said = ", ".join(sorted(state.flags)) or "it says nothing of why"
            raise Trouble("power_lost", f"the substrate's bias is off: {said}")
        if wanted is None:
            return
        is_off = abs(state.load - wanted) > max(BIAS_OFF * wanted, BIAS_LEAST)
        self._off = self._off + 1 if is_off else 0
        if self._off >= BIAS_ROWS:
            raise Trouble(
                "bias", f"the substrate's bias takes {state.load:.0f} W, it was set to {wanted:.0f} W"
            )


class HeatWatch:
    """The heated substrate stays at its temperature [K]."""

    def __init__(self, limits: SputterLimits, wanted: float) -> None:
        self._wanted, self._most = wanted, limits.substrate_deviation
        self._off = Lasting(limits.substrate_time)

    def look(self, now: float, temperature: float) -> None:
        """Raise Trouble when it has been off for too long; a sensor that shows none is."""
        if self._off.holds(now, not abs(temperature - self._wanted) <= self._most):
            raise Trouble(
                "heater", f"the substrate is at {temperature:.0f} K and not at {self._wanted:.0f} K"
            )


def require_control(name: str, state: SupplyState) -> None:
    """Raise Trouble for a generator that is no longer ours."""
    if not state.in_control:
        raise Trouble(
            "control_lost", f"{name}: control of the generator was lost, its power is off", gently=False
        )


def watch_chamber(crew: Crew, seen: Seen, *, deed: Deed, is_open: bool) -> None:
    """Raise Trouble when an interlock of a deed opens that must last, or a valve or shutter is not as it was set.

    is_open: whether the shutter shall be open. The power goes at once then: somebody may be at the chamber.
    """
    if seen.throttle_fails and crew.equipment.valve is not None:
        raise Trouble("valve", f"the throttle valve does not move: {crew.equipment.valve.complaint()}")
    if seen.relays.get(VENT_VALVE):
        raise Trouble("vent", "the vent valve was opened", gently=False)
    try:
        require(deed, crew.situation(), "no film can go on", lasting=True)
    except InterlockError as error:
        raise Trouble(error.permissive, str(error).partition(": ")[2], gently=False) from error
    if seen.relays.get(SUBSTRATE_SHUTTER, is_open) is not is_open:
        raise Trouble("shutter", f"the shutter was {'closed' if is_open else 'opened'} by somebody else")
