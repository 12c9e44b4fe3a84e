"""A film of lithium from an electron beam: the same supply, monitor and plan, on another truth."""

from dataclasses import replace

import pytest

from labctl.config.folder import Config
from labctl.session import Session
from tests.support import quick_films


def test_a_plan_evaporates_with_an_electron_beam_as_with_a_boat(tmp_path):
    config = Config(quick_films.ROOT / "config")
    found = config.bench("sputter")
    chambers = found.world.chambers
    beam = replace(chambers["evaporator"], source="electron beam")
    world = replace(found.world, chambers={**chambers, "evaporator": beam})
    with Session(
        replace(found, world=world), config.limits(), tmp_path / "data", handle_signals=False
    ) as lab:
        recipe = quick_films.evaporation(thickness=200e-9)
        witness = replace(config.sample("witness"), id="w0", cell_layers=())
        lab.RE(lab.plans.vent(lab.evaporator))
        lab.RE(lab.plans.evaporate(lab.evaporator, witness, recipe))
        (film,) = lab.twins.foil("w0").grown
        assert film.material == "Li"
        assert film.thickness == pytest.approx(beam.tooling * 200e-9, rel=0.02)
        assert film.area == pytest.approx(0.15e-4, rel=0.004)
