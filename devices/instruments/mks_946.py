"""MKS 946 vacuum system controller: gauges, mass flow controllers, pressure control by recipe.

Control: each gas let in at a flow or closed; a hot gauge on or off; pressure control by a recipe on or off.
Get:     model and firmware, each MFC's mode and set point, its full scale.
Measure: all gauges at once [Pa], or the word a gauge says instead; each flow [mol/s].
Set:     flows in [0, full scale of the MFC], three digits, read back; the unit of pressure (Pa, at identify()).

A request is @253, letters, the channel's number, ? or !, a value, ;FF and a reply @253ACK, the value, ;FF or @253NAK,
a code, ;FF. Channels A1, A2, B1, B2, C1, C2 are numbered 1 to 6; a channel holds a gauge or an MFC. Flows are asked one
by one (there is no question for all); what each MFC was told is remembered and asked only when it is not known, so one
row costs one question for the gauges and one for each gas. There is no checksum: a digit that was garbled within a
number passes for a reading; what is set is read back. Ion gauges read nitrogen equivalent.

Sources: MKS 946 manual 100018121, sections 9.3 to 9.14; MKS 937B manual; an EPICS driver of a 946 (words instead of
pressures, flows and modes). Not yet seen on hardware: everything; above all PRZ? (six fields apart by blanks is a
guess), whether MD? answers 946 alone, and whether PID!OFF closes the MFC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.base import Instrument, anybody_may
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError, WireError
from devices.quantities import STRICT
from devices.sputter.parts import Flow, Pressure
from devices.wire import Sync, Terminated, Wire

END = Terminated(b";FF")
ASKED, ACKNOWLEDGED, REFUSED = b"@253", b"@253ACK", b"@253NAK"
MODEL = b"946"
CHANNELS = ("A1", "A2", "B1", "B2", "C1", "C2")

SCCM = 101325.0 * 1e-6 / (8.31446261815324 * 273.15) / 60.0
"""mol/s in one standard cubic centimetre per minute (273.15 K, 101325 Pa) [MKS; CODATA]."""

WORDS = {
    "OFF": "it is switched off",
    "PROT_OFF": "it protected itself and is off",
    "CTRL_OFF": "its control gauge switched it off",
    "RP_OFF": "it was switched off at the rear panel",
    "WAIT": "it starts",
    "OVER": "the pressure is above its range",
    "ATM": "the pressure is near that of the atmosphere",
    "NOGAUGE": "there is no gauge",
    "MISCONN": "its cable is off",
    "LowEmis": "its filament gives too little",
}
"""What a gauge says instead of a pressure [946 manual, section 2.3.3; EPICS driver]."""

CODES = {
    150: "wrong gauge",
    151: "no gauge",
    152: "not an ion gauge",
    158: "not an MFC",
    159: "not a valve",
    160: "unrecognised message",
    161: "setting is locked",
    163: "no such channel",
    165: "invalid parameter of pressure control",
    166: "pressure control is on; end it first",
    169: "invalid argument",
    172: "value out of range",
    173: "invalid control channel",
    175: "neither ? nor !",
    179: "the set point is not enabled",
}
"""[946 manual, section 9.15]"""
MISHEARD = {160, 175}
"""Codes by which it says that it did not understand: nothing was done, asking again is right."""

_NUMBER = re.compile(rb"-?\d(?:\.\d+)?E[+-]\d+")
_SIX_SIGNS = re.compile(rb"(?:\s*(?:<?-?\d(?:\.\d+)?E[+-]\d+|[A-Z][A-Za-z_]+)(?=\s|$)){6}\s*")
_MODE = re.compile(rb"OPEN|CLOSE|SETPOINT|PCTRL|RATIO|PRESET")
_SWITCH = re.compile(rb"ON|OFF")
_ANY = re.compile(rb"[ -~]*")

GaugeName = Literal["manometer", "pirani", "ion"]
GasName = Annotated[str, Field(pattern=r"[A-Z][A-Za-z0-9]{0,7}")]


def three_digits(value: float) -> bytes:
    """Return a number as the controller takes it: 2.40E+01."""
    return b"%.2E" % value


class MKS946(Instrument):
    """Gauges and gas of a vacuum chamber."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """gauges: the channel of each, by name. gases: the number of each MFC's channel (1 is A1, 6 is C2)."""

        gauges: Annotated[
            dict[GaugeName, Literal["A1", "A2", "B1", "B2", "C1", "C2"]], Field(max_length=6)
        ] = field(default_factory=dict)
        gases: Annotated[dict[GasName, Annotated[int, Field(ge=1, le=6)]], Field(max_length=6)] = field(
            default_factory=dict
        )

        @model_validator(mode="after")
        def _each_channel_has_one_use(self) -> Self:
            used = [*self.gauges.values(), *(CHANNELS[number - 1] for number in self.gases.values())]
            twice = sorted({each for each in used if used.count(each) > 1})
            if twice:
                raise ValueError(f"channel {', '.join(twice)} is named twice; gas channel 1 is A1, 6 is C2")
            return self

    kind_name = "MKS 946"
    sync: ClassVar[Sync | None] = Sync(b"@253MD?;FF", END, lambda reply: reply == ACKNOWLEDGED + MODEL)

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        gauges: Mapping[str, str] | None = None,
        gases: Mapping[str, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.gauges, self.gases = dict(gauges or {}), dict(gases or {})
        self.guard: Callable[[str], None] = anybody_may
        self._places = {gauge: CHANNELS.index(label) for gauge, label in self.gauges.items()}
        self._in_pascal = False
        self._told: dict[str, tuple[float, str]] = {}
        self._full_scales: dict[str, float] = {}

    def identify(self) -> str:
        """Return model and firmware, and see to it that pressures are in Pa."""
        if self._ask(b"MD?") != MODEL:
            raise Garbled(
                f"{self.name}: what answers is no {MODEL.decode()}; look at what is on this address"
            )
        self._set_pascal()
        return f"MKS {MODEL.decode()}, firmware {self._ask(b'FV6?').decode()}"

    def pressures(self) -> dict[str, Pressure]:
        """Return all gauges by name, in one question. Raises InstrumentError, WireError."""
        if not self._in_pascal:
            self._set_pascal()
        fields = self._ask(b"PRZ?", _SIX_SIGNS).split()
        return {gauge: _pressure(fields[place]) for gauge, place in self._places.items()}

    def read_pressure(self, gauge: str) -> float:
        """Return the pressure [Pa] of one gauge. Raises InstrumentError when it says a word instead."""
        found = self.pressures()[gauge]
        if found.value is None:
            raise InstrumentError(self.name, found.said, f"{gauge}: {WORDS.get(found.said, 'no pressure')}")
        return found.value

    def flows(self) -> dict[str, Flow]:
        """Return all gases by name: what flows is asked, what each was told only where it is not known."""
        found = {}
        for gas in self.gases:
            actual = self.read_flow(gas)
            if gas not in self._told:
                self._told[gas] = self._settings(gas)
            wanted, mode = self._told[gas]
            found[gas] = Flow(actual=actual, wanted=wanted, mode=mode)
        return found

    def read_flow(self, gas: str) -> float:
        """Return what flows of one gas [mol/s]."""
        return float(self._ask(b"FR%d?" % self.gases[gas], _NUMBER)) * SCCM

    def full_scale(self, gas: str) -> float:
        """Return the most an MFC lets in [mol/s], which is asked for once."""
        if gas not in self._full_scales:
            self._full_scales[gas] = float(self._ask(b"RNG%d?" % self.gases[gas], _NUMBER)) * SCCM
        return self._full_scales[gas]

    def set_flow(self, gas: str, flow: float) -> None:
        """Let a gas in at a flow [mol/s], three digits of its sccm, or (0) close it; read back.

        Raises LimitError and what the guard raises (nothing sent in both), InstrumentError.
        """
        if flow == 0:
            self._close(gas)
            return
        most = self.full_scale(gas)
        if not 0 < flow <= most * (1 + 1e-9):
            raise LimitError(f"{self.name} {gas}", flow, "mol/s", 0.0, most)
        self.guard(gas)
        channel, wanted = self.gases[gas], three_digits(flow / SCCM)
        self._told.pop(gas, None)
        self._ask(b"QSP%d!%s" % (channel, wanted), _NUMBER)
        self._ask(b"QMD%d!SETPOINT" % channel, _MODE)
        found = self._settings(gas)
        if found != (float(wanted) * SCCM, "SETPOINT"):
            raise InstrumentError(
                self.name,
                f"QSP{channel}",
                f"{gas}: {wanted.decode()} sccm was asked for, it says {found[0] / SCCM:.3g} sccm and {found[1]}",
            )
        self._told[gas] = found

    def close_gases(self) -> None:
        """End pressure control and close every gas; on a dead wire all is said blind before the error is raised."""
        failures: list[InstrumentError] = []
        closings: list[Callable[[], None]] = [self.stop_regulating]
        closings += [partial(self._close, gas) for gas in self.gases]
        for close in closings:
            try:
                close()
            except InstrumentError as error:
                failures.append(error)
            except WireError:
                self._close_blind()
                raise
        if failures:
            raise failures[0]

    def gauge_power(self, gauge: str, on: bool) -> None:
        """Switch a gauge on, if the guard allows, or off, and read it back. Raises InstrumentError."""
        if on:
            self.guard(gauge)
        channel, wanted = self._places[gauge] + 1, b"ON" if on else b"OFF"
        self._ask(b"CP%d!%s" % (channel, wanted), _SWITCH)
        if self._ask(b"CP%d?" % channel, _SWITCH) != wanted:
            raise InstrumentError(
                self.name, f"CP{channel}", f"{gauge} does not switch {wanted.decode().lower()}"
            )

    def regulate(self, gas: str, gauge: str, pressure: float) -> None:
        """Hold a pressure [Pa] of a gauge by the flow of a gas, with recipe 1 and the gains it has; read back.

        Raises LimitError and what the guard raises (nothing sent in both), InstrumentError.
        """
        if not 0 < pressure < 1e5:
            raise LimitError(f"{self.name} pressure", pressure, "Pa", 0.0, 1e5)
        self.guard(gas)
        if not self._in_pascal:
            self._set_pascal()
        self._told.pop(gas, None)
        self._ask(b"RCP!1")
        device = CHANNELS[self.gases[gas] - 1].encode()
        wanted = {b"RPCH": self.gauges[gauge].encode(), b"RDCH": device, b"RPSP": three_digits(pressure)}
        for command, value in wanted.items():
            found = self._ask(b"%s!1:%s" % (command, value)).removeprefix(b"1:")
            if found != value:
                raise InstrumentError(
                    self.name, command.decode(), f"{value.decode()} was asked for, it says {found.decode()}"
                )
        self._ask(b"PID!ON", _SWITCH)

    def stop_regulating(self) -> None:
        """End pressure control; the MFC that it drove is closed by that."""
        self._told.clear()
        if self._ask(b"PID!OFF", _SWITCH) != b"OFF":
            raise InstrumentError(self.name, "PID!OFF", "it stays on")

    def regulating(self) -> bool:
        """Return whether pressure control is on."""
        return self._ask(b"PID?", _SWITCH) == b"ON"

    def safe(self) -> None:
        """Close every gas; the gauges go on."""
        self.close_gases()

    def _close(self, gas: str) -> None:
        channel = self.gases[gas]
        self._told.pop(gas, None)
        self._ask(b"QMD%d!CLOSE" % channel, _MODE)
        mode = self._ask(b"QMD%d?" % channel, _MODE)
        if mode != b"CLOSE":
            raise InstrumentError(
                self.name, f"QMD{channel}", f"{gas} was to be closed, it says {mode.decode()}"
            )
        self._told[gas] = (0.0, "CLOSE")

    def _settings(self, gas: str) -> tuple[float, str]:
        """Ask what an MFC was told: a flow [mol/s], 0 where it is closed, and its mode."""
        channel = self.gases[gas]
        mode = self._ask(b"QMD%d?" % channel, _MODE).decode()
        if mode == "OPEN":
            return self.full_scale(gas), mode
        if mode != "SETPOINT":
            return 0.0, mode
        return float(self._ask(b"QSP%d?" % channel, _NUMBER)) * SCCM, mode

    def _set_pascal(self) -> None:
        self._ask(b"U!PASCAL", re.compile(rb"(?i:PASCAL)"))
        self._in_pascal = True

    def _close_blind(self) -> None:
        with suppress(WireError):
            for request in (b"PID!OFF", *(b"QMD%d!CLOSE" % channel for channel in self.gases.values())):
                self.wire.tell(ASKED + request + b";FF")

    def _ask(self, request: bytes, form: re.Pattern[bytes] = _ANY) -> bytes:
        """Ask or set what may be said twice: every request says how things shall be, not what to change."""

        def parse(reply: bytes) -> bytes:
            answer = reply[len(ACKNOWLEDGED) :]
            if reply.startswith(ACKNOWLEDGED) and form.fullmatch(answer):
                return answer
            code = reply[len(REFUSED) :]
            if not reply.startswith(REFUSED) or not code.isdigit() or int(code) in MISHEARD:
                raise Garbled(f"{self.name}: {reply!r} is no answer to {request!r}; it was thrown away")
            raise InstrumentError(self.name, f"NAK{code.decode()}", CODES.get(int(code), "not in its list"))

        return self.wire.ask(ASKED + request + b";FF", END, parse, repeat=True)


def _pressure(said: bytes) -> Pressure:
    if _NUMBER.fullmatch(said):
        return Pressure(float(said))
    return Pressure(None, said.decode())
