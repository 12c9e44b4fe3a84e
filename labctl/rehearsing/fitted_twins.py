"""What a rehearsal's twins have of the lab's fits: those of their bench count, and a real device's twin behaves so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labctl.calibration import FluenceCalibration, calibrated
from labctl.config.models import BenchFile, DeviceEntry, StationEntry, TrueChamber, World
from labctl.films.rates import BOAT, FilmFit, FilmRates
from labctl.kept_fits import KeptFits, Kind
from labctl.wiring import is_real

log = logging.getLogger(__name__)


def lend_fits(lamps: FluenceCalibration, films: FilmRates, twins: BenchFile, folder: Path) -> None:
    """Have what is rehearsed on twins of a bench, in a folder of its own, go by the fits of the bench itself."""
    _lend(lamps, FluenceCalibration(folder, twins))
    _lend(films, FilmRates(folder, twins))


def _lend(kept: KeptFits[Kind], borrowed: KeptFits[Kind]) -> None:
    for device in kept.devices():
        # Those that bench files name, and last those that count now.
        fits = [*kept.kept(device), *kept.fits(device)]
        borrowed.keep(device, *(replace(each, real=False) for each in fits))


def as_fitted(bench: BenchFile, lamps: FluenceCalibration, films: FilmRates) -> BenchFile:
    """Return a bench whose real devices are described as their fits say, for twins to stand for them.

    Twins stay what their file says: what they truly are no fit tells them. How a real crystal warms up, and what a real
    throttle and real targets showed, is not what theirs do.
    """
    fitted, _ = calibrated(bench, lamps)
    real = {name for name in bench.devices if is_real(bench, name)}
    devices = {
        name: _unstated(fitted.devices[name]) if name in real else entry
        for name, entry in bench.devices.items()
    }
    world = bench.world or World()
    chambers = dict(world.chambers)
    for name in films.devices():
        entry = bench.devices[name]
        if name in real and isinstance(entry, StationEntry):
            chambers[name] = _chamber(chambers.get(name, TrueChamber()), name, films.fits(name), entry)
    return replace(bench, devices=devices, world=replace(world, chambers=chambers))


def _unstated(entry: StationEntry | DeviceEntry) -> StationEntry | DeviceEntry:
    """Return a device of which nothing is stated that only the real one shows."""
    if not isinstance(entry, StationEntry) or not hasattr(entry.parameters, "crystal_warms"):
        return entry
    return replace(entry, parameters=replace(entry.parameters, crystal_warms=None, references=()))


def _chamber(nominal: TrueChamber, name: str, fits: Sequence[FilmFit], entry: StationEntry) -> TrueChamber:
    """Return a chamber that gives what the newest fit of each target says."""
    toolings = [fit.tooling for fit in fits if fit.tooling is not None]
    rates = dict(nominal.rates)
    for target, fit in {fit.target: fit for fit in fits if fit.target != BOAT}.items():
        try:
            rates[target] = fit.rate / _calculated(fit, entry)
        except ValueError as error:
            log.warning("%s: its twin gives of %s what is calculated: %s", name, target, error)
    return replace(nominal, rates=rates, tooling=toolings[-1] if toolings else nominal.tooling)


def _calculated(fit: FilmFit, entry: StationEntry) -> float:
    """Return the rate [m/s] of twins under a fit's conditions. Raises ValueError where none is foretold."""
    # A bench without a sputter system does not wait for its packages.
    from devices.sputter.conditions import ROOM
    from devices.sputter.parameters import SputterParameters
    from labctl.predicting.film import DIRECT
    from sim.physics.vacuum.gases import amounts
    from sim.sputter.foretold import Burning, foretold, substrate_bias

    built = entry.parameters
    assert isinstance(built, SputterParameters)
    gun = next((gun for gun, each in built.targets.items() if each.material == fit.target), None)
    if gun is None or not fit.gases:
        raise ValueError("no gun has it" if gun is None else "its gas is not on record")
    burning = Burning(
        fit.target,
        fit.power,
        built.targets[gun].share_of_rate(fit.worn),
        direct=entry.parts[gun].driver == DIRECT,
    )
    gas = amounts({name: fit.pressure * share for name, share in fit.gases.items()})
    bias = substrate_bias(fit.bias_power, fit.pressure)
    return foretold([burning], gas, bias=bias, temperature=fit.temperature or ROOM, turns=True).rate
