import json
from types import SimpleNamespace

from devices.limits import DiskLimits
from labctl.telling.watching import Watch

ROOM = SimpleNamespace(f_bavail=10**9, f_frsize=1000)
OWNER = {"pid": 1, "boot": "another", "began": "1", "since": 1.0}


def watch(data, night=None, room=ROOM, now=1_790_000_000.0):
    return Watch(data, night, DiskLimits(), lambda path: room, lambda: now)


def say(data, device, report, *, is_open=True, folder="state"):
    place = data / folder
    place.mkdir(parents=True, exist_ok=True)
    told = {"schema": 1, "device": device, "bench": "b", "sequence": 1, "time": 5.0, "owner": OWNER}
    (place / f"{device}.json").write_text(json.dumps({**told, "open": is_open, "report": report}))


def test_what_went_wrong_in_a_night_is_an_alarm_and_the_rest_is_not(made):
    made.tell("opened", missing={"meter": {"line": "silent"}}).tell("started", "a", experiment="e")
    made.tell("failed", "a", reason="Timeout: it fell silent").tell("asks", "b", reason="look")
    made.tell("skipped", "c", reason="a failed on the same sample").tell("done", "d")
    made.tell("waiting", "b", reason="ada said to go on").tell("waiting", "e", reason="its process died")
    made.tell("ordered", order="move", whose="x", who="ada", refusal="there is no item 'x'").tell(
        "over", counts={}
    )
    found = [(each.severity, each.source) for each in watch(made.folder.parents[1], made.folder).conditions()]
    assert found == [
        ("warning", "meter"), ("alarm", "item a"), ("alarm", "item b"), ("warning", "item c"), ("warning", "item e"),
        ("warning", "an order"),
    ]  # fmt: skip


def test_keys_stay_the_same_when_more_is_told(made):
    made.tell("failed", "a", reason="x")
    seen = watch(made.folder.parents[1], made.folder)
    (before,) = seen.conditions()
    made.tell("failed", "b", reason="y")
    assert before in seen.conditions()


def test_a_latched_device_is_an_alarm_until_it_is_reset(tmp_path):
    seen = watch(tmp_path)
    say(tmp_path, "lamp", {"state": "FAULT", "latched": "the host died"}, is_open=False)
    (found,) = seen.conditions()
    assert (found.severity, found.source, found.lasting) == ("alarm", "lamp", True)
    say(tmp_path, "lamp", {"state": "SAFE", "latched": ""}, is_open=False)
    assert seen.conditions() == []


def test_a_device_left_by_a_dead_process_is_an_alarm_unless_it_needs_nobody(tmp_path):
    say(tmp_path, "lamp", {"state": "CHARGING"})
    say(tmp_path, "furnace", {"state": "SAFE"})
    say(tmp_path, "cycler", {"state": "running", "goes_on_alone": True})
    assert [each.source for each in watch(tmp_path).conditions()] == ["lamp"]


def test_a_state_file_that_says_nothing_hides_no_other(tmp_path):
    say(tmp_path, "zinc", {"state": "FAULT", "latched": "x"})
    (tmp_path / "state" / "lamp.json").write_text("{")
    assert [each.source for each in watch(tmp_path).conditions()] == ["lamp", "zinc"]


def test_a_filling_disk_is_a_warning_and_a_full_one_an_alarm(tmp_path):
    for free, severity in ((5e8, "warning"), (1e8, "alarm")):
        (found,) = watch(tmp_path, room=SimpleNamespace(f_bavail=int(free), f_frsize=1)).conditions()
        assert (found.severity, found.source) == (severity, "disk")


def test_events_of_runs_that_are_no_mere_information_are_alarms(kept):
    journal = kept.begin()
    texts = {"code": ["a", "b", "c"], "severity": ["info", "warning", "alarm"], "text": ["x", "y", "z"]}
    kept.rows(journal, "events", {"t": [0.0, 1.0, 2.0], **texts})
    seen = watch(kept.folder, now=journal.time)
    assert [(each.severity, each.text) for each in seen.conditions()] == [("warning", "y"), ("alarm", "z")]
    more = {"t": [3.0], "code": ["d"], "severity": ["alarm"], "text": ["later"]}
    kept.rows(journal, "events", more)
    assert [each.text for each in seen.conditions()] == ["y", "z", "later"]
    assert [each.text for each in watch(kept.folder, now=journal.time + 1e7).conditions()] == []
    kept.end(journal)


def test_a_full_disk_is_told_with_digits_that_tell_it_from_the_reserve(tmp_path):
    left = SimpleNamespace(f_bavail=199_999, f_frsize=1000)
    (found,) = watch(tmp_path, room=left).conditions()
    assert found.text.endswith("has 199.999 MB left; runs are ended at 200.000 MB")


def test_a_damaged_journal_is_an_alarm(kept):
    kept.anneal()
    (path,) = (kept.folder / "runs").glob("*/*/*.jnl")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = watch(kept.folder).conditions()
    assert [each.severity for each in found] == ["alarm"]
    assert "damaged" in found[0].text
