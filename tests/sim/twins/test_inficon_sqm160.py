"""The thickness monitor's twin: film by Z-match, noise of a measurement, a crystal that fails and one that dies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.twins.inficon_sqm160 import (
    FREQUENCY_CONSTANT,
    QUARTZ_DENSITY,
    UNCOATED,
    InficonSQM160Twin,
    film_thickness,
)
from tests.sim.twins.vacuum_parts import Crystal

LCO = 5050.0


def packet(text):
    content = bytes([len(text) + 34]) + text.encode()
    crc = 0x3FFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc, fell = crc >> 1, crc & 1
            crc ^= 0x2001 * fell
    return b"!" + content + bytes([crc % 128 + 34, crc // 128 + 34])


class Growth:
    """A crystal under a film that grows at a rate [m/s]; frequency by the inverse of the Z-match, here for Z = 1."""

    def __init__(self, rate=5e-11, noise=0.0, seed=0):
        self.crystal = Crystal(UNCOATED)
        self.twin = InficonSQM160Twin(self.crystal, np.random.default_rng(seed), noise=noise)
        self.rate, self.now = rate, 0.0
        self.ask("A1LCO      5.05 100 1.000 0.500 0.000 0 1")

    def frequency(self, film):
        # For Z = 1 the film is more quartz: f = fq / (1 + film mass / quartz mass).
        return UNCOATED / (1.0 + film * LCO * UNCOATED / (FREQUENCY_CONSTANT * QUARTZ_DENSITY))

    def go(self, until, step=1.0):
        while self.now < until - 1e-9:
            self.now = min(self.now + step, until)
            self.crystal.hertz = self.frequency(self.rate * self.now)
            self.twin.advance(self.now)

    def ask(self, text):
        self.twin.advance(self.now)
        reply = self.twin.receive(packet(text), self.now)
        assert reply[2:3] == b"A", reply
        return reply[3:-2].decode()

    def reading(self):
        """Return rate, thickness in angstrom and frequency."""
        return [float(each) for each in self.ask("W").split()[1:4]]


def test_the_manuals_frequency_is_answered_as_the_manual_has_it():
    """Bytes both ways as PyMeasure's tests have them from the manual."""
    twin = InficonSQM160Twin(Crystal(5875830.23), np.random.default_rng(0), noise=0.0)
    twin.advance(1.0)
    assert twin.receive(b"!$P1Z\x91", 1.0) == b"!/A5875830.230:X"


def test_the_sauerbrey_limit_and_the_manuals_hertz():
    """0.0243 nm per Hz at 5.05 g/cm3."""
    assert film_thickness(UNCOATED - 1.0, LCO, 0.6) == pytest.approx(0.0243e-9, rel=1e-3, abs=0.0)


def test_with_the_impedance_of_quartz_the_match_is_exact():
    growth = Growth()
    for film in (1e-9, 0.7e-6, 3.3e-6, 20e-6):
        assert film_thickness(growth.frequency(film), LCO, 1.0) == pytest.approx(film, rel=1e-9, abs=0.0)


def test_a_wrong_ratio_costs_a_permille_at_3_um_and_three_per_cent_at_20_um():
    growth = Growth()
    for film, wrong in ((3.3e-6, 1e-3), (20e-6, 0.029)):
        frequency = growth.frequency(film)
        off = abs(film_thickness(frequency, LCO, 0.6) / film_thickness(frequency, LCO, 1.0) - 1.0)
        assert off == pytest.approx(wrong, rel=0.3)


def test_it_shows_film_since_zero_and_rate():
    growth = Growth()
    growth.go(100.0)
    growth.ask("S")
    assert growth.reading()[1] == 0.0
    growth.go(300.0)
    rate, thickness, frequency = growth.reading()
    assert thickness == pytest.approx(100.0, rel=1e-3)
    assert rate == pytest.approx(0.5, abs=0.006)
    assert frequency == pytest.approx(growth.crystal.hertz, abs=0.001)


def test_the_first_measurement_is_zero():
    growth = Growth()
    assert growth.reading()[:2] == [0.0, 0.0]


