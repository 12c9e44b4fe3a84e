"""Virtual time: who may move it, by how much, and what runs meanwhile."""

import asyncio
import gc
import sys
import threading
import time

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import FailedStatus, Msg, RunEngineInterrupted

from labctl.clock.virtual import VirtualClock
from labctl.engine import LabEngine


@pytest.fixture
def clock():
    made = VirtualClock()
    yield made
    made.close()


@pytest.fixture
def engine(clock):
    return LabEngine(clock, context_managers=[])


def ticking(clock, seen, name, period):
    while True:
        seen.append((name, clock.now()))
        yield period


def test_idle_and_paused_time_stands_still(clock, engine):
    seen = []
    clock.spawn("a", ticking(clock, seen, "a", 1.0), pytest.fail)
    before = clock.now()
    time.sleep(0.2)
    assert clock.now() == before

    def plan():
        yield from bps.sleep(10)
        yield Msg("checkpoint")
        yield Msg("pause", None, defer=False)
        yield from bps.sleep(10)

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    paused_at = clock.now()
    time.sleep(0.2)
    assert clock.now() == paused_at
    engine.abort("enough")


def test_abort_in_a_pause_lets_no_time_pass_before_the_finalizer(clock, engine):
    clock.spawn("a", ticking(clock, [], "a", 1.0), pytest.fail)
    moments = []

    def plan():
        try:
            yield from bps.sleep(33)
            yield Msg("checkpoint")
            yield Msg("pause", None, defer=False)
            yield from bps.sleep(10)
        finally:
            moments.append(clock.now())
            yield from bps.sleep(30)
            moments.append(clock.now())

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    paused_at = clock.now()
    engine.abort("enough")
    assert moments[0] == paused_at
    assert moments[1] - moments[0] == pytest.approx(30, abs=1e-6)


def test_a_foreground_sleep_takes_exactly_as_long_as_asked(clock):
    clock.spawn("a", ticking(clock, [], "a", 7.0), pytest.fail)
    clock.sleep(3600)
    assert clock.now() == 3600.0


def test_two_pollers_run_at_their_own_instants_in_time_order(clock):
    seen = []
    clock.spawn("a", ticking(clock, seen, "a", 10.0), pytest.fail)
    clock.spawn("b", ticking(clock, seen, "b", 7.0), pytest.fail)
    clock.sleep(25)
    assert sorted(seen, key=lambda each: each[1]) == seen
    assert [at for name, at in seen if name == "a"] == [0, 10, 20]
    assert [at for name, at in seen if name == "b"] == [0, 7, 14, 21]


def test_a_sleep_on_one_lane_lets_the_others_run_and_never_its_own(clock):
    seen = []

    def slow():
        yield 1.0
        began = clock.now()
        clock.sleep(5.0, "slow")
        seen.append(("slow", began, clock.now()))

    clock.spawn("slow", slow(), pytest.fail)
    clock.spawn("slow", ticking(clock, seen, "same lane", 1.0), pytest.fail)
    clock.spawn("other", ticking(clock, seen, "other", 1.0), pytest.fail)
    clock.sleep(7)
    began, ended = next(each[1:] for each in seen if each[0] == "slow")
    assert (began, ended) == (1.0, 6.0)
    during = [each for each in seen if len(each) == 2 and began < each[1] < ended]
    assert [each for each in during if each[0] == "other"] == [("other", t) for t in (2.0, 3.0, 4.0, 5.0)]
    assert not [each for each in during if each[0] == "same lane"]


def test_a_status_fails_at_exactly_its_deadline(clock, engine):
    status = clock.status("the kettle", 1800.0)
    done_at = []
    status.add_callback(lambda _: done_at.append(clock.now()))
    clock.sleep(4000)
    assert done_at == [1800.0]
    assert isinstance(status.exception(timeout=0), TimeoutError)
    assert "the kettle" in str(status.exception(timeout=0))


def test_a_finished_status_never_fails_later(clock):
    status = clock.status("quick", 10.0)
    clock.after(5.0, status.set_finished, "finish")
    clock.sleep(100)
    assert status.success


def test_an_exception_in_a_poller_reaches_its_owner_and_ends_the_poller_only(clock):
    heard = []

    def failing():
        yield 1.0
        raise RuntimeError("broken")

    seen = []
    clock.spawn("bad", failing(), heard.append)
    clock.spawn("good", ticking(clock, seen, "good", 1.0), pytest.fail)
    clock.sleep(5.5)
    assert [str(error) for error in heard] == ["broken"]
    assert len(seen) == 6


def test_a_failed_status_fails_the_plan_that_waits_for_it(clock, engine):
    class Kettle:
        name, parent = "kettle", None

        def set(self, value):
            return clock.status("kettle", 60.0)

    with pytest.raises(FailedStatus) as failed:
        engine(bps.abs_set(Kettle(), 1, wait=True))
    assert isinstance(failed.value.__cause__, TimeoutError)
    assert clock.now() == pytest.approx(60.0, abs=1e-6)


