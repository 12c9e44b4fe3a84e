"""What runs put on a sample is what the lab believes of it, and a doubtful film asks a person."""

import math
from dataclasses import replace

import pytest

from devices.cycling.cells import VOLUMETRIC_CAPACITY, CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.errors import InterlockError
from devices.limits import DamageLimits
from devices.recipes import to_json
from devices.roles.hands import Assemble, Bring
from devices.samples import Layer, SampleRef, as_meant, with_films
from devices.sputter.records import FilmFlag
from labctl.belief import Believer
from labctl.config.readers import sample as read_sample
from labctl.hands import LabHands
from labctl.runs.conditions import condition
from labctl.runs.films import LEAST, MONITOR_SD
from labctl.runs.making import made_by
from labctl.runs.remarks import mark_run
from labctl.runs.run import Run
from labctl.samples.believed import believed
from labctl.samples.deposited import deposited
from labctl.samples.facts import Facts
from labctl.samples.measurements import Measurement, measure
from labctl.samples.parents import CUT
from labctl.samples.story import Stories
from labctl.showing.samples import print_story
from sim.foil import Surroundings
from sim.grown_film import GrownFilm
from sim.physics.growth.deposit import layer
from sim.physics.lamp.bank import Bank

SUBSTRATE = SampleRef(
    "line-1",
    (Layer("Al", 100e-6),),
    grown=(Layer("LiCoO2", 0.7e-6), Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
)
DEVICES = {
    "sputter": {"role": "SputterSystem", "parameters": {"station": {"films": {}}}},
    "evaporator": {"role": "Evaporator", "parameters": {"station": {"films": {}}}},
}
TARGETS = {"LiCoO2": ["LiCoO2"], "LiPON": ["Li3PO4", "Li2O"], "Li": []}


def begin(kept, material, *, sample=SUBSTRATE, **start):
    recipe = {"material": material, "thickness": 1e-6}
    if TARGETS[material]:
        recipe["guns"] = [{"target": each} for each in TARGETS[material]]
    tool = "sputter" if TARGETS[material] else "evaporator"
    return kept.begin(
        sample.id,
        plan="deposit",
        sample={**to_json(sample), "area_m2": sample.area},
        plan_args={"station": tool},
        devices=DEVICES,
        recipe={"name": "r", "hash": "h", "body": recipe},
        **start,
    )


def put_on(kept, material, thickness, *, reasons="", doubtful=0, flags=0, area=math.nan, **start):
    journal = begin(kept, material, **start)
    by_time = thickness if flags & FilmFlag.BY_TIME else math.nan
    row = {
        "material": material,
        "thickness": thickness,
        "thickness_monitor": thickness,
        "thickness_by_time": by_time,
        "area": area,
        "doubtful": doubtful or int(bool(reasons)),
        "reasons": reasons,
        "flags": int(flags),
    }
    kept.rows(journal, "primary", {"elapsed": [1.0], "open_time": [10.0], "thickness": [thickness]})
    kept.rows(journal, "layers", {key: [value] for key, value in row.items()})
    return kept.end(journal, "fail" if reasons else "success")


def believer(kept):
    return Believer(kept.folder, Bank(), Surroundings(), limits=DamageLimits())


def test_what_was_recorded_is_believed(kept):
    put_on(kept, "LiCoO2", 0.69e-6)
    found = believed(kept.folder, SUBSTRATE)
    film = Layer("LiCoO2", 0.69e-6, MONITOR_SD * 0.69e-6, "deposited by sputter: thickness monitor")
    assert found.sample.layers == (Layer("Al", 100e-6), film)
    assert [each.material for each in found.sample.grown] == ["LiPON", "Li"]
    expected = VOLUMETRIC_CAPACITY["LiCoO2"] * 0.69e-6 * SUBSTRATE.area
    assert found.cell.capacity == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert found.cell.capacity_sd == pytest.approx(MONITOR_SD * expected, rel=1e-12, abs=0.0)


def test_a_film_by_rate_times_time_is_as_uncertain_as_the_rate(kept):
    put_on(kept, "LiCoO2", 0.7e-6, flags=FilmFlag.BY_TIME, film_rate={"rate": 5e-11, "sd": 0.1})
    put_on(kept, "LiPON", 1e-6, flags=FilmFlag.BY_TIME)
    lco, lipon = deposited(kept.folder, SUBSTRATE.id)
    assert (lco.how, lco.sd) == ("rate x time", pytest.approx(0.1 * 0.7e-6, rel=1e-6, abs=0.0))
    assert (lipon.targets, lipon.sd) == ("Li3PO4, Li2O", pytest.approx(0.5e-6, rel=1e-6, abs=0.0))


def test_a_film_finished_by_a_second_run_is_one_layer_and_stays_doubtful(kept):
    put_on(kept, "LiCoO2", 0.4e-6, reasons="the water was hot")
    put_on(kept, "LiCoO2", 0.3e-6)
    (_, layer) = believed(kept.folder, SUBSTRATE).sample.layers
    assert layer.thickness == pytest.approx(0.7e-6)
    assert layer.thickness_sd == pytest.approx(MONITOR_SD * 0.7e-6, rel=1e-6, abs=0.0)
    assert layer.doubtful == "the water was hot"


def test_a_run_that_broke_off_left_a_doubtful_film_as_thick_as_its_last_row_says(kept):
    journal = begin(kept, "LiCoO2")
    rows = {"elapsed": [1.0, 2.0], "open_time": [10.0, 3600.0], "thickness": [1e-9, 0.2e-6], "flags": [0, 0]}
    kept.rows(journal, "primary", rows)
    kept.rows(journal, "layers", {"material": [], "thickness": []})
    journal.close()
    (film,) = deposited(kept.folder, SUBSTRATE.id)
    assert film.thickness == 0.2e-6
    assert "broke off" in film.doubts


@pytest.mark.parametrize("weighed", [-3.6e-9, 0.0, 0.02])
def test_a_doubtful_film_is_there_whatever_was_weighed(kept, asking, weighed):
    put_on(kept, "LiCoO2", weighed, reasons="the crystal fails")
    (_, layer) = believed(kept.folder, SUBSTRATE).sample.layers
    assert layer.thickness == layer.thickness_sd == LEAST
    assert layer.doubtful == "the crystal fails"
    hands, asked = asking
    assert isinstance(hands("no").set(Bring(SUBSTRATE, "furnace")).exception(), InterlockError)
    assert "the crystal fails" in asked[0]


@pytest.mark.parametrize("weighed", [-3.6e-9, 0.0])
def test_a_sound_film_of_nothing_is_none(kept, weighed):
    put_on(kept, "LiCoO2", weighed)
    assert believed(kept.folder, SUBSTRATE).films == ()


def test_a_run_that_broke_off_with_its_shutter_just_opened_left_a_doubtful_film(kept):
    journal = begin(kept, "LiCoO2")
    rows = {"elapsed": [1.0], "open_time": [0.0], "shutter_open": [1], "thickness": [0.0], "flags": [0]}
    kept.rows(journal, "primary", rows)
    kept.rows(journal, "layers", {"material": [], "thickness": []})
    journal.close()
    (film,) = deposited(kept.folder, SUBSTRATE.id)
    assert film.thickness == LEAST
    assert "broke off" in film.doubts


def test_a_run_whose_shutter_never_opened_put_nothing_on(kept):
    journal = begin(kept, "LiCoO2")
    kept.rows(journal, "primary", {"elapsed": [1.0], "open_time": [0.0], "thickness": [math.nan]})
    kept.rows(journal, "layers", {"material": [], "thickness": []})
    kept.end(journal, "abort")
    assert believed(kept.folder, SUBSTRATE).films == ()


def test_a_film_of_which_nobody_knows_the_thickness_is_doubtful(kept):
    put_on(kept, "LiPON", math.nan)
    (film,) = deposited(kept.folder, SUBSTRATE.id)
    assert (film.thickness, film.sd, film.doubts) == (1e-6, 1e-6, "its thickness is not known")


def test_a_stream_of_somebody_elses_with_the_same_name_is_no_film(kept):
    journal = kept.begin("s1", plan="theirs")
    kept.rows(journal, "layers", {"material": ["two. words"], "thickness": [3.0]})
    kept.rows(journal, "layers", {"material": [7.0], "thickness": ["thick"]})
    kept.rows(journal, "layers", {"material": ["Cu"], "thickness": ["thick"], "flags": ["none"]})
    kept.end(journal)
    assert deposited(kept.folder, "s1") == []


def test_a_mask_makes_the_cells_area(kept):
    for material, thickness in (("LiCoO2", 0.7e-6), ("LiPON", 1e-6)):
        put_on(kept, material, thickness)
    put_on(kept, "Li", 2e-6, area=math.pi / 4 * 1e-6)
    found = believed(kept.folder, SUBSTRATE)
    assert found.sample.area == math.pi / 4 * 1e-6
    assert found.sample.area_sd / found.sample.area == pytest.approx(0.0134, abs=1e-4)
    assert [each.material for each in found.sample.cell_layers] == ["LiPON", "Li"]
    assert found.cell.materials == ("LiCoO2", "LiPON", "Li")


def test_a_measured_thickness_overrides_and_takes_no_doubt_away(kept):
    put_on(kept, "LiCoO2", 0.69e-6, reasons="arcs")
    Facts(kept.folder).add(SUBSTRATE.id, 1.8e9, "described", sample=to_json(SUBSTRATE))
    measure(kept.folder, SUBSTRATE.id, Measurement("thickness", 0.73e-6, 1e-8, "LiCoO2", "profilometer"))
    film = believed(kept.folder, SUBSTRATE).sample.layers[-1]
    assert (film.thickness, film.thickness_sd, film.doubtful) == (0.73e-6, 1e-8, "arcs")


def test_a_piece_has_what_its_sheet_had_when_it_was_cut(kept):
    first = put_on(kept, "LiCoO2", 0.7e-6)
    facts = Facts(kept.folder)
    facts.add("piece", 1_790_000_000.0 + 1.5 * 3600.0, CUT, parent=SUBSTRATE.id)
    later = put_on(kept, "LiPON", 1e-6)
    piece = replace(SUBSTRATE, id="piece")
    assert [each.material for each in believed(kept.folder, piece).films] == ["LiCoO2"]
    assert made_by(kept.folder, "piece") == [first]
    assert made_by(kept.folder, SUBSTRATE.id) == [first, later]


def test_the_lamps_prediction_goes_by_the_grown_film(kept, tmp_path, sample, recipe):
    put_on(kept, "LiCoO2", 0.7e-6)
    described = replace(sample, id=SUBSTRATE.id)
    expected = Believer(tmp_path / "other", Bank(), Surroundings()).anneal(described, recipe).values
    assert believer(kept).anneal(SUBSTRATE, recipe).values == expected


def test_what_has_lipon_on_it_is_refused_by_the_lamp_and_with_lithium_it_is_a_cell(kept, recipe):
    put_on(kept, "LiCoO2", 0.7e-6)
    put_on(kept, "LiPON", 1.1e-6)
    with pytest.raises(InterlockError, match=r"line-1 has 1\.10 um LiPON since .* bear 250 degC"):
        believer(kept).anneal(SUBSTRATE, recipe)
    assert believer(kept).foil(SUBSTRATE).built is None
    put_on(kept, "Li", 2e-6)
    cell = believer(kept).foil(SUBSTRATE).as_cell().cell
    assert cell.parameters.electrolyte_resistance == pytest.approx(1.1e-6 / 2e-4)


def test_a_recipe_can_be_checked_on_what_is_meant_to_be_grown():
    meant = as_meant(SUBSTRATE)
    assert [each.material for each in (*meant.layers, *meant.cell_layers)] == ["Al", "LiCoO2", "LiPON", "Li"]
    assert CellSize.of(SUBSTRATE) == CellSize.of(meant)
    assert CellSize.of(SUBSTRATE).capacity == pytest.approx(
        VOLUMETRIC_CAPACITY["LiCoO2"] * 0.7e-6 * SUBSTRATE.area
    )
    assert "grown" not in to_json(replace(SUBSTRATE, grown=()))
    assert with_films(meant, ()) == meant


def test_a_sample_file_may_list_the_substrate_and_what_is_meant_to_be_grown(tmp_path):
    path = tmp_path / "line-1.toml"
    grown = [("LiCoO2", "0.7 um"), ("LiPON", "1 um"), ("Li", "2 um")]
    tables = [f'[[grown]]\nmaterial = "{material}"\nthickness = "{thick}"\n' for material, thick in grown]
    path.write_text('schema = 1\n[[layers]]\nmaterial = "Al"\nthickness = "100 um"\n' + "".join(tables))
    assert read_sample(path) == SUBSTRATE


def test_the_start_document_of_an_anneal_says_what_is_believed(kept, lab, recipe):
    put_on(kept, "LiCoO2", 0.7e-6)
    quick = replace(recipe, pulse_count=1)
    lab.RE(lab.plans.anneal(lab.lamp, SUBSTRATE, quick))
    start = Run("last", lab.data).start
    assert [each["material"] for each in start["sample"]["layers"]] == ["Al"]
    assert [each["material"] for each in start["believed"]["layers"]] == ["Al", "LiCoO2"]
    assert Stories(lab.data).of(SUBSTRATE.id).steps[-1].values["thickness"] == 0.7e-6
    # The twins' world knows of no such film: belief never looks there.
    assert lab.twins.foil(SUBSTRATE.id).grown == ()


def test_a_furnaces_measured_course_is_believed(kept, sample):
    times, temperatures = [0.0, 100.0, 1000.0, 1400.0], [25.0, 526.85, 526.85, 25.0]
    journal = kept.begin(sample.id, plan="bake", purpose="anneal", sample=to_json(sample))
    kept.rows(journal, "primary", {"elapsed": times, "temperature": temperatures})
    uid = kept.end(journal)
    profile = tuple((time, each + 273.15) for time, each in zip(times, temperatures, strict=True))
    fresh = Believer(kept.folder / "other", Bank(), Surroundings()).foil(sample)
    assert believer(kept).foil(sample).annealed().mean == fresh.heated(profile).mean > 0.3
    assert made_by(kept.folder, sample.id) == [uid]


def grown(material, thickness, atoms, **more):
    return GrownFilm(material, layer(thickness / 3.6e-29, 3.6e-29, 1.6e-25, atoms, 0.0, 0.0), **more)


def test_a_grown_film_is_annealed_becomes_a_cell_and_is_cycled_by_what_is_believed_of_it(kept, lab, recipe):
    """The film is Li0.9CoO2, which the lab cannot know: its cell holds 10 % less than is believed."""
    put_on(kept, "LiCoO2", 0.7e-6)
    lab.wait(lab.hands.set(Bring(SUBSTRATE, "lamp")))
    foil = lab.twins.foil(SUBSTRATE.id)
    foil.deposit(grown("LiCoO2", 0.7e-6, {"Li": 0.9, "Co": 1.0}), 0.0)
    lab.RE(lab.plans.anneal(lab.lamp, SUBSTRATE, recipe))
    put_on(kept, "LiPON", 1e-6)
    put_on(kept, "Li", 2e-6, area=1e-5)
    foil.deposit(grown("LiPON", 1e-6, {"Li": 3.6, "P": 1.0, "N": 0.6}), 1e6)
    foil.deposit(grown("Li", 2e-6, {"Li": 1.0}, area=1e-5), 2e6)
    cell = believed(lab.data, SUBSTRATE).cell
    slow = RateTest("slow", (Rate(0.05, "C-rate"),), 3.0, 4.25, 1, Record(interval=600.0)).on(cell)
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, SUBSTRATE, slow))
    run = Run(uid, lab.data)
    assert run.start["capacity"]["value_Ah"] * 3600.0 == pytest.approx(cell.capacity)
    assert cell.capacity == pytest.approx(VOLUMETRIC_CAPACITY["LiCoO2"] * 0.7e-6 * 1e-5)
    believed_charge = lab.believer.foil(SUBSTRATE).as_cell().cell.site_charge
    assert foil.as_cell().cell.site_charge == pytest.approx(0.9 * believed_charge, rel=0.01)


