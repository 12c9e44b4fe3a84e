"""Fault scripts: what may stand in one, and when each fault strikes."""

import pytest

from devices.errors import ConfigError
from labctl.serving.faults import FaultPlayer, FaultScript, PlannedFault, read_faults

PARTS = ("lamp.charger", "lamp.gate", "lamp.meter")


def player(*faults, seed=0):
    return FaultPlayer(FaultScript(seed, tuple(PlannedFault(**fault) for fault in faults)))


def strikes(played, part, count, now=0.0):
    """Return the numbers of the exchanges that something befalls."""
    return [number for number in range(1, count + 1) if played.befalls(part, now)]


def test_a_script_is_read_with_its_units(tmp_path):
    path = tmp_path / "faults.toml"
    path.write_text(
        'schema = 1\nseed = 7\n[[fault]]\npart = "lamp.charger"\ntrouble = "delay"\nlasts = "800 ms"\nexchange = 12\n'
        '[[fault]]\npart = "lamp.gate"\ntrouble = "swap"\nother = "lamp.meter"\ntime = "5 s"\nlasts = "2 s"\n'
    )
    script = read_faults(path, PARTS)
    assert script.seed == 7
    assert script.fault[0].lasts == pytest.approx(0.8)
    assert script.fault[1].time == 5.0


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('part = "lamp.charge"\ntrouble = "drop"\nexchange = 1', 'did you mean "lamp.charger"'),
        ('part = "lamp.charger"\ntrouble = "drop"', "one of time, exchange and probability"),
        ('part = "lamp.charger"\ntrouble = "drop"\nexchange = 1\ntime = "1 s"', "one of time, exchange"),
        ('part = "lamp.charger"\ntrouble = "delay"\nexchange = 1', "give lasts"),
        ('part = "lamp.charger"\ntrouble = "swap"\nexchange = 1', "other is the second wire"),
        ('part = "lamp.charger"\ntrouble = "swap"\nexchange = 1\nother = "lamp.charger"', "with itself"),
        ('part = "lamp.charger"\ntrouble = "explode"\nexchange = 1', "must be"),
        ('part = "lamp.charger"\ntrouble = "drop"\nprobability = "2"', "must be"),
        ('part = "lamp.charger"\ntrouble = "delay"\nlasts = 3\nexchange = 1', "lasts"),
    ],
)
def test_a_wrong_script_is_refused_in_words(tmp_path, line, word):
    path = tmp_path / "faults.toml"
    path.write_text(f"schema = 1\n[[fault]]\n{line}\n")
    with pytest.raises(ConfigError, match=word):
        read_faults(path, PARTS)


def test_a_fault_strikes_at_its_exchange_of_its_wire_and_as_often_as_it_says():
    drop = {"part": "lamp.charger", "trouble": "drop", "exchange": 3, "times": 2}
    assert strikes(player(drop), "lamp.charger", 10) == [3, 4]
    assert strikes(player(drop), "lamp.gate", 10) == []


def test_a_fault_at_a_time_strikes_the_first_exchange_after_it():
    played = player({"part": "lamp.charger", "trouble": "drop", "time": 2.0})
    assert strikes(played, "lamp.charger", 5, now=1.9) == []
    assert strikes(played, "lamp.charger", 5, now=2.1) == [1]


def test_a_mishap_at_a_time_needs_no_exchange_and_comes_once():
    played = player({"part": "lamp.charger", "trouble": "power_cycle", "time": 2.0})
    assert played.next_mishap() == 2.0
    assert played.mishaps(1.9) == []
    assert [fault.trouble for fault in played.mishaps(2.0)] == ["power_cycle"]
    assert played.mishaps(3.0) == []
    assert played.next_mishap() is None


def test_faults_by_chance_are_as_often_as_they_say_and_the_same_for_the_same_seed():
    drop = {"part": "lamp.charger", "trouble": "drop", "probability": 0.1}
    first, again, other = (strikes(player(drop, seed=seed), "lamp.charger", 2000) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == pytest.approx(200, abs=60)
