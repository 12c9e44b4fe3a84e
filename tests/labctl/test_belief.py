import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from devices.errors import InterlockError
from devices.limits import DamageLimits, ShareThresholds
from devices.recipes import AnnealRecipe, FurnaceRecipe, FurnaceSegment, MicroPulse
from devices.samples import Layer
from labctl import belief
from labctl.belief import Believer, surroundings_from
from labctl.config.finder import config_dir
from labctl.predicting.damage import judge
from labctl.runs.run import Run
from sim.foil import Surroundings
from sim.materials.substrates import SUBSTRATES
from sim.physics.lamp.bank import Bank


def believer(folder, limits=None):
    return Believer(folder, Bank(), Surroundings(), limits=limits)


def levels(prediction):
    return {term.name: term.level for term in judge(prediction.values, DamageLimits())}


def paper(sample, film, voltage, pulses):
    thick = replace(sample, id="paper", layers=(Layer("Al", 100e-6), Layer("LiCoO2", film)))
    return thick, AnnealRecipe("paper", voltage=voltage, pulse_duration=1.8e-3, pulse_count=pulses, rate=0.4)


def test_the_papers_900_volt_recipe_warns_and_does_not_fault(tmp_path, sample):
    prediction = believer(tmp_path, DamageLimits()).anneal(*paper(sample, 1.2e-6, 900.0, 43))
    assert levels(prediction) == {**dict.fromkeys(levels(prediction), "ok"), "molten_share": "warning"}


@pytest.mark.parametrize(("film", "pulses"), [(0.7e-6, 20), (3.3e-6, 300)])
def test_the_papers_850_volt_recipes_neither_warn_nor_fault(tmp_path, sample, film, pulses):
    prediction = believer(tmp_path, DamageLimits()).anneal(*paper(sample, film, 850.0, pulses))
    assert set(levels(prediction).values()) == {"ok"}


def test_an_anneal_that_would_do_more_than_the_lab_allows_is_refused(tmp_path, sample):
    strict = DamageLimits(molten_share=ShareThresholds(0.0, 0.05))
    with pytest.raises(InterlockError, match=r"predicted molten_share = .* is above 0\.05"):
        believer(tmp_path, strict).anneal(*paper(sample, 1.2e-6, 900.0, 43))
    assert believer(tmp_path).anneal(*paper(sample, 1.2e-6, 900.0, 43)).values["molten_share"] > 0.05


def test_a_film_that_would_leave_what_is_known_is_refused_in_words(tmp_path, sample):
    plastic = replace(sample, layers=(Layer("polyimide", 50e-6), Layer("LiCoO2", 0.7e-6)))
    recipe = AnnealRecipe("hot", voltage=850.0, pulse_duration=1.8e-3, pulse_count=3, rate=0.4)
    with pytest.raises(InterlockError, match="outside the table"):
        believer(tmp_path).anneal(plastic, recipe)


def test_an_anneal_that_would_destroy_its_substrate_is_refused(tmp_path, sample):
    plastic = replace(sample, layers=(Layer("polyimide", 50e-6), Layer("LiCoO2", 0.7e-6)))
    recipe = AnnealRecipe("hot", voltage=400.0, pulse_duration=1.8e-3, pulse_count=1, rate=0.4)
    with pytest.raises(InterlockError, match=r"predicted substrate_margin = .* K is above 50 K"):
        believer(tmp_path, DamageLimits()).anneal(plastic, recipe)
    assert levels(believer(tmp_path).anneal(plastic, recipe))["substrate_margin"] == "fault"


def test_micro_pulses_are_predicted(tmp_path, sample, recipe):
    slots = (MicroPulse(0.6e-3, 0.5),) * 6
    split = replace(recipe, pulse_duration=3.6e-3, micro_pulses=slots)
    whole, gentle = (believer(tmp_path).anneal(sample, each).values for each in (recipe, split))
    assert gentle["surface_peak"] < whole["surface_peak"]


def test_a_station_that_gates_whole_pulses_refuses_micro_pulses(tmp_path, open_lab, sample, recipe):
    config = Path(shutil.copytree(config_dir(), tmp_path / "config"))
    bench = config / "benches" / "twin.toml"
    bench.write_text(bench.read_text().replace("dead_man = true", "dead_man = false"))
    lab = open_lab("twin", config=config)
    split = replace(recipe, micro_pulses=(MicroPulse(0.9e-3, 0.5),) * 2)
    with pytest.raises(Exception, match="gates whole pulses only"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, split))


