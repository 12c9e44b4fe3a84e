"""A material of the library through the whole house: sample file, plan, twin, belief, facts."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

import labctl
from devices.cycling.cells import CellSize
from devices.errors import ConfigError, DataError, InterlockError
from devices.recipes import AnnealRecipe, to_json
from devices.roles.hands import Treat
from devices.samples import Layer
from labctl.cli import app
from labctl.config.folder import Config
from labctl.materials.doubts import doubts_about_stack
from labctl.materials.library import Library
from labctl.samples.story import Stories
from labctl.samples.treatments import treat
from sim.materials.cathode import cell_on
from sim.materials.interfaces import treated

SAMPLE = "limn2o4-0.3um"
PER_VOLUME = 3.6e7


@pytest.fixture
def spinel():
    return Config().sample(SAMPLE)


def test_a_sample_carries_what_the_twins_do_not_know_and_nothing_else(spinel):
    assert [each.name for each in spinel.materials] == ["LiMn2O4"]
    assert "materials" not in to_json(Config().sample("lco-0.7um"))
    size = CellSize.of(spinel)
    assert size.capacity == pytest.approx(48 * PER_VOLUME * 0.3e-6 * 0.15e-4)
    assert (size.window, "48 uAh/cm2/um" in size.basis) == ((3.5, 4.3), True)


def test_it_cycles_at_c_rates_of_its_own_capacity_and_its_shadow_is_silent(open_lab, tmp_path):
    lab = open_lab()
    (uid,) = lab.run(Config().experiment("limn2o4-rates"))
    run = labctl.Run(uid, tmp_path / "data")
    cycles = run.table("cycles")
    slow, fast = (float(cycles["discharge_capacity"][number]) for number in (1, 3))
    assert slow == pytest.approx(48e-6 * 0.3 * 0.15, rel=0.03)
    assert 0.5 * slow < fast < slow
    assert run.start["sample"]["materials"][0]["name"] == "LiMn2O4"
    residual = run.table("residual")
    assert max(abs(residual["measured"] - residual["predicted"])) < 0.02


def test_a_sample_made_in_python_gets_its_numbers_in_a_word(spinel):
    assert labctl.described(replace(spinel, materials=())) == spinel


def test_it_is_refused_under_the_lamp(open_lab, spinel):
    lab = open_lab()
    recipe = AnnealRecipe("short", 850.0, 1.8e-3, 2, 0.4)
    with pytest.raises(InterlockError, match="only LiCoO2 has kinetics"):
        lab.RE(lab.plans.anneal(lab.lamp, spinel, recipe))


def test_air_is_a_fact_that_world_and_belief_go_by(open_lab, tmp_path, spinel):
    data = tmp_path / "data"
    treat(data, spinel.id, "air-before-electrolyte", "40 min in room air")
    lab = open_lab()
    lab.run(Config().experiment("limn2o4-rates"))
    true = lab.twins.foil(spinel.id).as_cell().cell.parameters
    believed = lab.believer.foil(spinel).as_cell().cell.parameters
    assert true == believed
    assert true.electrolyte_resistance == pytest.approx(4.5 * 1e-6 / 2e-4)
    assert any(fact["fact"] == "treated" for fact in Stories(data, spinel.id).of(spinel.id).facts)


def test_a_plan_may_treat_a_sample_until_it_is_a_cell(open_lab, spinel):
    lab = open_lab()
    assert lab.hands.set(Treat(spinel, "electrolyte-at-250C")).done
    lab.run(Config().experiment("limn2o4-rates"))
    assert lab.twins.foil(spinel.id).as_cell().cell.parameters.electrolyte_resistance == pytest.approx(2.5e-3)
    with pytest.raises(InterlockError, match="is a cell"):
        lab.hands.set(Treat(spinel, "air-before-electrolyte"))


def test_a_treatment_that_nobody_knows_is_told_with_those_there_are(tmp_path):
    with pytest.raises(DataError, match="air-before-electrolyte: its cathode was in air"):
        treat(tmp_path, "s", "sunshine")


def test_titanium_dioxide_in_air_has_its_own_factors():
    plain = replace(cell_on([0.0, 1e-7, 2e-7], 1e-14, area=1e-5), contact_resistance=1e-4)
    spoilt = treated(plain, ["air-before-electrolyte"], cathode="TiO2", covered=True)
    assert spoilt.contact_resistance == pytest.approx(35e-4)
    assert spoilt.cathode_exchange_current == pytest.approx(plain.cathode_exchange_current / 35)
    assert spoilt.electrolyte_resistance == plain.electrolyte_resistance


def test_a_cathode_beyond_its_electrolytes_window_is_doubted_with_the_number(spinel):
    library = Library()
    odd = replace(spinel, cell_layers=(Layer("LiSiPON", 1e-6), Layer("Li", 2e-6)))
    assert any(
        "LiSiPON is stable to 3.9 V: 0.40 V beyond" in each for each in doubts_about_stack(odd, library)
    )
    assert list(doubts_about_stack(Config().sample("lco-0.7um"), library)) == []


def test_a_thickness_outside_what_was_reported_is_doubted_with_both(spinel):
    thick = replace(spinel, layers=(Layer("Al", 1e-4), Layer("LiCoO2", 40e-6)))
    assert list(doubts_about_stack(thick, Library())) == [
        "LiCoO2 of 40 um is thicker than the thickest, 30 um (measured, matsuda-2018)"
    ]


def test_a_collector_without_an_overlayer_is_doubted_and_one_with_it_is_not():
    covered = Config().sample("anodeless-10um")
    bare = replace(covered, cell_layers=covered.cell_layers[:2])
    assert not any("overlayer" in each for each in doubts_about_stack(covered, Library()))
    assert any(
        "no overlayer lies on Cu: the twins lose 45 % of the lithium in 1000 cycles" in each
        for each in doubts_about_stack(bare, Library())
    )


def test_what_is_not_in_the_library_is_doubted(spinel):
    strange = replace(spinel, cell_layers=(Layer("LiPOM", 1e-6), Layer("Li", 2e-6)))
    assert any('nothing is known of LiPOM as electrolyte; did you mean "LiPON"?' in each
               for each in doubts_about_stack(strange, Library()))  # fmt: skip


def test_numbers_of_materials_in_a_sample_file_are_refused(tmp_path):
    (tmp_path / "samples").mkdir()
    path = tmp_path / "samples" / "s.toml"
    path.write_text('schema = 1\nmaterials = []\n[[layers]]\nmaterial = "Al"\nthickness = "1 um"\n')
    from labctl.config.readers import sample

    with pytest.raises(ConfigError, match="belong into files in materials/"):
        sample(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["materials", "--kind", "electrolyte", "--runnable"], "LiSiPON"),
        (["material", "LiCoO2"], "utilisation is printed as 84/64/54 %"),
        (["ved", "--thickness", "10 um", "--voltage", "3.9 V"], "Wh/l"),
    ],
)
def test_the_commands_answer(arguments, said):
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 0
    assert said in answer.output
