"""What stops a train, at every pulse of it: contacts, the dead-man, witnesses of the temperature, the prediction.

The judge is the black box of the twins: gates that opened, contacts, the charger. Times are the bench's.
"""

import asyncio
import threading

import numpy as np
import pytest
from bluesky.suspenders import SuspendBoolHigh
from bluesky.utils import RunEngineInterrupted
from ophyd import Signal

from devices.errors import InterlockError, LabError
from devices.lamp.permissives import FRESH, PERMISSIVES
from devices.recipes import AnnealRecipe, MicroPulse
from labctl import Run

PULSES = 6
RECIPE = AnnealRecipe("train", 850.0, 1.8e-3, PULSES, 0.4)
NO_PULSE_AFTER, DISARMED_WITHIN = 0.010, 3.0
"""Seconds of the bench from a trip [safety budget of the lab]."""


class Watched:
    """A session on a bench, and what its lamp truly did."""

    def __init__(self, lab, sample):
        self.lab, self.sample = lab, sample
        self.twins = lab.twins.station("lamp")

    def anneal(self, recipe=RECIPE):
        return self.lab.RE(self.lab.plans.anneal(self.lab.lamp, self.sample, recipe))

    def looks(self):
        """Write down from now on when each witness of the temperature is asked; return (time, answered) of each."""
        asked = {"pyrometer": [], "thermometers": []}
        for part, twin in ((part, self.twins.parts.get(part)) for part in asked):
            if twin is not None:
                twin.receive = self._written_down(twin, twin.receive, asked[part])
        return asked

    @staticmethod
    def _written_down(twin, receive, asked):
        twin.is_silent = False

        def answer(data, now):
            said = b"" if twin.is_silent else receive(data, now)
            asked.append((now, not twin.is_silent))
            return said

        return answer

    def at(self, time, deed):
        """Have something done to the twins at a time of the bench."""

        def due():
            self.lab.twins.touch("lamp")
            deed(self.lab.clock.now())

        self.lab.clock.after(time - self.lab.clock.now(), due, "a test")

    def gates(self):
        return [entry[0] for entry in self.twins.gate.log if entry[1] == "gate"]

    def logged(self, part, event):
        return [entry[0] for entry in self.twins.parts[part].log if entry[1] == event]

    def run(self):
        return Run("last", self.lab.data)

    def check_stopped(self, tripped):
        """Hold what was recorded against what truly happened after a trip."""
        gates, run = self.gates(), self.run()
        assert all(gate <= tripped + NO_PULSE_AFTER for gate in gates)
        assert run.stop["exit_status"] == "fail"
        assert list(run.table()["pulse"]) == list(range(1, len(gates) + 1))
        outcome = run.table("outcome")
        assert (outcome["asked"][0], outcome["done"][0], outcome["interrupted"][0]) == (PULSES, len(gates), 1)
        assert self.lab.lamp.state.get() == "fault"
        self.lab.clock.sleep(DISARMED_WITHIN)
        disarmed = [time for time in self.logged("gate", "disarmed") if time >= tripped]
        off = [time for time in self.logged("charger", "high voltage off") if time >= tripped]
        assert disarmed[0] <= tripped + DISARMED_WITHIN
        assert off[0] <= tripped + DISARMED_WITHIN
        assert not self.twins.charger.high_voltage_on
        return gates

    def check_rest_needs_a_person(self, done):
        """A fault stays when its cause is gone, until a person resets it; then the rest is what was missing."""
        with pytest.raises(InterlockError, match=r"FAULT.*reset\(\)"):
            self.anneal()
        assert len(self.gates()) == done
        self.lab.lamp.reset()
        if done < PULSES:
            self.anneal(AnnealRecipe("rest", 850.0, 1.8e-3, PULSES - done, 0.4))
        assert len(self.gates()) == PULSES


