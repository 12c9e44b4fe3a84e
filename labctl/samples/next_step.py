"""Whether what is done to a sample next goes with what lies on it: what a person is asked where it does not.

A film that its sample's description expects next, on what lies on top, asks nobody, nor does the rest of one that broke
off. Heat beyond what LiPON is known to bear nobody can agree to, in a furnace or under a lamp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from devices.cycling.cells import VOLUMETRIC_CAPACITY
from devices.recipes import AnnealRecipe
from devices.roles.hands import Film, Heat
from devices.samples import Layer, SampleRef
from labctl.runs.films import FilmPutOn
from labctl.samples.deposited import deposited
from labctl.samples.facts import Facts

ELECTROLYTE, ANODE = "LiPON", "Li"
MELTS = {"Li": 453.65, "Al": 933.47}
"""K at which it melts [CRC Handbook]."""
BEARS = {ELECTROLYTE: 523.15}
"""K that a film is known to bear: LiPON 235 to 250 degC, as solder is reflown, and 250 degC for 10 min on LiCoO2, which
halves its resistance [PVD review, Neudecker 2000 there]. What more heat makes of it, nobody here knows."""
CELSIUS = 273.15


@dataclass(frozen=True)
class OnIt:
    """What lies on a sample, from the bottom up, or will by then.

    films: what runs put on, oldest first. built: when its cell layers were put on by hand, as a label [s since the
    epoch]; None where they were not.
    """

    sample: SampleRef
    films: tuple[FilmPutOn, ...] = ()
    built: float | None = None

    @classmethod
    def of(cls, data: Path, sample: SampleRef) -> OnIt:
        """Return what journals and facts tell of a sample."""
        facts = Facts(data).of(sample.id)
        built = [float(fact["time"]) for fact in facts if fact["fact"] == "assembled"]
        return cls(sample, tuple(deposited(data, sample.id, sample.parents)), min(built, default=None))

    def with_film(self, film: Film) -> OnIt:
        """Return it with one more film, of which nobody knows yet when."""
        more = FilmPutOn(film.material, film.thickness, 0.0, "planned", time=math.nan)
        return replace(self, films=(*self.films, more))

    def question(self, then: Film | Heat) -> str:
        """Return what a person must agree to before something is done to it; empty where nobody need be asked."""
        return self._of_film(then) if isinstance(then, Film) else self._of_heat(then)

    def refusal(self, then: Film | Heat | AnnealRecipe) -> str:
        """Return why heat does not belong on it, whoever agrees; empty where it may be, and for films."""
        if isinstance(then, Film):
            return ""
        highest = then.temperature if isinstance(then, Heat) else math.inf
        said = [
            f"{each}, which is known to bear {_degrees(BEARS[each.material])}"
            for each in self._put_on()
            if highest > BEARS.get(each.material, math.inf)
        ]
        hot = f"heated to {_degrees(highest)}"
        if isinstance(then, AnnealRecipe):
            said += [f"{each}, {_melts(each)}" for each in self._put_on() if each.material == ANODE]
            hot = "flashed, and no model says how hot that makes a covered film"
        return f"{self.sample.id} has {'; '.join(said)}; it is to be {hot}" if said else ""

    def _of_film(self, film: Film) -> str:
        wanted = f"{_thick(film.thickness)} of {film.material}"
        put_on, (expected, under, has_plan) = list(self._put_on()), self._expected()
        is_expected = film.material == expected
        top = put_on[-1].material if put_on else self.sample.layers[0].material
        if film.goes_on or (is_expected and top == under):
            return ""
        lies = f"{self.sample.id} has {_and(put_on) or 'no film on it'}"
        if put_on and put_on[-1].material == film.material:
            return f"{lies}; another {wanted} is to be put on it{self._rest(film, put_on[-1])}"
        if has_plan:
            plan = f"{expected} on {under}" if is_expected else expected or "nothing more"
            return f"{lies}, and its description expects {plan}; {wanted} is to be put on it"
        why = self._misplaced(film.material, [each.material for each in put_on])
        return f"{lies}; {wanted} is to be put on it, {why}" if why else ""

    def _rest(self, film: Film, top: _Lying) -> str:
        """Return what puts on only the rest of a film that is doubtful and less than is asked; empty for another."""
        last = self.films[-1] if self.films else None
        if (
            last is None
            or not last.doubts
            or last.material != film.material
            or top.thickness >= film.thickness
        ):
            return ""
        plan = "finish_deposition" if last.targets else "finish_evaporation"
        return (
            f'. If it broke off: an experiment with plan = "{plan}", its sample, its recipe and run = "{last.run[:8]}"'
            " puts on only what is missing"
        )

    def _misplaced(self, material: str, there: Sequence[str]) -> str:
        """Return why a film does not belong on what is there, by the order of a cell alone; empty if it may."""
        if material in there:
            return "which lies deeper in it already"
        cathodes = [each for each in there if self._is_cathode(each)]
        covers = [each for each in there if each in (ELECTROLYTE, ANODE)]
        if self._is_cathode(material) and covers:
            return f"a cathode over {covers[-1]}"
        if material == ELECTROLYTE and ANODE in there:
            return f"an electrolyte over {ANODE}"
        if material == ANODE and cathodes and ELECTROLYTE not in there:
            return f"where no electrolyte lies on {cathodes[-1]}"
        return ""

    def _of_heat(self, heat: Heat) -> str:
        lying = [_Lying(layer.material, layer.thickness) for layer in self.sample.layers[:1]]
        melting = [
            each
            for each in chain(lying, self._put_on())
            if heat.temperature >= MELTS.get(each.material, math.inf)
        ]
        said = "; ".join(f"{each}, {_melts(each)}" for each in melting)
        if not said:
            return ""
        return f"{self.sample.id} has {said}; it is to be heated to {_degrees(heat.temperature)}"

    def _is_cathode(self, material: str) -> bool:
        return material in VOLUMETRIC_CAPACITY or self.sample.material("cathode", material) is not None

    def _expected(self) -> tuple[str, str, bool]:
        """Return which material its description expects next, empty for none, on which; and if it says any of films."""
        sample = self.sample
        plan = [each.material for each in sample.grown]
        if self.built is None:
            plan += [each.material for each in sample.cell_layers]
        done = 0
        for film in self.films:
            # More of the film that is there already goes on with it.
            done += done < len(plan) and plan[done] == film.material
        under = [sample.layers[-1].material, *plan][done]
        has_plan = bool(sample.grown or sample.cell_layers)
        return (plan[done] if done < len(plan) else ""), under, has_plan

    def _put_on(self) -> Iterator[_Lying]:
        """Yield what lies on the substrate, from the bottom up; films of one material on each other as one."""
        sample = self.sample
        yield from (_Lying(each.material, each.thickness) for each in sample.layers[1:])
        on_top: _Lying | None = None
        for each in self._later():
            if on_top is not None and on_top.material == each.material:
                on_top = replace(
                    on_top, thickness=on_top.thickness + each.thickness, films=on_top.films + each.films
                )
                continue
            if on_top is not None:
                yield on_top
            on_top = each
        if on_top is not None:
            yield on_top

    def _later(self) -> Iterator[_Lying]:
        """Yield what was put on since it was described, oldest first."""
        built = [] if self.built is None else [(self.built, layer) for layer in self.sample.cell_layers]
        put_on: list[tuple[float, Layer | FilmPutOn]] = [*built, *((film.time, film) for film in self.films)]
        # What is planned comes last: its time is not known.
        for time, each in sorted(put_on, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0]):
            yield _Lying(each.material, each.thickness, time, 1)


@dataclass(frozen=True)
class _Lying:
    """A layer, so thick [m]; since: a time label, NaN where nobody knows; of how many films it is."""

    material: str
    thickness: float
    since: float = math.nan
    films: int = 0

    def __str__(self) -> str:
        made = f" in {self.films} films" if self.films > 1 else ""
        if math.isnan(self.since):
            return f"{_thick(self.thickness)} {self.material}{made}"
        since = f"{datetime.fromtimestamp(self.since).astimezone():%Y-%m-%d %H:%M}"
        return f"{_thick(self.thickness)} {self.material}{made} since {since}"


def _melts(lying: _Lying) -> str:
    return f"which melts at {MELTS[lying.material] - CELSIUS:.1f} degC"


def _degrees(temperature: float) -> str:
    return f"{temperature - CELSIUS:.0f} degC"


def _thick(thickness: float) -> str:
    return f"{thickness * 1e6:.2f} um" if thickness >= 1e-7 else f"{thickness * 1e9:.1f} nm"


def _and(layers: Sequence[_Lying]) -> str:
    return ", ".join(map(str, layers))
