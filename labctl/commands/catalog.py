"""Commands that put the journals into a Tiled catalogue, and serve it."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.options import ConfigOption, DataOption

ToOption = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="URI",
        help="postgresql://... or a Tiled server's http://... (or $LABCTL_CATALOG, or `uri` under [catalog] in"
        " catalog.toml in the configuration); else files in the data folder.",
    ),
]


def catalog(
    to: ToOption = "",
    once: Annotated[bool, typer.Option("--once", help="Bring it up to now and end; else follow.")] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Take out the runs of this data folder first; they come from their journals again.",
        ),
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Follow the journals into a Tiled catalogue, each event once; no run ever waits for it."""
    from labctl.catalog.place import find_place, require_tiled

    place = find_place(to, config, data)
    require_tiled()
    from labctl.catalog.tending import tend

    tend(place, once=once, rebuild=rebuild, tell=typer.echo)


def serve(
    to: ToOption = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    network: Annotated[
        bool,
        typer.Option(
            "--network", help="Allow addresses that other computers reach; the key goes unencrypted."
        ),
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Serve the catalogue with Tiled, for reading, to those who have the key; follow the journals meanwhile."""
    from labctl.catalog.place import find_place, require_tiled
    from labctl.catalog.reach import check_host

    place = find_place(to, config, data)
    check_host(host, network)
    require_tiled()
    from labctl.catalog.serving import serve_catalogue

    serve_catalogue(place, host, port, tell=typer.echo)
