"""Serial ports: which there are, by which names that stay, and whether this account may use them."""

from __future__ import annotations

import getpass
import grp
import os
from collections.abc import Iterator
from pathlib import Path

from serial.tools.list_ports import comports

from labctl.doctor.findings import Finding, note, ok, trouble

STABLE = Path("/dev/serial/by-id")


def serial_ports() -> Iterator[Finding]:
    """Yield what is found of the ports of this machine."""
    found = sorted(comports(), key=lambda port: str(port.device))
    if not found:
        yield note("ports", "no serial port is plugged in")
        return
    names = stable_names()
    for port in found:
        device = Path(port.device)
        described = "" if port.description in (None, "n/a") else f" ({port.description})"
        stable = names.get(device)
        where = f"{stable}, now {device}" if stable else str(device)
        wrong = permission(device)
        if wrong is not None:
            yield wrong
        else:
            yield ok("ports", f"{where}{described}")
        if stable is None and device.name.startswith(("ttyUSB", "ttyACM")):
            yield note("udev", f"{device} has no name that stays{described}", by_id_rule(device))


def stable_names() -> dict[Path, Path]:
    """Return the name that stays of each serial device that has one, as udev made them."""
    return {path.resolve(): path for path in STABLE.glob("*")}


def by_id_rule(device: Path) -> str:
    """Return how a device gets a name that stays."""
    return (
        f"udevadm info -n {device}   # is udev running? For an adapter without a serial number, a rule in"
        ' /etc/udev/rules.d/90-labctl.rules: SUBSYSTEM=="tty", KERNELS=="<bus place>", SYMLINK+="lab-meter"'
    )


def permission(device: Path) -> Finding | None:
    """Return why this account may not use a device; None when it may."""
    if os.access(device, os.R_OK | os.W_OK):
        return None
    account = getpass.getuser()
    try:
        group = grp.getgrgid(device.stat().st_gid)
    except (OSError, KeyError):
        return trouble("permissions", f"{device} may not be used by {account}", f"ls -l {device}")
    what = f"{device} belongs to the group {group.gr_name}, which this session of {account} is not in"
    if account in group.gr_mem:
        return trouble("permissions", what, "log out and in again: the account is in it since you logged in")
    return trouble("permissions", what, f"sudo usermod -aG {group.gr_name} {account}   # then log out and in")
