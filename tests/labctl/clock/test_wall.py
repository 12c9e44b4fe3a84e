"""Wall time: one thread per lane, deadlines that are kept, threads that end."""

import threading
import time

import pytest

from labctl.clock.wall import WallClock


@pytest.fixture
def clock():
    made = WallClock()
    yield made
    made.close()


def test_lanes_run_side_by_side(clock):
    """A lane stuck in a slow transaction must not hold up another's keep-alive."""
    seen = []
    release = threading.Event()

    def stuck():
        release.wait(5)
        yield 0.0

    def alive():
        for _ in range(5):
            seen.append(clock.now())
            yield 0.01
        release.set()

    clock.spawn("stuck", stuck(), pytest.fail)
    clock.spawn("alive", alive(), pytest.fail)
    assert release.wait(3)
    assert len(seen) == 5


def test_steps_of_one_lane_never_overlap(clock):
    inside, overlaps, done = [0], [], threading.Event()

    def poller(rounds):
        for _ in range(rounds):
            inside[0] += 1
            if inside[0] > 1:
                overlaps.append(inside[0])
            time.sleep(0.001)
            inside[0] -= 1
            yield 0.0
        done.set()

    clock.spawn("one", poller(20), pytest.fail)
    clock.spawn("one", poller(25), pytest.fail)
    assert done.wait(5)
    assert not overlaps


def test_a_status_fails_after_its_deadline(clock):
    failed = threading.Event()
    status = clock.status("x", 0.05)
    status.add_callback(lambda _: failed.set())
    assert failed.wait(3)
    assert isinstance(status.exception(timeout=0), TimeoutError)


def test_closing_ends_every_lane_and_wakes_sleepers():
    before = threading.active_count()
    clock = WallClock()
    clock.spawn("a", (0.01 for _ in range(10**9)), pytest.fail)
    clock.after(100.0, lambda: None, "late")
    sleeper = threading.Thread(target=clock.sleep, args=(100.0,))
    sleeper.start()
    clock.close()
    sleeper.join(3)
    assert not sleeper.is_alive()
    assert threading.active_count() == before


def test_a_poller_whose_owner_fails_leaves_its_lane_alive(clock):
    def failing():
        yield 0.0
        raise RuntimeError("broken")

    def owner(error):
        raise ValueError("and so is its owner")

    alive = threading.Event()

    def next_one():
        yield 0.05
        alive.set()

    clock.spawn("one", failing(), owner)
    clock.spawn("one", next_one(), pytest.fail)
    assert alive.wait(3)
