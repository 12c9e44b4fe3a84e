"""What recovery says of a film whose run died."""

import shutil

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from labctl.config.folder import Config
from labctl.samples.believed import believed
from labctl.samples.spoilt import spoilt
from tests.support import quick_films as quick


@pytest.fixture(scope="module")
def died(tmp_path_factory):
    """Return a folder with two data folders, each as a process left it that was killed in the middle of a film."""
    folder = tmp_path_factory.mktemp("killed")
    with quick.quick_session(folder / "data", loaded=("evaporator",)) as lab:
        taken = []

        def copy(name, doc):
            station = {"sputter": lab.sputter, "evaporator": lab.evaporator}[where]
            if name == "event_page" and station.read_state() == "deposit" and where not in taken:
                taken.append(where)
                shutil.copytree(folder / "data", folder / where)
                if where == "sputter":
                    shutil.copytree(folder / "data", folder / "killed")

        lab.RE.subscribe(copy)
        where = "sputter"
        lab.RE(lab.plans.deposit(lab.sputter, quick.foil("w"), quick.film(thickness=90e-9)))
        where = "evaporator"
        lab.RE(lab.plans.evaporate(lab.evaporator, quick.foil("v"), quick.evaporation(thickness=900e-9)))
    return folder


def recovered(data):
    result = CliRunner().invoke(app, ["recover", "--data", str(data)])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.parametrize(
    ("tool", "sample", "material", "plan"),
    [
        ("sputter", "w", "LiCoO2", "finish_deposition"),
        ("evaporator", "v", "Li", "finish_evaporation"),
    ],
)
def test_recovery_says_in_one_line_what_is_believed_of_the_film_and_what_comes_next(
    died, tool, sample, material, plan
):
    data = died / tool
    closed, said = recovered(data)
    (film,) = believed(data, quick.foil(sample)).films
    assert "had no end and was closed" in closed
    assert said.startswith(f"the {material} on {sample} is doubtful: {film.thickness * 1e9:.1f} of ")
    assert f"+- {film.sd * 1e9:.1f} nm" in said
    assert f"`labctl reset {tool} --bench sputter`" in said
    assert f'plan = "{plan}", sample = "{sample}"' in said
    assert f'run = "{film.run[:8]}"' in said
    assert f"`labctl account {tool} --bench sputter`" in said
    assert recovered(data) == ["nothing to recover"]


def test_a_session_that_closes_such_a_run_says_the_same(died, tmp_path, caplog):
    data = tmp_path / "data"
    shutil.copytree(died / "killed", data)
    with quick.quick_session(data):
        pass
    assert "the LiCoO2 on w is doubtful: " in caplog.text
    assert caplog.text.count("labctl reset sputter --bench sputter") == 1


@pytest.fixture(scope="module")
def died_baking(tmp_path_factory):
    """Return a data folder as a process left it that was killed in the middle of a bake."""
    folder = tmp_path_factory.mktemp("baked")
    with quick.quick_session(folder / "data") as lab:
        lab.RE(lab.plans.deposit(lab.sputter, quick.foil("w"), quick.film(thickness=20e-9)))

        def copy(name, doc):
            hot = name == "event_page" and max(doc["data"].get("temperature", [0.0])) > 300.0
            if hot and not (folder / "killed").exists():
                shutil.copytree(folder / "data", folder / "killed")

        lab.RE.subscribe(copy)
        recipe = Config(quick.ROOT / "config").furnace("furnace-520C-15min")
        lab.RE(lab.plans.bake(lab.furnace, quick.foil("w"), recipe))
    return folder / "killed"


def test_recovery_says_of_a_bake_how_hot_it_was_and_what_comes_next(died_baking):
    closed, said = recovered(died_baking)
    assert "had no end and was closed" in closed
    (doubt,) = spoilt(died_baking, "w")
    assert said.startswith(f"what lies on w is doubtful: {doubt.said}; it was at up to 3")
    assert said.endswith(
        " degC by its rows. What comes next asks a person: first `labctl reset furnace --bench sputter`"
    )
