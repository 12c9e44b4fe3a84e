"""Sessions: what opens, what is refused, what is said, and how it ends."""

import shutil
import threading
from pathlib import Path

import pytest

import labctl
from devices.errors import ConfigError, ConnectError, InterlockError, OwnershipError
from devices.roles import CycleJob
from labctl import Run

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def config(tmp_path):
    """Return a copy of the configuration that a test may change."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def edit(config, bench, *changes):
    path = config / "benches" / f"{bench}.toml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def test_devices_and_plans_are_there_by_name(lab):
    assert set(lab.devices) == {"lamp", "potentiostat"}
    assert lab.lamp is lab.devices["lamp"]
    assert {"anneal", "cycle", "anneal_then_cycle"} <= set(vars(lab.plans))


def test_a_second_session_on_one_bench_is_refused_and_told_who_has_it(lab):
    with pytest.raises(OwnershipError, match="pid"):
        labctl.open_session("twin", data=lab.data)


def test_an_unknown_bench_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(ConfigError, match="example-hardware"):
        labctl.open_session("twim", data=tmp_path)


def test_virtual_time_is_refused_as_soon_as_one_device_is_real(config, tmp_path):
    dead = 'driver = "squidstat"\naddress = "socket://127.0.0.1:9"'
    edit(config, "twin", ('driver = "squidstat"\naddress = "twin"', dead))
    with pytest.raises(ConfigError, match="virtual"):
        labctl.open_session("twin", config=config, data=tmp_path / "data")


def test_every_device_that_does_not_answer_is_named_in_one_tree(config, tmp_path):
    # Ports nobody listens on: 9 (discard) and 10 of this machine.
    text = (config / "benches" / "example-hardware.toml").read_text()
    for number, line in enumerate([each for each in text.splitlines() if each.startswith("address")]):
        text = text.replace(line, f'address = "socket://127.0.0.1:{9 + number}"')
    (config / "benches" / "example-hardware.toml").write_text(text)
    with pytest.raises(ConnectError) as failed:
        labctl.open_session("example-hardware", config=config, data=tmp_path / "data")
    assert set(failed.value.failures) == {"lamp", "potentiostat"}


def test_the_rest_is_opened_when_asked_and_twins_mix_with_hardware(config, tmp_path, sample):
    dead = 'driver = "squidstat"\naddress = "socket://127.0.0.1:9"'
    edit(
        config,
        "twin",
        ('driver = "squidstat"\naddress = "twin"', dead),
        ('kind = "virtual"\npace = "none"', 'kind = "wall"'),
    )
    with labctl.open_session(
        "twin", config=config, data=tmp_path / "data", start_with_the_rest=True, handle_signals=False
    ) as lab:
        assert set(lab.devices) == {"lamp"}
        assert set(lab.missing) == {"potentiostat"}
        assert lab.lamp.charger.voltage.get() == 0.0


def test_any_ophyd_class_can_join_from_a_bench_file_and_is_read_in_the_baseline(
    config, tmp_path, sample, recipe
):
    path = config / "benches" / "twin.toml"
    extra = '\n[devices.stage]\nclass = "ophyd.sim.SynAxis"\ntwin = true\n'
    path.write_text(path.read_text() + extra)
    with labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab:
        (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        baseline = Run(uid, lab.data).table("baseline")
    assert len(baseline["stage"]) == 2


def test_a_baseline_is_read_before_and_after_each_run(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    baseline = run.table("baseline")
    assert len(run.times("baseline")) == 2
    assert {"lamp_charger_voltage", "lamp_gate_width"} <= set(baseline)
    assert not any("." in key or "/" in key for key in baseline)


def test_closing_makes_the_lamp_safe_and_leaves_the_cell_as_the_table_of_endings_says(
    open_lab, sample, recipe, program
):
    lab = open_lab()
    lab.RE(lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program))
    lab.wait(lab.potentiostat.prepare(CycleJob(sample, program)))
    lab.wait(lab.potentiostat.kickoff())
    lab.lamp.charger.program(300.0)
    lamp, potentiostat = lab.twins.station("lamp"), lab.twins.station("potentiostat")
    lab.close()
    assert not lamp.charger.high_voltage_on
    assert potentiostat.squidstat.busy(0)


def test_devices_are_closed_in_the_reverse_order_of_opening(open_lab, monkeypatch):
    lab = open_lab()
    order = []
    for name, device in lab.devices.items():
        monkeypatch.setattr(type(device), "close", lambda self: order.append(self.name))
        del name
    lab._ending.callback(order.append, "first")
    lab.close()
    assert order[0] == "first"


def test_closing_twice_and_safe_twice_do_no_harm(open_lab):
    lab = open_lab()
    lab.safe()
    lab.safe()
    lab.close()
    lab.close()


def test_no_thread_outlives_its_session(open_lab, tmp_path):
    open_lab(data=tmp_path / "first").close()
    before = threading.active_count()
    for number in range(3):
        open_lab(data=tmp_path / str(number)).close()
    assert threading.active_count() == before


def test_a_foil_keeps_its_history_from_session_to_session(open_lab, sample, recipe):
    lab = open_lab()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    share = lab.twins.foil(sample.id).annealed().mean
    lab.close()
    again = open_lab()
    with pytest.raises(InterlockError, match="no cell yet"):
        again.RE(again.plans.cycle(again.potentiostat, sample, _program(sample)))
    assert again.twins.foil(sample.id).annealed().mean == pytest.approx(share, abs=1e-6)


def _program(sample):
    from devices.techniques import RateTest

    return RateTest("p", (5.0,), 3.0, 4.25, 1).program(sample.area)


def test_facts_of_hands_are_kept(lab, sample, recipe):
    from labctl.facts import Facts

    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    (fact,) = Facts(lab.data).of(sample.id)
    assert (fact["fact"], fact["place"], fact["by"]) == ("brought", "lamp", "twin bench")


def test_idle_and_paused_time_stands_still_with_a_charged_lamp(lab):
    lab.lamp.charger.program(300.0)
    before = lab.clock.now()
    threading.Event().wait(0.2)
    assert lab.clock.now() == before