# Doubt.


@pytest.fixture
def asking(kept, open_lab):
    """Return what makes hands that answer so, and the questions they were asked."""
    lab = open_lab()
    asked = []

    def hands(answer):
        def ask(question):
            asked.append(question)
            return answer

        return LabHands(lab.clock, Facts(kept.folder), lab.twins, ["lamp"], ask)

    return hands, asked


@pytest.mark.parametrize("task", [lambda each: Bring(each, "lamp"), Assemble], ids=["brought", "assembled"])
def test_a_doubtful_film_goes_nowhere_without_a_persons_word(kept, asking, task):
    put_on(kept, "LiCoO2", 0.7e-6, reasons="the water was hot")
    hands, asked = asking
    refused = hands("no").set(task(SUBSTRATE)).exception()
    assert isinstance(refused, InterlockError)
    assert "LiCoO2: the water was hot" in asked[0]
    assert not any(fact["fact"] == "brought" for fact in Facts(kept.folder).of(SUBSTRATE.id))


def test_a_word_is_good_for_its_place_and_its_doubts(kept, asking):
    put_on(kept, "LiCoO2", 0.7e-6, reasons="the water was hot")
    hands, asked = asking
    assert hands("yes").set(Bring(SUBSTRATE, "lamp")).exception() is None
    assert hands("no").set(Bring(SUBSTRATE, "lamp")).exception() is None
    assert len(asked) == 1
    put_on(kept, "LiCoO2", 0.1e-6, reasons="arcs")
    assert isinstance(hands("no").set(Bring(SUBSTRATE, "lamp")).exception(), InterlockError)
    assert "the water was hot; arcs" in asked[-1]


