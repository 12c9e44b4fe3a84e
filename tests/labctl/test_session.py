"""Sessions: what opens, what is refused, what is said, and how it ends."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import labctl
from devices.base import anybody
from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.errors import (
    ConfigError,
    ConnectError,
    DataError,
    InstrumentError,
    InterlockError,
    LabError,
    LimitError,
    OwnershipError,
)
from devices.roles.potentiostat import CycleJob
from labctl import Run
from labctl.replay import replay_in_place
from labctl.runs.briefs import briefs

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
    # Ports nobody listens on: 9 (discard) and those after it of this machine; nor is there the bridge's socket.
    text = (config / "benches" / "example-hardware.toml").read_text()
    for number, line in enumerate(
        [each for each in text.splitlines() if each.startswith("address") and "unix" not in each]
    ):
        text = text.replace(line, f'address = "socket://127.0.0.1:{9 + number}"')
    (config / "benches" / "example-hardware.toml").write_text(text)
    with pytest.raises(ConnectError) as failed:
        labctl.open_session("example-hardware", config=config, data=tmp_path / "data")
    assert {name: set(parts) for name, parts in failed.value.failures.items()} == {
        "lamp": {"charger", "gate", "meter", "permissives"},
        "potentiostat": {"channels"},
        **{f"channel_{number}": {"channels"} for number in range(4)},
    }


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
    lab.lamp.charger.guard = anybody
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
    from devices.cycling.macros import RateTest

    return RateTest("p", (Rate(5.0, "A/m^2"),), 3.0, 4.25, 1).on(CellSize.of(sample))


def test_facts_of_hands_are_kept(lab, sample, recipe):
    from labctl.samples.facts import Facts

    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    described, fact, begun = Facts(lab.data).of(sample.id)
    assert described["sample"]["layers"][1]["material"] == "LiCoO2"
    assert (fact["fact"], fact["place"], fact["by"]) == ("brought", "lamp", "twin bench")
    assert (begun["fact"], begun["plan"], [begun["run"]]) == ("begun", "anneal", lab.begun)


def test_idle_and_paused_time_stands_still_with_a_charged_lamp(lab):
    lab.lamp.charger.guard = anybody
    lab.lamp.charger.program(300.0)
    before = lab.clock.now()
    threading.Event().wait(0.2)
    assert lab.clock.now() == before


def test_a_session_begins_after_everything_that_was_kept(open_lab, sample, recipe):
    """Virtual time runs ahead of the wall; a later session must not travel back."""
    lab = open_lab()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    ended = lab.clock.time()
    lab.close()
    again = open_lab()
    assert again.clock.time() > ended
    (uid,) = again.RE(again.plans.anneal(again.lamp, sample, recipe))
    assert Run("last", again.data).uid == uid


def test_a_data_folder_that_cannot_be_one_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be the data folder"):
        labctl.open_session("twin", data=tmp_path / "file")


def test_one_id_is_one_sample(lab, sample, recipe):
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    other = replace(sample, layers=(sample.layers[0], replace(sample.layers[1], thickness=1.2e-6)))
    with pytest.raises(InterlockError, match="an id of its own"):
        lab.RE(lab.plans.anneal(lab.lamp, other, recipe))


def test_a_film_outside_the_model_is_refused_in_words(lab, sample, recipe):
    thick = replace(sample, id="thick", layers=(sample.layers[0], replace(sample.layers[1], thickness=50e-6)))
    with pytest.raises(InterlockError, match="outside"):
        lab.RE(lab.plans.anneal(lab.lamp, thick, recipe))


def test_nothing_is_flashed_for_a_cell_that_cannot_be_built_or_cycled(lab, sample, recipe, program):
    """A flash cannot be taken back: the whole experiment is checked before the first."""
    too_much = RateTest("big", (Rate(2000.0, "A/m^2"),), 3.0, 4.25, 1).on(CellSize.of(sample))
    bare = replace(sample, cell_layers=())
    for film, asked, error in ((bare, program, InterlockError), (sample, too_much, LimitError)):
        with pytest.raises(error):
            lab.RE(lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, film, recipe, asked))
    assert not lab.twins.station("lamp").gate.log


def test_a_device_that_fails_does_not_keep_the_next_from_being_made_safe(lab, monkeypatch):
    def mistake():
        raise ZeroDivisionError("a mistake in a driver")

    made_safe = []
    monkeypatch.setattr(lab.lamp, "safe", mistake)
    monkeypatch.setattr(lab.potentiostat, "safe", lambda: made_safe.append("potentiostat"))
    with pytest.raises(LabError, match="a mistake in a driver"):
        lab.safe()
    assert made_safe == ["potentiostat"]


def test_a_foreign_class_that_fails_is_one_branch_of_the_tree(config, tmp_path):
    (tmp_path / "foreign_lab.py").write_text(
        "class Deaf:\n"
        "    def __init__(self, *, name):\n        self.name = name\n"
        "    def wait_for_connection(self, timeout):\n        raise ConnectionError('nobody there')\n"
    )
    path = config / "benches" / "twin.toml"
    path.write_text(path.read_text() + '\n[devices.deaf]\nclass = "foreign_lab.Deaf"\ntwin = true\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        with pytest.raises(ConnectError, match="nobody there") as failed:
            labctl.open_session("twin", config=config, data=tmp_path / "data")
        assert set(failed.value.failures) == {"deaf"}
        with labctl.open_session(
            "twin", config=config, data=tmp_path / "data", start_with_the_rest=True, handle_signals=False
        ) as lab:
            assert set(lab.devices) == {"lamp", "potentiostat"}


def test_belief_and_twin_both_have_the_bank_of_the_bench(config, tmp_path, sample, recipe):
    edit(config, "twin", ('bank_capacitance = "5.6 mF"', 'bank_capacitance = "6.5 mF"'))
    with labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab:
        (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        run = Run(uid, lab.data)
        happened = lab.twins.foil(sample.id).annealed().surface_peak
    assert run.start["prediction"]["values"]["surface_peak"] == pytest.approx(happened, abs=3)
    assert replay_in_place(run).result.surface_peak == pytest.approx(happened, abs=3)
    assert happened > 980


def test_a_twin_is_the_instrument_its_bench_file_describes(config, tmp_path, sample, recipe):
    """A 2 kV charger must charge to what is asked, not to half of it."""
    edit(config, "twin", ('full_scale_voltage = "1000 V"', 'full_scale_voltage = "2000 V"'))
    with labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab:
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        flashes = [each for each in lab.twins.foil(sample.id).history if each["event"] == "flash"]
    assert all(each["voltage"] == pytest.approx(850, abs=1) for each in flashes)


def test_one_damaged_journal_does_not_hide_the_others(open_lab, sample, recipe):
    lab = open_lab()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.close()
    (path,) = (lab.data / "runs").glob("*/*/*.jnl")
    other = path.with_name("00000000-0000-0000-0000-000000000000.jnl")
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    other.write_bytes(bytes(damaged))
    assert {brief.status for brief in briefs(lab.data)} == {"success", "damaged"}
    open_lab()


def test_the_bank_is_discharged_before_an_anneal_counts_as_done(lab, sample, recipe):
    """Somebody fetches the foil next."""
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    assert "discharged" in run.table("events")["code"]
    assert run.table("baseline")["lamp_charger_voltage"][-1] < 50


def test_hands_are_not_called_to_a_charged_bank(lab, sample, recipe):
    lab.twins.station("lamp").head.voltage = 400.0
    voltages = []
    bring = lab.twins.bring
    lab.twins.bring = lambda *given: (voltages.append(lab.twins.station("lamp").head.voltage), bring(*given))
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert max(voltages) < 50


def test_a_full_disk_ends_the_run_with_its_own_reason_and_the_lamp_safe(lab, sample, recipe):
    class FullDisk:
        def append(self, stream, time, row):
            if lab.lamp.flight().done >= 3:
                raise OSError(28, "No space left on device")

    lab.lamp.spool_to(FullDisk())
    with pytest.raises(OSError, match="No space left"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run("last", lab.data)
    assert "No space left" in run.stop["reason"]
    assert not lab.twins.station("lamp").charger.high_voltage_on
    assert list(run.table()["pulse"]) == [1, 2, 3]


def test_a_slow_charger_is_waited_for_and_then_named(config, tmp_path, sample, recipe):
    edit(config, "twin", ('bank_capacitance = "5.6 mF"', 'bank_capacitance = "60 mF"'))
    with (
        labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab,
        pytest.raises(InstrumentError, match="below 400 V"),
    ):
        lab.RE(lab.plans.anneal(lab.lamp, sample, replace(recipe, voltage=400.0)))


def test_a_predicted_fault_refuses_the_anneal_and_nothing_is_charged(config, tmp_path, sample, recipe):
    limits = config / "limits.toml"
    text = limits.read_text()
    assert 'fault = "1100 degC"' in text
    limits.write_text(
        text.replace('warn = "1050 degC"', 'warn = "500 degC"').replace('"1100 degC"', '"600 degC"')
    )
    with labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab:
        with pytest.raises(InterlockError, match="film_peak"):
            lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        assert not lab.twins.station("lamp").charger.log


def test_a_hot_chuck_is_believed_where_the_bench_says_so(config, tmp_path, sample, recipe):
    edit(
        config,
        "twin",
        ('lamp_constant = "35 ohm A^0.5"', 'lamp_constant = "35 ohm A^0.5"\nchuck_temperature = "100 degC"'),
        ('chuck_temperature = "25 degC"', 'chuck_temperature = "100 degC"'),
    )
    with labctl.open_session("twin", config=config, data=tmp_path / "data", handle_signals=False) as lab:
        (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        happened = lab.twins.foil(sample.id).annealed().surface_peak
    run = Run(uid, lab.data)
    assert run.start["prediction"]["values"]["surface_peak"] == pytest.approx(happened, abs=3)
    assert replay_in_place(run).result.surface_peak == pytest.approx(happened, abs=3)
    assert happened > 980  # 974 K on a chuck at 25 degC


def test_a_session_begins_after_the_last_row_of_a_run_that_died(open_lab, sample, recipe):
    lab = open_lab()
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    lab.close()
    (path,) = (lab.data / "runs").glob("*/*/*.jnl")
    path.write_bytes(path.read_bytes()[:-20])
    run = Run(path)
    assert run.stop is None
    assert open_lab().clock.time() > run.times()[-1] > run.start["time"] + 10
