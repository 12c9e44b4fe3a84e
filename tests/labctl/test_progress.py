"""What is said beside the bar: the last pulse's energy and base temperature, as far as they were measured."""

import io
import math

from labctl.progress import RunProgress, Voice, of_pulse


def test_a_pulse_is_told_by_what_was_measured_of_it():
    assert (
        of_pulse({"pulse_energy": [16.4, 16.518], "base_temperature": [25.0, 184.6]}) == "16.52 J, 185 degC"
    )
    assert of_pulse({"pulse_energy": [16.4, math.nan]}) == ""
    assert of_pulse({"pulse_energy": [], "voltage": [4.0]}) == ""


def test_the_bar_counts_pulses_and_says_the_last_one(lab, sample, recipe):
    screen = io.StringIO()
    with RunProgress(Voice(file=screen, force_terminal=True, width=160)) as progress:
        lab.RE.subscribe(progress)
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    shown = screen.getvalue()
    assert "6/6" in shown
    assert "16." in shown
    assert " J" in shown
