"""The wire: framing, deadlines, and never a stale answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import Desynchronised, Garbled, Timeout, WireError
from devices.ports import Fault, FaultyPort, Trouble, TwinPort, random_faults
from devices.wire import FixedLength, Sync, Terminated, Wire

LINE = Terminated(b"\n")


class Counter:
    """Answers `n<k>` to `<k>?` and `me` to `who`; counts what acted."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.silent = False

    def exchange(self, data: bytes) -> bytes:
        self.heard.append(data)
        if self.silent or not data.endswith((b"?\n", b"who\n")):
            return b""
        return b"me\n" if data == b"who\n" else b"n" + data[:-2] + b"\n"


WHO = Sync(b"who\n", LINE, lambda reply: reply == b"me")


def make(clock: Any, faults: Any = (), sync: Sync | None = WHO, seed: int = 0) -> tuple[Wire, Counter]:
    counter = Counter()
    port = FaultyPort(TwinPort(counter, clock, "lane"), clock, faults, seed=seed)
    return Wire(port, clock, name="counter", lane="lane", sync=sync), counter


def number(reply: bytes) -> int:
    if not reply.startswith(b"n") or not reply[1:].isdigit():
        raise Garbled(f"{reply!r} is no number")
    return int(reply[1:])


@given(
    st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\r", b"")), max_size=5), st.binary(max_size=3)
)
def test_terminated_replies_come_out_as_they_went_in(replies: list[bytes], rest: bytes) -> None:
    rest = rest.replace(b"\r", b"")
    buffer = bytearray(b"".join(reply + b"\r" for reply in replies) + rest)
    framing = Terminated(b"\r")
    taken = [framing.take(buffer) for _ in replies]
    assert taken == replies
    assert framing.take(buffer) is None
    assert buffer == rest


def test_a_fixed_length_reply_waits_for_its_last_byte() -> None:
    buffer = bytearray(b"ab")
    assert FixedLength(3).take(buffer) is None
    buffer += b"cd"
    assert FixedLength(3).take(buffer) == b"abc"
    assert buffer == b"d"


def test_a_question_gets_its_answer(clock: Any) -> None:
    wire, _ = make(clock)
    assert wire.ask(b"7?\n", LINE, number) == 7
    assert wire.ask(b"8?\n", LINE) == b"n8"
    assert clock.now() == 0


def test_silence_is_a_timeout_at_the_deadline(clock: Any) -> None:
    wire, counter = make(clock)
    counter.silent = True
    with pytest.raises(Timeout):
        wire.ask(b"1?\n", LINE, deadline=0.3)
    assert clock.now() == pytest.approx(0.3)
    assert wire.dirty


def test_a_late_reply_is_never_taken_for_the_next_answer(clock: Any) -> None:
    for late in (0.51, 0.6, 0.75, 0.9, 0.99):
        wire, _ = make(clock, [Fault("delay", late)])
        with pytest.raises(Timeout):
            wire.ask(b"1?\n", LINE)
        assert wire.ask(b"2?\n", LINE) == b"n2", late
        assert wire.ask(b"3?\n", LINE) == b"n3", late
        assert not wire.dirty


def test_a_reply_later_than_the_sync_reply_leaves_the_wire_dirty_until_it_has_come(clock: Any) -> None:
    wire, counter = make(clock, [Fault("delay", 2.0)])
    for asked in (b"1?\n", b"2?\n"):
        with pytest.raises((Timeout, Desynchronised)):
            wire.ask(asked, LINE)
    assert b"2?\n" not in counter.heard
    while wire.dirty:
        try:
            assert wire.ask(b"3?\n", LINE) == b"n3"
        except Desynchronised:
            assert clock.now() < 3.0


def test_a_dead_instrument_costs_two_deadlines_at_the_most(clock: Any) -> None:
    wire, counter = make(clock)
    counter.silent = True
    for _ in range(5):
        begun = clock.now()
        with pytest.raises(WireError):
            wire.ask(b"1?\n", LINE, repeat=True)
        assert clock.now() - begun <= 2 * wire.deadline + 1e-9


