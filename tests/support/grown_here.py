"""Journals of a cell that was grown here: its foil, its cathode, a flash, electrolyte and anode, cycles."""

from __future__ import annotations

from devices.recipes import to_json
from devices.samples import Layer, SampleRef

FOIL = SampleRef(
    "line-1",
    (Layer("Al", 100e-6),),
    grown=(Layer("LiCoO2", 0.7e-6, 1.4e-8), Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
)
FILM = 0.69995e-6
"""m of the cathode, by the monitor; its standard uncertainty is a twentieth."""
CURRENT, FULL = 7.5e-6, 7.2e-6
"""A, and Ah that the cell holds."""


def begin(kept, plan, **start):
    """Return the journal of a run on the foil, which says of its sample what the plan was told: the foil."""
    return kept.begin(FOIL.id, plan=plan, sample={**to_json(FOIL), "area_m2": FOIL.area}, **start)


def put_on(kept, material, thickness, **start):
    """Keep a film's run and return its uid."""
    recipe = {"name": "r", "hash": "h", "body": {"material": material, "thickness": thickness}}
    journal = begin(kept, "deposit", recipe=recipe, **start)
    row = {
        "material": material,
        "thickness": thickness,
        "thickness_monitor": thickness,
        "doubtful": 0,
        "flags": 0,
    }
    rows = {
        "elapsed": [0.0, 60.0],
        "thickness": [0.0, thickness],
        "rate": [0.0, 1e-10],
        "pressure": [1e-4, 3.0],
        "shutter_open": [0, 1],
    }
    kept.rows(journal, "primary", rows)
    kept.rows(journal, "layers", {key: [value] for key, value in row.items()})
    return kept.end(journal)


def flashed(kept, **start):
    """Keep a flash of three pulses and return its uid."""
    body = {"name": "flash", "voltage": 850.0, "pulse_duration": 1.8e-3, "pulse_count": 3, "rate": 0.4}
    journal = begin(kept, "anneal", recipe={"name": "flash", "hash": "h", "body": body}, **start)
    rows = {
        "pulse": [1, 2, 3],
        "elapsed": [0.0, 2.5, 5.0],
        "bank_voltage_before": [850.0] * 3,
        "duration": [1.8e-3] * 3,
        "exposure": [1.65e5] * 3,
        "pulse_energy": [15.0] * 3,
    }
    kept.rows(journal, "primary", rows)
    return kept.end(journal)


def cycled(kept, plan="cycle", **start):
    """Keep one charge and one discharge at a constant current and return the run's uid."""
    told = {"value_Ah": 7.24e-6, "sd_Ah": 3.6e-7, "basis": "as run"}
    journal = begin(kept, plan, **{"capacity": told, **start})
    hours = FULL / CURRENT
    rows = {"test_time": [], "voltage": [], "current": [], "charge": [], "cycle": [], "step_count": []}
    for step, sign in ((1, 1.0), (2, -1.0)):
        for row in range(6):
            share = row / 5 if sign > 0 else 1 - row / 5
            values = (3600.0 * hours * (step - 1 + row / 5), 3.7 + 0.5 * share, sign * CURRENT, FULL * share)
            for key, value in zip(rows, (*values, 1, step), strict=True):
                rows[key].append(value)
    kept.rows(journal, "primary", {**rows, "step_index": rows["step_count"]})
    steps = {
        "step_index": [1, 2],
        "step_count": [1, 2],
        "cycle": [1, 1],
        "technique": ["constant_current"] * 2,
        "end_reason": ["voltage_above", "voltage_below"],
        "charge": [FULL, -FULL],
    }
    kept.rows(journal, "steps", steps)
    return kept.end(journal)


def whole_line(kept):
    """Keep a film, a flash, electrolyte, anode and cycles; return their uids."""
    film = put_on(kept, "LiCoO2", FILM)
    flash = flashed(kept, inputs=[film])
    upper = [put_on(kept, "LiPON", 1e-6), put_on(kept, "Li", 2e-6)]
    return film, flash, *upper, cycled(kept, inputs=[film, flash, *upper])
