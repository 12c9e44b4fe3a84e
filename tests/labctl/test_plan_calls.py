"""A plan called by hand: files become what plans take, names are refused in words before anything is begun."""

import inspect
import re

import pytest

from labctl.config.folder import Config
from labctl.config.readers import RECIPES, any_recipe
from labctl.mistyped import Mistyped
from labctl.plan_calls import KINDS, SHELVES, with_inputs
from labctl.rehearsing.call import read_call
from labctl.rehearsing.rehearsal import rehearse_call
from labctl.runs.run import Run
from labctl.shell.shelves import Recipes
from plans.anneal import anneal
from plans.line import line


@pytest.fixture
def programs():
    return Config().program


def test_a_program_as_its_file_says_it_becomes_one_on_the_samples_cell(lab, sample, recipe, programs):
    uids = lab.RE(
        lab.plans.anneal_then_cycle(
            lab.lamp, lab.potentiostat, lab.hands, sample, recipe, programs("formation")
        )
    )
    assert len(uids) == 2


def test_it_is_rehearsed_as_it_is_run(lab, sample, recipe, programs):
    names = {**vars(lab.plans), **lab.devices, "hands": lab.hands, "film": sample, "flashes": recipe}
    names["formation"] = programs("formation")
    call = read_call("anneal_then_cycle(lamp, potentiostat, hands, film, flashes, formation)", names)
    assert rehearse_call(lab, call).faults == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lamp", "film", "recipe"), r"lamp = 'lamp' is a name, and a FlashLamp is expected"),
        ((None, "lco-0.7um", None), r'sample = .* expected: samples\["lco-0.7um"\]; nothing was begun'),
        ((None, None, "fla-850V-20"), r'recipe = .* expected: recipes\["fla-850V-20"\]'),
    ],
)
def test_names_of_files_are_refused_with_what_to_type(lab, sample, recipe, arguments, said):
    right = (lab.lamp, sample, recipe)
    given = [found if given is None else given for given, found in zip(arguments, right, strict=True)]
    with pytest.raises(Mistyped, match=said):
        lab.plans.anneal(*given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recipe": "furnace-520C-15min"}, r'recipe = .* name of a file, .* recipes\["furnace-520C-15min"\]'),
        (
            {"recipe": any_recipe(Config().path("recipe", "sputter-lco-0.7um"))},
            r"is a recipe of sputtering, and a recipe of flashes or a furnace's recipe is expected",
        ),
        ({"lamp": "lamp"}, r"lamp = 'lamp' is a name, and a FlashLamp is expected"),
    ],
)
def test_a_line_says_what_it_takes_for_a_recipe_and_for_a_lamp(lab, given, said):
    rest = dict.fromkeys(inspect.signature(line).parameters.keys() - {"md"})
    with pytest.raises(Mistyped, match=said):
        lab.plans.line(**{**rest, **given})


def test_a_line_takes_a_furnaces_recipe_and_no_lamp(lab):
    rest = dict.fromkeys(inspect.signature(line).parameters.keys() - {"md"})
    lab.plans.line(**{**rest, "recipe": Config().furnace("furnace-520C-15min")}).close()


def test_a_station_of_another_role_is_refused_by_both_names(lab, sample, programs):
    with pytest.raises(Mistyped, match="potentiostat = lamp is a FlashLamp, and a Potentiostat is expected"):
        lab.plans.cycle(lab.lamp, sample, programs("formation"))


def test_python_itself_says_what_is_missing_and_a_plan_keeps_its_signature(lab):
    with pytest.raises(TypeError, match=r"anneal\(\) missing"):
        lab.plans.anneal(lab.lamp)
    assert inspect.signature(lab.plans.anneal) == inspect.signature(anneal)


def test_the_name_of_an_experiment_is_refused_with_what_to_type(lab):
    with pytest.raises(Mistyped, match=r'experiments\["first-cell"\]; nothing was begun'):
        lab.run("first-cell")


def test_what_is_no_plan_is_refused_by_the_engine_in_words(lab):
    with pytest.raises(Mistyped, match="lamp is no plan; nothing was begun"):
        lab.RE(lab.lamp)
    with pytest.raises(Mistyped, match="'anneal' is no plan"):
        lab.RE("anneal")
    with pytest.raises(Mistyped, match="no plan is paused"):
        lab.RE.resume()
    assert "idle" in repr(lab.RE)


def test_a_plan_called_by_hand_names_the_runs_that_made_its_sample(lab, sample, recipe, programs):
    (annealed,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    program = programs("formation")
    (cycled,) = lab.RE(lab.plans.assemble_then_cycle(lab.potentiostat, lab.hands, sample, program))
    assert Run(annealed, lab.data).start["inputs"] == []
    assert Run(cycled, lab.data).start["inputs"] == [annealed]


def test_what_somebody_names_as_inputs_stays(sample, tmp_path):
    said = with_inputs(anneal, (None, sample, None), {"md": {"inputs": ["x"]}}, tmp_path)
    assert said == {"md": {"inputs": ["x"]}}
    assert with_inputs(anneal, (), {}, tmp_path) == {}


def test_what_stands_in_a_file_of_another_kind_is_refused_by_both_kinds(lab, sample, recipe, programs):
    said = (
        'anneal: recipe = recipes["evaporate-li-2um"] is a recipe of evaporation, and a recipe of flashes is expected;'
        " nothing was begun"
    )
    lithium = Recipes(Config())["evaporate-li-2um"]
    with pytest.raises(Mistyped, match=re.escape(said)):
        lab.plans.anneal(lab.lamp, sample, lithium)
    with pytest.raises(
        Mistyped, match=r'sample = recipes\[".*"\] is a recipe of flashes, and a sample is expected'
    ):
        lab.plans.anneal(lab.lamp, recipe, recipe)
    with pytest.raises(
        Mistyped, match=r'program = samples\["quick-1"\] is a sample, and a program is expected'
    ):
        lab.plans.cycle(lab.potentiostat, sample, sample)


def test_every_kind_of_recipe_has_a_name_for_people():
    assert {each.__name__ for each in RECIPES.values()} < KINDS.keys()
    assert KINDS.keys() <= SHELVES.keys()
