"""Other people's drivers, unchanged, on the twins: bytes over a pty or a socket that somebody else wrote.

Optional: each test is skipped where its package is not installed. Nothing of labctl needs them, and none is shipped
with it (InstrumentKit is AGPL, hvl_ccb GPL, PyMeasure and srsinst.dg645 MIT).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from labctl.serving.links import LOOPBACK, PtyLink, SocketLink
from sim.apparatus import FlashHead
from sim.twins.aja_0313 import AJA0313Twin
from sim.twins.aja_dcxs import AJADCXSTwin
from sim.twins.eurotherm_2400 import Eurotherm2400Twin
from sim.twins.fug_probus import FuGProbusTwin
from sim.twins.gentec_maestro import GentecMaestroTwin
from sim.twins.glassman_fj import GlassmanFJTwin
from sim.twins.keithley_daq6510 import KeithleyDAQ6510Twin
from sim.twins.srs_dg645 import SRSDG645Twin
from sim.twins.velleman_k8090 import VellemanK8090Twin

pytestmark = [
    # What these packages do at import or leave open is theirs.
    pytest.mark.filterwarnings("ignore"),
]


class Served:
    """A twin behind a real link, on wall time."""

    def __init__(self, loop, twin, kind, folder):
        self.twin, self._loop = twin, loop
        self._began = time.monotonic()
        if kind == "pty":
            self._link = PtyLink(loop, folder / "line", self._heard, 9600)
            self.path = str(folder / "line")
        else:
            self._link = SocketLink(loop, self._heard, lambda stream: None)
        self._do(self._link.open)
        self.port = int(self._link.address.rpartition(":")[2]) if kind == "socket" else 0

    def now(self):
        return time.monotonic() - self._began

    def catch_up(self):
        """Let happen what is due."""
        now = self.now()
        while (due := self.twin.next_event()) is not None and due <= now:
            self.twin.advance(due)
            self.twin.fire_event(due)
        self.twin.advance(now)

    def _heard(self, stream, data):
        self.catch_up()
        stream.send(self.twin.receive(data, self.now()))

    def _do(self, action):
        async def acting():
            return action()

        return asyncio.run_coroutine_threadsafe(acting(), self._loop).result(5)

    def tell(self, action, *arguments):
        """Do something to the twin, where it is touched."""
        return self._do(partial(action, *arguments))

    def close(self):
        self._do(self._link.cut)


@pytest.fixture
def serve(tmp_path):
    """Return serve(twin, "pty" or "socket"), on a loop of its own thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with contextlib.ExitStack() as ending:
        ending.callback(loop.close)
        ending.callback(thread.join)
        ending.callback(loop.call_soon_threadsafe, loop.stop)

        def serve(twin, kind):
            served = Served(loop, twin, kind, tmp_path)
            ending.callback(served.close)
            return served

        yield serve


def test_instrumentkit_charges_a_bank_with_the_glassman(serve):
    instruments = pytest.importorskip("instruments")
    served = serve(GlassmanFJTwin(FlashHead()), "pty")
    supply = instruments.glassman.GlassmanFR.open_serial(served.path, 9600)
    unit = instruments.units
    supply.voltage_max, supply.current_max = 1000.0 * unit.volt, 0.6 * unit.ampere
    assert supply.version == "25"
    supply.device_timeout = True
    supply.set_status(voltage=50.0 * unit.volt, current=0.6 * unit.ampere, output=True)
    assert supply.output is True
    served.tell(setattr, served.twin.bank, "voltage", 49.0)
    assert supply.voltage_sense.to("V").magnitude == pytest.approx(49.5, abs=1.0)
    assert supply.fault is False
    served.tell(served.twin.trip, served.now(), "arc")
    assert supply.fault is True
    with pytest.raises(ValueError, match="illegal_while_fault"):
        supply.voltage = 10.0 * unit.volt
    supply.reset()
    assert supply.fault is False
    assert supply.output is False


