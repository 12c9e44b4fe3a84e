"""Commands on materials: the library, one of it, and what a stack of them holds per volume."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import ConfigOption


def materials(
    kind: Annotated[str, typer.Option(help="cathode, electrolyte, anode, substrate or collector.")] = "",
    runnable: Annotated[bool, typer.Option("--runnable", help="Only what the twins can run.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the library of materials: what each is, and why the twins cannot run it."""
    from labctl.config.finder import config_dir
    from labctl.materials.library import KINDS, Library
    from labctl.materials.showing import print_list

    if kind and kind not in KINDS:
        raise typer.BadParameter(f"one of {', '.join(KINDS)}, not {kind!r}", param_hint="--kind")
    wanted = [each for each in KINDS if kind in ("", each)]
    found = Library(config_dir(config)).entries(wanted)
    print_list([each for each in found if not (runnable and each.why_not)])


def material(
    name: Annotated[str, typer.Argument(help="Its name, as in a sample's layers, e.g. LiCoO2.")],
    kind: Annotated[str, typer.Option(help="Of one that is several, as Al is: which.")] = "",
    config: ConfigOption = None,
) -> None:
    """Show a material: every number with its unit, status and source, and what was published of it."""
    from labctl.config.finder import config_dir
    from labctl.materials.library import Library
    from labctl.materials.showing import print_entry

    library = Library(config_dir(config))
    found = [each for each in library.found(name) if kind in ("", each.kind)]
    if not found:
        raise typer.BadParameter(f"{name} is no {kind}", param_hint="--kind")
    for entry in found:
        print_entry(entry, library)


def ved(
    sample: Annotated[str, typer.Option(help="A sample's stack; the options below change it.")] = "",
    cathode: Annotated[str, typer.Option(help="Its material.")] = "LiCoO2",
    thickness: Annotated[str, typer.Option(help="Of the cathode, e.g. `10 um`.")] = "",
    substrate: Annotated[str, typer.Option(help="Its thickness.")] = "",
    electrolyte: Annotated[str, typer.Option(help="Its thickness.")] = "",
    anode: Annotated[str, typer.Option(help="Thickness of its lithium; none if anodeless.")] = "",
    collector: Annotated[str, typer.Option(help="Thickness of all above electrolyte and anode.")] = "",
    packaging: Annotated[str, typer.Option(help="Its thickness, both sides together.")] = "",
    utilisation: Annotated[float, typer.Option(help="Share of the cathode's capacity that is used.")] = 1.0,
    voltage: Annotated[str, typer.Option(help="Mean of the discharge; the cathode's own if none.")] = "",
    swelling: Annotated[bool, typer.Option("--swelling", help="Count the lithium that is plated.")] = False,
    plot: Annotated[Path | None, typer.Option(help="A picture over the substrate's thickness.")] = None,
    config: ConfigOption = None,
) -> None:
    """Tell the volumetric energy density of a stack; nothing is run."""
    from labctl.config.folder import Config
    from labctl.materials.library import Library
    from labctl.materials.volumetric import Asked, tell

    folder = Config(config)
    typed = {
        "cathode": thickness,
        "substrate": substrate,
        "electrolyte": electrolyte,
        "anode": anode,
        "collector": collector,
        "packaging": packaging,
        "voltage": voltage,
    }
    named = folder.sample(sample) if sample else None
    asked = Asked(named, cathode, typed, utilisation, swelling)
    for line in tell(asked, Library(folder.directory), plot):
        typer.echo(line)
