"""A lab of one's own: what is made passes the checks, runs, and is never written over."""

import sys
import tomllib
from types import SimpleNamespace

import pytest

import labctl
from devices.errors import ConfigError, DataError
from labctl.config.check import check
from labctl.config.finder import config_dir, data_dir
from labctl.config.folder import Config
from labctl.config.own import HOMES
from labctl.lab_folder.adding import MATERIALS, add, bench_table
from labctl.lab_folder.making import FIRST, make_lab
from labctl.lab_folder.playing import play
from labctl.materials.library import Library, plain
from labctl.materials.reading import missing_of
from labctl.plans import discover_plans


@pytest.fixture(autouse=True)
def _packages_as_they_were():
    before = {folder: list(package.__path__) for folder, package in HOMES.items()}
    yield
    for folder, package in HOMES.items():
        package.__path__[:] = before[folder]


@pytest.fixture
def made(tmp_path):
    make_lab(tmp_path / "lab")
    return tmp_path / "lab"


def test_what_is_made_has_no_mistakes_and_its_first_experiment_can_be_selected(made):
    assert check(directory=made) == []
    chosen = Config(made).select("twin", [FIRST])
    assert chosen.experiments[0].sample.id == "film-1"


def test_the_hardware_form_beside_each_address_is_a_bench_too(made):
    text = (made / "benches" / "twin.toml").read_text()
    text = text.replace('address = "twin"\n# address', "address").replace('kind = "virtual"', 'kind = "wall"')
    text = text.replace('pace = "none"', "#")
    (made / "benches" / "real.toml").write_text(text.partition("\n[world]")[0])
    assert check(directory=made) == []
    addresses = [
        part.address.kind
        for device in Config(made).bench("real").devices.values()
        for part in device.parts.values()
    ]
    assert "twin" not in addresses


def test_nothing_is_overwritten(made):
    (made / "limits.toml").write_text("mine")
    (made / "README.md").unlink()
    with pytest.raises(DataError, match="nothing is overwritten"):
        make_lab(made)
    assert (made / "limits.toml").read_text() == "mine"
    assert not (made / "README.md").exists()


def test_a_lab_is_found_from_within_it(made, monkeypatch):
    monkeypatch.delenv("LABCTL_CONFIG", raising=False)
    monkeypatch.delenv("LABCTL_DATA", raising=False)
    monkeypatch.chdir(made / "recipes")
    assert config_dir() == made
    assert data_dir() == made / "labctl-data"


def test_an_instrument_of_ones_own_plays_its_transcript_and_joins_a_bench(made, tmp_path):
    add(made, "instrument", "room_thermometer")
    assert play(made, "room_thermometer") == []
    bench = made / "benches" / "twin.toml"
    before, world = bench.read_text().split("\n[world]")
    bench.write_text(f"{before}\n{bench_table('room_thermometer')}\n[world]{world}")
    assert check(directory=made) == []
    with labctl.open_session("twin", config=made, data=tmp_path / "data", handle_signals=False) as lab:
        assert lab.room_thermometer.instrument.temperature.get() == pytest.approx(23.5, abs=0.6)
        lab.safe()
        uids = lab.run(Config(made).experiment(FIRST))
    baseline = labctl.Run(uids[-1], tmp_path / "data").table("baseline")
    assert baseline["room_thermometer_instrument_temperature"][0] == pytest.approx(23.5, abs=0.6)


def test_a_transcript_that_does_not_hold_is_told_of_driver_and_twin(made):
    add(made, "instrument", "cold_thermometer")
    path = made / "transcripts" / "cold_thermometer.toml"
    path.write_text(path.read_text().replace("gives = 23.5", "gives = 5.0").replace("+023.50", "+005.10"))
    said = play(made, "cold_thermometer")
    assert any("the driver gives 5.1, not 5.0" in each for each in said)
    assert any("the twin answers b'+023.50" in each for each in said)


def test_a_plan_of_ones_own_is_found_by_its_name(made):
    add(made, "plan", "flash_and_look")
    assert check(directory=made) == []
    assert "flash_and_look" in discover_plans()
    assert Config(made).experiment("flash_and_look").plan == "flash_and_look"


def test_a_plan_that_cannot_be_imported_is_a_mistake_with_its_line(made):
    add(made, "plan", "half_written")
    (made / "plans" / "half_written.py").write_text("def half_written(:\n")
    said = [str(each) for each in check(directory=made)]
    assert any("half_written" in each and "SyntaxError in line 1" in each for each in said)


def test_a_file_with_the_name_of_one_of_ours_is_refused(made):
    (made / "plans").mkdir()
    (made / "plans" / "anneal.py").write_text("")
    with pytest.raises(ConfigError, match="labctl has plans of this name itself"):
        Config(made)


def test_a_material_has_its_file_its_reference_and_its_test(made):
    written = add(made, "material", "Li4Ti5O12", "anode")
    assert [path.relative_to(made).parts[0] for path in written] == ["materials", "materials", "tests"]
    assert tomllib.loads(written[0].read_text())["density"]["source"] == "Li4Ti5O12"
    assert check(directory=made) == []


@pytest.mark.parametrize("of", MATERIALS)
def test_a_material_with_its_examples_taken_is_one_that_the_twins_can_run(made, monkeypatch, of):
    path, reference, test = add(made, "material", "Xx", of)
    assert Library(made).entry(of, "Xx").why_not
    lines = [line.removeprefix("#") if line[:2] != "# " else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(line for line in lines if not line.startswith("why_not")))
    reference.write_text(reference.read_text().replace('authors = ""', 'authors = "Nobody"'))
    entry = Library(made).entry(of, "Xx")
    assert entry.why_not == ""
    assert missing_of(entry) == []
    assert plain(entry).name == "Xx" if of in ("cathode", "electrolyte", "anode") else True
    with pytest.raises(pytest.fail.Exception, match="Xx is still the example"):
        written(test, made, monkeypatch)()
    test.write_text(test.read_text().partition("    pytest.fail(")[0])
    written(test, made, monkeypatch)()
    reference.write_text("schema = 1\n")
    with pytest.raises(AssertionError, match="its reference is empty"):
        written(test, made, monkeypatch)()


def written(test, made, monkeypatch):
    """Return the function of a test that was written, as its lab's pytest would find it."""
    monkeypatch.setitem(sys.modules, "conftest", SimpleNamespace(LAB=made))
    names = {}
    exec(test.read_text(), names)
    return next(each for name, each in names.items() if name.startswith("test_"))


@pytest.mark.parametrize(
    ("kind", "name", "of", "said"),
    [
        ("plan", "anneal", "", "is the name of a plan"),
        ("instrument", "squidstat", "", "is the name of an instrument"),
        ("plan", "Flash-It", "", "plain name"),
        ("plan", "class", "", "plain name"),
        ("widget", "x", "", "one of instrument, plan, material"),
        ("material", "LiX", "paste", "one of cathode"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(made, kind, name, of, said):
    with pytest.raises(ConfigError, match=said):
        add(made, kind, name, of)


def test_nothing_is_added_to_what_came_with_labctl():
    with pytest.raises(ConfigError, match="labctl init DIR"):
        add(config_dir(), "plan", "mine")
