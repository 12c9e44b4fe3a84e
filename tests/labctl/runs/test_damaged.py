import pytest
import typer

from labctl.commands import durable
from labctl.journal.verify import verify_run
from labctl.runs.briefs import find_run
from labctl.runs.damaged import damaged
from labctl.runs.run import Run


def flip(path, word):
    """Change one bit of a journal, in the record that holds a word."""
    content = path.read_bytes()
    place = content.index(word)
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def recovered(folder, capsys, runs=None):
    """Run `labctl recover`; return whether all is well, and what it says."""
    good = True
    try:
        durable.recover(runs, folder)
    except typer.Exit as left:
        good = left.exit_code == 0
    return good, capsys.readouterr().out


def test_without_damage_there_is_nothing_to_recover(kept, capsys):
    kept.anneal()
    assert recovered(kept.folder, capsys) == (True, "nothing to recover\n")


@pytest.mark.parametrize("word", [b'"pulse":[1', b'"exposure":{', b'"success"'], ids=["row", "key", "stop"])
def test_a_run_that_ended_and_is_damaged_is_named_with_what_to_type(kept, capsys, word):
    kept.anneal()
    bad = kept.anneal()
    path = find_run(kept.folder, bad)
    flip(path, word)
    ended = word != b'"success"'
    before = path.read_bytes()
    good, said = recovered(kept.folder, capsys)
    assert good is not ended
    if ended:
        assert f"{bad[:8]} is damaged: " in said
        assert f"`labctl recover {bad[:8]}`" in said
        assert said.count("\n") == 1
        assert path.read_bytes() == before
        good, said = recovered(kept.folder, capsys, [bad[:8]])
    assert good
    assert "set aside" in said
    assert verify_run(path).good
    assert Run(bad, kept.folder).stop is not None
    assert recovered(kept.folder, capsys) == (True, "nothing to recover\n")


def test_files_that_are_no_journals_and_a_run_that_is_written_are_told_apart(kept, capsys):
    writing = kept.begin()
    uid = kept.anneal()
    foreign = find_run(kept.folder, uid)
    foreign.write_bytes(b"not a journal\n")
    (found,) = damaged(kept.folder)
    assert (found.path, found.readable) == (foreign, False)
    good, said = recovered(kept.folder, capsys)
    assert not good
    assert said == f"{uid[:8]} was left as it is: {foreign} is not a journal\n"
    writing.close()
