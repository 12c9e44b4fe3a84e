"""A material's file: what is wrong with it is told with file and key, and nothing is guessed."""

import shutil

import pytest

from devices.errors import ConfigError
from labctl.config.finder import shipped_dir
from labctl.materials.formula import charge_density, molar_mass
from labctl.materials.library import KINDS, OWN, Library, folder_of

GOOD = """schema = 1
formula = "LiMn2O4"

[density]
value = "4.28 g/cm^3"
status = "measured"
source = "handbook"

[lithium]
value = "1"
status = "measured"
source = "handbook"

[capacity]
value = "48 uAh/cm^2/um"
status = "measured"
source = "park-1999"

[lower]
value = "3.5 V"
status = "guess"
source = "own-choice"

[upper]
value = "4.3 V"
status = "guess"
source = "own-choice"

[diffusivity]
value = "1e-11 cm^2/s"
status = "guess"
source = "own-choice"

[exchange_current]
value = "5 mA/cm^2"
status = "guess"
source = "own-choice"

[ocp]
status = "measured"
source = "park-1999"

[[ocp.points]]
x = 0
potential = "4.3 V"

[[ocp.points]]
x = 0.5
potential = "4.05 V"

[[ocp.points]]
x = 1
potential = "3.5 V"
"""


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "materials" / "cathodes").mkdir(parents=True)

    def put(text):
        (tmp_path / "materials" / "cathodes" / "Mine.toml").write_text(text)
        return Library(tmp_path)

    return put


def refused(library):
    with pytest.raises(ConfigError) as caught:
        library.entry("cathode", "Mine")
    return [str(each) for each in caught.value.mistakes]


def test_every_shipped_material_is_without_a_mistake():
    library = Library()
    assert library.mistakes() == []
    least = {"cathode": 33, "electrolyte": 11, "anode": 12, "substrate": 7, "collector": 8}
    assert all(len(library.names(kind)) >= least[kind] for kind in KINDS)


def test_every_source_that_came_along_is_cited_or_read_in_one_that_is():
    library = Library()
    text = "".join(path.read_text() for path in (shipped_dir() / "materials").rglob("*.toml"))
    assert [name for name in library.references if text.count(f'"{name}"') == 0] == []


def test_the_twins_own_materials_are_held_in_their_code_and_carried_by_no_sample():
    library = Library()
    assert all(library.entry(kind, name).is_own for kind, name in OWN)


def test_a_good_file_is_read_and_its_points_become_a_falling_curve(lab):
    from labctl.materials.library import plain
    from sim.materials.described import ocp_of

    made = plain(lab(GOOD).entry("cathode", "Mine"))
    ocp = ocp_of({"reactions": made.reactions})
    assert float(ocp.potential(0.5)) == pytest.approx(4.05, abs=0.02)
    assert made.capacity == pytest.approx(48 * 3.6e7)
    assert made.site_charge * float(ocp.lithium(3.5) - ocp.lithium(4.3)) == pytest.approx(made.capacity)


@pytest.mark.parametrize(
    ("before", "after", "key", "reason"),
    [
        ('source = "park-1999"\n\n[lower]', "\n[lower]", "capacity.source", "missing"),
        ('"park-1999"\n\n[lower]', '"park-1998"\n\n[lower]', "capacity.source", 'did you mean "park-1999"'),
        ('"48 uAh/cm^2/um"', '"480 uAh/cm^2/um"', "capacity.value", "is more than 63.4 uAh/cm^2/um"),
        ('"48 uAh/cm^2/um"', '"48 uAh/cm^2"', "capacity.value", "cannot become C/m^3"),
        ('"4.28 g/cm^3"', '"4.28 kg/cm^3"', "density.value", "must be between 10 and 30000 kg/m^3"),
        ('"4.05 V"', '"4.35 V"', "ocp.points[1]", "must fall"),
        ('"3.5 V"\nstatus', '"4.5 V"\nstatus', "lower", "must be below upper = 4.3"),
        (
            '"measured"\nsource = "handbook"\n\n[lith',
            '"recalled"\nsource = "handbook"\n\n[lith',
            "density.status",
            "",
        ),
        ('"LiMn2O4"', '"LiMn(2O4"', "formula", "without parentheses"),
        (
            '[diffusivity]\nvalue = "1e-11 cm^2/s"',
            '[diffusivity]\nheld_in = "os.path.sep"',
            "diffusivity.held_in",
            "",
        ),
        ("[exchange_current]", "[exchange]", "exchange", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_key(lab, before, after, key, reason):
    assert before in GOOD
    said = refused(lab(GOOD.replace(before, after, 1)))
    assert any("cathodes/Mine.toml" in each and f" {key}" in each and reason in each for each in said), said


def test_what_cannot_be_run_must_say_why(lab):
    text = GOOD[: GOOD.index("[ocp]")]
    assert "why_not" in refused(lab(text))[0]
    entry = lab(text.replace("schema = 1", 'schema = 1\nwhy_not = "no potential"')).entry("cathode", "Mine")
    assert entry.why_not == "no potential"


def test_a_labs_own_file_goes_before_the_one_that_came_with_labctl(tmp_path):
    shipped = shipped_dir() / "materials" / folder_of("electrolyte") / "LiBPON.toml"
    (tmp_path / "materials" / "electrolytes").mkdir(parents=True)
    mine = tmp_path / "materials" / "electrolytes" / "LiBPON.toml"
    shutil.copy(shipped, mine)
    mine.write_text(mine.read_text().replace("6.88e-7 S/cm", "1e-6 S/cm"))
    assert Library(tmp_path).entry("electrolyte", "LiBPON").value("conductivity") == pytest.approx(1e-4)
    assert Library().entry("electrolyte", "LiBPON").value("conductivity") == pytest.approx(6.88e-5)


def test_charge_per_volume_follows_from_formula_and_density():
    assert molar_mass("LiCoO2") == pytest.approx(97.87e-3, abs=2e-5)
    assert charge_density("LiCoO2", 5050.0, 1.0) / 3.6e7 == pytest.approx(138.3, abs=0.1)
