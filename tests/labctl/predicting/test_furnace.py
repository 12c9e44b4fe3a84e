import pytest
from typer.testing import CliRunner

from devices.errors import ConfigError, DataError
from labctl.cli import app


def told(*arguments, folder):
    arguments = ["predict", "furnace", *arguments, "--data", str(folder)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    return done.output


def line_with(word, said):
    return next(line for line in said.splitlines() if word in line)


def test_a_furnace_is_told_with_depth_bound_loss_and_margin(tmp_path):
    said = told("furnace-500C-2h", "--sample", "lco-3.3um", folder=tmp_path)
    assert "57.9%" in line_with("crystalline, 3.30 um deep", said)
    assert "41.3 uAh/cm2/um" in line_with("capacity bound", said)
    assert "calibrated" in line_with("crystalline, mean", said)
    assert "ok" in line_with("lithium_loss", said)
    assert "-160.3 K" in line_with("substrate_margin", said)
    assert "explosion_share" not in said


def test_a_rapid_anneal_above_the_melting_point_of_the_foil_is_a_fault(tmp_path):
    said = told("rta-700C", folder=tmp_path)
    assert said.startswith("NO SAMPLE NAMED")
    assert "FAULT" in line_with("molten_share", said)
    assert "71.4 uAh/cm2/um" in line_with("capacity bound", said)


def test_the_coupled_set_says_what_it_was_fitted_to(tmp_path):
    assert "set S2, fitted to the FLA paper" in told("furnace-520C-15min", "--model", "S2", folder=tmp_path)


def test_recipes_and_models_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ConfigError, match='kind = "flash": must be "furnace"'):
        told("fla-850V-20", folder=tmp_path)
    with pytest.raises(ConfigError, match="must be one of S1, S2"):
        told("rta-700C", "--model", "S3", folder=tmp_path)


@pytest.mark.parametrize("what", [("furnace", "furnace-520C-15min"), ("anneal", "fla-850V-20")])
def test_a_sample_on_which_no_film_grew_yet_is_refused_in_words(tmp_path, what):
    arguments = ["predict", *what, "--sample", "lco-grown-0.7um", "--data", str(tmp_path)]
    with pytest.raises(DataError, match="has no film to heat yet"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
