"""Other people's drivers, unchanged, on the twins of the vacuum system, over a pty.

Optional: each test is skipped where its package is not installed. Nothing of labctl needs them, and none is shipped
with it (PyMeasure MIT, pfeiffer-vacuum-protocol BSD).
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import serial

from sim.twins.inficon_sqm160 import InficonSQM160Twin
from sim.twins.mks_946 import MKS946Twin
from sim.twins.pfeiffer_turbo import PfeifferTurboTwin
from tests.house.test_foreign_drivers import serve  # noqa: F401
from tests.sim.twins.vacuum_parts import Crystal, Rotor

pytestmark = [
    # What these packages do at import or leave open is theirs.
    pytest.mark.filterwarnings("ignore"),
]


@contextlib.contextmanager
def opened(instrument):
    """Use a PyMeasure instrument and let its line go."""
    try:
        yield instrument
    finally:
        instrument.adapter.connection.close()


def test_pymeasure_reads_the_gauges_of_the_mks(serve):  # noqa: F811
    mks = pytest.importorskip("pymeasure.instruments.mksinst.mks937b")
    pressure = [0.05]
    gauges = {"ion": "A1", "manometer": "A2"}
    twin = MKS946Twin(
        {name: lambda: pressure[0] for name in gauges}, {}, np.random.default_rng(0), gauges=gauges, gases={}
    )
    served = serve(twin, "pty")
    with opened(mks.MKS937B(f"ASRL{served.path}::INSTR", asrl={"baud_rate": 9600})) as controller:
        assert controller.unit == mks.Unit.Torr
        controller.unit = mks.Unit.Pa
        assert controller.unit == mks.Unit.Pa
        assert controller.ch_2.pressure == pytest.approx(0.05, abs=6e-4)
        assert controller.ch_1.pressure == pytest.approx(0.05, rel=0.1)
        assert controller.ch_1.ion_gauge_status == "Good"
        assert controller.ch_1.power_enabled is True
        pressure[0] = 3.0
        # The gauge follows within some 50 ms of the wall's time.
        assert any(controller.ch_1.pressure == "PROT_OFF" for _ in range(1000))
        assert controller.ch_1.ion_gauge_status == "Protect"
        pressure[0] = 1e-4
        assert any(controller.ch_2.pressure < 1e-2 for _ in range(1000))
        controller.ch_1.power_enabled = True
        assert controller.ch_1.power_enabled is True
        assert controller.ch_1.ion_gauge_status == "Wait"
        assert controller.ch_3.ion_gauge_status == "NOT_IONGAUGE"


def test_pymeasure_reads_the_thickness_monitor(serve):  # noqa: F811
    sqm160 = pytest.importorskip("pymeasure.instruments.inficon.sqm160")
    crystal = Crystal(5_875_830.23)
    served = serve(InficonSQM160Twin(crystal, np.random.default_rng(0), noise=0.0, sensors=6), "pty")
    served.tell(served.catch_up)
    with opened(sqm160.SQM160(f"ASRL{served.path}::INSTR")) as monitor:
        assert monitor.firmware_version == "MON Ver 4.13"
        assert monitor.number_of_channels == 6
        assert (monitor.reset_flag, monitor.reset_flag) == (True, False)
        assert monitor.sensor_1.frequency == pytest.approx(5_875_830.23)
        assert monitor.sensor_1.crystal_life == pytest.approx(88.0)
        monitor.reset_thickness_rate()
        assert monitor.average_rate == monitor.sensor_1.rate == pytest.approx(0.0)
        assert monitor.average_thickness == monitor.sensor_1.thickness == pytest.approx(0.0)
        assert monitor.sensor_2.frequency == 0.0
        monitor.write("Q")
        with pytest.raises(ConnectionError, match="invalid command"):
            monitor.read()


def test_a_driver_that_sets_films_sets_them(serve):  # noqa: F811
    package = pytest.importorskip("sqm160")
    served = serve(InficonSQM160Twin(Crystal(), np.random.default_rng(0), noise=0.0, sensors=6), "pty")
    with package.SQM160(transport=package.SerialTransport(served.path)) as monitor:
        assert monitor.channel_count() == 6
        film = monitor.film_parameters(2)
        assert (film.name, film.density, film.tooling, film.active_sensors) == ("FILM 2", 0.5, 100, (1,))
        monitor.set_film_parameters(film.copy(name="LCO", density=5.05, tooling=124, z_ratio=1.0))
        found = monitor.film_parameters(2)
        assert (found.name, found.density, found.tooling, found.z_ratio) == ("LCO", 5.05, 124, 1.0)
        monitor.select_film(2)
        assert monitor.system_parameters().display_mode == package.DisplayMode.ANGSTROM
        assert monitor.system_parameters2().min_frequency == 5.0
        assert monitor.sensor_measurements()[1].frequency == pytest.approx(5_950_000.0)


def test_the_pfeiffer_package_talks_to_the_turbo_pump(serve):  # noqa: F811
    pfeiffer = pytest.importorskip("pfeiffer_vacuum_protocol")
    rotor = Rotor(speed=1000.0)
    twin = PfeifferTurboTwin(rotor)
    served = serve(twin, "pty")
    with serial.Serial(served.path, 9600, timeout=1.0) as line:
        assert pfeiffer.read_software_version(line, 1) == (1, 3, 0)
        assert pfeiffer.read_error_code(line, 1) == pfeiffer.ErrorCode.NO_ERROR
        served.tell(twin.fail, 1, served.now())
        assert pfeiffer.read_error_code(line, 1) == pfeiffer.ErrorCode.DEFECTIVE_TRANSMITTER
        with pytest.raises(ValueError, match="undefined parameter"):
            pfeiffer.read_pressure(line, 1)
        line.timeout = 0.2
        with pytest.raises(ValueError, match="too short"):
            pfeiffer.read_error_code(line, 2)
