"""Commands that work with a bench."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labctl.commands.in_order import StoppedInOrder
from labctl.commands.options import BenchOption, ConfigOption, DataOption

if TYPE_CHECKING:
    from labctl.session import Session


class Pace(StrEnum):
    """On which clock twins are served."""

    WALL = "wall"
    ONE = "1"


def demo(
    config: ConfigOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder; a new one for each demo unless given.")
    ] = None,
) -> None:
    """Run the three paper recipes on the twin bench: anneal, then cycle; print paper against twin, draw pictures."""
    from labctl.demo import new_demo_directory, run_demo

    with StoppedInOrder():
        run_demo(config, data or new_demo_directory())


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
    from labctl.stack_check import experiment_doubts
    from labctl.stopping import scripted_session

    folder = Config(config)
    asked = folder.select(bench, experiments).experiments
    for said in experiment_doubts(asked, folder):
        typer.echo(said, err=True)
    with (
        StoppedInOrder(),
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


def shell(
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
    operator: Annotated[str, typer.Option(help="Who works here; goes into the documents.")] = "",
    run: Annotated[str, typer.Option("-c", "--run", help="What to type; then leave.")] = "",
) -> None:
    """Work at a prompt (IPython) with a bench in it: RE, devices, plans, samples, recipes, runs. Extra `shell`."""
    from labctl.shell.starting import run_shell

    status = run_shell(bench, config, data, operator, run)
    if status:
        raise typer.Exit(status)


def safe(
    bench: BenchOption = "twin",
    only: Annotated[list[str] | None, typer.Option(help="A device's name; all if none is given.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Bring every device of a bench to its safe state, those that answer; say which could not be.

    A bench that another process holds is not touched: what to type that ends its session, which makes it safe, is
    said.
    """
    from devices.errors import ConnectError, LabError, OwnershipError
    from labctl.stopping import scripted_session

    try:
        with (
            StoppedInOrder(),
            scripted_session(bench, config=config, data=data, start_with_the_rest=True, only=only or ()) as (
                lab,
                _,
            ),
        ):
            lab.safe()
            typer.echo(f"safe: {', '.join(lab.devices) or 'nothing'}")
            if lab.missing:
                raise ConnectError(lab.missing)
    except OwnershipError as error:
        from labctl.config.finder import data_dir
        from labctl.held_bench import how_to_end

        raise LabError("; ".join(filter(None, [str(error), how_to_end(error, data_dir(data))]))) from error


@contextmanager
def _whatever_is_there(bench: str, config: Path | None, data: Path | None) -> Iterator[Session]:
    """Open a bench with the devices that answer, for a person's word on one of them."""
    from labctl.stopping import scripted_session

    with (
        StoppedInOrder(),
        scripted_session(bench, config=config, data=data, start_with_the_rest=True) as (lab, _),
    ):
        yield lab


def reset(
    device: Annotated[str, typer.Argument(help="Name of the device in its bench file.")] = "lamp",
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let a device go on that latched a fault, once you have looked at it; refused while the cause is still there."""
    from devices.errors import LabError
    from labctl.after_failure import left_over

    with _whatever_is_there(bench, config, data) as lab:
        station = lab.devices.get(device)
        if station is None or not hasattr(station, "reset"):
            there = ", ".join(name for name, each in lab.devices.items() if hasattr(each, "reset"))
            raise LabError(f"this bench has no {device!r} that can be reset; there is {there or 'nothing'}")
        was = repr(station).splitlines()[0]
        station.reset()
        typer.echo(f"was: {was}\nis:  {repr(station).splitlines()[0]}")
        for said in left_over({device: station}, bench):
            typer.echo(f"Next: {said}")


def account(
    device: Annotated[str, typer.Argument(help="Name of the chamber in its bench file.")],
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say that you know what is on the sample whose film was cut off in a chamber; then it makes films again."""
    from devices.errors import LabError
    from devices.sputter.unfinished import UnfinishedFilm

    with _whatever_is_there(bench, config, data) as lab:
        station = lab.devices.get(device)
        film = getattr(station, "unfinished", None)
        if station is None or not isinstance(film, UnfinishedFilm) or film.accounted:
            raise LabError(f"no film was cut off in {device!r} that is not accounted for; nothing was done")
        station.accounted()
        typer.echo(
            f"{film.material} on {film.sample}: accounted for, and doubtful; how thick it is says"
            f" `labctl sample show {film.sample}`"
        )


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
