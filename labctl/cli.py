"""The command line. Heavy packages are imported by the commands that use them: help must come at once."""

from __future__ import annotations

import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from labctl import __version__

app = typer.Typer(
    help="Instrument control and lab automation for thin-film solid-state batteries.",
    epilog="Experiments, samples, recipes, programs and benches are TOML files in the folders of one configuration:"
    " --config, else $LABCTL_CONFIG, else the one that came with labctl. Runs are kept in --data, else $LABCTL_DATA,"
    " else ./labctl-data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

twin_app = typer.Typer(help="Twins for other processes.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(twin_app, name="twin")


class Pace(StrEnum):
    """On which clock twins are served."""

    WALL = "wall"
    ONE = "1"


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration folder (or $LABCTL_CONFIG; else the one shipped)."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder (or $LABCTL_DATA; else ./labctl-data).")
]
BenchOption = Annotated[str, typer.Option("--bench", help="Name of the bench, as in config/benches.")]
RunArgument = Annotated[str, typer.Argument(help="A run's uid, enough of its beginning, or `last`.")]


def main() -> None:
    """Run the command line; errors of labctl are words, not tracebacks."""
    # BLAS threads on two cores make the small matrices of the twins slower, up to 50 times (measured).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from devices.errors import ConfigError, LabError

    try:
        app()
    except ConfigError as error:
        _fail(error, 2)
    except LabError as error:
        _fail(error, 1)
    except BrokenPipeError:
        # Whoever read our output (`head`, a pager) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(error: Exception, code: int) -> None:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    sys.exit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"labctl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def demo(
    config: ConfigOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder; a new one for each demo unless given.")
    ] = None,
) -> None:
    """Run the three paper recipes on the twin bench: anneal, then cycle; print paper against twin, draw pictures."""
    from labctl.demo import new_demo_directory, run_demo

    with _StoppedInOrder():
        run_demo(config, data or new_demo_directory())


@app.command()
def run(
    experiments: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPERIMENT...",
            help="An EXPERIMENT.toml, or the name of one in the configuration; several run side by side.",
        ),
    ],
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
    operator: Annotated[str, typer.Option(help="Who runs it; goes into the documents.")] = "",
    start_with_the_rest: Annotated[
        bool, typer.Option("--start-with-the-rest", help="Go on without devices that do not answer.")
    ] = False,
) -> None:
    """Run an experiment on a bench, or several at once, each on the potentiostat its cell is wired to."""
    from labctl.config.folder import Config
    from labctl.running import run_shown, run_together
    from labctl.stopping import scripted_session

    asked = Config(config).select(bench, experiments).experiments
    with (
        _StoppedInOrder(),
        scripted_session(
            bench, config=config, data=data, operator=operator, start_with_the_rest=start_with_the_rest
        ) as (lab, stopping),
    ):
        for name, reasons in lab.missing.items():
            typer.echo(f"without {name}: {'; '.join(reasons.values())}", err=True)
        if len(asked) == 1:
            run_shown(lab, stopping, asked[0])
        else:
            run_together(lab, stopping, asked)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files to check (.toml, steps in .txt, unicycler .json); the configuration if none."
        ),
    ] = None,
    sample: Annotated[
        str, typer.Option(help="Whose cell a program is for; an experiment's own, else none.")
    ] = "",
    area: Annotated[str, typer.Option(help='Area of a cell without a sample, e.g. "0.2 cm^2".')] = "",
    bench: Annotated[str, typer.Option(help="The bench whose potentiostats are asked, too.")] = "",
    config: ConfigOption = None,
) -> None:
    """Check files and touch no device; tell of programs how long they take and which limits they would hit."""
    from devices.errors import ConfigError
    from labctl.config.check import check as find_mistakes
    from labctl.program_check import tell_programs
    from labctl.units import UnitError, parse

    try:
        square_metres = parse(area, "m^2") if area else None
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint="--area") from error
    mistakes = find_mistakes(files or [], config)
    if mistakes:
        raise ConfigError(mistakes)
    programs = list(tell_programs(files or [], config=config, sample=sample, area=square_metres, bench=bench))
    typer.echo("\n".join(["no mistakes", *(line for told in programs for line in told.lines)]))
    if any(told.stopped for told in programs):
        raise typer.Exit(2)


