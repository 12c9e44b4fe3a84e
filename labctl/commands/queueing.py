"""Commands of a queue: bluesky-queueserver with this lab."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import BenchOption, ConfigOption, DataOption

queue_app = typer.Typer(
    help="A bluesky-queueserver that runs this lab.", no_args_is_help=True, rich_markup_mode=None
)
ProfileArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the startup profile.")]
ControlOption = Annotated[str, typer.Option(help="Address of the manager's control socket.")]
KeyOption = Annotated[
    Path | None, typer.Option(help="File of the private key; it is made where there is none.")
]
LOCAL = "tcp://127.0.0.1"


@queue_app.command()
def profile(
    folder: ProfileArgument, bench: BenchOption = "twin", config: ConfigOption = None, data: DataOption = None
) -> None:
    """Write the startup profile of a bench: its devices, plans, permissions."""
    from labctl.queue.profile import write_profile

    names = write_profile(folder, bench, config, data)
    typer.echo(
        f"{folder}: {', '.join(names)}\nnext: labctl queue start {folder}, and labctl queue guard {folder}"
    )


@queue_app.command()
def start(
    folder: ProfileArgument,
    redis: Annotated[
        str, typer.Option(help="Address of the redis server that keeps the queue.")
    ] = "localhost:6379",
    prefix: Annotated[str, typer.Option(help="Of the keys in redis; from the bench's name if empty.")] = "",
    control: ControlOption = f"{LOCAL}:60615",
    info: Annotated[str, typer.Option(help="Address of the console's socket.")] = f"{LOCAL}:60625",
    key: KeyOption = None,
    show: Annotated[bool, typer.Option("--print", help="Only print the command.")] = False,
) -> None:
    """Start the manager of a queue in this terminal; from this machine only unless there is a key."""
    from labctl.queue.settings import read_settings
    from labctl.queue.starting import manager_command, private_key, public_key, run_manager

    private = "" if key is None else private_key(key)
    command = manager_command(
        folder.absolute(), redis=redis, prefix=prefix, control=control, info=info, key=private
    )
    typer.echo(shlex.join(command))
    if private:
        typer.echo(f"clients need QSERVER_ZMQ_PUBLIC_KEY='{public_key(private)}'")
    if not show:
        raise typer.Exit(run_manager(command, read_settings(folder), control, private))


@queue_app.command()
def guard(folder: ProfileArgument, control: ControlOption = f"{LOCAL}:60615", key: KeyOption = None) -> None:
    """Watch the worker of a queue: when it dies, make devices safe and bring the queue to rest."""
    from labctl.queue.guard import guard as guard_queue
    from labctl.queue.settings import read_settings
    from labctl.queue.starting import private_key, public_key

    public = "" if key is None else public_key(private_key(key))
    guard_queue(read_settings(folder), control, public, typer.echo)
