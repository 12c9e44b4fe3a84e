"""Who may reach the server: its address, and the key it asks for."""

from __future__ import annotations

import ipaddress
import os
import secrets
from pathlib import Path

from devices.errors import ConfigError, DataError, Mistake
from labctl.config.documents import shown
from labctl.whole_file import whole_file

KEY = "key"
"""File in the catalogue's folder: the key, readable by its owner only."""

KEY_BYTES = 32
"""Random bytes of a key: 256 bits, as Tiled's own server makes them."""


def check_host(host: str, network: bool) -> None:
    """Raise ConfigError when other computers could reach the address and nobody said that they may."""
    if network or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        allowed = "must be a loopback address such as 127.0.0.1; --network allows others, and sends the key unencrypted"
        raise ConfigError([Mistake("--host", "", host, allowed)])


def key_in(folder: Path) -> tuple[str, bool]:
    """Return the server's key, and whether it was made just now. Raises DataError when others could read it."""
    path = folder / KEY
    if path.exists():
        if path.stat().st_mode & 0o077:
            raise DataError(
                f"{shown(path)} can be read by others: delete it, a new key is made at the next start"
            )
        key = path.read_text(encoding="ascii").strip()
        if not key.isalnum():
            raise DataError(f"{shown(path)} holds no key: delete it, a new one is made at the next start")
        return key, False
    key = secrets.token_hex(KEY_BYTES)
    with whole_file(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
    return key, True
