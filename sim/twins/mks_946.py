"""Twin of an MKS 946 vacuum system controller: six channels of gauges and mass flow controllers, and pressure control.

Commands and NAK codes as in the instruction manual 100018121, sections 9.3 to 9.14. Guesses: what PRZ? says of
channels that are no gauges (NOGAUGE), the fields of PRZ? apart by blanks, MFC channels closed after power-up, the law
of the pressure control (PI on the relative error), that a mode or set point of the channel it uses is refused, and
which of the codes for gauges a channel without one is refused with. It has no ratio control, no valve, no lock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from sim.twins.mks_gauges import KINDS, Composition, Gauge

ADDRESSES = ("253", "254")
CHANNELS = ("A1", "A2", "B1", "B2", "C1", "C2")
SCCM = 101325.0 * 1e-6 / (1.380649e-23 * 273.15) / 60.0
"""Molecules per second in one standard cubic centimetre per minute (273.15 K, 101325 Pa)."""
UNITS = {"PASCAL": 1.0, "TORR": 101325.0 / 760.0, "mBAR": 100.0, "MICRON": 101.325 / 760.0}
FACTORS = {"Ar": 1.39, "O2": 0.993, "N2": 1.0}
"""What an MFC that was calibrated with nitrogen must be multiplied by [MKS, gas correction factors]."""
PID_STEP = 0.1

WRONG_GAUGE, NO_GAUGE, NOT_ION_GAUGE, NOT_MFC, UNRECOGNIZED, INVALID_CHANNEL = 150, 151, 152, 158, 160, 163
INVALID_PID, PID_IN_PROGRESS, INVALID_ARGUMENT, OUT_OF_RANGE, BAD_CONTROL_CHANNEL, BAD_FORM = (
    165,
    166,
    169,
    172,
    173,
    175,
)
TEXTS = {
    WRONG_GAUGE: "WRONG_GAUGE",
    NO_GAUGE: "NO_GAUGE",
    NOT_ION_GAUGE: "NOT_IONGAUGE",
    NOT_MFC: "NOT_MFC",
    UNRECOGNIZED: "UNRECOGNIZED_MSG",
    INVALID_CHANNEL: "INVALID_CHANNEL",
    INVALID_PID: "INVALID_PID_PARAM",
    PID_IN_PROGRESS: "PID_IN_PROGRESS",
    INVALID_ARGUMENT: "INVALID_ARGUMENT",
    OUT_OF_RANGE: "VALUE_OUT_OF_RANGE",
    BAD_CONTROL_CHANNEL: "INVALID_CTRL_CHAN",
    BAD_FORM: "CMD_QUERY_BYTE_INVALID",
}
"""What it says instead of its codes after SEM!TXT [manual, section 9.15]."""

_REQUEST = re.compile(r"@(\d{3})([A-Z]+)(\d?)([?!])([ -:<-~]*)")
_NO_MARK = re.compile(rb"@(?:%s)[A-Z]+\d?" % "|".join(ADDRESSES).encode())
"""A request that neither asks nor tells."""
_ASKED_AGAIN = 64
"""Requests that are remembered with their parts: a row asks the same ones every second."""
_RECIPE = re.compile(r"(?:([1-8]):?)?(.*)")


class Inlet(Protocol):
    """What an MFC lets into the chamber."""

    def set_flow(self, molecules_per_second: float) -> None:
        """Be told a flow; 0 closes it."""

    def flow(self) -> float:
        """Return the flow [molecules/s] that its own sensor sees."""


class Nak(Exception):
    """A request that is answered by NAK and a code."""


class FlowController:
    """One MFC channel: its full scale [sccm] and what it was told."""

    def __init__(self, inlet: Inlet, gas: str, full_scale: float) -> None:
        self.full_scale = full_scale
        self.mode, self.set_point = "CLOSE", 0.0
        self.factor = self.right_factor = FACTORS.get(gas, 1.0)
        self._inlet = inlet

    def apply(self, flow: float | None = None) -> None:
        """Tell the inlet what the mode says; flow [sccm] in pressure control."""
        told = {"OPEN": self.full_scale, "CLOSE": 0.0, "SETPOINT": self.set_point}.get(self.mode, flow or 0.0)
        self._inlet.set_flow(told / self.factor * self.right_factor * SCCM)

    def flow(self) -> float:
        """Return what it reads [sccm]."""
        return self._inlet.flow() / SCCM / self.right_factor * self.factor


class Recipe:
    """One of eight recipes of pressure control; the set point is in Pa, the gain in % per relative error of 1."""

    def __init__(self) -> None:
        self.gauge, self.device = "NA", "NA"
        self.set_point, self.gain, self.integral_time, self.derivative_time = 0.0, 10.0, 1.0, 0.5


class MKS946Twin:
    """The controller.

    pressures: the true pressure [Pa] each gauge sees, by its name; gauges: its channel (A1 to C2), by name. gases: the
    number of its channel (1 to 6), by name; inlets and full_scales [sccm] by gas. composition of the gas, nitrogen
    if not given. rng gives seeds, once.
    """

    def __init__(
        self,
        pressures: Mapping[str, Callable[[], float]],
        inlets: Mapping[str, Inlet],
        rng: np.random.Generator,
        *,
        gauges: Mapping[str, str],
        gases: Mapping[str, int],
        full_scales: Mapping[str, float] | None = None,
        composition: Composition = lambda: {"N2": 1.0},
    ) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.gauges = {name: Gauge(KINDS[name], pressures[name], composition, rng) for name in gauges}
        self._on_channel = {CHANNELS.index(label): self.gauges[name] for name, label in gauges.items()}
        sizes = full_scales or {}
        self.controllers = {gas: FlowController(inlets[gas], gas, sizes.get(gas, 100.0)) for gas in gases}
        self._flows = {number - 1: self.controllers[gas] for gas, number in gases.items()}
        self._unit = "TORR"
        self._in_words = False
        self._recipes = [Recipe() for _ in range(8)]
        self._wake()

    def _wake(self) -> None:
        self._active, self._integral, self._buffer = 0, 0.0, b""
        self._pid_due: float | None = None
        self._advanced = -1.0

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: gases closed, hot gauges off, unit and recipes kept."""
        self.log.append((now, "power up", ""))
        self._wake()
        for controller in self.controllers.values():
            controller.mode = "CLOSE"
            controller.apply()
        for gauge in self.gauges.values():
            if gauge.kind.protected:
                gauge.switch(False, now)

    def misconnect(self, gauge: str, now: float) -> None:
        """Pull the cable of a gauge; connect() puts it back."""
        self._says(gauge, "MISCONN", now)

    def connect(self, gauge: str, now: float) -> None:
        """Put the cable of a gauge back."""
        self._says(gauge, "", now)

    def switch_off(self, gauge: str, now: float) -> None:
        """Switch a hot gauge off at the front panel."""
        self._says(gauge, "OFF", now)

    def _says(self, gauge: str, word: str, now: float) -> None:
        self.gauges[gauge].says = word
        self.log.append((now, "gauge", f"{gauge}: {word or 'connected'}"))

    def advance(self, now: float) -> None:
        """Let the gauges follow up to `now`."""
        if now == self._advanced:
            return
        self._advanced = now
        for name, gauge in self.gauges.items():
            if gauge.follow(now):
                self.log.append((now, "gauge", f"{name}: PROT_OFF"))

    def next_event(self) -> float | None:
        """Return when the pressure control next acts."""
        return self._pid_due

    def fire_event(self, now: float) -> None:
        """Take one step of the pressure control: PI on the relative error, between 0 and 100 % of the MFC."""
        if self._pid_due is None:
            return
        self._pid_due += PID_STEP
        recipe = self._recipes[self._active]
        gauge = self._on_channel[CHANNELS.index(recipe.gauge)]
        controller = self._flows[CHANNELS.index(recipe.device)]
        error = 1.0 - gauge.measured(now) / recipe.set_point
        wanted = self._integral + error * PID_STEP / recipe.integral_time
        if 0.0 <= recipe.gain * (error + wanted) <= 100.0 or error * self._integral < 0.0:
            self._integral = wanted
        share = min(max(recipe.gain * (error + self._integral), 0.0), 100.0) / 100.0
        controller.apply(share * controller.full_scale)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every request that is complete and for this address."""
        *requests, self._buffer = (self._buffer + data).split(b";FF")
        return b"".join([self._answer(each, now) for each in requests])

    def _answer(self, request: bytes, now: float) -> bytes:
        found = _parts_of(request)
        if found is None:
            code = BAD_FORM if _NO_MARK.fullmatch(request) else UNRECOGNIZED
            return self._refused(code) if request.startswith(b"@") else b""
        address, command, channel, what, value = found
        if address not in ADDRESSES:
            return b""
        try:
            if command in self._PLAIN and not channel:
                said = self._PLAIN[command](self, what == "?", value, now)
            elif command in self._CHANNELLED and channel:
                said = self._CHANNELLED[command](self, int(channel) - 1, what == "?", value, now)
            else:
                raise Nak(UNRECOGNIZED)
        except Nak as refused:
            return self._refused(refused.args[0])
        return f"@{ADDRESSES[0]}ACK{said};FF".encode()

    def _refused(self, code: int) -> bytes:
        return f"@{ADDRESSES[0]}NAK{TEXTS[code] if self._in_words else code};FF".encode()

    def _choose_words(self, asks: bool, value: str, now: float) -> str:
        if not asks:
            if value not in ("TXT", "CODE"):
                raise Nak(INVALID_ARGUMENT)
            self._in_words = value == "TXT"
        return "TXT" if self._in_words else "CODE"

    def _all_pressures(self, asks: bool, value: str, now: float) -> str:
        unit = UNITS[self._unit]
        fields = (self._on_channel.get(channel) for channel in range(6))
        return " ".join("NOGAUGE" if each is None else each.shown(now, unit) for each in fields)

    def _pressure(self, channel: int, asks: bool, value: str, now: float) -> str:
        if channel not in range(6):
            raise Nak(INVALID_CHANNEL)
        gauge = self._on_channel.get(channel)
        return "NOGAUGE" if gauge is None else gauge.shown(now, UNITS[self._unit])

    def _power(self, channel: int, asks: bool, value: str, now: float) -> str:
        gauge = self._on_channel.get(channel)
        if gauge is None:
            raise Nak(NO_GAUGE)
        if not gauge.kind.switched:
            raise Nak(WRONG_GAUGE)
        if not asks:
            if value not in ("ON", "OFF"):
                raise Nak(INVALID_ARGUMENT)
            gauge.switch(value == "ON", now)
            self.log.append((now, "gauge", f"{CHANNELS[channel]}: switched {value.lower()}"))
            return value
        return "OFF" if gauge.says in ("OFF", "PROT_OFF") else "ON"

    def _status(self, channel: int, asks: bool, value: str, now: float) -> str:
        gauge = self._on_channel.get(channel)
        if gauge is None or not gauge.kind.protected:
            raise Nak(NOT_ION_GAUGE)
        if not gauge.says and gauge.starting(now):
            return "W"
        return {"": "G", "OFF": "O", "PROT_OFF": "P", "MISCONN": "N"}[gauge.says]

    def _flow(self, channel: int, asks: bool, value: str, now: float) -> str:
        return _three(self._mfc(channel).flow())

    def _range(self, channel: int, asks: bool, value: str, now: float) -> str:
        return _three(self._mfc(channel).full_scale)

    def _set_point(self, channel: int, asks: bool, value: str, now: float) -> str:
        controller = self._mfc(channel)
        if not asks:
            wanted = _float(value)
            if not 0.0 <= wanted <= controller.full_scale:
                raise Nak(OUT_OF_RANGE)
            self._refuse_while_regulating(channel)
            controller.set_point = wanted
            controller.apply()
            self.log.append((now, "flow", f"channel {channel + 1}: {wanted:g} sccm"))
        return _three(controller.set_point)

    def _mode(self, channel: int, asks: bool, value: str, now: float) -> str:
        controller = self._mfc(channel)
        if not asks:
            if value not in ("OPEN", "CLOSE", "SETPOINT"):
                raise Nak(INVALID_ARGUMENT)
            self._refuse_while_regulating(channel)
            controller.mode = value
            controller.apply()
            self.log.append((now, "mode", f"channel {channel + 1}: {value}"))
        return controller.mode

    def _factor(self, channel: int, asks: bool, value: str, now: float) -> str:
        controller = self._mfc(channel)
        if not asks:
            wanted = _float(value)
            if not 0.1 <= wanted <= 10.0:
                raise Nak(OUT_OF_RANGE)
            controller.factor = wanted
            controller.apply()
        return _three(controller.factor)

    def _set_unit(self, asks: bool, value: str, now: float) -> str:
        if not asks:
            known = {each.upper(): each for each in UNITS}
            if value.upper() not in known:
                raise Nak(INVALID_ARGUMENT)
            self._unit = known[value.upper()]
        return self._unit

    def _recipe_number(self, asks: bool, value: str, now: float) -> str:
        if not asks:
            self._refuse_while_regulating()
            if value not in tuple("12345678"):
                raise Nak(INVALID_ARGUMENT)
            self._active = int(value) - 1
        return str(self._active + 1)

    def _recipe(self, command: str, asks: bool, value: str) -> str:
        """Set or tell one entry of a recipe: of the active one where no number stands before it."""
        found = _RECIPE.fullmatch(value)
        assert found is not None
        number = int(found[1]) - 1 if found[1] and (asks or ":" in value) else self._active
        recipe, given = self._recipes[number], found[2] if ":" in value else value
        attribute = RECIPE_ENTRIES[command]
        unit = UNITS[self._unit] if command == "RPSP" else 1.0
        if not asks:
            self._refuse_while_regulating()
            channel = command in ("RPCH", "RDCH")
            if channel and given not in (*CHANNELS, "NA"):
                raise Nak(BAD_CONTROL_CHANNEL)
            setattr(recipe, attribute, given if channel else _float(given) * unit)
        held = getattr(recipe, attribute)
        return f"{number + 1}:{held if isinstance(held, str) else _three(held / unit)}"

    def _regulate(self, asks: bool, value: str, now: float) -> str:
        recipe = self._recipes[self._active]
        on = self._pid_due is not None
        if not asks and value not in ("ON", "OFF"):
            raise Nak(INVALID_ARGUMENT)
        if not asks and value == "ON" and not on:
            used = {
                name: CHANNELS.index(name) if name in CHANNELS else -1
                for name in (recipe.gauge, recipe.device)
            }
            if used[recipe.gauge] not in self._on_channel or used[recipe.device] not in self._flows:
                raise Nak(BAD_CONTROL_CHANNEL)
            if recipe.set_point <= 0.0:
                raise Nak(INVALID_PID)
            self._flows[used[recipe.device]].mode = "PCTRL"
            self._integral, self._pid_due = 0.0, now
        if not asks and value == "OFF" and on:
            self._pid_due = None
            controller = self._flows[CHANNELS.index(recipe.device)]
            controller.mode = "CLOSE"
            controller.apply()
        if not asks:
            self.log.append((now, "pressure control", value))
        return "OFF" if self._pid_due is None else "ON"

    def _mfc(self, channel: int) -> FlowController:
        if channel not in range(6):
            raise Nak(INVALID_CHANNEL)
        if channel not in self._flows:
            raise Nak(NOT_MFC)
        return self._flows[channel]

    def _refuse_while_regulating(self, channel: int | None = None) -> None:
        """Refuse what pressure control uses: every recipe, and (channel) the MFC that it drives."""
        if self._pid_due is None:
            return
        if channel is None or CHANNELS.index(self._recipes[self._active].device) == channel:
            raise Nak(PID_IN_PROGRESS)

    _PLAIN: Mapping[str, Callable[[MKS946Twin, bool, str, float], str]] = {
        "PRZ": _all_pressures,
        "U": _set_unit,
        "SEM": _choose_words,
        "RCP": _recipe_number,
        "PID": _regulate,
        "MD": lambda self, asks, value, now: "946",
        "SN": lambda self, asks, value, now: "0000000946",
        "RPCH": lambda self, asks, value, now: self._recipe("RPCH", asks, value),
        "RDCH": lambda self, asks, value, now: self._recipe("RDCH", asks, value),
        "RPSP": lambda self, asks, value, now: self._recipe("RPSP", asks, value),
        "RKP": lambda self, asks, value, now: self._recipe("RKP", asks, value),
        "RTI": lambda self, asks, value, now: self._recipe("RTI", asks, value),
        "RTD": lambda self, asks, value, now: self._recipe("RTD", asks, value),
    }
    _CHANNELLED: Mapping[str, Callable[[MKS946Twin, int, bool, str, float], str]] = {
        "PR": _pressure,
        "CP": _power,
        "T": _status,
        "FR": _flow,
        "RNG": _range,
        "QSP": _set_point,
        "QMD": _mode,
        "QSF": _factor,
        "FV": lambda self, channel, asks, value, now: "1.00",
    }


RECIPE_ENTRIES = {
    "RPCH": "gauge",
    "RDCH": "device",
    "RPSP": "set_point",
    "RKP": "gain",
    "RTI": "integral_time",
    "RTD": "derivative_time",
}


@lru_cache(_ASKED_AGAIN)
def _parts_of(request: bytes) -> Sequence[str] | None:
    """Return address, command, channel, `?` or `!`, and value; None of what is no request."""
    found = _REQUEST.fullmatch(request.decode("latin-1"))
    return None if found is None else found.groups()


def _three(value: float) -> str:
    return f"{value:.2E}"


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Nak(INVALID_ARGUMENT) from None
    if not abs(value) < 1e30:
        raise Nak(INVALID_ARGUMENT)
    return value