@pytest.fixture
def watched(open_lab, sample):
    """Return watched(bench), a session on it."""
    return lambda bench="twin": Watched(open_lab(bench), sample)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return when the pulses of an undisturbed train begin, by bench: one seed, one course of things."""
    import labctl
    from devices.samples import Layer, SampleRef

    foil = SampleRef(id="plain", layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)))
    times = {}
    for bench in ("twin", "flash-lamp"):
        data = tmp_path_factory.mktemp(bench)
        with labctl.open_session(bench, data=data, handle_signals=False) as lab:
            seen = Watched(lab, foil)
            seen.anneal()
            times[bench] = seen.gates()
    return times


CONTACTS = ("door", "shutter", "water", "chuck", "cell")


# Contacts of the loop.


@pytest.mark.parametrize(
    "before",
    [1e-4, *(pytest.param(each, marks=pytest.mark.slow) for each in (0.3, 1.7))],
    ids="{} s before".format,
)
@pytest.mark.parametrize("pulse", range(1, PULSES + 1))
def test_a_contact_that_opens_at_any_pulse_and_closes_again_leaves_a_count(
    watched, undisturbed, pulse, before
):
    seen = watched()
    tripped, contact = undisturbed["twin"][pulse - 1] - before, CONTACTS[pulse % len(CONTACTS)]
    seen.at(tripped, lambda now: seen.twins.board.open_contact(contact, now))
    seen.at(tripped + 0.6, lambda now: seen.twins.board.close_contact(contact, now))
    with pytest.raises(InterlockError) as refused:
        seen.anneal()
    assert refused.value.permissive == contact
    assert len(seen.check_stopped(tripped)) == pulse - 1
    seen.check_rest_needs_a_person(pulse - 1)


@pytest.mark.parametrize("pulse", range(1, PULSES + 1))
def test_a_contact_stops_pulses_by_its_own_wire_when_the_board_tells_the_host_nothing(
    watched, undisturbed, pulse
):
    seen = watched()
    tripped = undisturbed["twin"][pulse - 1] - 1e-4
    well = seen.lab.lamp.permissives.inputs()
    seen.lab.lamp.permissives.inputs = lambda: well
    seen.lab.lamp.permissives.opened = frozenset
    seen.at(tripped, lambda now: seen.twins.board.open_contact("door", now))
    with pytest.raises(InterlockError, match="no gate opened"):
        seen.anneal()
    assert len(seen.check_stopped(tripped)) == pulse - 1
    assert "inhibited" in seen.run().table("events")["code"]
    seen.at(seen.lab.clock.now(), lambda now: seen.twins.board.close_contact("door", now))
    seen.check_rest_needs_a_person(pulse - 1)


@pytest.mark.parametrize("lasts", [0.02, 0.3])
@pytest.mark.parametrize("after", [0.15, 1.3])
def test_a_contact_that_was_open_between_two_looks_is_a_fault_all_the_same(
    watched, undisturbed, after, lasts
):
    seen = watched()
    tripped = undisturbed["twin"][2] + after
    seen.at(tripped, lambda now: seen.twins.board.open_contact("door", now))
    seen.at(tripped + lasts, lambda now: seen.twins.board.close_contact("door", now))
    with pytest.raises(InterlockError, match="the door is open") as refused:
        seen.anneal()
    assert refused.value.permissive == "door"
    assert len(seen.check_stopped(tripped)) == 3
    seen.check_rest_needs_a_person(3)


@pytest.mark.parametrize("contact", CONTACTS)
def test_a_contact_that_is_open_before_arming_refuses_by_its_name(watched, contact):
    seen = watched()
    seen.twins.board.open_contact(contact, 0.0)
    with pytest.raises(InterlockError) as refused:
        seen.anneal()
    assert refused.value.permissive == contact
    assert seen.gates() == []
    assert seen.logged("charger", "high voltage on") == []
    assert seen.lab.lamp.state.get() == "safe"


def test_a_board_that_falls_silent_stops_the_train(watched, undisturbed):
    seen = watched()
    tripped = undisturbed["twin"][2] + 0.7
    seen.at(tripped, lambda now: setattr(seen.twins.board, "receive", lambda data, now: b""))
    with pytest.raises(LabError):
        seen.anneal()
    del seen.twins.board.receive
    seen.lab.clock.sleep(3.0)
    assert len(seen.gates()) == 3
    assert not seen.twins.charger.high_voltage_on


@pytest.mark.parametrize("pulse", [3, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2, 4, 5))])
def test_a_suspender_that_trips_and_lets_go_at_any_pulse_changes_no_count(watched, undisturbed, pulse):
    """bluesky's own suspenders rewind a plan to its last checkpoint."""
    seen = watched()
    beam = Signal(name="beam", value=0)
    seen.lab.RE.install_suspender(SuspendBoolHigh(beam))
    seen.at(undisturbed["twin"][pulse - 1] + 0.1, lambda now: beam.put(1))
    seen.at(undisturbed["twin"][pulse - 1] + 1.1, lambda now: beam.put(0))
    try:
        seen.anneal()
    except RunEngineInterrupted:
        seen.lab.RE.resume()
    assert len(seen.gates()) == PULSES
    assert list(seen.run().table()["pulse"]) == list(range(1, PULSES + 1))


