"""An experiment names its sample, recipe and program, or writes them out; mistakes keep their place."""

import pytest

from devices.errors import ConfigError
from labctl.config.folder import Config
from labctl.config.readers import any_recipe

NAMED = """
schema = 1
plan = "anneal_then_cycle"
sample = "lco-0.7um"
recipe = "fla-850V-20"
program = "rates-0.7um"
"""

INLINE = """
schema = 1
plan = "anneal"
operator = "A. Volta"

[sample]
id = "foil-7"
layers = [{ material = "Al", thickness = "100 um" }, { material = "LiCoO2", thickness = "0.7 um" }]

[recipe]
voltage = "850 V"
pulse_duration = "1.8 ms"
pulse_count = 20
rate = "0.4 Hz"
"""


@pytest.fixture
def experiment(folder):
    """Return a function that reads an experiment from its text."""

    def read(text):
        path = folder / "experiments" / "mine.toml"
        path.write_text(text)
        return Config(folder).experiment("mine")

    return read


@pytest.mark.parametrize("name", ["fla-0.7um", "fla-1.2um", "fla-3.3um"])
def test_a_shipped_experiment_is_read_with_its_published_points(folder, name):
    read = Config(folder).experiment(name)
    assert read.name == name
    assert [row.current_density for row in read.compare] == [rate.value for rate in read.program.rates]
    assert all(row.source.startswith("FLA paper") for row in read.compare)


def test_names_are_resolved(experiment, folder):
    read, config = experiment(NAMED), Config(folder)
    assert read.sample == config.sample("lco-0.7um")
    assert read.recipe == config.recipe("fla-850V-20")
    assert read.program == config.program("rates-0.7um")


def test_what_is_written_out_is_named_after_the_experiment(experiment):
    read = experiment(INLINE)
    assert (read.name, read.recipe.name, read.sample.id, read.program) == ("mine", "mine", "foil-7", None)
    assert read.operator == "A. Volta"


def test_a_file_anywhere_finds_the_names_of_the_folder(folder, tmp_path):
    (tmp_path / "own.toml").write_text(NAMED)
    by_path = Config(folder).experiment(tmp_path / "own.toml")
    assert by_path == Config(folder).experiment(str(tmp_path / "own.toml"))
    assert by_path.name == "own"


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        (NAMED.replace("fla-850V-20", "fla-850V-2"), "recipe", 'did you mean "fla-850V-20"?'),
        (NAMED.replace("fla-850V-20", "../../etc/passwd"), "recipe", "no recipe of this name"),
        (NAMED.replace('"lco-0.7um"', "7"), "sample", "the name of a sample, or a table"),
        (NAMED.replace('sample = "lco-0.7um"\n', ""), "sample", "missing"),
        (NAMED.replace('recipe = "fla-850V-20"\n', ""), "recipe", "missing"),
        (NAMED.replace('plan = "anneal_then_cycle"\n', ""), "plan", "missing"),
        (NAMED.replace("anneal_then_cycle", "aneal_then_cycle"), "plan", 'did you mean "anneal_then_cycle"?'),
        (NAMED.replace("anneal_then_cycle", "anneal"), "program", "takes no program"),
        (NAMED + "notse = 1\n", "notse", 'did you mean "notes"?'),
        (NAMED + 'name = "other"\n', "name", 'must be "mine"'),
        (INLINE.replace('"850 V"', "850"), "recipe.voltage", "give a unit"),
        (INLINE.replace('"foil-7"', '"../../x"'), "sample.id", "letters, digits"),
        (INLINE.replace('id = "foil-7"\n', ""), "sample.id", "missing"),
        (INLINE.replace('"0.7 um"', '"0.7 V"'), "sample.layers[1].thickness", "cannot become m"),
        (NAMED + "[[compare]]\n", "compare[0].source", "missing"),
        (
            NAMED + '[[compare]]\ncurrent_density = "50 uA"\n',
            "compare[0].current_density",
            "cannot become A/m^2",
        ),
    ],
)
def test_a_mistake_is_told_at_its_key(experiment, told, text, key, word):
    found = {each: allowed for each, _, allowed in told(experiment, text)}
    assert key in found
    assert word in found[key]


def test_a_program_may_be_written_out_as_a_tree(experiment):
    text = (
        NAMED.replace('program = "rates-0.7um"', "")
        .replace("anneal_then_cycle", "cycle")
        .replace('recipe = "fla-850V-20"', "")
    )
    tree = """
[program]
macro = "program"
limits = { voltage_min = "2.9 V", voltage_max = "4.3 V", current_max = "1 mA" }
steps = [{ run = { technique = "open_circuit" }, until = { duration = "1 h" } }]
"""
    assert experiment(text + tree).program.leaves()[0].until.duration == 3600.0


@pytest.mark.parametrize("macro", ["", 'macro = "rates"\n', "macro = 3\n"])
def test_a_program_says_which_macro_it_is(experiment, told, macro):
    text = NAMED.replace('program = "rates-0.7um"', f"[program]\n{macro}")
    ((key, _, allowed),) = told(experiment, text)
    assert key == "program.macro"
    assert 'one of "rate_test", "cccv", ' in allowed


