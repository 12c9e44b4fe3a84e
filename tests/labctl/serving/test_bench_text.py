"""The bench file of a served bench: what was written is read back, and says what the original says."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ConfigError
from labctl.config.benches import bench
from labctl.serving.bench_text import served_bench, toml

ROOT = Path(__file__).parents[3]
TWIN = ROOT / "config" / "benches" / "twin.toml"
ADDRESSES = {
    ("lamp", "charger"): "serial:/tmp/a/lamp.charger?baud=9600",
    ("lamp", "gate"): "socket://127.0.0.1:4001",
    ("lamp", "meter"): "serial:/tmp/a/lamp.meter?baud=9600",
    ("lamp", "permissives"): "serial:/tmp/a/lamp.permissives?baud=9600",
    ("potentiostat", "channels"): "socket://127.0.0.1:4002",
}

plain = (
    st.text()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_is_written_as_toml_is_read_back(table):
    assert tomllib.loads(toml(table)) == table


def test_the_served_bench_is_the_same_at_other_addresses(tmp_path):
    path = tmp_path / "served.toml"
    path.write_text(served_bench(TWIN, ADDRESSES, Path("/tmp/a/hands")))
    served, twin = bench(path), bench(TWIN)
    assert (served.clock.kind, served.world.served) == ("wall", "/tmp/a/hands")
    for name, entry in twin.devices.items():
        found = served.devices[name]
        assert found.parameters == entry.parameters
        for part, each in entry.parts.items():
            assert replace(found.parts[part], address=each.address) == each
            assert found.parts[part].address.target in ADDRESSES[name, part]


def test_each_channel_of_many_has_an_address_of_its_own(tmp_path):
    original = tmp_path / "many.toml"
    original.write_text(
        TWIN.read_text().replace('"PotentiostatStation"', '"PotentiostatStation"\nchannels = 2')
    )
    addresses = {key: value for key, value in ADDRESSES.items() if key[0] == "lamp"}
    addresses |= {(f"potentiostat_{n}", "channels"): f"socket://127.0.0.1:410{n}" for n in range(2)}
    path = tmp_path / "served.toml"
    path.write_text(served_bench(original, addresses, tmp_path / "hands"))
    parts = [bench(path).devices[f"potentiostat_{n}"].parts["channels"] for n in range(2)]
    assert [(part.address.target[-4:], part.parameters.channel) for part in parts] == [
        ("4100", 0),
        ("4101", 1),
    ]


def test_a_served_world_has_no_twin_of_its_own(tmp_path):
    path = tmp_path / "both.toml"
    path.write_text(served_bench(TWIN, dict(list(ADDRESSES.items())[:4]), tmp_path / "hands"))
    with pytest.raises(ConfigError, match="served by another process"):
        bench(path)
