"""A table is run once, found afterwards, and says which of its rows a twin does not meet."""

import pytest

from devices.errors import ConfigError
from labctl.config.folder import Config
from labctl.reproducing.from_library import trials
from labctl.reproducing.going import folder_of
from labctl.reproducing.published import published, tables
from labctl.reproducing.reproduce import PAGE, TEXT, reproduce, table_of

SHIPPED = ("anodeless", "fla", "review")

SMALL = """
schema = 1
title = "One film"

[[run]]
experiment = "quick"

[[row]]
run = "quick"
quantity = "first_capacity"
value = "14.4 uAh/cm^2"
source = "park-1999"

[[row]]
run = "quick"
quantity = "plateau"
value = "3 V"
source = "nobody"

[[row]]
run = "quick"
quantity = "retention"
"""

QUICK = """
schema = 1
plan = "assemble_then_cycle"
sample = "limn2o4-0.3um"

[program]
macro = "rate_test"
rates = ["C/10"]
lower = "3.5 V"
upper = "4.3 V"
cycles = 2

[program.record]
voltage_change = "20 mV"
"""


@pytest.fixture
def lab(tmp_path):
    """Return a configuration with one small table: the shipped one, linked, with files of its own."""
    shipped, mine = Config().directory, tmp_path / "config"
    mine.mkdir()
    for path in shipped.iterdir():
        if path.name not in ("published", "experiments"):
            (mine / path.name).symlink_to(path)
    for folder, name, text in (("published", "small", SMALL), ("experiments", "quick", QUICK)):
        (mine / folder).mkdir()
        (mine / folder / f"{name}.toml").write_text(text)
    return mine


def test_a_table_is_run_once_and_found_afterwards(lab, tmp_path, capsys):
    first = reproduce("small", lab, tmp_path / "data", again=False)
    said = capsys.readouterr().out
    assert "CPU time" in said
    assert "1 of 2 published numbers are met; not met: quick: plateau." in said
    assert [row.verdict for row in first] == ["met", "NOT MET", "no number printed"]
    kept = tmp_path / "data" / "reproduce-small-1"
    page = (kept / PAGE).read_text()
    assert "NOT MET" in page
    assert "data:image/png" in page
    assert 'src="http' not in page
    assert "NOT MET" in (kept / TEXT).read_text()
    runs = set((kept / "runs").glob("*/*/*.jnl"))
    second = reproduce("small", lab, tmp_path / "data", again=False)
    assert "quick: found, run" in capsys.readouterr().out
    assert [(row.twin, row.run) for row in second] == [(row.twin, row.run) for row in first]
    measured = {path for path in (kept / "runs").glob("*/*/*.jnl") if path not in runs}
    assert not measured


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_table_is_whole(name, tmp_path):
    config = Config()
    table = table_of(published(name, config), config, tmp_path)
    assert table.experiments
    names = [experiment.name for experiment in table.experiments]
    assert len(names) == len(set(names))
    samples = [experiment.sample.id for experiment in table.experiments]
    assert len(samples) == len(set(samples)), "two experiments on one film would not be of fresh cells"


def test_every_runnable_material_has_a_trial():
    config = Config()
    table = published("review", config)
    from labctl.materials.library import Library

    library = Library(config.directory)
    runnable = {
        (each.kind, each.name)
        for each in library.entries(("cathode", "electrolyte", "anode", "collector"))
        if not each.why_not
    }
    assert {(each.entry.kind, each.entry.name) for each in trials(library, table.library, config)} == runnable


def test_again_takes_a_new_folder_and_otherwise_the_newest(tmp_path):
    assert folder_of("fla", tmp_path, again=False).name == "reproduce-fla-1"
    (tmp_path / "reproduce-fla-1").mkdir()
    assert folder_of("fla", tmp_path, again=False).name == "reproduce-fla-1"
    assert folder_of("fla", tmp_path, again=True).name == "reproduce-fla-2"


def test_an_unknown_table_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match="there are anodeless, fla, review"):
        published("flo", Config())
    assert tuple(tables(Config())) == SHIPPED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('source = "nobody"', "who published the number"),
        ('value = "3 V"', "no \\[\\[run\\]\\]"),
    ],
)
def test_a_table_with_a_mistake_is_refused_before_anything_runs(lab, wrong, said):
    path = lab / "published" / "small.toml"
    text = path.read_text()
    wrote = text.replace('run = "quick"\nquantity = "plateau"', 'run = "slow"\nquantity = "plateau"')
    path.write_text(text.replace(wrong, "") if wrong.startswith("source") else wrote)
    with pytest.raises(ConfigError, match=said):
        published("small", Config(lab))
