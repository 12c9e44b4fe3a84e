"""Plans as a queue sees them."""

import inspect
from pathlib import Path

import pytest

from labctl.config.folder import Config
from labctl.plans import discover_plans
from labctl.queue.plans import RUN, arguments_of, queue_plans

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def offered(lab):
    return queue_plans(lab, Config(CONFIG))


def test_the_plans_of_the_lab_are_offered_and_what_they_are_made_of_is_not(offered):
    plans = {name for name, each in discover_plans().items() if "md" in inspect.signature(each).parameters}
    assert {"anneal", "cycle", "anneal_then_cycle", "finish_train", "take_over", RUN} <= set(offered)
    assert set(offered) <= plans | {RUN}


def test_a_plan_takes_names_and_what_json_holds(offered):
    parameters = inspect.signature(offered["anneal_then_cycle"]).parameters
    assert list(parameters) == ["lamp", "potentiostat", "sample", "recipe", "program", "again"]
    spots = inspect.signature(offered["fluence_ladder"]).parameters
    assert list(spots) == ["lamp", "sample", "spots", "recipe", "voltages", "again"]
    assert all(inspect.isgeneratorfunction(each) for each in offered.values())


def test_names_are_those_of_the_bench_and_of_files_that_can_be_read(offered):
    annotations = offered["anneal"]._custom_parameter_annotation_["parameters"]
    assert annotations["lamp"]["devices"] == {"Lamp": ["lamp"]}
    recipes = annotations["recipe"]["enums"]["Recipe"]
    assert "fla-850V-20" in recipes
    assert not any(name.startswith("furnace") for name in recipes)


def test_a_bench_without_the_device_does_not_offer_the_plan(lab):
    names = dict.fromkeys(("sample", "recipe", "program", "experiment"), ("x",))
    devices = {"potentiostat": lab.potentiostat}
    assert arguments_of(lab.plans.anneal, names, devices) is None
    assert arguments_of(lab.plans.cycle, names, devices) is not None


def test_every_argument_is_described(offered):
    for plan in offered.values():
        described = inspect.getdoc(plan)
        assert all(f"\n{name}\n    " in described for name in inspect.signature(plan).parameters)
