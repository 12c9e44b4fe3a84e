"""Twins that stand together are advanced once to an instant, and act in order of time."""

from sim.sputter.together import Together


class Clockwork:
    def __init__(self, due=None):
        self.due, self.log, self.advanced, self.fired = due, [], [], []

    def advance(self, now):
        self.advanced.append(now)

    def next_event(self):
        return self.due

    def fire_event(self, now):
        self.fired.append(now)
        self.due = None


def test_each_is_advanced_once_and_the_first_due_one_acts():
    still, early, late = Clockwork(), Clockwork(1.0), Clockwork(2.0)
    together = Together((still, early, late), (late, early))
    together.advance(0.5)
    together.advance(0.5)
    assert still.advanced == [0.5]
    assert together.next_event() == 1.0
    together.fire_event(1.0)
    assert early.fired == [1.0]
    assert together.next_event() == 2.0
    together.fire_event(2.0)
    assert late.fired == [2.0]
    assert together.next_event() is None
    together.fire_event(3.0)
