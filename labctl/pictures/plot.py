"""Pictures of a run, one message each, readable in grey; drawn outside the run, from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices.errors import DataError
from labctl.how_many import how_many
from labctl.live.picture import LivePicture
from labctl.pictures.anneal import crystalline_figure, depth_figure, pulse_figure, train_figure
from labctl.pictures.cycle import cycle_figures
from labctl.pictures.drawing import CELSIUS as CELSIUS
from labctl.pictures.film import baked_figure, film_figure, has_chamber
from labctl.pictures.of_run import Pictures
from labctl.pictures.sheet import sheet_figures
from labctl.replay import replay_in_place
from labctl.runs.kinds import BAKE
from labctl.runs.run import Run
from labctl.samples.of_run import sample_of_run
from labctl.shadow.showing import residual_figure
from labctl.to_its_sd import rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_run(run: Run, directory: Path) -> list[Path]:
    """Draw the pictures of a run into a folder and return their paths. Raises DataError when it has none."""
    return pictures_of(run, directory).save()


def pictures_of(run: Run, folder: Path) -> Pictures:
    """Return the pictures of a run; of one that nobody made pictures for, what it measured. Raises DataError.

    folder: where they are kept if asked.
    """
    if run.start.get("purpose") in ("anneal", "cycle", "eis", "map") or _is_film(run):
        return Pictures(stem_of(run), figures_of(run), folder)
    if has_chamber(run):
        return Pictures(stem_of(run), {"measured": film_figure(run, _film_title(run))}, folder)
    picture = LivePicture()
    for name, doc in run.documents:
        if name == "event_page":
            picture.rows(doc["descriptor"], doc["data"])
        elif name == "event":
            picture.rows(doc["descriptor"], {key: [value] for key, value in doc["data"].items()})
        else:
            picture.take(name, doc)
    if picture.is_empty:
        raise DataError(
            f"run {run.uid[:8]} measured nothing that can be drawn; run.table() shows what it has"
        )
    return Pictures(stem_of(run), {"measured": picture.figure()}, folder)


def stem_of(run: Run) -> str:
    """Return how files of a run begin."""
    sample = run.start.get("sample")
    return f"{sample['id']}-{run.uid[:8]}" if isinstance(sample, dict) and "id" in sample else run.uid[:8]


def figures_of(run: Run) -> dict[str, Figure]:
    """Return the pictures of an anneal, a film or a cycling run by name. Raises DataError when it has none."""
    purpose = run.start.get("purpose")
    if _is_film(run):
        figures = {"film": film_figure(run, _film_title(run))}
    elif run.start.get("plan_name") == BAKE:
        figures = {"furnace": baked_figure(run, _film_title(run))}
    elif purpose == "anneal":
        figures = _anneal_figures(run)
    elif purpose in ("cycle", "eis"):
        figures = cycle_figures(run, _title(run))
        if not figures:
            raise DataError(f"run {run.uid[:8]} has no rows; there is nothing to draw")
    elif purpose == "map":
        figures = _sheet_figures(run)
    else:
        raise DataError(f"run {run.uid[:8]} is a {purpose!r} run; there is no picture of that")
    if "residual" in run.streams and (residual := residual_figure(run.table("residual"), _title(run))):
        figures["residual"] = residual
    return figures


def _is_film(run: Run) -> bool:
    """Return whether a run had rows of making a film, whether or not one came of it."""
    has_rows = "layers" in run.streams and run.counts().get("primary", 0) > 0
    return has_rows and run.start.get("purpose") != "service"


def _film_title(run: Run) -> str:
    plan = str(run.start.get("plan_name", "run")).replace("_", " ")
    whose = (run.start.get("sample") or {}).get("id") or f"{plan}, run {run.uid[:8]}"
    if not run.counts().get("layers"):
        return ": ".join(each for each in (whose, run.start.get("recipe", {}).get("name", "")) if each)
    layer = run.table("layers")
    material, doubtful = layer["material"][-1], ", doubtful" if layer["doubtful"][-1] else ""
    measured = [
        f" (measured: {rounded(each.value * 1e9, each.sd * 1e9):.0f} nm)"
        for each in sample_of_run(run).measured
        if each.layer == material
    ]
    return f"{whose}: {layer['thickness'][-1] * 1e9:.0f} nm of {material}{doubtful}{''.join(measured)}"


def _sheet_figures(run: Run) -> dict[str, Figure]:
    if "primary" not in run.streams or not len(run.table()["site"]):
        raise DataError(f"run {run.uid[:8]} has no cell; there is nothing to draw")
    return sheet_figures(run, run.start["sample"]["id"])


def _anneal_figures(run: Run) -> dict[str, Figure]:
    if "primary" not in run.streams or not len(run.table()["pulse"]):
        raise DataError(f"run {run.uid[:8]} has no pulse; there is nothing to draw")
    seen, title = replay_in_place(run), _title(run)
    substrate = sample_of_run(run).sample["layers"][-2]["material"]
    late = f"{title}: pulse {seen.pulses}"
    return {
        "late-pulse": pulse_figure(late, seen.last_pulse, float(run.table()["duration"][-1]), substrate),
        "train": train_figure(f"{title}: {how_many(seen.pulses, 'pulse')}", seen, substrate),
        "depth": depth_figure(late, seen.last_profiles, float(seen.result.width.sum())),
        "crystalline": crystalline_figure(f"{title}: after {how_many(seen.pulses, 'pulse')}", seen.result),
    }


def _title(run: Run) -> str:
    sample = sample_of_run(run).sample
    body = run.start.get("recipe", {}).get("body")
    what = "" if body is None else f", {body['voltage']:g} V, {body['pulse_duration'] * 1e3:g} ms"
    if not sample.get("layers"):
        return f"{sample.get('id', 'no sample')}{what}"
    film = sample["layers"][-1]
    thickness = rounded(film["thickness"] * 1e6, film.get("thickness_sd", 0.0) * 1e6)
    return f"{film['material']} {thickness:g} um ({sample['id']}){what}"
