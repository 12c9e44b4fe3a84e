"""Guns: which target is on each, how much it is worn, and how fast its power may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.errors import InterlockError
from devices.sputter.parameters import Target
from devices.sputter.parts import PlasmaSupply
from devices.sputter.recipe import DepositionRecipe, GunSetting

STRIKES = 40.0
"""W with which a plasma is lit where a recipe says nothing of it: it lights in all but 5e-5 of cases [twins]."""


class Wear:
    """How much energy [J] each target has had, over all sessions. A target of another material begins anew."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._energy = {gun: target.worn for gun, target in targets.items()}

    def recalled(self, told: Mapping[str, Any]) -> list[str]:
        """Take what the session before reported; return in words which targets are others than then."""
        said = []
        for gun, target in self._targets.items():
            last = told.get(gun)
            if last is None:
                continue
            if last["material"] == target.material:
                self._energy[gun] = max(float(last["energy"]), target.worn)
            else:
                said.append(f"{gun} bore {last['material']} before, now {target.material}")
        return said

    def told(self) -> dict[str, Any]:
        """Return it in JSON."""
        return {
            gun: {"material": target.material, "energy": self._energy[gun]}
            for gun, target in self._targets.items()
        }

    def add(self, gun: str, energy: float) -> None:
        """Wear a target by some energy [J]."""
        self._energy[gun] += energy

    def renew(self, gun: str) -> None:
        """Take note that a target was replaced by a new one of the same kind."""
        self._energy[gun] = 0.0

    def of(self, gun: str) -> float:
        """Return what a target has had [J]."""
        return self._energy[gun]

    def left(self, gun: str) -> float:
        """Return what a target may still have [J]."""
        return self._targets[gun].life - self._energy[gun]


@dataclass(frozen=True)
class GunPlan:
    """What a gun shall do: name, target, power [W] in the end, ramp [W/s] as the recipe asks, else its target's."""

    gun: str
    target: Target
    power: float
    ramp: float


def planned(setting: GunSetting, targets: Mapping[str, Target]) -> GunPlan:
    """Return what a setting means on these guns. Raises InterlockError unless exactly one bears its target."""
    bearing = [gun for gun, target in targets.items() if target.material == setting.target]
    found = [gun for gun in bearing if gun == setting.gun or not setting.gun]
    if len(found) != 1:
        on = ", ".join(f"{gun} {target.material}" for gun, target in targets.items())
        raise InterlockError("target", f"{_unplanned(setting, targets, bearing)} ({on}). Nothing was set")
    target = targets[found[0]]
    power = setting.power if setting.power is not None else (setting.power_density or 0.0) * target.area
    return GunPlan(found[0], target, power, setting.ramp or target.ramp)


def _unplanned(setting: GunSetting, targets: Mapping[str, Target], bearing: Sequence[str]) -> str:
    """Return why a setting means none of the guns, or several, and what to do; bearing: those with its target."""
    mount = f"mount {setting.target}, and write it in the bench file"
    if not setting.gun:
        what = "give `gun`" if bearing else mount
        return f"{setting.target} is on {len(bearing)} guns; {what}"
    there = f"bears {targets[setting.gun].material}" if setting.gun in targets else "is not there"
    other = f"say {' or '.join(bearing)}, which does, or " if bearing else ""
    return f"the recipe wants {setting.target} on {setting.gun}, which {there}; {other}{mount}"


def strike_power(recipe: DepositionRecipe, plan: GunPlan) -> float:
    """Return the power [W] that a gun gets at once, to light its plasma: never more than it has in the end."""
    return min(STRIKES, plan.power) if recipe.strike is None else recipe.strike.power


class Ramp:
    """Moves the power of a supply in whole watts, never faster than its target bears.

    power [W] is what was last set. A supply that takes whole watts only is set to the nearest.
    """

    def __init__(self, supply: PlasmaSupply, rate: float) -> None:
        self._supply, self._rate = supply, rate
        self._exact = self.power = 0.0

    def begin(self, power: float) -> None:
        """Set the power from which it goes on."""
        self._exact = power
        self._set()

    def towards(self, goal: float, dt: float) -> bool:
        """Go on towards a power [W] for dt [s]; return whether it is there."""
        step = self._rate * dt
        self._exact += max(-step, min(step, goal - self._exact))
        self._set()
        return abs(self._exact - goal) < 1e-9

    def _set(self) -> None:
        watts = float(round(self._exact))
        if watts != self.power:
            self._supply.set_power(watts)
            self.power = watts


def switch_on(supply: PlasmaSupply, set_power: Callable[[], object]) -> None:
    """Take a supply, set its power, switch it on; as the loop that acts, so that it is asked and not remembered."""
    supply.acting = True
    try:
        supply.take_control()
        set_power()
        supply.on()
    finally:
        supply.acting = False
