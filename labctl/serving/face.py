"""What a twin server says of itself: where everything is, what it speaks, how to point other programs at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.config.documents import shown
from labctl.config.models import Address

if TYPE_CHECKING:
    from labctl.serving.server import Row

SPEAKS = {
    "aja_0313": "packets of the generator (TCPowerConversion)",
    "aja_dcxs": "one letter and digits",
    "eurotherm_2400": "Modbus RTU, address 1",
    "fug_probus": "Probus V lines, ended by LF",
    "gentec_maestro": "* commands, answers ended by CR LF",
    "glassman_fj": "SOH packets with checksum, ended by CR",
    "icpdas_7050": "DCON lines with checksum, ended by CR",
    "impac_upp": "UPP lines, address 00, ended by CR",
    "inficon_sqm160": "packets with CRC",
    "keithley_2450": "SCPI lines, ended by LF",
    "keithley_daq6510": "SCPI lines, ended by LF",
    "mks_946": "@address commands, ended by ;FF",
    "palmsens_emstat4": "MethodSCRIPT lines, ended by LF",
    "pfeiffer_turbo": "Pfeiffer Vacuum telegrams, ended by CR",
    "remote_recipe": "lines of the tool's remote interface",
    "squidstat": "the bridge's lines (JSON)",
    "srs_dg645": "SCPI-like lines, ended by LF",
    "vat_653": "letter commands, ended by CR LF",
    "velleman_k8090": "packets of seven bytes",
}
"""What each instrument speaks, in a few words; its driver has the whole."""

PYMEASURE = {
    "aja_0313": "tcpowerconversion.CXN",
    "aja_dcxs": "aja.DCXS",
    "keithley_2450": "keithley.Keithley2450",
    "keithley_daq6510": "keithley.KeithleyDAQ6510",
    "velleman_k8090": "velleman.VellemanK8090",
}
"""The class in pymeasure.instruments that speaks to it, where there is one."""


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines that say where each part is and what it speaks."""
    told = [("part", "driver", "speaks", "address")]
    told += [
        (f"{row.station}.{row.part}", row.driver, SPEAKS.get(row.driver, ""), row.address) for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*told, strict=True)]
    yield from ("  ".join(map(str.ljust, line, widths)).rstrip() for line in told)


def pointers(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how other programs are pointed at the twins: an example for each kind of address that is there."""
    kinds: dict[str, Row] = {}
    for row in rows:
        kinds.setdefault(Address.parse(row.address).kind, row)
    if "serial" in kinds:
        address = Address.parse(kinds["serial"].address)
        yield f"a vendor's tool, or pyserial: the serial port {address.target} at {address.baud} baud"
        yield f"  python -m serial.tools.miniterm --raw {address.target} {address.baud}"
        yield f'  PyVISA ("@py"): open_resource("ASRL{address.target}::INSTR", baud_rate={address.baud})'
    over_tcp = kinds.get("socket") or kinds.get("visa")
    if over_tcp is not None:
        host, port = host_and_port(over_tcp.address)
        yield f"over TCP: nc {host} {port}"
        yield f'  PyVISA ("@py"): open_resource("TCPIP::{host}::{port}::SOCKET", read_termination="\\n")'
    for row in rows:
        if row.driver in PYMEASURE:
            module, _, name = PYMEASURE[row.driver].partition(".")
            yield f"PyMeasure: from pymeasure.instruments.{module} import {name}"
            yield f'  {name}("{resource(row.address)}", visa_library="@py")'


def resource(address: str) -> str:
    """Return an address as VISA writes it."""
    found = Address.parse(address)
    if found.kind == "serial":
        return f"ASRL{found.target}::INSTR"
    host, port = host_and_port(address)
    return f"TCPIP::{host}::{port}::SOCKET"


def host_and_port(address: str) -> tuple[str, str]:
    """Return host and port of an address over TCP."""
    found = Address.parse(address)
    if found.kind == "visa":
        _, host, port, _ = found.target.split("::")
        return host, port
    host, _, port = found.target.removeprefix("socket://").partition(":")
    return host, port


def farewell(folder: Path, black_box: str, bench: str) -> Iterator[str]:
    """Yield what can be done with it while it runs."""
    yield f"labctl: labctl run EXPERIMENT --bench {bench}"
    yield f"trouble: labctl twin faults --dir {shown(folder)}   # and labctl twin fault NAME on|off"
    yield f"what truly happens: tail -f {shown(folder / black_box)}"
    yield "Ctrl-C or SIGTERM ends the serving"