def test_a_film_on_steel_is_flashed_and_believed(lab, sample, recipe):
    steel = replace(sample, id="steel-1", layers=(Layer("steel", 50e-6), Layer("LiCoO2", 0.7e-6)))
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, steel, recipe))
    predicted = Run(uid, lab.data).start["prediction"]["values"]["surface_peak"]
    assert predicted == pytest.approx(lab.believer.foil(steel).annealed().surface_peak, abs=3.0)


def hashed(folder, *, surroundings=None, limits=None, **bank):
    return Believer(folder, Bank(**bank), surroundings or Surroundings(), limits=limits).parameters_hash


def test_the_hash_of_the_parameters_covers_whatever_a_prediction_goes_by(tmp_path, monkeypatch):
    plain = hashed(tmp_path)
    assert plain == hashed(tmp_path)
    others = [
        hashed(tmp_path, limits=DamageLimits()),
        hashed(tmp_path, limits=DamageLimits(molten_share=ShareThresholds(0.0, 0.05))),
        hashed(tmp_path, explosion_constant=1e5),
        hashed(tmp_path, efficiency=0.4),
        hashed(tmp_path, surroundings=Surroundings(model="S2")),
        hashed(tmp_path, surroundings=Surroundings(hanging=True)),
        hashed(tmp_path, surroundings=Surroundings(chuck_temperature=310.0)),
        hashed(tmp_path, surroundings=Surroundings(chuck_course=((0.0, 300.0), (9.0, 310.0)))),
    ]
    monkeypatch.setattr(belief, "SUBSTRATES", {**SUBSTRATES, "Al": replace(SUBSTRATES["Al"], mirror=0.8)})
    others.append(hashed(tmp_path))
    assert len({plain, *others}) == 1 + len(others)


def test_what_a_station_says_of_the_foils_place_is_believed():
    built = {"mount": "hanging", "model": "S2", "bank_capacitance": 5.6e-3}
    assert surroundings_from(built) == Surroundings(hanging=True, model="S2")
    warming = ({"time": 0.0, "temperature": 300.0}, {"time": 60.0, "temperature": 330.0})
    course = surroundings_from({"chuck_course": warming, "chuck_transfer": 50.0})
    assert course == Surroundings(back_transfer=50.0, chuck_course=((0.0, 300.0), (60.0, 330.0)))


def test_a_hanging_foil_and_a_coupled_film_are_predicted_otherwise(tmp_path, sample, recipe):
    peaks = [
        Believer(tmp_path, Bank(), surroundings).anneal(sample, recipe).values["surface_peak"]
        for surroundings in (Surroundings(), Surroundings(hanging=True), Surroundings(model="S2"))
    ]
    assert peaks[1] > peaks[0] + 20.0
    assert abs(peaks[2] - peaks[0]) > 3.0


def test_a_furnace_is_predicted_over_the_depth_of_the_film(tmp_path, sample):
    recipe = FurnaceRecipe("f", "air", (FurnaceSegment(773.15, 1.0, 7200.0),))
    prediction, result = believer(tmp_path).furnace(sample, recipe)
    assert prediction.values["crystalline_mean"] == pytest.approx(0.58, abs=0.01)
    assert len(result.crystalline) >= 20


# What the station must refuse, and what it must not.


def on_chuck(transfer, folder, limits=None):
    return Believer(folder, Bank(), Surroundings(back_transfer=transfer), limits=limits or DamageLimits())


@pytest.mark.parametrize(("film", "pulses"), [(0.7e-6, 20), (1.2e-6, 20), (3.3e-6, 300)])
def test_a_coated_foil_without_contact_to_its_chuck_is_refused_with_the_temperatures_that_it_would_reach(
    tmp_path, sample, film, pulses
):
    with pytest.raises(InterlockError, match=r"molten_share") as refused:
        on_chuck(20.0, tmp_path).anneal(*paper(sample, film, 850.0, pulses))
    free = Believer(tmp_path, Bank(), Surroundings(back_transfer=20.0))
    peaks = free.anneal(*paper(sample, film, 850.0, pulses)).values
    said = str(refused.value)
    assert f"the surface reaches {peaks['surface_peak'] - 273.15:.0f} degC" in said
    assert f"the foil {peaks['foil_peak'] - 273.15:.0f} degC" in said


