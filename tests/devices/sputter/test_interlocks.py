"""The table of a chamber's interlocks: what each deed wants, one lack after the other, and who may act at all."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from devices.errors import InterlockError
from devices.sputter.interlocks import INTERLOCKS, Bounds, Permits, Situation, judged, require
from devices.sputter.looks import Seen
from devices.sputter.parts import Flow, Pressure, SupplyState, TurboState
from devices.sputter.recipe import SCCM

BOUNDS = Bounds(plasma_pressure=10.0, vent_temperature=333.15, turbo_share=0.9, process_gauges=("manometer",))
DEEDS = ("pump", "gas", "heat", "strike", "open", "vent")
HOT = {"strike", "open", "heat"}
"""What needs water: the sources are what it cools."""
WITH_GAS = {"gas", *HOT}
CLOSED = {"pump", *WITH_GAS}
"""What needs a chamber that is closed."""
PLASMA = {"strike", "open"}


def supply(**changes):
    fields = {"on": False, "forward": 0.0, "reflected": 0.0, "load": 0.0, "bias": 0.0, "current": 0.0}
    return SupplyState(**{**fields, "in_control": True, "flags": frozenset(), **changes})


def seen(**changes):
    fields = {
        "supplies": {"gun1": supply()},
        "pressures": {"manometer": Pressure(3.0)},
        "flows": {"Ar": Flow(0.0, 0.0, "CLOSE")},
        "temperature": 300.0,
        "contacts": {"water": True, "cover": True, "dead_man": True},
        "relays": {"vent_valve": False, "substrate_shutter": False},
        "turbo": TurboState(800.0, 800.0, 1.0, True, ""),
    }
    return Seen(**{**fields, **changes})


WELL = Situation(seen(), BOUNDS, lit=True, presputtered=True)


def with_contact(name):
    return seen(contacts={**WELL.seen.contacts, name: False})


def with_relay(name):
    return seen(relays={**WELL.seen.relays, name: True})


LACKS = [
    ("water", replace(WELL, seen=with_contact("water")), HOT),
    ("cover", replace(WELL, seen=with_contact("cover")), CLOSED),
    ("dead_man", replace(WELL, seen=with_contact("dead_man")), PLASMA),
    ("pressure", replace(WELL, seen=seen(pressures={"manometer": Pressure(10.1)})), PLASMA),
    ("pressure", replace(WELL, seen=seen(pressures={"manometer": Pressure(None, "OFF")})), PLASMA),
    ("pressure", replace(WELL, seen=seen(pressures={})), PLASMA),
    ("turbo", replace(WELL, seen=seen(turbo=TurboState(719.0, 800.0, 1.0, True, ""))), WITH_GAS),
    ("vent_valve", replace(WELL, seen=with_relay("vent_valve")), CLOSED),
    ("shutter", replace(WELL, seen=with_relay("substrate_shutter")), {"strike"}),
    ("plasma", replace(WELL, seen=seen(supplies={"gun1": supply(on=True)})), {"vent"}),
    ("plasma", replace(WELL, seen=seen(supplies={"gun1": supply(forward=1.1)})), {"vent"}),
    ("gas", replace(WELL, seen=seen(flows={"Ar": Flow(0.3 * SCCM, 0.0, "CLOSE")})), {"vent"}),
    ("chuck", replace(WELL, seen=seen(temperature=333.2)), {"vent"}),
    ("thermocouple", replace(WELL, seen=seen(temperature=math.nan, blind="S.br", said_cold=True)), {"heat"}),
    ("lit", replace(WELL, lit=False), {"open"}),
    ("presputter", replace(WELL, presputtered=False), {"open"}),
]
NAMES = [f"{name}-{number}" for number, (name, _, _) in enumerate(LACKS)]


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_missing_where_all_is_well(deed):
    require(deed, WELL, "")
    assert set(judged(deed, WELL).values()) == {"ok"}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(("name", "now", "deeds"), LACKS, ids=NAMES)
def test_one_lack_refuses_what_depends_on_it_by_its_name_and_nothing_else(deed, name, now, deeds):
    if deed not in deeds:
        require(deed, now, "")
        return
    with pytest.raises(InterlockError, match="nothing was done") as refused:
        require(deed, now, "nothing was done")
    assert refused.value.permissive == name


def test_every_line_of_the_table_is_judged_above():
    assert {name for name, _, _ in LACKS} == {each.name for each in INTERLOCKS}


@pytest.mark.parametrize("name", ["water", "cover"])
def test_a_contact_that_was_open_between_two_looks_is_missing_though_it_is_closed_again(name):
    now = replace(WELL, seen=seen(opened=frozenset({name})))
    assert WELL.seen.contacts[name]
    assert judged("strike", now)[name] == "missing"


def test_what_is_exactly_at_its_bound_is_allowed():
    at = seen(
        pressures={"manometer": Pressure(10.0)},
        temperature=333.15,
        turbo=TurboState(720.0, 800.0, 1.0, True, ""),
        flows={"Ar": Flow(0.2 * SCCM, 0.0, "CLOSE")},
        supplies={"gun1": supply(forward=1.0)},
    )
    for deed in DEEDS:
        require(deed, replace(WELL, seen=at), "")


def test_what_nothing_watches_is_said_so_and_stops_nothing_but_a_pressure():
    blind = seen(contacts={}, relays={}, turbo=None, temperature=math.nan)
    assert judged("vent", replace(WELL, seen=blind))["chuck"] == "not watched"
    told = judged("strike", replace(WELL, seen=blind))
    unwatched = ("water", "cover", "dead_man", "turbo", "vent_valve", "shutter")
    assert {name for name, verdict in told.items() if verdict == "not watched"} == set(unwatched)
    require("strike", replace(WELL, seen=blind), "")


def test_what_brings_a_person_or_a_plasma_into_danger_must_last_and_what_only_begins_a_deed_need_not():
    for name in ("water", "cover", "dead_man", "pressure", "turbo"):
        now = next(now for each, now, _ in LACKS if each == name)
        assert judged("strike", now, lasting=True)[name] == "missing"
    for name in ("vent_valve", "shutter"):
        assert name not in judged("strike", WELL, lasting=True)
    assert not {"lit", "presputter"} & judged("open", WELL, lasting=True).keys()


def test_a_deed_passes_only_within_its_own_grant():
    permits = Permits("sputter")
    with permits.granting("power gun1"):
        permits.permit("power gun1")
        permits.permit("power gun1")
        for other in ("power gun2", "power", "gas Ar"):
            with pytest.raises(InterlockError, match="nothing was done"):
                permits.permit(other)
    with pytest.raises(InterlockError, match=r"nothing that runs does this now \(power gun1\)"):
        permits.permit("power gun1")


def test_a_grant_of_power_is_every_sources_and_ends_even_when_the_deed_failed():
    permits = Permits("sputter")

    def fails():
        with permits.granting("power"):
            permits.permit("power gun2")
            with pytest.raises(InterlockError):
                permits.permit("powerless")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with pytest.raises(InterlockError):
        permits.permit("power gun2")


def test_a_broken_thermocouple_is_neither_cold_nor_nothing_to_watch():
    now = replace(WELL, seen=seen(temperature=math.nan, blind="heater answered S.br"))
    assert judged("vent", now)["chuck"] == "missing"
    with pytest.raises(
        InterlockError, match=r"heater answered S\.br.*6 h after it was heated.*chuck_is_cold"
    ):
        require("vent", now, "nothing was vented")
    for deed in ("pump", "gas", "strike", "open"):
        require(deed, now, "")


def test_a_boat_is_heated_whatever_the_thermocouple_of_the_substrate_shows():
    now = seen(supplies={"boat": supply()}, temperature=math.nan, blind="S.br")
    assert judged("heat", replace(WELL, seen=now))["thermocouple"] == "not watched"


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (Flow(3 * SCCM, 3 * SCCM, "SETPOINT"), r"gas flows \(Ar 3\.0 sccm\): close it by lab\.s1\.safe\(\)"),
        (
            Flow(3 * SCCM, 0.0, "CLOSE"),
            r"\(Ar 3\.0 sccm\): it was closed and runs out, wait 10 s and vent again",
        ),
    ],
)
def test_gas_in_the_way_of_venting_is_named_with_what_to_do(flow, said):
    with pytest.raises(InterlockError, match=said):
        require("vent", replace(WELL, seen=seen(flows={"Ar": flow}), name="s1"), "nothing was vented")


@pytest.mark.parametrize(("temperature", "minutes"), [(333.2, 1), (460.0, 30), (773.15, 51)])
def test_a_hot_chuck_is_told_with_how_long_it_cools(temperature, minutes):
    with pytest.raises(InterlockError, match=f"takes some {minutes} min"):
        require("vent", replace(WELL, seen=seen(temperature=temperature)), "nothing was vented")