# Every permissive, every link, the host itself.


def silent(twin):
    """Let an instrument answer nothing any more, and obey nothing."""
    if hasattr(twin, "is_silent"):
        twin.is_silent = True
    else:
        twin.receive = lambda data, now: b""


LOSSES = {
    **{name: lambda seen, now, name=name: seen.twins.board.open_contact(name, now) for name in CONTACTS},
    "dead_man": lambda seen, now: setattr(seen.lab.lamp.permissives, "_feed", lambda: None),
    "charger": lambda seen, now: seen.twins.charger.trip(now, "arc"),
    "temperature": lambda seen, now: silent(seen.twins.pyrometer),
    "host": lambda seen, now: seen.lab.lamp._running.cancel(),
    **{
        f"link to the {part}": lambda seen, now, part=part: silent(seen.twins.parts[part])
        for part in ("charger", "gate", "permissives", "pyrometer", "thermometers")
    },
}
UNSEEN_FOR = {"dead_man": 2.0 + NO_PULSE_AFTER, "host": NO_PULSE_AFTER}
"""Seconds from a loss to its trip, where something else than the loss itself is the trip: the dead-man's patience."""
WITNESSES = {
    "temperature": "pyrometer",
    "link to the pyrometer": "pyrometer",
    "link to the thermometers": "thermometers",
}
"""Whose loss no wire tells: they trip when they are asked and do not answer, or when their last answer is no longer
fresh, whichever comes first."""


def tripped_at(asked, lost):
    """Return when the loss of a witness is a trip, from when it was asked."""
    last = max(at for at, answered in asked if answered)
    unheard = min((at for at, answered in asked if not answered), default=np.inf)
    assert last <= lost <= unheard
    return min(last + FRESH, unheard)


def test_every_permissive_is_in_the_table_of_losses():
    assert {each.name for each in PERMISSIVES} <= set(LOSSES)


@pytest.mark.parametrize("after", [-1e-4, 0.2, 1.2])
@pytest.mark.parametrize("loss", LOSSES)
def test_whatever_is_lost_no_pulse_follows_and_the_lamp_is_disarmed_within_three_seconds(
    watched, undisturbed, loss, after
):
    seen = watched("flash-lamp")
    asked = seen.looks()
    lost = undisturbed["flash-lamp"][2] + after
    seen.at(lost, lambda now: LOSSES[loss](seen, now))
    if loss == "host":
        seen.lab.clock.after(lost + 6.0, lambda: seen.lab.lamp.stop(), "a test")
    with pytest.raises(LabError):
        seen.anneal()
    tripped = lost + UNSEEN_FOR.get(loss, 0.0)
    if loss in WITNESSES:
        tripped = tripped_at(asked[WITNESSES[loss]], lost)
    assert all(gate <= tripped + NO_PULSE_AFTER for gate in seen.gates())
    within = tripped + DISARMED_WITHIN
    off = [at for at in seen.logged("charger", "high voltage off") if at >= lost]
    opened = [at for at in seen.logged("permissives", "loop open") if at >= lost]
    assert off[0] <= within
    assert opened[0] <= within
    assert seen.run().table("outcome")["done"][0] == len(seen.gates())
    for twin in seen.twins.parts.values():
        vars(twin).pop("receive", None)
    # A wire that was silent is left alone for a while; closing speaks to all of them.
    seen.lab.clock.sleep(DISARMED_WITHIN)


