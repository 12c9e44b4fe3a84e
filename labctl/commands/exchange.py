"""Commands that hand data to other programs, and take theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import ConfigOption, DataOption, OperatorOption

PROGRAMS = ("text", "pybamm", "unicycler")
"""What a program can become."""

RUNS = ("bdf", "bdf-parquet", "csv", "hdf5", "parquet", "rocrate")
"""What a run can become."""

IMPORTS = ("bdf", "mpt", "neware")
"""What can become a run."""


def export(
    what: Annotated[
        str,
        typer.Argument(help="A run (uid, enough of its beginning, or `last`), or a program (name or file)."),
    ],
    to: Annotated[
        str, typer.Option(help=f"Of a run: {', '.join(RUNS)}. Of a program: {', '.join(PROGRAMS)}.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for a run's files; `exports` in the data if none.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    sample: Annotated[str, typer.Option(help="Whose cell a program is for; C-rates need one.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write a run for other programs, or print a program in another language.

    A run becomes files: bdf (Battery Data Format), csv, hdf5 (NeXus), parquet, rocrate (with all that led to it).
    A program is printed: text (ours, and the default), pybamm, unicycler.
    """
    if to in RUNS:
        _export_run(what, to, output, overwrite, data)
    elif to in PROGRAMS:
        _export_program(what, to, sample, config)
    elif to:
        said = f"a run becomes {', '.join(RUNS)}, a program {', '.join(PROGRAMS)}, not {to!r}"
        raise typer.BadParameter(said, param_hint="--to")
    elif _is_run(what, data):
        raise typer.BadParameter(f"{what!r} is a run: say which of {', '.join(RUNS)}", param_hint="--to")
    else:
        _export_program(what, "text", sample, config)


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Files to keep as runs, one run each.")],
    sample: Annotated[
        str, typer.Option(help="Whose cell they were measured on, a sample of the configuration.")
    ],
    as_format: Annotated[
        str, typer.Option("--as", help=f"{', '.join(IMPORTS)}; told from each file if none.")
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="Whose local time dates are, e.g. Europe/Berlin; this computer's if none.")
    ] = "",
    day_first: Annotated[
        bool, typer.Option("--day-first", help="Read 3/4/2025 as the third of April.")
    ] = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Keep files of other programs as runs: BDF, EC-Lab's text (.mpt), Neware's CSV."""
    if as_format and as_format not in IMPORTS:
        raise typer.BadParameter(f"one of {', '.join(IMPORTS)}, not {as_format!r}", param_hint="--as")
    from devices.errors import DataError
    from labctl.config.finder import data_dir
    from labctl.config.folder import Config
    from labctl.how_many import how_many
    from labctl.imports.dates import Dates, zone_of
    from labctl.imports.run_import import import_file

    zone = zone_of(timezone)
    whose, kept = Config(config).sample(sample), data_dir(data)
    refused = False
    for file in files:
        try:
            done = import_file(file, whose, kept, as_format, Dates(zone, day_first), operator)
        except DataError as error:
            # One file that is none keeps no other from being imported.
            typer.echo(f"DataError: {error}", err=True)
            refused = True
            continue
        counts = [how_many(done.rows, "row")] if done.rows else []
        counts += [f"{how_many(done.points, 'point')} of spectra"] if done.points else []
        typer.echo(f"run {done.uid[:8]}: {' and '.join(counts)} of {file.name}; `labctl show {done.uid[:8]}`")
        for remark in done.remarks:
            typer.echo(f"  {remark}")
    if refused:
        raise typer.Exit(1)


def _export_run(what: str, to: str, output: Path | None, overwrite: bool, data: Path | None) -> None:
    from devices.errors import DataError
    from labctl.config.finder import data_dir
    from labctl.exports.run_export import export_run
    from labctl.runs.run import Run

    try:
        run = Run(what, data)
    except DataError as error:
        if Path(what).suffix or not _may_be_uid(what):
            raise DataError(f"{error}; only a run becomes {to}, a program {', '.join(PROGRAMS)}") from error
        raise
    done = export_run(run, to, output or data_dir(data) / "exports", overwrite=overwrite)
    for path in done.files:
        typer.echo(str(path))
    for remark in done.remarks:
        typer.echo(remark, err=True)


def _export_program(what: str, to: str, sample: str, config: Path | None) -> None:
    from labctl.language.export import FORMATS
    from labctl.program_check import find_program, program_on, size_of

    cell = size_of(sample, config)
    typer.echo(FORMATS[to](program_on(find_program(what, config), cell, what), cell), nl=False)


def _is_run(what: str, data: Path | None) -> bool:
    """Return whether something typed is a run rather than a program's name or file."""
    from devices.errors import DataError
    from labctl.config.finder import data_dir
    from labctl.runs.briefs import find_run

    if not _may_be_uid(what):
        return False
    try:
        find_run(data_dir(data), what)
    except DataError:
        return False
    return True


def _may_be_uid(what: str) -> bool:
    """Return whether a text is `last`, or a beginning of a uid of four digits or more."""
    return what == "last" or (len(what) >= 4 and set(what.lower()) <= set("0123456789abcdef-"))