def test_a_cancelled_action_never_happens(clock):
    happened = []
    handle = clock.after(5.0, lambda: happened.append(1), "x")
    handle.cancel()
    clock.sleep(10)
    assert not happened


def test_calls_from_other_threads_run_on_the_loop_thread_and_bring_back_results_and_errors(clock):
    names = []

    def action():
        names.append(threading.current_thread().name)
        return 7

    assert clock.call(action) == 7
    assert names == [clock._thread.name]
    with pytest.raises(ZeroDivisionError):
        clock.call(lambda: 1 / 0)


def test_plan_sleeps_take_bench_time_and_no_wall_time(clock, engine):
    began = time.monotonic()
    engine(bps.sleep(3600))
    assert time.monotonic() - began < 5
    assert clock.now() == pytest.approx(3600, abs=1e-6)


def test_paced_time_waits_for_the_wall():
    clock = VirtualClock(pace=60)
    try:
        began = time.monotonic()
        clock.sleep(12)
        assert clock.now() >= 12
        assert 0.15 < time.monotonic() - began < 5
    finally:
        clock.close()


def test_paced_time_goes_on_while_idle():
    clock = VirtualClock(pace=60)
    seen = []
    try:
        clock.spawn("a", ticking(clock, seen, "a", 6.0), pytest.fail)
        deadline = time.monotonic() + 5
        while len(seen) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        instants = [at for _, at in seen][:3]
        assert instants == pytest.approx([instants[0] + each for each in (0, 6, 12)])
    finally:
        clock.close()


def test_closing_leaves_no_thread_behind():
    before = threading.active_count()
    for _ in range(5):
        clock = VirtualClock()
        LabEngine(clock, context_managers=[])
        clock.sleep(1)
        clock.close()
    assert threading.active_count() == before


def test_a_negative_delay_is_refused(clock):
    with pytest.raises(ValueError, match="delay"):
        clock.after(-1.0, lambda: None, "x")
    with pytest.raises(ValueError, match="delay"):
        clock.after(float("nan"), lambda: None, "x")


def test_a_delay_below_the_clocks_resolution_still_lets_time_pass(clock):
    """A poller that waits for an instant between two nanoseconds must not spin for ever."""
    reached = []

    def poller():
        due = 2.5000000004
        while clock.now() < due:
            yield due - clock.now()
        reached.append(clock.now())

    clock.spawn("a", poller(), pytest.fail)
    clock.sleep(3)
    assert reached == [pytest.approx(2.5, abs=1e-8)]


def test_what_is_due_at_an_instant_comes_before_the_engines_own_timers(clock, engine):
    """A page border at the instant of a row would else depend on who else is looking then."""
    seen = []
    for name in ("a", "b", "c"):
        clock.spawn(name, ticking(clock, seen, name, 2.5), pytest.fail)

    def plan():
        for _ in range(3):
            yield from bps.sleep(5.0)
            seen.append(("plan", clock.now()))

    engine(plan())
    order = [name for name, at in seen if 4.9 < at < 5.1]
    assert order == ["a", "b", "c", "plan"]


def test_paced_time_goes_on_while_nothing_is_due():
    clock = VirtualClock(pace=60)
    try:
        before = clock.now()
        threading.Event().wait(0.1)
        after = clock.now()
        assert 5 < after - before < 300
        assert clock.call(clock.now) >= after
    finally:
        clock.close()


def test_a_deadline_set_after_a_long_idle_while_counts_from_now():
    clock = VirtualClock(pace=60)
    try:
        threading.Event().wait(0.1)
        began = clock.now()
        expired = []
        clock.status("x", 6.0).add_callback(lambda status: expired.append(clock.now()))
        clock.sleep(12.0)
        assert expired == [pytest.approx(began + 6.0, abs=0.5)]
    finally:
        clock.close()


def test_a_poller_whose_owner_fails_harms_nobody_else(clock):
    def failing():
        yield 1.0
        raise RuntimeError("broken")

    def owner(error):
        raise ValueError("and so is its owner")

    seen = []

    def sleeping():
        yield 0.5
        clock.sleep(1.0, "sleeping")
        seen.append(clock.now())

    clock.spawn("sleeping", sleeping(), pytest.fail)
    clock.spawn("bad", failing(), owner)
    clock.sleep(3.0)
    assert seen == [1.5]


@pytest.mark.parametrize("delay", [-1.0, float("nan")])
def test_a_poller_that_yields_no_delay_fails_its_owner(clock, delay):
    heard = []
    clock.spawn("a", (each for each in (1.0, delay)), heard.append)
    clock.sleep(3.0)
    assert [type(error) for error in heard] == [ValueError]


MAKING = [(asyncio.BaseEventLoop, "set_debug"), (asyncio.SelectorEventLoop, "_make_self_pipe")]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize(("part", "step"), MAKING)
def test_a_signal_while_its_loop_is_made_is_all_that_is_told(monkeypatch, part, step):
    def pressed(*_):
        raise KeyboardInterrupt

    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(part, step, pressed)
    with pytest.raises(KeyboardInterrupt):
        VirtualClock()
    gc.collect()
    assert told == []