# The dead-man.


def test_a_dead_man_that_is_not_fed_opens_the_loop_and_stays_tripped_until_a_person_resets_it(
    watched, undisturbed
):
    seen = watched("flash-lamp")
    silenced = undisturbed["flash-lamp"][2] + 0.5
    seen.at(silenced, lambda now: setattr(seen.lab.lamp.permissives, "alive", lambda: None))
    with pytest.raises(InterlockError, match="dead-man has tripped"):
        seen.anneal()
    del seen.lab.lamp.permissives.alive
    (tripped,) = seen.logged("permissives", "dead-man")
    assert tripped <= silenced + 2.5
    assert all(gate < tripped for gate in seen.check_stopped(tripped))
    seen.check_rest_needs_a_person(len(seen.gates()))


def test_bursts_make_one_envelope_where_there_is_a_dead_man(watched):
    seen = watched("flash-lamp")
    burst = AnnealRecipe("burst", 850.0, 3.6e-3, 3, 0.4, (MicroPulse(0.6e-3, 0.5),) * 6)
    seen.anneal(burst)
    gates = np.array(seen.gates()).reshape(3, 6)
    assert np.allclose(np.diff(gates, axis=1), 0.6e-3)
    table = seen.run().table()
    assert list(table["pulse"]) == [1, 2, 3]
    assert seen.twins.board.flashes_counted == 18


# Witnesses of the base temperature.


def disturbed(seen, undisturbed, pulse, deed):
    """Anneal with something done to a witness shortly after a pulse; return what was raised."""
    at = undisturbed["flash-lamp"][pulse - 1] + 0.9
    seen.at(at, deed)
    with pytest.raises(LabError) as raised:
        seen.anneal()
    assert len(seen.gates()) <= pulse + 1
    run = seen.run()
    assert len(run.table()["pulse"]) == len(seen.gates()) == run.table("outcome")["done"][0]
    assert seen.lab.lamp.state.get() == "fault"
    return str(raised.value)


@pytest.mark.parametrize("pulse", [1, 3, 5])
def test_a_stuck_pyrometer_stops_the_train_within_one_pulse(watched, undisturbed, pulse):
    seen = watched("flash-lamp")
    said = disturbed(seen, undisturbed, pulse, lambda now: seen.twins.pyrometer.stick(now))
    assert "stuck" in said or "pyrometer says" in said


@pytest.mark.parametrize("name", ["foil", "chuck"])
def test_an_open_thermocouple_stops_the_train_before_the_next_pulse(watched, undisturbed, name):
    seen = watched("flash-lamp")
    channel = seen.lab.lamp.thermometers.channels[name]
    couple = seen.twins.parts["thermometers"].couples[channel]
    said = disturbed(seen, undisturbed, 2, lambda now: setattr(couple, "plugged", False))
    assert name in said
    assert len(seen.gates()) == 2


def test_swapped_thermocouples_stop_the_train_after_the_first_pulse(watched):
    """At rest both say the same; the pulse moves the wrong one."""
    seen = watched("flash-lamp")
    couples = seen.twins.parts["thermometers"].couples
    channels = seen.lab.lamp.thermometers.channels
    foil, chuck = couples[channels["foil"]], couples[channels["chuck"]]
    foil.source, chuck.source = chuck.source, foil.source
    with pytest.raises(InterlockError, match="swapped"):
        seen.anneal()
    assert len(seen.gates()) == 1


def test_witnesses_that_contradict_one_another_refuse_the_start(watched):
    seen = watched("flash-lamp")
    seen.twins.pyrometer.source = lambda time: 298.15 + 80.0
    with pytest.raises(InterlockError, match="80 K apart"):
        seen.anneal()
    assert seen.gates() == []


def test_a_base_hotter_than_allowed_stops_before_the_next_pulse(watched, config, open_lab, sample):
    path = config / "limits.toml"
    path.write_text(
        path.read_text().replace('base_temperature = "500 degC"', 'base_temperature = "150 degC"')
    )
    seen = Watched(open_lab("flash-lamp", config=config), sample)
    with pytest.raises(InterlockError, match=r"above 150 degC \(limits\.toml, lamp\.base_temperature\)"):
        seen.anneal()
    assert len(seen.gates()) == 1