def test_currents_are_checked_on_the_cell_they_are_for(experiment, told, folder):
    sample = folder / "samples" / "lco-0.7um.toml"
    sample.write_text(sample.read_text().replace("0.15 cm^2", "1 m^2"))
    program = folder / "programs" / "rates-0.7um.toml"
    program.write_text(program.read_text().replace("500 uA/cm^2", "5 mA/cm^2"))
    found = told(experiment, NAMED)
    assert {key for key, _, _ in found} == {"program"}
    assert "on a cell of 1 m^2" in found[0][2]


def test_the_mistakes_of_all_its_files_are_told_at_once(experiment, folder):
    for name, before, after in (
        ("samples/lco-0.7um", '"100 um"', "100"),
        ("recipes/fla-850V-20", '"850 V"', '"850 kV"'),
        ("programs/rates-0.7um", "cycles = 8", "cycles = 0"),
    ):
        path = folder / f"{name}.toml"
        path.write_text(path.read_text().replace(before, after))
    with pytest.raises(Exception, match="4 mistakes") as caught:
        experiment(NAMED + "typo = 1\n")
    for word in (
        "lco-0.7um.toml: layers[0].thickness",
        "fla-850V-20.toml: voltage",
        "rates-0.7um.toml: cycles",
        "typo",
    ):
        assert word in str(caught.value)


LADDER = """
schema = 1
plan = "fluence_ladder"
sample = "lco-0.7um"
recipe = "fla-850V-20"
voltages = ["750 V", "0.8 kV"]
spots = ["a", "b"]
"""


def test_a_ladder_names_its_voltages_and_its_spots(experiment, folder):
    read, film = experiment(LADDER), Config(folder).sample("lco-0.7um")
    assert read.arguments["voltages"] == (750.0, 800.0)
    spots = read.arguments["spots"]
    assert [(spot.id, spot.parents, spot.layers) for spot in spots] == [
        (name, (film.id,), film.layers) for name in ("a", "b")
    ]


@pytest.mark.parametrize(
    ("before", "after", "key", "said"),
    [
        ('voltages = ["750 V", "0.8 kV"]', "", "voltages", "needs bank voltages, such as"),
        ('spots = ["a", "b"]', 'spots = ["a", "a"]', "spots", "2 different ids"),
        ('spots = ["a", "b"]', "", "spots", "fresh spots"),
        ('sample = "lco-0.7um"', "", "sample", "the sample that its spots are on"),
        ('"750 V"', "750", "voltages", "V"),
        (
            'spots = ["a", "b"]',
            'spots = ["a", "b"]\ncrystalline = "0.7"',
            "crystalline",
            "takes no crystalline",
        ),
        ('plan = "fluence_ladder"', 'plan = "anneal_until"', "crystalline", "the crystalline share to reach"),
    ],
)
def test_what_a_lamp_plan_lacks_is_said_by_its_key(experiment, told, before, after, key, said):
    assert before in LADDER
    mistakes = told(experiment, LADDER.replace(before, after))
    assert any(key in where and said in allowed for where, _, allowed in mistakes), mistakes


def test_a_voltage_beyond_the_labs_limit_is_said_before_anything_is_opened(folder, told):
    path = folder / "experiments" / "mine.toml"
    path.write_text(LADDER.replace("0.8 kV", "960 V"))
    mistakes = told(Config(folder).select, "twin", ["mine"])
    assert [(key, value) for key, value, _ in mistakes] == [("voltages", "960 V")]


LINE = """
schema = 1
plan = "line"
sample = "lco-grown-0.7um"
cathode = "sputter-lco-0.7um"
electrolyte = "sputter-lipon-1um"
anode = "evaporate-li-2um"
program = "rates-0.7um"
"""


@pytest.mark.parametrize("name", ["fla-850V-20", "furnace-520C-15min"])
def test_a_line_takes_a_recipe_of_flashes_or_a_furnaces(experiment, folder, name):
    assert experiment(f'{LINE}recipe = "{name}"\n').recipe == any_recipe(Config(folder).path("recipe", name))


def test_a_lines_recipe_that_is_written_out_says_its_kind_and_is_of_flashes_without(experiment):
    oven = '[recipe]\nkind = "furnace"\natmosphere = "air"\nsegments = [{ temperature = "500 degC", ramp = "1 K/s" }]\n'
    assert experiment(LINE + oven).recipe.segments[0].temperature == pytest.approx(773.15)
    flashes = INLINE[INLINE.index("[recipe]") :]
    assert experiment(LINE + flashes).recipe == experiment(INLINE).recipe


@pytest.mark.parametrize(
    "recipe", ['recipe = "sputter-lco-0.7um"', '[recipe]\nkind = "sputter"', "[recipe]\nkind = 1"]
)
def test_a_line_takes_no_recipe_of_another_kind(experiment, recipe):
    with pytest.raises(ConfigError, match='must be "flash" or "furnace"'):
        experiment(f"{LINE}{recipe}\n")


def test_a_line_without_a_recipe_is_told_which_it_may_have(experiment):
    with pytest.raises(ConfigError, match=r"recipe \(flash or furnace\)"):
        experiment(LINE)
