"""`labctl check` tells every mistake of every file once, and knows a file by its folder or its keys."""

import shutil

import pytest

from labctl.config.check import check


def test_the_shipped_files_have_no_mistakes(folder):
    assert check(directory=folder) == []


def test_the_mistakes_of_all_files_are_told_each_once(folder):
    for name, before, after in (
        ("recipes/fla-850V-20", '"850 V"', "850"),
        ("limits", '"950 V"', "950"),
        ("benches/twin", "seed = 1", "seed = 1\nseed = 2"),
    ):
        path = folder / f"{name}.toml"
        path.write_text(path.read_text().replace(before, after))
    found = check(directory=folder)
    assert sorted((mistake.key, mistake.line) for mistake in found) == [
        ("lamp.bank_voltage", None),
        ("seed", 4),
        ("voltage", None),
    ]


def test_missing_limits_are_a_mistake(folder):
    (folder / "limits.toml").unlink()
    (mistake,) = check(directory=folder)
    assert mistake.file.endswith("limits.toml")


@pytest.mark.parametrize(
    "name",
    [
        "limits",
        "benches/twin",
        "recipes/fla-850V-20",
        "programs/rates-0.7um",
        "samples/lco-0.7um",
        "experiments/fla-0.7um",
    ],
)
def test_a_loose_file_is_known_by_its_keys(folder, tmp_path, name):
    loose = shutil.copy(folder / f"{name}.toml", tmp_path / "loose.toml")
    assert check([loose], folder) == []
    loose.write_text(loose.read_text() + "\n[nonsense]\nx = 1\n")
    assert "nonsense" in {mistake.key for mistake in check([loose], folder)}


def test_a_file_that_is_nothing_labctl_knows_is_refused(folder, tmp_path):
    (tmp_path / "odd.toml").write_text("schema = 1\nx = 1\n")
    (mistake,) = check([tmp_path / "odd.toml"], folder)
    assert "nothing in it tells what it is" in mistake.allowed


def test_a_missing_file_is_a_mistake(folder, tmp_path):
    (mistake,) = check([tmp_path / "missing.toml"], folder)
    assert mistake.allowed == "is not a file"