def test_instrumentkit_reads_the_energy_meter_as_its_sister(serve):
    instruments = pytest.importorskip("instruments")
    twin = GentecMaestroTwin(
        np.random.default_rng(0), full_scale_energy=30.0, response_time=0.0, relative_noise=0.0, blu=True
    )
    served = serve(twin, "pty")
    meter = instruments.gentec_eo.Blu.open_serial(served.path, 115200)
    meter.single_shot_energy_mode = True
    assert meter.measure_mode == "sse"
    meter.trigger_level = 0.153
    assert meter.trigger_level == pytest.approx(0.153)
    assert meter.new_value_ready is False
    served.tell(twin.expose, 16.5, served.now())
    assert meter.new_value_ready is True
    assert meter.current_value.to("J").magnitude == pytest.approx(16.5, abs=0.01)
    assert meter.new_value_ready is False


@pytest.mark.parametrize("kind", ["socket", "pty"])
def test_the_vendors_driver_fires_the_delay_generator(serve, kind):
    vendor = pytest.importorskip("srsinst.dg645.instruments.dg645")
    gates = []
    served = serve(SRSDG645Twin(lambda time, width: gates.append(width)), kind)
    link = ("tcpip", LOOPBACK, served.port) if kind == "socket" else ("serial", served.path, 9600)
    generator = vendor.DG645(*link)
    try:
        assert "DG645" in generator.query_text("*IDN?")
        generator.trigger.trigger_source = "single shot"
        generator.delays.delay["A"]["T0"] = 0.0
        generator.delays.delay["B"]["A"] = 1.8e-3
        reference, width = generator.delays.delay["B"]
        assert (reference, width) == (2, pytest.approx(1.8e-3))
        generator.outputs.amplitude["AB"] = 4.0
        generator.trigger_now()
        seen = 0
        # The kernel may send the trigger together with what is asked next.
        for _ in range(50):
            seen |= generator.status.instrument_status
        assert seen == 1 | 4
        generator.burst.burst_count = 20
        generator.burst.burst_period = 2.5
        assert (generator.burst.burst_count, generator.burst.burst_period) == (20, 2.5)
        assert int(generator.query_text("LERR?")) == 0
    finally:
        generator.disconnect()
    assert gates == [pytest.approx(1.8e-3)]


def test_hvl_ccb_charges_a_bank_with_the_fug(serve):
    fug = pytest.importorskip("hvl_ccb.dev.fug")
    wire = pytest.importorskip("hvl_ccb.dev.fug.comm")
    served = serve(FuGProbusTwin(FlashHead()), "pty")
    supply = fug.FuG(wire.FuGSerialCommunication({"port": served.path}))
    with supply:
        assert supply.max_voltage_hardware == 1000
        supply.current, supply.voltage = 0.6, 850.0
        assert supply.set_voltage == pytest.approx(850.0, abs=0.02)
        supply.output = True
        assert supply.output is True
        assert int(supply.di.on) == 1
        served.tell(setattr, served.twin.bank, "voltage", 850.0)
        assert supply.voltage == pytest.approx(850.0, abs=0.02)
        with pytest.raises(fug.FuGError):
            supply.set_register("S0", 1001)
        with pytest.raises(fug.FuGError):
            supply.set_register("M0", 5)
        supply.output = False
        assert supply.output is False


def test_pymeasure_switches_the_channels_of_the_scanner(serve):
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    served = serve(KeithleyDAQ6510Twin(np.random.default_rng(0)), "socket")
    scanner = keithley.KeithleyDAQ6510(
        f"TCPIP::{LOOPBACK}::{served.port}::SOCKET", read_termination="\n", write_termination="\n"
    )
    try:
        assert "DAQ6510" in scanner.id
        scanner.close_channel(103)
        assert scanner.ask(":ROUT:CLOS?").strip() == "(@103)"
        scanner.open_channel(103)
        assert scanner.ask(":ROUT:CLOS?").strip() == "(@)"
        scanner.write(":NONSENSE 1")
        assert scanner.ask(":SYST:ERR?").startswith("-113,")
    finally:
        scanner.shutdown()
        scanner.adapter.connection.close()