def test_an_uncoated_foil_on_the_chuck_passes(tmp_path, sample):
    bare = replace(sample, id="bare", layers=sample.layers[:1], cell_layers=())
    recipe = AnnealRecipe("paper", voltage=850.0, pulse_duration=1.8e-3, pulse_count=20, rate=0.4)
    prediction = on_chuck(100.0, tmp_path).anneal(bare, recipe)
    assert set(levels(prediction).values()) == {"ok"}
    # A tenth of 16.5 J/cm2 in 244 J/(m2 K), on a base that a mean power of 0.66 W/cm2 keeps up.
    assert 340 < prediction.values["foil_peak"] < 420


@pytest.mark.parametrize(("fault", "refused"), [(0.3, True), (0.35, True), (0.37, False), (0.5, False)])
def test_950_volts_on_the_chuck_warn_or_fault_exactly_as_the_threshold_says(tmp_path, sample, fault, refused):
    limits = DamageLimits(molten_share=ShareThresholds(0.0, fault))
    asked = paper(sample, 1.2e-6, 950.0, 43)
    molten = believer(tmp_path).anneal(*asked).values["molten_share"]
    assert (molten > fault) == refused
    if refused:
        with pytest.raises(InterlockError, match=rf"molten_share = .* is above {fault:g}"):
            on_chuck(100.0, tmp_path, limits).anneal(*asked)
    else:
        prediction = on_chuck(100.0, tmp_path, limits).anneal(*asked)
        assert next(each.level for each in judge(prediction.values, limits)) == "warning"


@pytest.mark.parametrize(
    ("film", "voltage", "pulses"), [(0.7e-6, 850.0, 20), (1.2e-6, 900.0, 43), (3.3e-6, 850.0, 300)]
)
def test_every_recipe_of_the_paper_passes(tmp_path, sample, film, voltage, pulses):
    assert on_chuck(100.0, tmp_path).anneal(*paper(sample, film, voltage, pulses)).ask == ""


def test_beyond_a_threshold_that_says_ask_the_prediction_holds_the_question(tmp_path, sample):
    limits = DamageLimits(molten_share=ShareThresholds(0.0, 0.05, "ask"))
    asked = on_chuck(100.0, tmp_path, limits).anneal(*paper(sample, 1.2e-6, 900.0, 43)).ask
    assert "molten_share" in asked
    assert "degC" in asked
    strict = replace(limits, film_peak=replace(limits.film_peak, warn=800.0, fault=900.0))
    with pytest.raises(InterlockError, match="film_peak"):
        on_chuck(100.0, tmp_path, strict).anneal(*paper(sample, 1.2e-6, 900.0, 43))


def test_a_prediction_has_the_base_before_each_pulse_and_the_exposure(tmp_path, sample):
    values = believer(tmp_path).anneal(*paper(sample, 0.7e-6, 850.0, 20)).values
    bases = values["base_temperature"]
    assert len(bases) == 20
    assert bases[0] == pytest.approx(298.15, abs=0.1)
    assert bases[1] > 400
    # What a mean power of 16.5 J/cm2 x .767 x .4 Hz makes of 110 W/(m2 K), less what each pulse adds itself.
    assert bases[-1] == pytest.approx(bases[-2], abs=1.0)
    assert values["exposure"] == pytest.approx(16.5e4, rel=1e-3)


def test_the_rest_of_a_train_goes_on_from_the_pulses_that_passed(tmp_path, sample):
    thick, recipe = paper(sample, 0.7e-6, 850.0, 20)
    plain = believer(tmp_path)
    whole = plain.anneal(thick, recipe).values
    passed = tuple((2.5 * number, 850.0) for number in range(8))
    on_time = plain.rest(thick, recipe, passed, 20.0, 0.0).values
    assert on_time["base_temperature"] == pytest.approx(whole["base_temperature"][8:], abs=0.3)
    assert on_time["crystalline_mean"] == pytest.approx(whole["crystalline_mean"], abs=1e-3)
    late = plain.rest(thick, recipe, passed, 80.0, 0.0).values
    assert late["base_temperature"][0] == pytest.approx(298.15, abs=1.0)
    assert late["crystalline_mean"] < whole["crystalline_mean"]
