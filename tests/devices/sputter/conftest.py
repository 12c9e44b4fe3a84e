"""A sputter station on fakes, on virtual time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from devices.limits import SputterLimits
from devices.roles.films import DepositionJob
from devices.samples import Layer, SampleRef
from devices.sputter.parameters import FilmConstants, RateCalibration, SputterParameters, Target
from devices.sputter.recipe import SCCM, DepositionRecipe, GasFlow, GunSetting, Strike
from devices.sputter_system import SputterStation
from labctl.clock.virtual import VirtualClock


def _fakes():
    spec = importlib.util.spec_from_file_location("sputter_fakes", Path(__file__).with_name("fakes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fakes_module = _fakes()


@pytest.fixture
def fakes():
    return fakes_module


@pytest.fixture
def time():
    clock = VirtualClock()
    yield clock
    clock.close()


class HandsThatDo:
    """Does what it is asked at once; remembers it."""

    name = "hands"

    def __init__(self, clock):
        self.clock, self.tasks = clock, []

    def check(self, task):
        pass

    def still_at(self, place, sample):
        return SAMPLE if (place, sample) == ("sputter", SAMPLE.id) else None

    def set(self, task):
        self.tasks.append(task)
        status = self.clock.status("task", 10.0)
        status.set_finished()
        return status


SAMPLE = SampleRef("s1", (Layer("Al", 100e-6),))


def lco(**changes):
    fields = {
        "material": "LiCoO2",
        "guns": (GunSetting("LiCoO2", power_density=5.9e4),),
        "gases": (GasFlow("Ar", 24 * SCCM), GasFlow("O2", 1 * SCCM)),
        "pressure": 3.0,
        "base_pressure": 1e-3,
        "presputter": 30.0,
        "thickness": 20e-9,
    }
    return DepositionRecipe("lco", **{**fields, **changes})


def lipon(**changes):
    fields = {
        "material": "LiPON",
        "guns": (
            GunSetting("Li3PO4", power_density=5e4, ramp=1.0),
            GunSetting("Li2O", power=20.0, ramp=1.0),
        ),
        "gases": (GasFlow("N2", 50 * SCCM),),
        "pressure": 0.4,
        "base_pressure": 1e-5,
        "presputter": 90.0,
        "thickness": 10e-9,
        "strike": Strike(3.0, 20.0),
    }
    return DepositionRecipe("lipon", **{**fields, **changes})


class Bench:
    """A station, its chamber, and time. instruments: parts that it lacks; besides: supplies that it has more."""

    def __init__(self, clock, limits=SputterLimits(), instruments=None, besides=(), **parameters):  # noqa: B008
        self.clock = clock
        self.chamber = fakes_module.Chamber(clock)
        self.parts = fakes_module.parts_of_chamber(self.chamber, sources=("gun1", "gun2", "gun3", *besides))
        for part in instruments or ():
            del self.parts[part]
        self.hands = HandsThatDo(clock)
        fields = {
            "targets": {
                "gun1": Target("LiCoO2", ramp=4.0),
                "gun2": Target("Li3PO4", ramp=2.0),
                "gun3": Target("Li2O", ramp=2.0),
            },
            "rates": {
                "LiCoO2": RateCalibration(0.05e-9, 120.0, 3.0, 0.02, "c1"),
                "Li3PO4": RateCalibration(0.03e-9, 100.0, 0.4, 0.02, "c2"),
                "Li2O": RateCalibration(0.05e-9, 120.0, 3.0, 0.02, "c3"),
            },
            "films": {"LiCoO2": FilmConstants(4500.0), "LiPON": FilmConstants(2400.0)},
        }
        self.station = SputterStation(
            name="sputter",
            clock=clock,
            lane="sputter",
            instruments=self.parts,
            parameters=SputterParameters(**{**fields, **parameters}),
            limits=limits,
            hands=self.hands,
        )

    def wait(self, status, longest=1e6):
        """Let time pass, the lease renewed, until a status is done; return what it failed with."""
        until = self.clock.now() + longest
        while not status.done and self.clock.now() < until:
            self.station.renew_lease()
            self.clock.sleep(5.0)
        assert status.done
        return status.exception(timeout=0)

    def lap(self, seconds):
        """Let time pass, the lease renewed."""
        until = self.clock.now() + seconds
        while (left := until - self.clock.now()) > 1e-9:
            self.station.renew_lease()
            self.clock.sleep(min(left, 5.0))

    def vented(self):
        error = self.wait(self.station.vent())
        assert error is None, error

    def began(self, recipe, sample=SAMPLE):
        """Prepare and kick off a film."""
        if not self.station.is_vented():
            self.vented()
        job = DepositionJob(sample, recipe)
        assert self.wait(self.station.prepare(job)) is None
        started = self.clock.call(self.station.kickoff)
        error = self.wait(started)
        assert error is None, error
        return self.station.complete()

    def reach(self, state, longest=5000.0):
        """Let time pass until the chamber is in a state."""
        until = self.clock.now() + longest
        while self.station.read_state() != state and self.clock.now() < until:
            self.lap(1.0)
        assert self.station.read_state() == state

    def rows(self, stream="primary"):
        pages = list(self.station.streams[stream].collect_pages())
        return pages[0]["data"] if pages else {}

    def codes(self):
        events = self.rows("events")
        return list(zip(events["code"], events["severity"], events["text"], strict=True)) if events else []


@pytest.fixture
def bench(time):
    return Bench(time)


@pytest.fixture
def make_bench(time):
    return lambda **options: Bench(time, **options)


@pytest.fixture
def recipes():
    return {"lco": lco, "lipon": lipon}