def test_only_a_repeatable_question_is_sent_twice(clock: Any) -> None:
    wire, counter = make(clock, [Fault("drop")])
    assert wire.ask(b"5?\n", LINE, number, repeat=True) == 5
    assert counter.heard.count(b"5?\n") == 2
    wire, counter = make(clock, [Fault("drop")])
    with pytest.raises(Timeout):
        wire.ask(b"5?\n", LINE, number)
    assert counter.heard == [b"5?\n"]


def test_a_garbled_reply_makes_the_wire_dirty(clock: Any) -> None:
    wire, counter = make(clock, [Fault("garble", 1.0)])
    with pytest.raises((Garbled, Timeout)):
        wire.ask(b"5?\n", LINE, number)
    assert wire.dirty
    assert wire.ask(b"6?\n", LINE, number) == 6
    assert counter.heard == [b"5?\n", b"who\n", b"6?\n"]


def test_doubled_and_unsolicited_bytes_are_thrown_away_and_counted(clock: Any) -> None:
    wire, _ = make(clock, [Fault("duplicate"), None, None])
    assert wire.ask(b"1?\n", LINE) == b"n1"
    assert wire.ask(b"2?\n", LINE) == b"n2"
    assert wire.discarded == len(b"n1\n")
    wire.tell(b"9?\n")
    assert wire.ask(b"3?\n", LINE) == b"n3"
    assert wire.discarded == len(b"n1\nn9\n")


def test_telling_is_not_held_up_by_a_dirty_wire(clock: Any) -> None:
    wire, counter = make(clock)
    counter.silent = True
    with pytest.raises(Timeout):
        wire.ask(b"1?\n", LINE)
    before = clock.now()
    wire.tell(b"off\n")
    assert counter.heard[-1] == b"off\n"
    assert clock.now() == before


def test_without_a_sync_query_the_wire_waits_for_a_whole_deadline_of_silence(clock: Any) -> None:
    wire, _ = make(clock, [Fault("delay", 0.7)], sync=None)
    with pytest.raises(Timeout):
        wire.ask(b"1?\n", LINE)
    assert wire.ask(b"2?\n", LINE) == b"n2"
    assert clock.now() >= 0.7 + wire.deadline


def test_a_wire_refuses_to_be_asked_in_the_middle_of_its_own_transaction(clock: Any) -> None:
    wire, counter = make(clock)
    sleep = clock.sleep

    def meddle(dt: float, lane: str | None = None) -> None:
        with pytest.raises(WireError, match="middle of its own transaction"):
            wire.tell(b"x\n")
        sleep(dt, lane)

    clock.sleep = meddle
    counter.silent = True
    with pytest.raises(Timeout):
        wire.ask(b"1?\n", LINE)
    assert counter.heard == [b"1?\n"]


def test_a_babbling_line_is_given_up(clock: Any) -> None:
    class Babble:
        def write(self, data: bytes) -> None: ...
        def read(self, timeout: float) -> bytes:
            clock.sleep(0.01)
            return b"x"

        def close(self) -> None: ...

    wire = Wire(Babble(), clock, name="babble", lane="lane", sync=WHO)
    with pytest.raises(Desynchronised, match="unasked"):
        wire.ask(b"1?\n", LINE)
    assert clock.now() < 1.0


TROUBLES: dict[Trouble, float] = {
    "ignore": 0.05,
    "delay": 0.1,
    "drop": 0.1,
    "duplicate": 0.1,
    "truncate": 0.1,
    "dribble": 0.1,
    "disconnect": 0.05,
}


@pytest.mark.parametrize("seed", range(20))
def test_no_trouble_but_garbled_digits_ever_gives_a_wrong_value(clock: Any, seed: int) -> None:
    wire, counter = make(clock, random_faults(seed, TROUBLES, {"delay": 0.7}), seed=seed)
    right = 0
    for k in range(300):
        try:
            assert wire.ask(b"%d?\n" % k, LINE, number, repeat=k % 2 == 0) == k
            right += 1
        except WireError:
            continue
    assert right > 120
    odd = [request for request in counter.heard if request[:-2].isdigit() and int(request[:-2]) % 2]
    assert len(odd) == len(set(odd))


