"""The command line: commands by name, and errors as words. Help must come at once."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer
from typer.main import get_command_name

from labctl import __version__
from labctl.commands import (
    asking,
    catalog,
    derived,
    durable,
    examining,
    exchange,
    keeping,
    lab,
    materials,
    night,
    queueing,
    rehearsing,
    reporting,
    reproducing,
    samples,
    shadow,
    sheets,
    troubling,
    watching,
    working,
)

app = typer.Typer(
    help="Instrument control and lab automation for thin-film solid-state batteries.",
    epilog="Experiments, samples, recipes, programs and benches are TOML files in the folders of one configuration:"
    " --config, else $LABCTL_CONFIG, else the lab around the working folder (`labctl init` makes one), else the one"
    " that came with labctl. Runs are kept in --data, else $LABCTL_DATA, else labctl-data in that lab,"
    " else ./labctl-data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

twin_app = typer.Typer(help="Twins for other processes.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(twin_app, name="twin")
app.add_typer(samples.sample_app, name="sample")


def main() -> None:
    """Run the command line; errors of labctl are words, not tracebacks."""
    # BLAS threads on two cores make the small matrices of the twins slower, up to 50 times (measured).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from devices.errors import ConfigError, LabError

    _keep_only(sys.argv[1:2])
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


def _keep_only(asked: list[str]) -> None:
    """Drop the other commands where one is asked for by name: parsers of all take long to build (40 ms, measured)."""
    named = [
        each
        for each in app.registered_commands
        if each.callback and (each.name or get_command_name(each.callback.__name__)) in asked
    ]
    if named:
        app.registered_commands, app.registered_groups = named, []


def _fail(error: Exception, code: int) -> None:
    from devices.errors import LabError
    from labctl.next_steps import next_step

    step = next_step(error)
    # What a module derives for itself is told as what it is to everybody.
    name = next(each.__name__ for each in type(error).__mro__ if each.__module__ == LabError.__module__)
    sys.stderr.write(f"{name}: {error}\n" + (f"Next: {step}\n" if step else ""))
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


for command in (
    working.demo,
    reproducing.reproduce,
    lab.init,
    lab.new,
    working.run,
    working.shell,
    watching.watch,
    rehearsing.rehearse,
    asking.check,
    exchange.export,
    keeping.runs,
    keeping.show,
    keeping.plot,
    keeping.note,
    keeping.mark,
    samples.samples,
    asking.predict,
    materials.materials,
    materials.material,
    materials.ved,
    examining.doctor,
    working.safe,
    working.reset,
    working.account,
    durable.verify,
    durable.recover,
    durable.backup,
    derived.derive,
    sheets.sheet,
    shadow.shadow,
    catalog.catalog,
    catalog.serve,
    night.night,
    night.order,
    reporting.report,
    reporting.alarms,
    reporting.acknowledge,
):
    app.command()(command)
app.command("import")(exchange.import_files)
for hidden in (night.night_run, night.night_guard, reporting.night_courier):
    app.command(hidden.__name__.replace("_", "-"), hidden=True)(hidden)
for of_twins in (working.serve, troubling.faults, troubling.fault):
    twin_app.command()(of_twins)
app.add_typer(queueing.queue_app, name="queue")
