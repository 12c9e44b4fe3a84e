"""A quick experiment on the shipped twin bench."""

import pytest

import labctl
from labctl.config.folder import Config

EXPERIMENT = """schema = 1
plan = "anneal_then_cycle"
sample = "lco-0.7um"

[recipe]
voltage = "{voltage} V"
pulse_duration = "{milliseconds} ms"
pulse_count = {pulses}
rate = "0.4 Hz"

[program]
macro = "rate_test"
rates = ["500 uA/cm^2"]
lower = "3.0 V"
upper = "4.25 V"
cycles = 1

[program.record]
interval = "60 s"
"""


@pytest.fixture
def asked(tmp_path):
    """Return asked(pulses, bench, voltage, milliseconds), which is what such an experiment is made of."""

    def asked_(pulses=6, bench="twin", voltage=850, milliseconds=1.8):
        path = tmp_path / "quick.toml"
        path.write_text(EXPERIMENT.format(pulses=pulses, voltage=voltage, milliseconds=milliseconds))
        return Config().select(bench, [path])

    return asked_


@pytest.fixture
def lab(tmp_path):
    with labctl.open_session("twin", data=tmp_path / "data", handle_signals=False) as session:
        yield session
