import pytest

from devices.errors import Corrupt
from labctl.telling.alarms import Alarms
from labctl.telling.outbox import Outbox
from labctl.telling.teller import Teller

SOMEBODY = 'schema = 1\n[[target]]\nname = "mail"\nurl = "json://x"\n'


def teller_of(made, monkeypatch):
    """Return a teller whose courier is never started."""
    monkeypatch.setattr("labctl.telling.teller.Teller._keep_courier", lambda self, config: None)
    return Teller(made.folder)


def titles(made):
    return [
        (each.severity, each.title, each.text.split("\n")[0])
        for each in Outbox(made.folder.parents[1]).waiting()
    ]


def test_begin_end_and_each_fault_are_told_once(made, monkeypatch):
    made.tells(SOMEBODY)
    made.tell("listed", hashes={}).tell("opened", missing={})
    teller = teller_of(made, monkeypatch)
    teller.look()
    made.tell("failed", "a", reason="it broke").tell("over", counts={"done": 1, "failed": 1})
    for _ in range(3):
        teller.look()
        teller_of(made, monkeypatch).look()
    name = made.folder.name
    told = titles(made)
    assert ("info", f"labctl: {name}", f"night {name} begins") in told
    assert ("alarm", "labctl alarm: item a", "failed: it broke") in told
    assert any("is over: 1 done, 1 failed" in text for _, _, text in told)
    assert len(told) == 3


def test_what_the_supervisor_saw_is_an_alarm_and_a_message(made, monkeypatch):
    made.tells(SOMEBODY)
    teller = teller_of(made, monkeypatch)
    teller.happened("alarm", "the night", "its process died")
    teller.look()
    teller.look()
    assert titles(made) == [("alarm", "labctl alarm: the night", "its process died")]
    (alarm,) = Alarms(made.folder.parents[1]).known().values()
    assert alarm.condition.text == "its process died"


def test_a_night_gone_on_with_is_told_as_such(made, monkeypatch):
    made.tells(SOMEBODY)
    made.tell("listed", hashes={}).tell("opened", missing={}).tell("opened", missing={})
    teller_of(made, monkeypatch).look()
    assert sorted(text.split()[-1] for _, _, text in titles(made)) == ["begins", "on"]


def test_where_nobody_listens_alarms_are_kept_and_nothing_waits(made, monkeypatch):
    made.tell("failed", "a", reason="x")
    teller_of(made, monkeypatch).look()
    assert len(Alarms(made.folder.parents[1]).known()) == 1
    assert titles(made) == []


def test_a_broken_telling_file_lets_messages_wait_until_it_is_mended(made, monkeypatch):
    made.tells("nonsense")
    made.tell("failed", "a", reason="x")
    teller_of(made, monkeypatch).look()
    assert len(titles(made)) == 1


def test_trouble_is_said_once_and_never_ends_the_thread(made, monkeypatch):
    said = []
    monkeypatch.setattr("labctl.telling.teller.LOOK", 0.01)
    teller = Teller(made.folder, said.append)
    (made.folder / "begun.json").unlink()
    teller.begin()
    while not said:
        pass
    teller.end()
    assert len(said) == 1
    assert "trouble" in said[0]


def test_old_alarms_are_not_told_again_by_another_night(made, monkeypatch):
    made.tells(SOMEBODY)
    made.tell("failed", "a", reason="x")
    alarms = Alarms(made.folder.parents[1])
    from labctl.telling.watching import chronicle_conditions

    alarms.update(chronicle_conditions(made.folder), 1.0)
    teller_of(made, monkeypatch).look()
    assert titles(made) == []


@pytest.mark.parametrize("name", ["state/alarms.jsonl", "outbox/told.jsonl"])
def test_what_a_power_cut_left_of_its_files_is_set_aside_and_people_are_told(made, monkeypatch, name):
    made.tells(SOMEBODY)
    made.tell("failed", "a", reason="x")
    torn = made.folder.parents[1] / name
    torn.parent.mkdir(parents=True, exist_ok=True)
    torn.write_text('{"time": 1.0, "fa')
    teller = teller_of(made, monkeypatch)
    with pytest.raises(Corrupt):
        teller.look()
    teller.mend()
    teller.look()
    assert {title for _, title, _ in titles(made)} == {"labctl alarm: item a", "labctl alarm: telling"}
    assert len(list(torn.parent.glob("*.damaged"))) == 1


def test_a_damaged_chronicle_is_an_alarm_and_silences_nothing(made, monkeypatch):
    made.tells(SOMEBODY)
    made.tell("failed", "a", reason="x").tell("failed", "b", reason="y")
    (chronicle,) = made.folder.glob("*.jnl")
    lines = chronicle.read_bytes().splitlines(keepends=True)
    chronicle.write_bytes(b"".join([*lines[:2], b"nonsense\n", *lines[2:]]))
    teller_of(made, monkeypatch).look()
    assert [title for _, title, _ in sorted(titles(made))] == [
        "labctl alarm: item a",
        "labctl alarm: the night",
    ]