def delayed(seed: int) -> Iterator[Fault | None]:
    """Delay replies of questions and of sync queries alike, by up to two deadlines in all."""
    chance = random.Random(seed)
    while True:
        yield Fault("delay", chance.uniform(0.3, 0.95)) if chance.random() < 0.3 else None


def naive(port: FaultyPort, request: bytes) -> int | None:
    """Ask as one does without a wire: write, read a line, None on silence."""
    port.write(request)
    buffer = bytearray()
    while (reply := LINE.take(buffer)) is None:
        if not (chunk := port.read(0.5)):
            return None
        buffer += chunk
    return int(reply[1:]) if reply[1:].isdigit() else None


@pytest.mark.parametrize("seed", range(5))
def test_late_replies_to_sync_queries_let_no_stale_answer_pass(clock: Any, seed: int) -> None:
    wire, _ = make(clock, delayed(seed))
    answers = []
    for k in range(400):
        try:
            answers.append((k, wire.ask(b"%d?\n" % k, LINE)))
        except WireError:
            continue
    assert len(answers) > 150
    assert [reply for _, reply in answers] == [b"n%d" % k for k, _ in answers]


def test_the_same_delays_do_deceive_who_has_no_wire(clock: Any) -> None:
    port = FaultyPort(TwinPort(Counter(), clock, "lane"), clock, delayed(0))
    answers = [(k, naive(port, b"%d?\n" % k)) for k in range(400)]
    assert sum(reply not in (None, k) for k, reply in answers) > 20


def test_a_sync_query_is_not_sent_again_while_one_is_on_its_way(clock: Any) -> None:
    wire, counter = make(clock, [Fault("drop"), Fault("delay", 0.8)])
    for _ in range(2):
        with pytest.raises(WireError):
            wire.ask(b"1?\n", LINE)
    assert wire.ask(b"2?\n", LINE) == b"n2"
    assert counter.heard.count(b"who\n") == 1


def test_what_was_told_after_a_sync_query_asks_for_another(clock: Any) -> None:
    wire, counter = make(clock, [Fault("drop"), Fault("delay", 0.8), None, None, None])
    for _ in range(2):
        with pytest.raises(WireError):
            wire.ask(b"1?\n", LINE)
    wire.tell(b"9?\n")
    assert wire.ask(b"2?\n", LINE) == b"n2"
    assert counter.heard.count(b"who\n") == 2


class Stream:
    """Says a line for every second that passed, whenever it is touched; answers `who`."""

    def __init__(self, clock: Any) -> None:
        self.clock, self.said = clock, 0

    def exchange(self, data: bytes) -> bytes:
        news = b"".join(b"%d\n" % second for second in range(self.said, int(self.clock.now())))
        self.said = int(self.clock.now())
        return news + (b"me\n" if data == b"who\n" else b"")


def test_what_comes_unasked_can_be_listened_to(clock: Any) -> None:
    wire = Wire(TwinPort(Stream(clock), clock, "lane"), clock, name="stream", lane="lane", sync=None)
    assert wire.listen() == b""
    clock.sleep(3.0)
    assert wire.listen() == b"0\n1\n2\n"
    assert wire.listen(0.5) == b""
    assert clock.now() == 3.5
    clock.sleep(1.0)
    wire.tell(b"who\n")
    assert wire.listen(0.5) == b"3\nme\n"
    assert clock.now() == 4.5


def test_listening_on_a_cable_that_was_pulled_says_so_and_may_be_repeated(clock: Any) -> None:
    port = FaultyPort(TwinPort(Stream(clock), clock, "lane"), clock, [Fault("disconnect")])
    wire = Wire(port, clock, name="stream", lane="lane", sync=None)
    clock.sleep(1.0)
    with pytest.raises(WireError):
        wire.listen()
    assert wire.listen() == b"0\n"
