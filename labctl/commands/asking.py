"""Commands that ask before anything is touched."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.options import BenchOption, ConfigOption, DataOption


def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names in the configuration, or files (.toml, steps in .txt, unicycler .json); all of it if none."
        ),
    ] = None,
    sample: Annotated[
        str, typer.Option(help="Whose cell a program is for; an experiment's own, else none.")
    ] = "",
    area: Annotated[str, typer.Option(help='Area of a cell without a sample, e.g. "0.2 cm^2".')] = "",
    bench: Annotated[str, typer.Option(help="The bench whose machines are asked, too.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Check files and touch no device; tell how long programs and films take and which limits they would hit.

    Of films: the targets' wear, gas, rows, disk, too; by the rates and the wear that the data folder knows of, and what
    somebody will be asked because of what lies on the sample already.
    """
    from devices.errors import ConfigError
    from labctl.config.check import check as find_mistakes
    from labctl.config.checking import Collected
    from labctl.config.finder import data_dir
    from labctl.config.folder import Config
    from labctl.config.naming import file_of
    from labctl.films.check import tell_films
    from labctl.films.questions import film_questions
    from labctl.films.vent_first import vent_first
    from labctl.program_check import tell_programs
    from labctl.stack_check import all_samples, stack_doubts
    from labctl.units import UnitError, parse

    try:
        square_metres = parse(area, "m^2") if area else None
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint="--area") from error
    collected, folder = Collected(), Config(config)
    meant = [path for each in files or [] if (path := collected.attempt(file_of, each, folder)) is not None]
    mistakes = [*collected.mistakes, *(find_mistakes(meant, config) if meant or not files else [])]
    if mistakes:
        raise ConfigError(mistakes)
    programs = [
        *tell_programs(meant, config=config, sample=sample, area=square_metres, bench=bench),
        *tell_films(meant, config=config, bench=bench, data=data_dir(data)),
    ]
    doubts = stack_doubts(meant or all_samples(folder), folder)
    doubts += film_questions(meant, folder, data_dir(data))
    doubts += vent_first(meant, folder, bench, data_dir(data))
    stopped = any(told.stopped for told in programs)
    verdict = (
        "NOT AS IT STANDS: some of it would be refused, or stopped at a limit" if stopped else "no mistakes"
    )
    typer.echo("\n".join([verdict, *doubts, *(line for told in programs for line in told.lines)]))
    if stopped:
        raise typer.Exit(2)


def predict(
    what: Annotated[
        str,
        typer.Argument(
            help="What to predict: `anneal` (by flashes), `furnace` or `film`, then a recipe; or an EXPERIMENT alone,"
            " all its films and anneals in their order."
        ),
    ],
    recipe: Annotated[str, typer.Argument(help="Name of a recipe in the configuration.")] = "",
    sample: Annotated[
        str, typer.Option(help="Name of a sample to be annealed; a fresh 0.7 um film if none.")
    ] = "",
    model: Annotated[str, typer.Option(help="S1 or S2; as the bench says if none.")] = "",
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Tell what a recipe will do, before it does: peaks, margins, damage; of films thickness, rate, what they are."""
    if what not in ("anneal", "furnace", "film"):
        from labctl.predicting.experiment import predict_experiment

        if recipe or sample:
            raise typer.BadParameter(
                f"`anneal`, `furnace` or `film` of a recipe can be predicted, not {what!r}; or an experiment alone"
            )
        predict_experiment(what, bench, model, config, data)
        return
    if not recipe:
        raise typer.BadParameter(f"name the recipe of which the {what} is to be predicted")
    if what == "anneal":
        from labctl.predicting.anneal import predict_anneal as answer
    elif what == "furnace":
        from labctl.predicting.furnace import predict_furnace as answer
    else:
        from labctl.predicting.film import predict_film as answer
    answer(recipe, sample, bench, model, config, data)
