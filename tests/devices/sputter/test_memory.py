"""What a chamber remembers of its targets."""

import math

from devices.sputter.memory import MOST_POSITIONS, ChamberMemory


def test_a_bias_outlives_the_session_and_not_its_target():
    memory, later = ChamberMemory("sputter"), ChamberMemory("sputter")
    memory.learnt_bias("gun1", 21.0, 5e6)
    later.recalled({"kept": memory.told()}, died=False)
    assert later.bias("gun1", 5.5e6) == 21.0
    assert math.isnan(later.bias("gun1", 1e6))
    assert math.isnan(later.bias("gun2", 5.5e6))
    later.forget_bias("gun1")
    assert math.isnan(later.bias("gun1", 5.5e6))


def test_only_so_many_biases_are_kept():
    memory = ChamberMemory("sputter")
    for number in range(MOST_POSITIONS + 5):
        memory.learnt_bias(str(number), 21.0, 0.0)
    assert list(memory.biases) == [str(number) for number in range(5, MOST_POSITIONS + 5)]
