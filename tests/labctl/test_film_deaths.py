"""Films whose host is killed, on twins that die with it: what is known afterwards, what is asked, the rest put on."""

import random

import pytest

from devices.samples import Layer
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from tests.support import quick_films as quick
from tests.support.valid import hold_all
from tests.support.warm import Warm, alive, wait_for

TASK = """
    import os, signal
    from pathlib import Path
    from tests.support import quick_films as quick
    from devices.errors import LabError
    from devices.sputter.endings import Endings
    from sim.sputter.built import PlannedFault
    from labctl.films.journals import FilmJournals
    from labctl.runs.run import Run

    RECIPES = {
        "sputter": lambda: quick.film(thickness=90e-9),
        "evaporator": lambda: quick.evaporation(thickness=200e-9),
    }

    def die(lab, chamber, after):
        # Right after a row, with the world as it is then.
        log = chamber._log
        write = log.row
        def row(row):
            write(row)
            if row["shutter_open"] and row["open_time"] >= after:
                lab.twins.save()
                os.kill(os.getpid(), signal.SIGKILL)
        log.row = row

    def expose(lab, step):
        # Shutters stand open while the target is cleaned; the host dies at a step of the ending, they told to close.
        chamber, twins, planned = lab.sputter, lab.twins.station("sputter"), []
        write = chamber._log.row
        def row(row):
            write(row)
            if row["state"] == "plasma" and not planned:
                for shutter in ("substrate_shutter", "gun1_shutter"):
                    planned.append(PlannedFault("shutter_stuck_open", shutter, time=lab.clock.now() + 30.0))
                    twins.faults.plan(planned[-1])
        def end(self):
            lab.twins.save()
            os.kill(os.getpid(), signal.SIGKILL)
        chamber._log.row = row
        setattr(Endings, step, end)

    def run(tool, data, said, after, word, plan="", step=""):
        if plan:
            with open(said, "a", buffering=1) as file, quick.quick_session(Path(data), "sputter") as lab:
                sample = quick.foil("w")
                if step:
                    if plan == "condition_target":
                        lab.RE(lab.plans.deposit(lab.sputter, sample, quick.film(thickness=20e-9)))
                    expose(lab, step)
                    job = (sample,) if plan == "deposit" else ()
                    lab.RE(getattr(lab.plans, plan)(lab.sputter, *job, RECIPES["sputter"]()))
                print("state", lab.sputter.read_state(), file=file)
                print("known", lab.sputter.unfinished is None, file=file)
            return
        asked = []
        def answer(sentence):
            asked.append(sentence)
            return word
        with open(said, "a", buffering=1) as file, quick.quick_session(Path(data), "sputter", answer) as lab:
            chamber, sample, recipe = lab.devices[tool], quick.foil("w"), RECIPES[tool]()
            begin = {"sputter": lab.plans.deposit, "evaporator": lab.plans.evaporate}[tool]
            if after is not None:
                if not chamber.load_lock:
                    lab.RE(lab.plans.vent(chamber))
                die(lab, chamber, after)
                lab.RE(begin(chamber, sample, recipe))
            print("state", chamber.read_state(), file=file)
            print("latched", chamber.report()["latched"], file=file)
            broken, records = Run("last", lab.data).uid, FilmJournals(lab.data)
            print("before", records.so_far(broken, sample, recipe).thickness, file=file)
            chamber.reset()
            try:
                lab.RE(begin(chamber, sample, recipe))
            except LabError as error:
                print("refused", error, file=file)
            plan = {"sputter": lab.plans.finish_deposition, "evaporator": lab.plans.finish_evaporation}[tool]
            lab.hands._ask = answer
            try:
                (uid,) = lab.RE(plan(chamber, records, lab.hands, sample, recipe, broken))
                print("continues", Run(uid, lab.data, alone=True).start["continues"] == broken, file=file)
            except LabError as error:
                print("unfinished", error, file=file)
            print("asked", *asked, sep=" / ", file=file)
            print("true", sum(each.thickness for each in lab.twins.foil("w").grown), file=file)
            print("ended", file=file)
"""