def test_pymeasure_drives_the_rf_generator(serve):
    pymeasure = pytest.importorskip("pymeasure.instruments.tcpowerconversion")
    load = SimpleNamespace(
        forward=0.0,
        reflected=lambda: 0.7,
        bias=lambda: 181.0,
        capacitors=lambda: (0.425, 0.63),
        set_capacitors=lambda load, tune: None,
        automatic=lambda on: None,
    )
    load.drive = partial(setattr, load, "forward")
    served = serve(AJA0313Twin(load), "pty")
    generator = pymeasure.CXN(f"ASRL{served.path}::INSTR")
    try:
        assert generator.id == "AG 0313 GTC"
        assert (generator.power_limit, generator.reverse_power_limit) == (300.0, 70.0)
        generator.request_control()
        generator.setpoint = 118
        assert generator.setpoint == 118.0
        generator.rf_enabled = True
        assert load.forward == 118.0
        assert generator.power == (118.0, 0.7, 117.3)
        assert generator.dc_voltage == 181
        assert generator.status == generator.Status.RF_ENABLED
        assert generator.temperature == pytest.approx(22.1, abs=1.0)
        generator.manual_mode = True
        assert generator.manual_mode is True
        assert (generator.load_capacity, generator.tune_capacity) == (42.5, 63.0)
        generator.preset_2.load_capacity = 40
        assert generator.preset_2.load_capacity == 40
        generator.operation_mode, generator.ramp_rate = "ramp", 5
        assert (generator.operation_mode, generator.ramp_rate) == ("ramp", 5)
        generator.ping()
        served.tell(setattr, served.twin, "interlock_open", True)
        assert generator.rf_enabled is False
        assert generator.Status.INTERLOCK_OPEN in generator.status
        with pytest.raises(ValueError, match="invalid reply"):
            generator.write("XX\x00\x00\x00\x00")
        generator.release_control()
        assert generator.setpoint == 0.0
    finally:
        generator.adapter.close()


def test_pymeasure_drives_the_dc_supply(serve):
    pymeasure = pytest.importorskip("pymeasure.instruments.aja")
    gun = SimpleNamespace(power=0.0, voltage=lambda: 400.0, current=lambda: 0.3)
    gun.drive = partial(setattr, gun, "power")
    served = serve(AJADCXSTwin(gun), "pty")
    supply = pymeasure.DCXS(f"ASRL{served.path}::INSTR")
    try:
        supply.active_gun, supply.regulation_mode, supply.setpoint = 2, "power", 120
        supply.ramp_time, supply.deposition_time_min, supply.material = 0, 10, "Ti"
        assert (supply.active_gun, supply.regulation_mode, supply.setpoint) == (2, "power", 120)
        supply.enabled = True
        assert supply.enabled is True
        assert gun.power == 120.0
        assert (supply.power, supply.voltage, supply.current) == (120, 400, 300)
        assert supply.shutter_state == [0, 2, 0, 0, 0]
        assert supply.remaining_deposition_time_min in (9, 10)
        supply.enabled = False
        assert supply.enabled is False
        assert gun.power == 0.0
        assert supply.fault_code == 0
    finally:
        supply.adapter.close()


def test_pymeasure_switches_relays(serve):
    pymeasure = pytest.importorskip("pymeasure.instruments.velleman")
    switches = pymeasure.VellemanK8090Switches
    seen = []
    served = serve(VellemanK8090Twin(lambda number, on: seen.append((number, on))), "pty")
    board = pymeasure.VellemanK8090(f"ASRL{served.path}::INSTR")
    try:
        assert board.version == (10, 1)
        board.switch_on = switches.CH1 | switches.CH3
        board.switch_on = [8]
        assert board.status[1] == switches.CH1 | switches.CH3 | switches.CH8
        board.switch_off = switches.ALL
        assert board.status[1] == switches.NONE
        assert [number for number, on in seen if on] == [number for number, on in seen if not on] == [1, 3, 8]
    finally:
        board.adapter.close()


def test_minimalmodbus_through_its_own_port_holds_an_oven(serve):
    minimalmodbus = pytest.importorskip("minimalmodbus")
    served = serve(
        Eurotherm2400Twin(SimpleNamespace(heat=lambda share: None, temperature=lambda: 529.45)), "pty"
    )
    controller = minimalmodbus.Instrument(served.path, 1)
    controller.serial.timeout = 2.0
    try:
        assert controller.read_register(1, 1, signed=True) == 256.3
        controller.write_register(2, 300.0, 1, functioncode=6, signed=True)
        controller.write_register(273, 0)
        assert controller.read_register(2, 1) == 300.0
        with pytest.raises(minimalmodbus.IllegalRequestError, match="data address"):
            controller.read_register(0x999)
        with pytest.raises(minimalmodbus.IllegalRequestError, match="data value"):
            controller.write_register(2, 3000.0, 1)
    finally:
        controller.serial.close()
