"""The command that starts a manager, and its key."""

import pytest

from devices.errors import DataError
from labctl.queue.settings import Settings, read_settings, write_settings
from labctl.queue.starting import is_local, manager_command, private_key, public_key


@pytest.fixture
def profile(tmp_path):
    write_settings(tmp_path, Settings("twin", "config", "data"))
    return tmp_path


def test_a_manager_is_reached_from_this_machine_only(profile):
    command = manager_command(profile)
    addresses = [each for each in command if each.startswith("tcp://")]
    assert len(addresses) == 2
    assert all(is_local(each) for each in addresses)
    assert command[command.index("--redis-name-prefix") + 1] == "labctl_twin"


@pytest.mark.parametrize("control", ["tcp://*:60615", "tcp://0.0.0.0:60615", "tcp://lab-pc:60615"])
def test_an_open_address_needs_a_key(profile, control):
    with pytest.raises(DataError, match="no key"):
        manager_command(profile, control=control)
    assert control in manager_command(profile, control=control, key="k" * 40)


def test_an_address_that_is_none_is_refused(profile):
    with pytest.raises(DataError, match="no address"):
        manager_command(profile, control="localhost")


def test_a_folder_that_is_no_profile_is_told_so(tmp_path):
    with pytest.raises(DataError, match="labctl queue profile"):
        read_settings(tmp_path)


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path):
    pytest.importorskip("bluesky_queueserver")
    path = tmp_path / "key"
    key = private_key(path)
    assert len(key) == len(public_key(key)) == 40
    assert private_key(path) == key
    path.chmod(0o644)
    with pytest.raises(DataError, match="chmod 600"):
        private_key(path)
