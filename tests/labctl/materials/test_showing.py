"""The list of materials is as wide as somebody says, and uncut in a pipe otherwise."""

from labctl.config.folder import Config
from labctl.materials.library import Library
from labctl.materials.showing import print_list


def test_whoever_says_how_wide_it_is_to_be_gets_it_so(monkeypatch, capsys):
    entries = list(Library(Config().directory).entries())
    monkeypatch.setenv("COLUMNS", "80")
    print_list(entries)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    monkeypatch.delenv("COLUMNS")
    print_list(entries)
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80