TOTAL = {"sputter": 90e-9, "evaporator": 200e-9}
TOOLING = {"sputter": 1.06, "evaporator": 0.94}
RATE = {"sputter": 27e-9 / 60.0, "evaporator": 3.3e-9}
"""m/s of film at the most: what one row may miss."""


@pytest.fixture(scope="module")
def warm():
    made = Warm(TASK)
    yield made
    made.close()


def session(warm, data, tool, *, after=None, word="yes", **more):
    """Let a session make a film and die so many seconds after the shutter opened, or go on; return what it said."""
    said = data.parent / f"said-{len(list(data.parent.glob('said-*')))}"
    pid = warm.fork(tool=tool, data=str(data), said=str(said), after=after, word=word, **more)
    wait_for(lambda: not alive(pid), 120.0)
    text = said.read_text()
    assert "Traceback" not in text, text
    return dict(line.split(maxsplit=1) for line in text.splitlines() if " " in line)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tool", ["sputter", "evaporator"])
@pytest.mark.parametrize("trials", [1, pytest.param(6, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_film_whose_host_died_is_finished_after_a_persons_word_and_nothing_twice(
    warm, tmp_path, tool, trials
):
    chance = random.Random(f"{tool}{trials}")
    for number in range(trials):
        data = tmp_path / f"t{number}" / "data"
        data.mkdir(parents=True)
        whole = TOTAL[tool] / RATE[tool]
        assert session(warm, data, tool, after=chance.uniform(0.05, 0.8) * whole) == {}
        told = session(warm, data, tool)
        assert told["state"] == "fault", told
        assert told["latched"].startswith("the host died after"), told
        assert "was cut off: the last row of its run" in told["refused"]
        before = float(told["before"])
        assert f"{before * 1e9:.1f} of {TOTAL[tool] * 1e9:.1f} nm" in told["asked"]
        assert told["continues"] == "True"
        assert hold_all(data) >= 2
        assert float(told["true"]) / TOOLING[tool] == pytest.approx(TOTAL[tool], abs=2 * RATE[tool])
        film = (
            believed(data, quick.foil("w")).sample.layers + believed(data, quick.foil("w")).sample.cell_layers
        )[-1]
        assert film.thickness == pytest.approx(TOTAL[tool], abs=2 * RATE[tool])
        assert "broke off" in film.doubtful
        assert [each for each in Facts(data).of("w") if each["fact"] == "confirmed"]


@pytest.mark.timeout(120)
def test_a_film_whose_host_died_before_its_first_row_is_doubtful_though_no_row_says_so(warm, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    session(warm, data, "sputter", after=0.0)
    told = session(warm, data, "sputter")
    assert float(told["before"]) == 0.0
    film = believed(data, quick.foil("w")).sample.layers[-1]
    assert "broke off" in film.doubtful
    assert "the host died after at least 0.0 nm" in film.doubtful


@pytest.mark.timeout(120)
def test_a_film_whose_host_died_stays_as_it_is_without_a_persons_word(warm, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    session(warm, data, "evaporator", after=30.0)
    told = session(warm, data, "evaporator", word="no")
    assert "unfinished" in told
    (film,) = believed(data, quick.foil("w")).sample.cell_layers
    assert isinstance(film, Layer)
    assert float(told["true"]) / TOOLING["evaporator"] == pytest.approx(
        film.thickness, abs=2 * RATE["evaporator"]
    )
    assert "broke off" in film.doubtful


@pytest.mark.timeout(120)
@pytest.mark.parametrize("plan", ["deposit", "condition_target"])
@pytest.mark.parametrize("step", ["cut", "gas"])
def test_what_came_through_a_shutter_that_stood_open_is_known_though_its_host_died_while_ending_it(
    warm, tmp_path, plan, step
):
    data = tmp_path / "data"
    data.mkdir()
    assert session(warm, data, "sputter", plan=plan, step=step) == {}
    told = session(warm, data, "sputter", plan="look")
    assert told["state"] == "fault"
    # Of targets that burn on their own no film is remembered, but what the journal says.
    assert told["known"] == str(plan == "condition_target")
    found = believed(data, quick.foil("w"))
    assert len(found.films) == (1 if plan == "deposit" else 2)
    assert "broke off" in found.films[-1].doubts
    assert "broke off" in found.sample.layers[-1].doubtful
