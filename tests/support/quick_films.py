"""A bench with chambers on which films are made quickly: strong sources, fast ramps, nothing else different."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from labctl.config import readers
from labctl.config.folder import Config
from labctl.session import Session

ROOT = Path(__file__).parents[2]
FASTER = 8.0
"""Times the rates of the shipped bench that sources of the tests give, where no test says otherwise."""


def quick_session(data, bench="sputter", ask=lambda sentence: "yes", faster=FASTER, loaded=()):
    """Return a session on a bench whose targets give so many times as much and bear fast ramps.

    loaded: chambers that have a load lock here, so that none is vented for a sample.
    """
    config = Config(ROOT / "config")
    found = config.bench(bench)
    sputter = found.devices["sputter"]
    parameters = replace(
        sputter.parameters,
        targets={gun: replace(each, ramp=4.0) for gun, each in sputter.parameters.targets.items()},
        rates={
            name: replace(each, rate=faster * each.rate) for name, each in sputter.parameters.rates.items()
        },
    )
    truth = found.world.chambers["sputter"]
    truth = replace(truth, rates={name: faster * each for name, each in truth.rates.items()})
    world = replace(found.world, chambers={**found.world.chambers, "sputter": truth})
    devices = {**found.devices, "sputter": replace(sputter, parameters=parameters)}
    for name in loaded:
        locked = replace(devices[name].parameters, load_lock=True)
        devices[name] = replace(devices[name], parameters=locked)
    quick = replace(found, devices=devices, world=world)
    return Session(quick, config.limits(), data, handle_signals=False, ask=ask)


def film(name="sputter-lco-0.7um", **changes):
    """Return a sputter system's recipe with fast ramps and a short pre-sputtering."""
    config = Config(ROOT / "config")
    recipe = readers.deposition(config.path("recipe", name))
    guns = tuple(replace(each, ramp=None) for each in recipe.guns)
    return replace(recipe, **{"guns": guns, "presputter": 70.0, **changes})


def evaporation(**changes):
    config = Config(ROOT / "config")
    recipe = readers.evaporation(config.path("recipe", "evaporate-li-2um"))
    return replace(recipe, **{"rate": 3e-9, "power": 300.0, "ramp": 4.0, **changes})


def foil(name="foil-1", **changes):
    return replace(Config(ROOT / "config").sample("lco-grown-0.7um"), id=name, **changes)
