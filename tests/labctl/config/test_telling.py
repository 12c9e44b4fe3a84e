import pytest

from devices.errors import ConfigError
from labctl.config.check import kind_of
from labctl.config.telling import Telling, read_telling


def written(folder, text):
    (folder / "telling.toml").write_text(f"schema = 1\n{text}")
    return folder


def test_without_a_file_nobody_is_told(tmp_path):
    assert read_telling(tmp_path) == Telling()


def test_a_target_has_its_address_from_the_file_or_from_the_environment(tmp_path, monkeypatch):
    second = '[[target]]\nname = "b"\nurl_from = "LABCTL_TEST_B"\nleast = "alarm"\n'
    text = f'[[target]]\nname = "a"\nurl = "json://x"\n{second}'
    a, b = read_telling(written(tmp_path, text)).target
    assert (a.address(), b.address()) == ("json://x", "")
    monkeypatch.setenv("LABCTL_TEST_B", " json://y ")
    assert b.address() == "json://y"
    assert [a.wants("info"), b.wants("warning"), b.wants("alarm")] == [True, False, True]


@pytest.mark.parametrize(
    "text",
    [
        '[[target]]\nname = "a"\n',
        '[[target]]\nname = "a"\nurl = "json://x"\nurl_from = "Y"\n',
        '[[target]]\nname = "a b"\nurl = "json://x"\n',
        '[[target]]\nname = "a"\nurl = "json://x"\nleast = "none"\n',
        '[[target]]\nname = "a"\nurl = "json://x"\n' * 2,
        '[[targets]]\nname = "a"\n',
        '[[target]]\nname = "a"\nurl_from = "not a name"\n',
    ],
)
def test_what_is_not_clear_is_refused(tmp_path, text):
    with pytest.raises(ConfigError):
        read_telling(written(tmp_path, text))


def test_an_address_never_stands_in_a_mistake_or_a_repr(tmp_path):
    text = '[[target]]\nname = "a"\nurl = "json://u:secret@x"\nurl_from = "Y"\n'
    with pytest.raises(ConfigError) as told:
        read_telling(written(tmp_path, text))
    assert "secret" not in str(told.value)
    good = read_telling(written(tmp_path, '[[target]]\nname = "a"\nurl = "json://u:secret@x"\n'))
    assert "secret" not in repr(good)


def test_labctl_check_knows_the_file(tmp_path):
    written(tmp_path, "")
    assert kind_of(tmp_path / "telling.toml") == "telling"