@app.command()
def export(
    program: Annotated[str, typer.Argument(help="Name of a program in the configuration, or a file.")],
    to: Annotated[str, typer.Option(help="`text`, `pybamm` or `unicycler`.")] = "text",
    sample: Annotated[str, typer.Option(help="Whose cell it is for; C-rates need one.")] = "",
    config: ConfigOption = None,
) -> None:
    """Print a program in another language: our text, PyBaMM's strings, unicycler's JSON."""
    from labctl.language.export import FORMATS
    from labctl.program_check import find_program, program_on, size_of

    if to not in FORMATS:
        raise typer.BadParameter(f"one of {', '.join(FORMATS)}, not {to!r}", param_hint="--to")
    cell = size_of(sample, config)
    typer.echo(FORMATS[to](program_on(find_program(program, config), cell, program), cell), nl=False)


@app.command()
def runs(data: DataOption = None) -> None:
    """List the runs that were kept."""
    from labctl.show import print_runs

    print_runs(data)


@app.command()
def show(
    run: RunArgument,
    stream: Annotated[str, typer.Option(help="Which stream's rows to show.")] = "",
    columns: Annotated[str, typer.Option(help="Which columns, between commas; all that fit if none.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="How many rows at the most.")] = 12,
    data: DataOption = None,
) -> None:
    """Show one run: what was asked, what came of it, and its rows."""
    from labctl.show import print_run

    print_run(run, stream, columns, rows, data)


@app.command()
def plot(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; `pictures` in the data if none.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Draw a run's pictures from its journal."""
    from labctl.config.finder import data_dir
    from labctl.plot import plot_run
    from labctl.runs import Run

    for path in plot_run(Run(run, data), output or data_dir(data) / "pictures"):
        typer.echo(str(path))


@app.command()
def predict(
    what: Annotated[str, typer.Argument(help="What to predict: `anneal` (by flashes) or `furnace`.")],
    recipe: Annotated[str, typer.Argument(help="Name of a recipe in the configuration.")],
    sample: Annotated[str, typer.Option(help="Name of a sample; a fresh 0.7 um film if none.")] = "",
    model: Annotated[str, typer.Option(help="S1 or S2; as the bench says if none.")] = "",
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Tell what a recipe will do, before anything fires: peaks, margins, damage."""
    if what == "anneal":
        from labctl.predict import predict_anneal as answer
    elif what == "furnace":
        from labctl.predict_furnace import predict_furnace as answer
    else:
        raise typer.BadParameter(f"`anneal` or `furnace` can be predicted, not {what!r}")
    answer(recipe, sample, bench, model, config, data)


@app.command()
def safe(bench: BenchOption = "twin", config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring every device of a bench to its safe state, those that answer; say which could not be.

    A bench that another session holds is not touched: that session makes its lamp safe when it is sent SIGTERM.
    """
    from devices.errors import ConnectError
    from labctl.stopping import scripted_session

    with (
        _StoppedInOrder(),
        scripted_session(bench, config=config, data=data, start_with_the_rest=True) as (lab, _),
    ):
        lab.safe()
        typer.echo(f"safe: {', '.join(lab.devices) or 'nothing'}")
        if lab.missing:
            raise ConnectError(lab.missing)


@twin_app.command()
def serve(
    bench: Annotated[
        str, typer.Argument(help="Name of the bench whose twins are served, or a file.")
    ] = "twin",
    pace: Annotated[
        Pace, typer.Option(help="The wall's time, or a clock of the same pace that waits for late code.")
    ] = Pace.WALL,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the links and the black box; in the data if none.")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(help="A file of faults: which trouble befalls which wire, and when.")
    ] = None,
    write_bench: Annotated[
        str, typer.Option(help="Write the ready bench file into the configuration too, under this name.")
    ] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Put a bench's twins on ptys and TCP ports, for other processes to talk to as to hardware."""
    from labctl.serving.serve import serve as serve_twins

    serve_twins(
        bench,
        config=config,
        data=data,
        folder=folder,
        waits=pace is Pace.ONE,
        faults=faults,
        write_bench=write_bench,
    )


class _StoppedInOrder:
    """Turn Stopped into the exit status a shell expects, once everything is closed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from labctl.stopping import Stopped

        if isinstance(error, Stopped):
            sys.stderr.write(f"{error.name}: ended in good order; what was acquired is in the journal\n")
            raise SystemExit(error.code)
