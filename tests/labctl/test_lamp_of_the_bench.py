"""What a bench file and limits.toml say of one lamp reaches its station, its twin and the belief alike."""

import shutil

import pytest

import labctl
from devices.errors import LimitError
from labctl.config.finder import config_dir
from labctl.runs.run import Run


@pytest.fixture
def open_with(tmp_path):
    """Open a session on the twin bench after changes of (file, before, after) in the configuration."""
    opened = []

    def open_(*changes):
        folder = tmp_path / f"config-{len(opened)}"
        shutil.copytree(config_dir(), folder)
        for name, before, after in changes:
            path = folder / f"{name}.toml"
            text = path.read_text()
            assert before in text
            path.write_text(text.replace(before, after, 1))
        data = tmp_path / f"data-{len(opened)}"
        opened.append(labctl.open_session("twin", config=folder, data=data, handle_signals=False))
        return opened[-1]

    yield open_
    for lab in opened:
        lab.close()


def annealed(lab, sample, recipe):
    """Return the peaks [K] that were predicted and that happened."""
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    predicted = Run(uid, lab.data).start["prediction"]["values"]["surface_peak"]
    return predicted, lab.twins.foil(sample.id).annealed().surface_peak


def test_a_lamp_of_less_light_is_believed_and_simulated_so(open_with, sample, recipe):
    dimmer = ("benches/twin", 'efficiency = "0.49213"', 'efficiency = "0.45"')
    predicted, happened = annealed(open_with(dimmer), sample, recipe)
    plainly, _ = annealed(open_with(), sample, recipe)
    assert predicted == pytest.approx(happened, abs=3)
    assert predicted < plainly - 20


def test_a_limit_of_one_lamp_is_its_stations(open_with, sample, recipe):
    own = ("limits", "[potentiostat]", '[lamps.lamp]\nbank_voltage = "800 V"\n\n[potentiostat]')
    lab = open_with(own)
    with pytest.raises(LimitError, match=r"lamps\.lamp\.bank_voltage"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))


def test_the_world_may_be_another_than_is_believed(open_with, sample, recipe):
    """Twins in set S2, on a hanging foil; belief in S1, on a chuck."""
    other = ("benches/twin", "[world]", '[world]\nmodel = "S2"\nmount = "hanging"')
    predicted, happened = annealed(open_with(other), sample, recipe)
    assert happened > predicted + 10
