"""What tests of the whole house share: a quick experiment, and sessions on the twin bench in folders of their own."""

import itertools

import pytest

import labctl
from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.recipes import AnnealRecipe
from devices.samples import Layer, SampleRef

NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def machine(tmp_path_factory, monkeypatch):
    """Let no test know the devices of another one, or of this machine; return the folder of what is known of them."""
    folder = tmp_path_factory.getbasetemp() / f"machine-{next(NUMBERS)}"
    monkeypatch.setenv("LABCTL_MACHINE", str(folder))
    return folder


@pytest.fixture
def sample():
    return SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )


@pytest.fixture
def recipe():
    return AnnealRecipe("quick", voltage=850.0, pulse_duration=1.8e-3, pulse_count=6, rate=0.4)


@pytest.fixture
def program(sample):
    return RateTest(
        "quick", (Rate(5.0, "A/m^2"), Rate(10.0, "A/m^2")), 3.0, 4.25, 2, Record(interval=30.0)
    ).on(CellSize.of(sample))


@pytest.fixture
def open_lab(tmp_path):
    """Open sessions that are closed at the end of the test; by default on the twin bench, engine without signals."""
    opened = []

    def open_(bench="twin", **options):
        options = {"data": tmp_path / "data", "handle_signals": False, **options}
        opened.append(labctl.open_session(bench, **options))
        return opened[-1]

    yield open_
    for lab in reversed(opened):
        lab.close()


@pytest.fixture
def lab(open_lab):
    return open_lab()