def test_a_sound_film_asks_nobody(kept, asking):
    put_on(kept, "LiCoO2", 0.7e-6)
    hands, asked = asking
    assert hands("no").set(Bring(SUBSTRATE, "lamp")).exception() is None
    assert asked == []


# Lineage.


def test_the_story_tells_tool_target_thickness_and_doubt(kept, capsys):
    put_on(kept, "LiCoO2", 0.703e-6)
    put_on(kept, "LiPON", 1e-6, reasons="arc storm")
    print_story(Stories(kept.folder).of(SUBSTRATE.id), kept.folder)
    said = capsys.readouterr().out
    assert "LiCoO2 0.703 +- 0.035 um by sputter from LiCoO2 (thickness monitor)" in said
    assert "by sputter from Li3PO4, Li2O (thickness monitor), DOUBTFUL: arc storm" in said


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("deposited.LiCoO2.thickness > 0.6 um", True),
        ("deposited.LiCoO2.thickness > 0.8 um", False),
        ("deposited.LiPON.doubtful = 1", True),
        ("deposited.doubtful = 1", True),
        ("deposited.LiCoO2.doubtful = 1", False),
    ],
)
def test_samples_are_found_by_what_was_put_on_them(kept, where, fits):
    put_on(kept, "LiCoO2", 0.7e-6)
    bad = put_on(kept, "LiPON", 1e-6, reasons="arc storm")
    mark_run(next(kept.folder.glob(f"runs/*/*/{bad}.jnl")), "bad", "", time=1.8e9, who="me")
    story = Stories(kept.folder).of(SUBSTRATE.id)
    assert story.fits(condition(where)) is fits
    assert story.values["thickness"] == 0.7e-6


def test_the_smallest_opening_of_all_masks_is_the_cells_area(kept):
    for material, area in (("LiCoO2", 4e-6), ("LiPON", 9e-6), ("Li", 1e-6)):
        put_on(kept, material, 1e-6, area=area)
    assert believed(kept.folder, SUBSTRATE).sample.area == 1e-6


def test_a_row_that_says_that_it_is_doubtful_and_not_why_is_doubtful_all_the_same(kept):
    put_on(kept, "LiCoO2", 0.7e-6, doubtful=1)
    (film,) = deposited(kept.folder, SUBSTRATE.id)
    assert film.doubts
