"""A bench is made of known classes with known parameters, and real devices keep real time."""

import pytest

from labctl.config.benches import bench
from labctl.config.models import DeviceEntry, World

HEAD = 'schema = 1\nseed = 1\n[clock]\nkind = "{clock}"\n'
COUNTER = '[devices.counter]\nclass = "ophyd.sim.SynSignal"\n'


@pytest.fixture
def spoil(folder, told):
    """Return a function that changes a shipped bench and returns its mistakes."""

    def change(before, after, name="twin"):
        path = folder / "benches" / f"{name}.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        return told(bench, path)

    return change


@pytest.fixture
def write(folder):
    """Return a function that writes a bench file and returns its path."""

    def file(text):
        path = folder / "benches" / "mine.toml"
        path.write_text(text)
        return path

    return file


@pytest.mark.parametrize("name", ["twin", "example-hardware"])
def test_a_shipped_bench_is_read(folder, name):
    read = bench(folder / "benches" / f"{name}.toml")
    assert read.name == name
    assert set(read.devices) >= {"lamp", "potentiostat"}
    assert (read.world is not None) == (name == "twin")


def test_what_the_twin_bench_has_the_example_for_hardware_has_too(folder):
    twin, real = (bench(folder / "benches" / f"{name}.toml").devices for name in ("twin", "example-hardware"))
    for name, entry in twin.items():
        assert set(entry.parts) <= set(real[name].parts)


def test_parameters_are_in_si_and_of_the_classes_own_kind(folder):
    lamp = bench(folder / "benches" / "twin.toml").devices["lamp"]
    assert isinstance(lamp.parameters, lamp.station_class.Parameters)
    assert lamp.parameters.aperture_area == 0.0001
    charger = lamp.parts["charger"]
    assert isinstance(charger.parameters, charger.driver_class.Parameters)


def test_a_virtual_clock_is_refused_for_a_real_instrument(spoil):
    ((key, _, allowed),) = spoil(
        'driver = "srs_dg645"\naddress = "twin"', 'driver = "srs_dg645"\naddress = "serial:/dev/x"'
    )
    assert key == "devices.lamp.parts.gate.address"
    assert 'kind = "wall"' in allowed


def test_a_virtual_clock_is_refused_for_a_foreign_class_that_does_not_call_itself_a_twin(told, write):
    ((key, _, _),) = told(bench, write(HEAD.format(clock="virtual") + COUNTER))
    assert key == "devices.counter.class"
    read = bench(write(HEAD.format(clock="virtual") + COUNTER + "twin = true\n"))
    assert isinstance(read.devices["counter"], DeviceEntry)


def test_a_foreign_class_takes_its_arguments_and_no_others(told, write):
    text = HEAD.format(clock="wall") + COUNTER + "[devices.counter.arguments]\nexposure_time = 0.5\n"
    assert bench(write(text)).devices["counter"].arguments == {"exposure_time": 0.5}
    text = HEAD.format(clock="wall") + '[devices.counter]\nclass = "ophyd.sim.SynGauss"\n'
    ((key, _, allowed),) = told(bench, write(text))
    assert key == "devices.counter.arguments"
    assert "missing" in allowed


@pytest.mark.parametrize(
    ("before", "after", "key", "word"),
    [
        ("seed = 1", "seed = -1", "seed", "a whole number between 0 and"),
        ("seed = 1", "seed = true", "seed", "a whole number between 0 and"),
        ("seed = 1", "", "seed", "missing"),
        ("seed = 1", 'seed = 1\nname = "other"', "name", 'must be "twin"'),
        ('pace = "none"', "pace = 60", "clock.pace", 'one of "none", "1", "60"'),
        ('kind = "virtual"', 'kind = "atomic"', "clock.kind", 'one of "virtual", "wall"'),
        ('"FlashLampStation"', '"FlashLamp"', "devices.lamp.class", 'did you mean "FlashLampStation"?'),
        ('"FlashLampStation"', '"no.such.Thing"', "devices.lamp.class", "cannot be imported"),
        ('"FlashLampStation"', '"os.path.join"', "devices.lamp.class", "is not a class"),
        ('class = "FlashLampStation"', "", "devices.lamp.class", "missing"),
        (
            "[devices.potentiostat]",
            "[devices.Potentiostat]\n[devices.potentiostat]",
            "devices.Potentiostat",
            "small letters",
        ),
        ('"glassman_fj"', '"glasman_fj"', "devices.lamp.parts.charger.driver", 'did you mean "glassman_fj"?'),
        ('"glassman_fj"', '"../x"', "devices.lamp.parts.charger.driver", "small letters"),
        ('address = "twin"', 'address = "COM3"', "devices.lamp.parts.charger.address", "serial:/dev/ttyUSB0"),
        ('address = "twin"', "", "devices.lamp.parts.charger.address", "missing"),
        ("parts.meter", "parts.metre", "devices.lamp.parts.meter", "missing"),
        ('"1 cm^2"', "20", "devices.lamp.parameters.aperture_area", "give a unit"),
        ('"1 cm^2"', '"1 cm"', "devices.lamp.parameters.aperture_area", "cannot become m^2"),
        ("aperture_area", "aperture", "devices.lamp.parameters.aperture", 'did you mean "aperture_area"?'),
        ('"25 degC"', '"25 C"', "world.chuck_temperature", "temperatures are in degC"),
        ("chuck_temperature", "temperature", "world.temperature", "unknown key"),
        ("[world]", "[wolrd]", "wolrd", 'did you mean "world"?'),
    ],
)
def test_a_mistake_is_told_at_its_key(spoil, before, after, key, word):
    found = {each: allowed for each, _, allowed in spoil(before, after)}
    assert key in found
    assert word in found[key]


def test_a_driver_takes_its_own_parameters_only(spoil):
    ((key, value, allowed),) = spoil('driver = "srs_dg645"', 'driver = "srs_dg645"\nvoltage = "5 V"')
    assert (key, value) == ("devices.lamp.parts.gate.voltage", '"5 V"')
    assert "unknown key" in allowed


def test_the_mistakes_of_all_devices_are_told_at_once(spoil, folder):
    path = folder / "benches" / "twin.toml"
    path.write_text(path.read_text().replace('"squidstat"', '"quidstat"').replace('"srs_dg645"', '"dg"'))
    path.write_text(path.read_text().replace("seed = 1", ""))
    assert {key for key, _, _ in spoil('"1 cm^2"', "20")} == {
        "seed",
        "devices.lamp.parts.gate.driver",
        "devices.lamp.parameters.aperture_area",
        "devices.potentiostat.parts.channels.driver",
    }


def test_one_port_is_not_given_to_two_instruments(spoil):
    ((key, _, allowed),) = spoil("usb-meter?baud=115200", "usb-charger", name="example-hardware")
    assert key == "devices.lamp.parts.meter.address"
    assert "devices.lamp.parts.charger" in allowed


def test_a_world_without_twins_is_refused(folder, told):
    path = folder / "benches" / "example-hardware.toml"
    path.write_text(path.read_text() + '\n[world]\nchuck_temperature = "25 degC"\n')
    assert told(bench, path) == [("world", "", "there is no twin on this bench to live in it")]


def test_twins_without_a_world_live_in_the_usual_one(folder):
    path = folder / "benches" / "twin.toml"
    path.write_text(path.read_text().partition("[world]")[0])
    assert bench(path).world == World()


def test_a_wall_clock_has_no_pace(spoil):
    ((key, _, allowed),) = spoil('kind = "virtual"\npace = "none"', 'kind = "wall"\npace = "60"')
    assert key == "clock"
    assert "no pace" in allowed