@pytest.mark.parametrize("without", ["pyrometer", "thermometers"])
def test_every_pulse_after_a_hold_has_a_look_at_the_base_just_before_it(config, open_lab, sample, without):
    path = config / "benches" / "flash-lamp.toml"
    text = path.read_text()
    begin = text.index(f"[devices.lamp.parts.{without}]")
    path.write_text(text[:begin] + text[text.index("[devices.lamp.par", begin + 1) :])
    seen = Watched(open_lab("flash-lamp", config=config), sample)
    lab, looks, paused = seen.lab, [], []
    true = lab.lamp._witnesses.look
    lab.lamp._witnesses.look = lambda: looks.append(lab.clock.now()) or true()

    def hold(name, doc):
        if name == "event_page" and lab.lamp.flight().done >= 2 and not paused:
            paused.append(lab.clock.now())
            lab.RE.loop.create_task(lab.RE._request_pause_coro(False))

    lab.RE.subscribe(hold)
    with pytest.raises(RunEngineInterrupted):
        seen.anneal()
    lab.clock.sleep(120.0)
    assert "temperature" in repr(lab.lamp)
    lab.RE.resume()
    assert len(seen.gates()) == PULSES
    for gate in seen.gates():
        assert min(gate - look for look in looks if look <= gate) <= 1.0


def test_the_base_temperature_is_known_between_two_pulses(watched, undisturbed):
    seen, said = watched("flash-lamp"), []
    for pulse in (1, 3):
        at = undisturbed["flash-lamp"][pulse] - 0.6
        seen.at(at, lambda now: said.append(repr(seen.lab.lamp)))
    seen.anneal()
    assert all("temperature ok" in each for each in said)
    assert len(said) == 2


# The residual.


def test_a_lamp_that_gives_less_light_than_predicted_is_stopped(watched):
    seen = watched()
    seen.twins.aperture_area *= 0.7
    with pytest.raises(InterlockError, match=r"lamp\.energy_residual"):
        seen.anneal()
    assert len(seen.gates()) == 1


def test_a_chuck_that_is_hotter_than_believed_is_told_by_the_residual(config, open_lab, sample):
    path = config / "benches" / "flash-lamp.toml"
    text = path.read_text()
    path.write_text(text.replace('chuck_temperature = "25 degC"', 'chuck_temperature = "125 degC"'))
    seen = Watched(open_lab("flash-lamp", config=config), sample)
    with pytest.raises(InterlockError, match=r"before pulse 1 the base is 125 degC, predicted were 25 degC"):
        seen.anneal()
    assert seen.gates() == []


def test_every_pulse_has_its_residuals_beside_what_was_predicted(watched):
    seen = watched("flash-lamp")
    seen.anneal()
    residual = seen.run().table("residual")
    for quantity in ("pulse_energy_J", "base_temperature_degC"):
        of_it = residual["quantity"] == quantity
        assert sum(of_it) == PULSES
        apart = np.abs(residual["measured"] - residual["predicted"])[of_it] / residual["sd"][of_it]
        assert np.all(apart < 5)


def test_a_recorder_keeps_the_course_of_each_pulses_light(watched):
    seen = watched("flash-lamp")
    seen.anneal()
    trace = seen.run().table("trace")
    assert list(trace["pulse"]) == list(range(1, PULSES + 1))
    times, volts = np.array(trace["t"]), np.array(trace["photodiode"])
    assert times.shape == volts.shape == (PULSES, 400)
    assert times[:, -1] == pytest.approx(2 * RECIPE.pulse_duration, rel=0.02)
    lit = times < RECIPE.pulse_duration
    assert volts[~lit].max() < 0.05
    # It falls as the bank does: (850 V / 697 V)^3 from start to end.
    assert volts[0, 0] / volts[0][lit[0]][-1] == pytest.approx((850 / 697) ** 3, rel=0.1)