def test_tooling_and_density_are_what_was_set_also_for_what_lies_there():
    growth = Growth()
    growth.go(200.0)
    assert growth.reading()[1] == pytest.approx(100.0, rel=1e-3)
    growth.ask("A1LCO      5.05 150 1.000 0.500 0.000 0 1")
    assert growth.reading()[1] == pytest.approx(150.0, rel=1e-3)
    growth.ask("A1LCO      2.52 100 1.000 0.500 0.000 0 1")
    assert growth.reading()[1] == pytest.approx(100.0 * 5.05 / 2.52, rel=2e-3)
    growth.ask("A7LIPON    2.40 100 1.000 0.500 0.000 0 1")
    growth.ask("D7")
    assert growth.reading()[1] == pytest.approx(100.0 * 5.05 / 2.40, rel=2e-3)


def test_the_noise_is_that_of_a_measurement_and_looking_changes_nothing():
    once, often = Growth(noise=0.05), Growth(noise=0.05)
    for _ in range(500):
        often.go(often.now + 1.0)
        assert often.reading() == often.reading()
    once.go(500.0)
    assert once.reading() == often.reading()


def test_its_noise_in_the_rate_is_a_few_per_cent():
    """0.05 Hz rms, seven seconds apart, 0.0243 nm/Hz: 2.5e-13 m/s rms of 5e-11."""
    growth = Growth(noise=0.05)
    growth.ask("B 1.00 0 0 1 8 100 100 100 100 100 100")
    rates = []
    for _ in range(400):
        growth.go(growth.now + 8.0)
        rates.append(growth.reading()[0])
    expected = 0.05 * math.sqrt(2.0) / 7.0 * 0.243
    assert np.std(rates) == pytest.approx(expected, rel=0.2)
    assert np.mean(rates) == pytest.approx(0.5, rel=0.01)


def test_a_jump_over_a_night_measures_only_what_the_filter_holds():
    growth = Growth(noise=0.05)
    growth.go(10.0)
    growth.go(40_000.0, step=39_990.0)
    rate, thickness, _ = growth.reading()
    assert thickness == pytest.approx(20_000.0, rel=1e-3)
    assert rate == pytest.approx(0.5, abs=0.03)


def test_life_is_what_is_left_of_the_range():
    growth = Growth()
    growth.go(3.3e-6 / growth.rate, step=1000.0)
    assert growth.ask("R1") == str(round((growth.crystal.hertz - 5e6) / 1e4))
    assert float(growth.ask("R1")) == pytest.approx(87, abs=1)


def test_a_failing_crystal_reads_too_little_and_its_rate_jumps():
    """At 3 nm/min a film is 2.06 Hz/s; the drift takes a quarter of it, as the film that was 132.9 nm for 100."""
    growth = Growth(noise=0.05)
    growth.go(100.0)
    growth.ask("S")
    growth.twin.fail_crystal(growth.now)
    rates = []
    for _ in range(2000):
        growth.go(growth.now + 1.0)
        rates.append(growth.reading()[0])
    assert growth.reading()[1] == pytest.approx(1000.0 * 0.757, rel=0.02)
    assert np.std(rates) > 0.2


@pytest.mark.parametrize("who", ["the crystal", "a fault"])
def test_a_dead_crystal_shows_no_frequency_and_keeps_its_last_thickness(who):
    growth = Growth()
    growth.go(200.0)
    if who == "a fault":
        growth.twin.kill_crystal(growth.now)
    else:
        growth.crystal.lives = False
    growth.go(210.0)
    rate, thickness, frequency = growth.reading()
    assert (rate, frequency) == (0.0, 0.0)
    assert thickness == pytest.approx(100.0, rel=1e-2)
    growth.twin.replace_crystal(growth.now)
    growth.crystal.lives = True
    growth.go(220.0)
    assert growth.reading()[2] > 5.9e6


def test_in_nanometres_it_shows_a_tenth():
    growth = Growth()
    growth.go(200.0)
    growth.ask("B 1.00 0 1 0 8 100 100 100 100 100 100")
    assert growth.reading()[1] == pytest.approx(10.0, rel=1e-3)


def test_the_power_up_flag_is_told_once():
    growth = Growth()
    assert [growth.ask("Y"), growth.ask("Y")] == ["1", "0"]
    growth.twin.power_up(0.0)
    assert growth.ask("Y") == "1"
