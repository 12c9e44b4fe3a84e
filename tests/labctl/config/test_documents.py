"""A file is read whole, or what is wrong with it as a text is told with its line."""

import os

import pytest

from devices.errors import ConfigError
from labctl.config.documents import LARGEST, read


def mistakes(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        read(path)
    return caught.value.mistakes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.toml"


def test_a_file_is_its_tables_without_the_schema(path):
    path.write_text('schema = 1\nname = "a"\n[x]\ny = 2\n')
    assert read(path).body == {"name": "a", "x": {"y": 2}}


def test_the_hash_is_of_the_content_not_of_the_layout(path):
    path.write_text('schema = 1\na = 1\nb = "x"\n')
    before = read(path).config_hash
    path.write_text('# a comment\nb = "x"\r\na = 1\nschema=1')
    assert read(path).config_hash == before
    path.write_text('schema = 1\na = 2\nb = "x"\n')
    assert read(path).config_hash != before


def test_a_byte_order_mark_is_no_mistake(path):
    path.write_bytes(b"\xef\xbb\xbfschema = 1\na = 1\n")
    assert read(path).body == {"a": 1}


def test_a_file_below_the_working_directory_is_named_from_there(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    (mistake,) = mistakes(path, "schema = 1\nname =\n")
    assert mistake.file == "x.toml"


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing but a comment\n"])
def test_a_file_that_says_nothing_is_refused(path, content):
    (mistake,) = mistakes(path, content)
    assert "says nothing" in mistake.allowed


@pytest.mark.parametrize(
    ("content", "line", "key"),
    [
        ('schema = 1\nname = "a\n', 2, ""),
        ("schema = 1\nx = 1e\n", 2, ""),
        ("schema = 1\n\nx y = 3\n", 3, ""),
        ("schema = 1\n[lamp\n", 2, ""),
        ("schema = 1\nx = [1,\n", 2, ""),
        ('schema = 1\nvoltage = "1 V"\nvoltage = "2 V"\n', 3, "voltage"),
        ("schema = 1\n[lamp]\nx = 1\n[lamp]\n", 4, "lamp"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(path, content, line, key):
    (mistake,) = mistakes(path, content)
    assert (mistake.line, mistake.key) == (line, key)
    assert str(mistake).startswith(f"{mistake.file}:{line}: ")
    assert ("stands twice" if key else "not TOML") in mistake.allowed


def test_text_that_is_not_utf8_is_told_with_its_line(path):
    (mistake,) = mistakes(path, b'schema = 1\nname = "\xb5m"\n')
    assert mistake.line == 2
    assert "UTF-8" in mistake.allowed


def test_a_huge_file_is_not_read(path):
    (mistake,) = mistakes(path, b"#" * (LARGEST + 1))
    assert "larger than" in mistake.allowed


@pytest.mark.parametrize(
    "content", ["schema = 1\nx = " + "[" * 100_000, "schema = 1\nx = " + "[" * 90 + "]" * 90]
)
def test_bottomless_nesting_is_refused(path, content):
    assert "nested deeper" in mistakes(path, content)[0].allowed


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ("", "missing"),
        ("schema = 2", "newer labctl"),
        ("schema = 0", "must be 1"),
        ("schema = true", "must be 1"),
        ('schema = "1"', "must be 1"),
        ("schema = 1.0", "must be 1"),
    ],
)
def test_another_schema_is_refused(path, schema, word):
    (mistake,) = mistakes(path, f"{schema}\nx = 1\n")
    assert (mistake.key, word in mistake.allowed) == ("schema", True)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("2026-01-01", "date"),
        ("2026-01-01T12:00:00Z", "date"),
        ("07:30:00", "date"),
        ("nan", "finite"),
        ("-inf", "finite"),
        ("1e999", "finite"),
        ("0x" + "f" * 40, "up to"),
    ],
)
def test_values_of_no_use_are_refused_at_their_key(path, value, word):
    (mistake,) = mistakes(path, f"schema = 1\n[a]\nb = [1, {{ c = {value} }}]\n")
    assert mistake.key == "a.b[1].c"
    assert word in mistake.allowed


def test_a_number_of_many_digits_is_refused(path):
    assert mistakes(path, "schema = 1\nx = " + "9" * 5000)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("missing.toml", "folder.toml", "pipe.toml"):
        with pytest.raises(ConfigError, match="is not a file"):
            read(tmp_path / name)
