"""Water that begins to leak into a chamber's first film before its shutter opens, and a target that cracked before its
first lighting: told in time, by what the bench file states; and what is only unknown or new is no fault."""

from dataclasses import replace

import pytest

from devices.errors import InterlockError
from labctl import Run
from labctl.runs.briefs import run_files
from tests.house.test_film_faults import LEAK, WITHIN, Tool, TwoGuns
from tests.support.faulty_films import maker_of


class Rig:
    """Makes thin films on one sample after the other. known: whether the bench file states what the chamber shows."""

    thickness = 0.0

    def __init__(self, data, *, known=True):
        super().__init__(data)
        self.recipe, self.films = replace(self.recipe, thickness=self.thickness), 0
        if not known:
            sputter = self.lab.sputter
            sputter.parameters = replace(sputter.parameters, references=())

    def asked(self, sentence):
        return "no" if "doubtful" in sentence else "yes"

    def film(self):
        """Make a film on a sample of its own; return what it failed with, None for one that was made."""
        self.films += 1
        sample = replace(self.sample, id=f"foil-{self.films}")
        try:
            self.lab.RE(self.lab.plans.deposit(self.lab.sputter, sample, self.recipe))
        except InterlockError as error:
            return error
        return None

    def run(self):
        """Return the newest run."""
        return max((Run(path) for path in run_files(self.lab.data)), key=lambda run: run.start["time"])

    def told(self, code):
        """Return what was told of the last film by a code, with how severely."""
        events = self.run().table("events")
        rows = zip(events["code"], events["severity"], events["text"], strict=True)
        return [(severity, text) for each, severity, text in rows if each == code]

    def require_made(self):
        """Require that the next film is made, and is good."""
        assert self.film() is None
        layer = self.run().table("layers")
        assert list(layer["doubtful"]) == [0]
        assert layer["thickness"][0] == pytest.approx(self.recipe.thickness, rel=0.02)

    def mended(self, fault, of=""):
        """Have somebody mend it, and say so."""
        clock = self.lab.clock
        clock.call(lambda: self.twins.faults.end(fault, clock.now(), of))
        self.lab.sputter.reset()

    def pumps(self, share):
        """Have turbo pump and throttle let through so much of what they do."""
        gas = self.chamber.gas
        pump = gas.vessel.pump
        less = replace(
            pump,
            speeds=tuple(share * each for each in pump.speeds),
            open=share * pump.open,
            closed=share * pump.closed,
        )

        def act():
            gas.vessel = replace(gas.vessel, pump=less)
            gas.changed()

        self.chamber.change(act)


class OneGun(Rig, Tool):
    thickness = 12e-9


class ByTwoGuns(Rig, TwoGuns):
    thickness = 20e-9


KINDS = {"LiCoO2": OneGun, "LiPON": ByTwoGuns}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def make(kind, tmp_path):
    with maker_of(KINDS[kind], tmp_path / "data") as tool:
        yield tool


@pytest.fixture(scope="module")
def moments(tmp_path_factory):
    """When gas comes in, all that burns is lit, and the shutter opens in a sound first film [s], by kind."""
    found = {}
    for name, kind in KINDS.items():
        with maker_of(kind, tmp_path_factory.mktemp(name)) as make:
            tool = make()
            tool.require_made()
            rows = tool.run().table()
            gas = rows["elapsed"][rows["state"] == "gas"][0]
            found[name] = {
                "gas": gas,
                "lit": max(tool.when("plasma on")),
                "opens": min(tool.when("shutter opened", "substrate")),
            }
    return found


ONSETS = [
    *(("gas", each) for each in (0.4, 3.1, 8.6, 21.7)),
    *(("lit", each) for each in (-4.3, -0.6, 0.4, 2.7, 4.2, 8.7, 31.4, 52.1)),
    *(("opens", each) for each in (-2.2, 0.6)),
]
"""s after gas comes in, the plasma burns, the shutter opens."""


@pytest.mark.parametrize(("moment", "after"), ONSETS)
def test_a_leak_that_begins_before_the_first_film_is_told_in_time(make, kind, moments, moment, after):
    tool, at = make(), moments[kind][moment] + after
    tool.plan("water_leak", at, value=LEAK)
    error = tool.film()
    assert error is not None
    assert error.permissive in ("leak", "water")
    lit, out = tool.when("plasma on"), tool.when("plasma out")
    opened, closed = tool.when("shutter opened", "substrate"), tool.when("shutter closed", "substrate")
    assert len(lit) == len(out)
    assert len(opened) == len(closed)
    assert all(0.0 <= end - at <= WITHIN for end in out + closed)
    assert out or error.permissive == "water"
    tool.require_dark()
    assert bool(len(tool.run().table("layers").get("material", ()))) == bool(opened)


