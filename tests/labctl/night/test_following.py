"""What the person at the terminal reads: one line for everything that happens, and what came of it at the end."""

import pytest

from labctl.night.chronicle import Chronicle
from labctl.night.following import Following, summary, words


def test_every_happening_is_told_once_and_what_was_before_is_not(tmp_path):
    first = Chronicle(tmp_path, {"night": "n"})
    first.tell(1.0, "started", "a", experiment="e", attempt=1)
    following = Following(tmp_path)
    assert list(following.news()) == []
    first.tell(2.0, "failed", "a", reason="so")
    assert [line[10:] for line in following.news()] == ["a: failed (so)"]
    first.close()
    second = Chronicle(tmp_path, {"night": "n"})
    second.tell(3.0, "opened", missing={"lamp": {"gate": "silent"}})
    second.tell(4.0, "over", counts={"done": 1, "failed": 2})
    second.close()
    assert [line[10:] for line in following.news()] == [
        "the bench is open; these do not answer: lamp",
        "the night is over: 1 done, 2 failed",
    ]
    assert list(following.news()) == []


@pytest.mark.parametrize(
    ("happening", "said"),
    [
        ({"what": "listed", "item": "", "hashes": {}}, ""),
        ({"what": "started", "item": "a", "attempt": 2}, "a: started, attempt 2"),
        ({"what": "run", "item": "a", "uid": "12345678-9"}, "a: run 12345678"),
        ({"what": "moved", "item": "a", "before": "b"}, "a: moved"),
        (
            {"what": "ordered", "item": "", "order": "go_on", "whose": "a", "who": "me", "refusal": ""},
            "order by me: go-on a",
        ),
        (
            {"what": "ordered", "item": "", "order": "stop", "whose": "", "who": "", "refusal": "no"},
            "order by somebody: stop was refused: no",
        ),
    ],
)
def test_a_happening_in_words(happening, said):
    assert words(happening) == said


def test_the_summary_says_what_was_not_done_and_why(tmp_path):
    chronicle = Chronicle(tmp_path, {"night": "n"})
    chronicle.tell(1.0, "done", "a")
    chronicle.tell(2.0, "skipped", "b", reason="a came to little")
    chronicle.close()
    assert summary(tmp_path) == "1 done, 1 skipped; b: skipped, a came to little"