def test_a_recorder_that_fails_stops_nothing(watched):
    seen = watched("flash-lamp")

    def fail():
        raise LabError("no trace")

    seen.lab.lamp.recorder.take = fail
    seen.anneal()
    assert len(seen.gates()) == PULSES
    assert "trace_missing" in seen.run().table("events")["code"]


# Holds.


@pytest.mark.parametrize("pulse", [1, 4])
def test_a_hold_leaves_a_gap_that_is_told_and_the_rest_is_predicted_again(watched, pulse):
    seen = watched("flash-lamp")
    lab = seen.lab

    def hold(name, doc):
        if name == "event_page" and lab.lamp.flight().done >= pulse and not paused:
            paused.append(lab.lamp.flight().done)
            threading.Thread(target=lab.RE.request_pause, args=(False,)).start()

    paused = []
    lab.RE.subscribe(hold)
    with pytest.raises(RunEngineInterrupted):
        seen.anneal(AnnealRecipe("long", 850.0, 1.8e-3, 12, 0.4))
    lab.clock.sleep(40.0)
    lab.RE.resume()
    assert len(seen.gates()) == 12
    run = seen.run()
    assert run.stop["exit_status"] == "success"
    events, outcome = run.table("events"), run.table("outcome")
    assert {"hold", "predicted_again", "gap"} <= set(events["code"])
    assert (outcome["done"][0], outcome["interrupted"][0]) == (12, 1)
    gap = np.diff(seen.gates()).max()
    (told,) = [text for code, text in zip(events["code"], events["text"], strict=True) if code == "gap"]
    assert float(told.split(" comes ")[1].split()[0]) == pytest.approx(gap - 2.5, abs=0.1)
    residual = run.table("residual")
    base = residual["quantity"] == "base_temperature_degC"
    assert np.all(np.abs(residual["measured"] - residual["predicted"])[base] < 40)


def test_a_rest_that_is_refused_after_a_gap_ends_the_train(watched, monkeypatch):
    seen = watched()
    lab = seen.lab

    def refuse(*_):
        raise InterlockError("damage", "the rest would melt it")

    def hold(name, doc):
        if name == "event_page" and lab.lamp.flight().done >= 1 and not paused:
            paused.append(lab.lamp.flight().done)
            threading.Thread(target=lab.RE.request_pause, args=(False,)).start()

    paused = []
    lab.RE.subscribe(hold)
    monkeypatch.setattr(lab.believer, "rest", refuse)
    with pytest.raises(RunEngineInterrupted):
        seen.anneal()
    done = len(seen.gates())
    lab.clock.sleep(40.0)
    with pytest.raises(InterlockError, match="the rest would melt it"):
        lab.RE.resume()
    assert len(seen.gates()) == done
    assert seen.run().table("outcome")["done"][0] == done


@pytest.mark.parametrize(
    "number", [*range(5, 40, 7), *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 60))]
)
def test_a_hold_of_a_minute_at_any_message_fires_what_was_asked(watched, number):
    """A minute is longer than a token lives: one that was held back is replaced."""
    seen, messages = watched(), []
    lab = seen.lab

    def hook(message):
        messages.append(message.command)
        if len(messages) == number:
            asyncio.run_coroutine_threadsafe(lab.RE._request_pause_coro(False), lab.RE.loop)

    lab.RE.msg_hook = hook
    try:
        seen.anneal()
    except RunEngineInterrupted:
        lab.clock.sleep(60.0)
        if lab.RE.state == "paused":
            lab.RE.resume()
    assert len(seen.gates()) == PULSES
    assert seen.run().stop["exit_status"] == "success"


# Prediction as a permissive.


def without_predictor(config, reason):
    path = config / "limits.toml"
    path.write_text(path.read_text().replace("[potentiostat]", f"{reason}\n\n[potentiostat]", 1))


def test_without_a_predictor_nothing_is_fired(watched):
    seen = watched()
    seen.lab.lamp._predictor = None
    with pytest.raises(InterlockError, match=r"no predictor.*lamp\.unpredicted"):
        seen.anneal()
    assert seen.gates() == []


