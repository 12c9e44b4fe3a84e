"""Names lead to files of the folder and to nothing else."""

import subprocess
import sys

import pytest

from devices.limits import Limits
from labctl.config.folder import Config


def test_limits_are_read(folder):
    assert isinstance(Config(folder).limits(), Limits)


def test_names_are_listed(folder):
    names = Config(folder).names("bench")
    assert {"example-hardware", "twin"} <= set(names)
    assert list(names) == sorted(names)


@pytest.mark.parametrize(
    "name", ["../../x", "../recipes/fla-850V-20", "/etc/passwd", "", ".", "a\0b", "x" * 5000]
)
def test_a_name_is_not_a_path(folder, told, name):
    for read in (Config(folder).bench, Config(folder).recipe, Config(folder).sample, Config(folder).program):
        ((_, _, allowed),) = told(read, name)
        assert "of this name" in allowed


def test_an_unknown_name_is_answered_with_the_names_there_are(folder, told):
    ((_, value, allowed),) = told(Config(folder).bench, "twim")
    assert value == '"twim"'
    assert 'did you mean "twin"?' in allowed
    assert "there are " in allowed
    assert "example-hardware, " in allowed


def test_an_empty_folder_says_so(tmp_path, told):
    assert "there is none at all" in told(Config(tmp_path).recipe, "x")[0][2]


def test_a_file_whose_name_is_not_its_own_is_refused(folder, told):
    path = folder / "recipes" / "fla-850V-20.toml"
    path.write_text(path.read_text() + 'name = "fla-850V-21"\n')
    ((key, _, allowed),) = told(Config(folder).recipe, "fla-850V-20")
    assert (key, allowed) == ("name", 'must be "fla-850V-20", as the file is called; or leave it out')


def test_a_session_hears_of_the_mistakes_of_all_its_files_together(folder, told):
    for name, before, after in (
        ("benches/twin", "seed = 1", ""),
        ("limits", '"950 V"', "950"),
        ("recipes/fla-850V-20", '"850 V"', "850"),
    ):
        path = folder / f"{name}.toml"
        path.write_text(path.read_text().replace(before, after))
    found = told(Config(folder).select, "twin", ["fla-0.7um", "fla-0.7um", "nothing"])
    assert [key for key, _, _ in found] == ["seed", "lamp.bank_voltage", "voltage", ""]


def test_a_session_gets_what_it_is_made_of(folder):
    chosen = Config(folder).select("twin", ["fla-0.7um"])
    assert (chosen.bench.name, chosen.experiments[0].name) == ("twin", "fla-0.7um")


def test_recipes_are_read_without_the_drivers(folder):
    code = (
        "import sys; from pathlib import Path; from labctl.config.folder import Config;"
        f"Config(Path({str(folder)!r})).recipe('fla-850V-20'); sys.exit('ophyd' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
