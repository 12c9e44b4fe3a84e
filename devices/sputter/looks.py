"""What is seen of a chamber: every instrument asked as often as its signal needs, the rest from memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from devices.clock import Clock
from devices.errors import InstrumentError
from devices.sputter.equipment import Equipment
from devices.sputter.parts import Flow, MonitorReading, Pressure, SupplyState, TurboState

CELSIUS = 273.15
TURBO = 3
"""Rows between looks at the turbo pump's speed: what fails there has 12 s until shutters are closed and the power is
off."""
RELAYS = 5
"""Rows between looks at the relays."""
SLOWLY = 10
"""Rows between looks at the rest of the turbo pump, at the substrate's temperature, and at every contact and the
dead-man; a contact that opens between them is latched."""


@dataclass(slots=True)
class Seen:
    """The last readings of everything; NaN, None or nothing where there is none yet.

    arcs: how many of the supplies show one at this look. at: seconds of the clock at the last look. blind: why the
    heater shows no temperature, empty where it does or there is none; said_cold: a person's word for it, until it shows
    one again, the chamber is vented or a film is begun.
    """

    at: float = -math.inf
    supplies: dict[str, SupplyState] = field(default_factory=dict)
    pressures: Mapping[str, Pressure] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    position: float = math.nan
    throttle_fails: bool = False
    complaint: str = ""
    monitor: MonitorReading | None = None
    temperature: float = math.nan
    blind: str = ""
    said_cold: bool = False
    contacts: Mapping[str, bool] = field(default_factory=dict)
    opened: Collection[str] = ()
    relays: Mapping[str, bool] = field(default_factory=dict)
    turbo: TurboState | None = None

    def pressure(self, *gauges: str) -> float:
        """Return what the first of these gauges that has a value reads [Pa]; NaN where none has."""
        for gauge in gauges:
            said = self.pressures.get(gauge)
            if said is not None and said.value is not None:
                return said.value
        return math.nan

    @property
    def turbo_share(self) -> float:
        """How fast the turbo pump turns, of its full speed; NaN without one."""
        return math.nan if self.turbo is None else self.turbo.speed / self.turbo.full_speed


class Looks:
    """Asks the instruments on the lane, row by row, and keeps what they said.

    Supplies with power, monitor, gauges, flows, throttle, and the contacts that were open meanwhile are asked in every
    row: a row holds nothing of them that is older than itself. One question follows the other, and a row must fit into
    its second on real wires. With a gun and a bias it is 17 questions and 470 bytes both ways, 20 and 590 in the
    slowest row: 0.33 s and 0.46 s of ten bits a byte at the rates of delivery (generators 38400 baud, monitor and
    relays 19200, the others 9600), a second gun 0.02 s more. To that comes what answers take: 0.27 s and 0.32 s of 16
    ms each, for which a USB adapter gathers bytes as delivered; 8 ms each is half of it. A gas controller at 115200
    baud gives 0.15 s back.
    """

    def __init__(self, clock: Clock, equipment: Equipment) -> None:
        self._clock, self._equipment = clock, equipment
        self._powered = equipment.powered
        self.seen = Seen()

    def supplies(self, names: Iterable[str], *, acting: bool) -> None:
        """Ask supplies; only who acts may feed their watchdogs."""
        found = self.seen.supplies
        for name in names:
            supply = self._powered[name]
            supply.acting = acting
            try:
                found[name] = supply.state()
            finally:
                supply.acting = False

    def row(self, number: int, *, sources: Collection[str] = ()) -> Seen:
        """Look as a row needs it; what is slow has rows of its own, so that none of them takes long.

        sources: the supplies that have power; the others are asked by everything() alone.
        """
        seen, equipment = self.seen, self._equipment
        if sources:
            self.supplies(sources, acting=True)
            if equipment.monitor is not None:
                seen.monitor = equipment.monitor.read_film()
        self.vacuum()
        seen.flows = equipment.gas.flows()
        seen.opened = equipment.board.opened()
        if number % RELAYS == 1:
            seen.relays = equipment.relays.states()
        if number % SLOWLY == 2:
            self._pump()
        elif number % TURBO == 2 and equipment.turbo is not None and seen.turbo is not None:
            seen.turbo = replace(seen.turbo, speed=equipment.turbo.read_speed())
        if number % SLOWLY == 4:
            self._substrate()
        if number % SLOWLY == 7:
            seen.contacts = equipment.board.inputs()
        seen.at = self._clock.now()
        return seen

    def vacuum(self) -> None:
        """Look at gauges and throttle."""
        self.seen.pressures = self._equipment.gas.pressures()
        if self._equipment.valve is not None:
            throttle = self._equipment.valve.state()
            self.seen.position, self.seen.throttle_fails = throttle.position, throttle.fails
        self.seen.at = self._clock.now()

    def everything(self, *, acting: bool = False) -> Seen:
        """Look at everything at once, as before something is done."""
        seen, equipment = self.seen, self._equipment
        self.supplies(self._powered, acting=acting)
        self.vacuum()
        self._pump()
        self._substrate()
        seen.relays = equipment.relays.states()
        seen.flows = equipment.gas.flows()
        seen.contacts = equipment.board.inputs()
        seen.opened = equipment.board.opened()
        if equipment.valve is not None:
            seen.complaint = equipment.valve.complaint()
        if equipment.monitor is not None:
            seen.monitor = equipment.monitor.read_film()
        seen.at = self._clock.now()
        return seen

    def _pump(self) -> None:
        if self._equipment.turbo is not None:
            self.seen.turbo = self._equipment.turbo.state()

    def _substrate(self) -> None:
        seen, heater = self.seen, self._equipment.heater
        if heater is None:
            return
        try:
            seen.temperature, seen.blind = heater.read_temperature(), ""
        except InstrumentError as error:
            # A broken sensor takes away what goes by it, not the whole chamber.
            seen.temperature, seen.blind = math.nan, str(error)
        if math.isnan(seen.temperature):
            seen.blind = seen.blind or "its controller shows no number"
        else:
            seen.said_cold = False
