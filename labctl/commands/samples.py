"""Commands on samples: their stories, and what people say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from labctl.commands.options import ConfigOption, DataOption, OperatorOption


class ShowByDefault(TyperGroup):
    """`labctl sample S` shows S; a sample called as a command is shown by `labctl sample show S`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the command in that was left out."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


sample_app = typer.Typer(
    cls=ShowByDefault,
    help="One sample: `labctl sample S` shows what it is, was made from and went through.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SampleArgument = Annotated[str, typer.Argument(help="A sample's id.")]
NewOption = Annotated[
    bool,
    typer.Option("--new", help="Also a sample of which nothing is known, or the first of a data folder."),
]


def folder_of(samples: list[str], data: Path | None, config: Path | None, *, new: bool) -> Path:
    """Return the data folder in which something is entered of samples; new: whether or not anything is known of them.

    Raises DataError for a sample of which nothing is known, or where there is no such folder.
    """
    from labctl.config.finder import data_dir, kept_dir
    from labctl.samples.facts import safe_id
    from labctl.samples.known import require_known

    for sample in samples:
        safe_id(sample)
    if new:
        return data_dir(data)
    directory = kept_dir(data)
    require_known(directory, config, samples)
    return directory


def samples(
    where: Annotated[
        list[str] | None,
        typer.Option(help="A condition, e.g. 'foil_peak > 600 degC' or 'cell = 1'; several must all hold."),
    ] = None,
    data: DataOption = None,
) -> None:
    """List all samples, one line each."""
    from labctl.config.finder import kept_dir
    from labctl.runs.conditions import condition
    from labctl.samples.story import Stories
    from labctl.showing.samples import print_stories

    directory = kept_dir(data)
    stories = Stories(directory)
    found = [stories.of(sample) for sample in stories.ids()]
    asked = [condition(text) for text in where or ()]
    for each in asked:
        each.keys({key for story in found for key in story.values}, "sample")
    fitting = [story for story in found if all(story.fits(each) for each in asked)]
    print_stories(fitting, directory, of=len(found))


@sample_app.command()
def show(sample: SampleArgument, data: DataOption = None) -> None:
    """Show a sample's story as a tree."""
    from labctl.config.finder import data_dir
    from labctl.samples.story import Stories
    from labctl.showing.samples import print_story

    directory = data_dir(data)
    print_story(Stories(directory, sample).of(sample), directory)


@sample_app.command()
def attach(
    sample: SampleArgument,
    files: Annotated[list[Path], typer.Argument(help="Files to copy to the sample.")],
    note: Annotated[str, typer.Option(help="What they are.")] = "",
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Copy files to a sample; the same content is kept once."""
    from labctl.samples.attachments import attach as attach_file

    directory = folder_of([sample], data, config, new=new)
    for file in files:
        typer.echo(str(attach_file(directory, sample, file, note, who=operator)))


@sample_app.command()
def measure(
    sample: SampleArgument,
    quantity: Annotated[str, typer.Argument(help="`thickness`, `area` or `capacity`.")],
    value: Annotated[str, typer.Argument(help='With its unit, e.g. "1.18 um".')],
    sd: Annotated[str, typer.Option(help='Its standard uncertainty, e.g. "20 nm".')] = "",
    layer: Annotated[str, typer.Option(help="Of a thickness: the layer's material, e.g. LiCoO2.")] = "",
    how: Annotated[str, typer.Option(help="By what it was measured, e.g. profilometer.")] = "",
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Enter what was measured on a sample; from now on it counts instead of what was intended.

    Calibrations whose witness it is are made anew with it.
    """
    from labctl.plain_text import plain
    from labctl.samples.measurements import UNITS, Measurement
    from labctl.samples.measurements import measure as enter_measured
    from labctl.units import UnitError, parse

    if quantity not in UNITS:
        raise typer.BadParameter(f"one of {', '.join(UNITS)}, not {quantity!r}", param_hint="QUANTITY")
    try:
        number, spread = (parse(text, UNITS[quantity]) if text else 0.0 for text in (value, sd))
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint="VALUE or --sd") from error
    directory = folder_of([sample], data, config, new=new)
    enter_measured(directory, sample, Measurement(quantity, number, spread, layer, how), who=operator)
    typer.echo(
        f"{sample}: {' '.join(filter(None, (plain(layer), quantity, plain(value))))} entered as measured"
    )
    if quantity == "thickness":
        # What calibrates films is slow to import.
        from labctl.config.folder import Config
        from labctl.films.rates import fitted_anew

        for said in fitted_anew(directory, Config(config)):
            typer.echo(said)


@sample_app.command()
def treat(
    sample: SampleArgument,
    treatment: Annotated[
        str,
        typer.Argument(
            help="`air-before-electrolyte`, `rta-of-cathode`, `electrolyte-at-250C` or `overlayer`."
        ),
    ],
    how: Annotated[str, typer.Option(help="How it was, e.g. `40 min in room air`.")] = "",
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Enter what a sample's parts went through beside anneals; its cell is believed, and on twins made, so."""
    from labctl.samples.treatments import treat as enter_treated
    from sim.materials.treatments import TREATMENTS

    enter_treated(folder_of([sample], data, config, new=new), sample, treatment, how, who=operator)
    typer.echo(f"{sample}: {TREATMENTS[treatment]}")


@sample_app.command()
def parent(
    sample: SampleArgument,
    of: Annotated[str, typer.Argument(metavar="PARENT", help="What it was cut from.")],
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Enter that a sample was cut from another: it has had whatever that one had until now."""
    from labctl.samples.parents import cut_from

    cut_from(folder_of([sample, of], data, config, new=new), sample, of, who=operator)
    typer.echo(f"{sample}: cut from {of}")


@sample_app.command()
def split(
    sheet: SampleArgument,
    into: Annotated[list[str], typer.Argument(metavar="PIECE...", help="The ids of the pieces.")],
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Enter that a sheet was cut into pieces: each has had whatever the sheet had until now."""
    from labctl.samples.parents import cut_from

    directory = folder_of([sheet], data, config, new=new)
    for piece in into:
        cut_from(directory, piece, sheet, who=operator)
        typer.echo(f"{piece}: cut from {sheet}")