@pytest.mark.parametrize(("moment", "after"), [("gas", 8.6), ("lit", 8.7)])
def test_after_a_leak_was_mended_the_next_film_is_made(make, kind, moments, moment, after):
    """Nothing is known to it of what was before: it looks at the base pressure first."""
    tool = make()
    tool.plan("water_leak", moments[kind][moment] + after, value=LEAK)
    assert tool.film() is not None
    tool.mended("water_leak")
    tool.require_made()
    ((severity, text),) = tool.told("throttle")
    assert severity == "info"
    assert "nobody knows if it should" in text


def test_a_throttle_of_which_nobody_knows_where_it_should_stand_is_looked_at_once(make):
    tool = make(known=False)
    tool.require_made()
    ((severity, text),) = tool.told("throttle")
    assert severity == "info"
    assert "nobody knows if it should: the gas is taken away for a look at the base pressure" in text
    tool.require_made()
    assert tool.told("throttle") == []


@pytest.mark.parametrize("after", [0.4, 8.6, 21.7, 29.2, 52.3, 63.7, 78.4])
def test_a_leak_into_a_chamber_of_which_nothing_is_known_lights_nothing(make, kind, moments, after):
    """Neither one before the look at the base pressure, nor one before the gas is back at its pressure after that."""
    tool = make(known=False)
    tool.plan("water_leak", moments[kind]["gas"] + after, value=LEAK)
    error = tool.film()
    assert error is not None
    assert error.permissive in ("leak", "water")
    assert not tool.when("plasma on")
    tool.require_dark()


@pytest.mark.parametrize("after", [None, 9.0, 15.0])
def test_a_leak_after_a_plasma_that_did_not_light_is_told_before_the_next_one(tmp_path, after):
    """One gun of two burnt; beside that plasma nobody knows where the throttle stands."""
    with maker_of(KINDS["LiPON"], tmp_path / "data") as make:
        tool = make(known=False)
        tool.plan("no_ignition", 1.0, "gun3")
        clock, faults = tool.lab.clock, tool.twins.faults
        begun = []

        def went_out():
            if not tool.when("plasma out"):
                clock.after(0.5, went_out, "the judge")
                return
            faults.end("no_ignition", clock.now(), "gun3")
            if after is not None:
                clock.after(after, leaks, "the judge")

        def leaks():
            begun.append(clock.now())
            faults.begin("water_leak", clock.now(), value=LEAK)

        clock.after(1.0, went_out, "the judge")
        if after is None:
            tool.require_made()
            return
        error = tool.film()
        assert error is not None
        assert error.permissive == "leak"
        (at,) = begun
        assert max(tool.when("plasma on")) < at
        assert 0.0 < clock.now() - at <= WITHIN
        tool.require_dark()


def test_a_pump_that_changed_between_two_films_is_one_look_at_the_base_pressure(make):
    tool = make()
    tool.require_made()
    # It shows what is stated.
    assert tool.told("throttle") == []
    tool.lab.clock.call(lambda: tool.pumps(0.97))
    tool.require_made()
    ((severity, text),) = tool.told("throttle")
    assert severity == "warning"
    assert "before: the gas is taken away for a look at the base pressure" in text
    tool.require_made()
    assert tool.told("throttle") == []


def test_a_throttle_that_never_comes_to_the_same_place_again_lights_nothing(make, kind, moments):
    tool, gas = make(known=False), moments[kind]["gas"]
    for number in range(30):
        tool.lab.clock.after(gas + 20.0 * number, lambda: tool.pumps(0.99), "a test")
    error = tool.film()
    assert error is not None
    assert error.permissive == "leak"
    assert "before the last look" in str(error)
    assert len(tool.told("throttle")) == 4
    assert not tool.when("plasma on")
    tool.require_dark()


@pytest.mark.parametrize("made", [0, 1])
@pytest.mark.parametrize(("name", "gun"), [("LiCoO2", "gun1"), ("LiPON", "gun2"), ("LiPON", "gun3")])
def test_a_target_that_cracked_before_it_is_lit_is_told_once(tmp_path, name, gun, made):
    """Before its first film in this chamber, or between two."""
    with maker_of(KINDS[name], tmp_path / "data") as make:
        tool = make()
        for _ in range(made):
            tool.require_made()
        began = tool.lab.clock.now()
        tool.plan("target_crack", began + 5.0, gun)
        error = tool.film()
        assert error is not None
        assert error.permissive == "target_crack"
        assert f"{gun}: the bias is 90% of what it was, as it was lit before" in str(error)
        lit, out = ([at for at in tool.when(f"plasma {word}") if at > began] for word in ("on", "out"))
        assert len(lit) == len(out) > 0
        assert max(out) - min(lit) <= WITHIN
        assert not [at for at in tool.when("shutter opened") if at > began]
        tool.require_dark()
        tool.lab.sputter.reset()
        # Somebody looked at it, and goes on with it.
        assert tool.film() is None
        assert tool.told("target_crack") == []


def test_nobody_tells_a_cracked_target_from_a_whole_one_that_was_never_seen(tmp_path):
    """It is the bench file's statement that tells of it."""
    with maker_of(OneGun, tmp_path / "data") as make:
        tool = make(known=False)
        tool.plan("target_crack", 5.0, "gun1")
        assert tool.film() is None