def test_a_reason_in_the_limits_allows_a_train_without_a_predictor_and_is_told(config, open_lab, sample):
    without_predictor(config, 'unpredicted = "commissioning"')
    seen = Watched(open_lab("twin", config=config), sample)
    seen.lab.lamp._predictor = None
    seen.anneal()
    assert len(seen.gates()) == PULSES
    events = seen.run().table("events")
    assert any("commissioning" in text for text in events["text"][events["code"] == "unpredicted"])


@pytest.mark.parametrize(("answer", "pulses"), [("yes", 4), ("no", 0), ("", 0)])
def test_where_the_limits_say_ask_a_person_decides(config, open_lab, sample, answer, pulses):
    path = config / "limits.toml"
    path.write_text(path.read_text().replace('fault = "0.3" ', 'fault = "0.001"\nbeyond = "ask"\n# '))
    lab = open_lab("twin", config=config)
    asked = []
    lab.hands._ask = lambda sentence: asked.append(sentence) or answer
    seen, recipe = Watched(lab, sample), AnnealRecipe("hot", 900.0, 1.8e-3, 4, 0.4)
    if pulses:
        seen.anneal(recipe)
    else:
        with pytest.raises(InterlockError, match="did not agree"):
            seen.anneal(recipe)
    assert len(seen.gates()) == pulses
    (sentence,) = asked
    assert "molten_share" in sentence
    assert "degC" in sentence
    facts = [fact["fact"] for fact in lab.hands._facts.of(sample.id)]
    assert ("confirmed" in facts) == bool(pulses)


# What is seen at the prompt.


def test_the_lamp_says_its_state_permissives_owner_and_last_pulse(watched, undisturbed):
    seen = watched("flash-lamp")
    lamp = seen.lab.lamp
    assert "owner        nobody" in repr(lamp)
    said = []
    seen.at(undisturbed["flash-lamp"][2] + 1.0, lambda now: said.append(repr(lamp)))
    seen.anneal()
    (during,) = said
    assert during.startswith("lamp: ARMED")
    assert "charged, " in during
    assert " s ago" in during
    assert "door ok" in during
    assert "owner        this session (pid " in during
    assert "last pulse   3 of 6, 850 V -> 697 V, 16." in during
    seen.twins.board.open_contact("door", seen.lab.clock.now())
    assert "door missing" in repr(lamp)
    assert repr(lamp).startswith("lamp: SAFE")


def test_a_stopped_train_says_what_was_done_and_what_is_safe_now(watched, undisturbed):
    seen = watched()
    seen.at(undisturbed["twin"][1] + 1.0, lambda now: seen.lab.lamp.stop())
    with pytest.raises(LabError, match="2 of 6: stopped"):
        seen.anneal()
    events = seen.run().table("events")
    (text,) = events["text"][events["code"] == "stopped"]
    assert events["severity"][events["code"] == "stopped"] == "warning"
    assert "2 of 6 pulses done, no trigger can pass, the bank is discharging" in text
    assert seen.lab.lamp.state.get() == "cooling"
    seen.lab.clock.sleep(70.0)
    assert seen.lab.lamp.state.get() == "safe"


def test_nothing_is_fired_without_a_token(watched):
    """Whoever goes round the plan finds the trigger generator guarded, and disarmed."""
    from devices.roles.lamp import AnnealJob

    seen = watched()
    lamp, job = seen.lab.lamp, AnnealJob(seen.sample, RECIPE)
    for deed in (lamp.gate.fire, lamp.kickoff):
        with pytest.raises(LabError):
            seen.lab.clock.call(deed)
    seen.lab.wait(lamp.prepare(job))
    for deed in (lamp.gate.fire, lamp.kickoff):
        with pytest.raises(InterlockError, match="not armed"):
            seen.lab.clock.call(deed)
    token = lamp.arm(job)
    seen.lab.clock.sleep(30.5)
    lamp.insert(token)
    with pytest.raises(InterlockError, match="older than 30 s"):
        lamp.kickoff()
    lamp.insert(lamp.arm(job))
    seen.lab.wait(lamp.kickoff())
    lamp.insert(token)
    with pytest.raises(LabError, match="never started twice"):
        lamp.kickoff()
    lamp.stop()
    assert seen.gates() == []
