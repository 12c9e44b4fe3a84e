import stat
from pathlib import Path

import pytest

from devices.errors import ConfigError, DataError
from labctl.catalog.reach import KEY, check_host, key_in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_is_served_without_asking(host: str) -> None:
    check_host(host, network=False)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.4", "lab.example", "", "localhost.evil.example"]
)
def test_what_other_computers_reach_is_refused_unless_said(host: str) -> None:
    with pytest.raises(ConfigError, match="--network"):
        check_host(host, network=False)
    check_host(host, network=True)


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key, new = key_in(tmp_path)
    assert new
    assert len(bytes.fromhex(key)) == 32
    assert stat.S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600
    assert key_in(tmp_path) == (key, False)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    key_in(tmp_path)
    (tmp_path / KEY).chmod(0o640)
    with pytest.raises(DataError, match="delete it"):
        key_in(tmp_path)


def test_an_empty_key_is_not_used(tmp_path: Path) -> None:
    key_in(tmp_path)
    (tmp_path / KEY).write_text("\n", encoding="ascii")
    with pytest.raises(DataError, match="holds no key"):
        key_in(tmp_path)
