"""A lamp's latched fault is known to every session that may use the lamp, whatever its data folder."""

import pytest
from typer.testing import CliRunner

import labctl
from devices.errors import InterlockError
from labctl.cli import app
from labctl.state import last_said, real_states, state_path


def opened(served, config, data):
    return labctl.open_session(str(served.bench), config=config, data=data, handle_signals=False)


def test_a_fault_of_a_served_lamp_is_found_with_another_data_folder_and_reset_with_a_third(
    serve, config, tmp_path, sample, recipe
):
    served = serve()
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    with opened(served, config, one) as lab:
        lab.lamp._fail(RuntimeError("the water ran out"))
    assert [each.latched for each in real_states(one) if each.device == "lamp"] == [
        "RuntimeError: the water ran out"
    ]
    with opened(served, config, two) as lab:
        assert "FAULT: RuntimeError: the water ran out" in repr(lab.lamp)
        with pytest.raises(InterlockError, match="the water ran out"):
            lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    arguments = ["reset", "lamp", "--bench", str(served.bench), "--config", str(config), "--data", str(three)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "was: lamp: FAULT" in done.output
    assert not any(each.latched for folder in (one, two, three) for each in real_states(folder))
    with opened(served, config, one) as lab:
        assert "FAULT" not in repr(lab.lamp)


def test_a_real_lamp_lies_with_the_machine_and_what_lay_in_the_data_folder_goes_along(
    open_lab, tmp_path, machine, monkeypatch
):
    """A bench of twins, said to be real: nothing else would answer here."""
    for module in ("labctl.session", "labctl.connecting"):
        monkeypatch.setattr(f"{module}.is_twin", lambda entry: False)
    monkeypatch.setattr("labctl.session.refuse_virtual_time_for_hardware", lambda bench: None)
    before = state_path(tmp_path / "one", "lamp", "twin", twin=False)
    from labctl.connecting import Devices

    monkeypatch.setattr(Devices, "_instruments", _with_twins(Devices._instruments))
    monkeypatch.setattr(Devices, "_locks", lambda self, name, entry: tmp_path / "locks")
    lab = open_lab(data=tmp_path / "one")
    lab.lamp._fail(RuntimeError("the water ran out"))
    lab.close()
    assert before.is_symlink()
    assert before.resolve() == (machine / "state" / "lamp.json").resolve()
    # As a version before this one left it.
    told = before.read_bytes()
    before.resolve().unlink()
    before.unlink()
    before.write_bytes(told)
    for data in ("one", "two"):
        lab = open_lab(data=tmp_path / data)
        assert "the water ran out" in repr(lab.lamp)
        lab.close()
    assert last_said(machine / "state" / "lamp.json").latched
    assert not state_path(tmp_path / "two", "potentiostat", "twin", twin=False).is_symlink()


def _with_twins(instruments):
    """Return how instruments are opened, for stations that are twins although they are said to be real."""
    from labctl.connecting import set_up_twins

    def opened(self, name, entry):
        set_up_twins(self.twins, name, entry, self.clock, self.boot)
        return instruments(self, name, entry)

    return opened
