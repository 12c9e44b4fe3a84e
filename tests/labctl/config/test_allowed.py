"""The lab's limits are held against files before any device is opened."""

import pytest

from devices.errors import ConfigError
from labctl.config.check import check
from labctl.config.folder import Config

EXPERIMENT = """
schema = 1
plan = "anneal_then_cycle"
sample = "lco-0.7um"
program = "rates-0.7um"
[recipe]
voltage = "{voltage}"
pulse_duration = "1.8 ms"
pulse_count = {count}
rate = "0.4 Hz"
"""


def write(tmp_path, text, name="night.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_recipe_beyond_the_labs_limits_is_a_mistake_with_key_and_limit(tmp_path):
    path = write(tmp_path, EXPERIMENT.format(voltage="990 V", count=1000))
    found = {mistake.key: mistake for mistake in check([path])}
    assert set(found) == {"recipe.voltage", "recipe.pulse_count"}
    assert found["recipe.voltage"].value == "990 V"
    assert "950 V at the most (limits.toml, lamp.bank_voltage)" in found["recipe.voltage"].allowed


def test_a_session_for_it_is_refused_before_it_is_opened(tmp_path):
    path = write(tmp_path, EXPERIMENT.format(voltage="990 V", count=10))
    with pytest.raises(ConfigError, match="bank_voltage"):
        Config().select("twin", [path])


def test_a_program_beyond_the_channel_is_a_mistake(tmp_path):
    text = EXPERIMENT.format(voltage="850 V", count=10).replace('program = "rates-0.7um"\n', "")
    program = """
[program]
macro = "rate_test"
rates = ["900 mA/cm^2"]
lower = "3.0 V"
upper = "5.48 V"
cycles = 1
"""
    keys = {mistake.key for mistake in check([write(tmp_path, text + program)])}
    assert keys == {"program.limits.voltage_max", "program.limits.current_max"}


def test_what_is_within_the_limits_is_no_mistake(tmp_path):
    assert check([write(tmp_path, EXPERIMENT.format(voltage="950 V", count=500))]) == []
