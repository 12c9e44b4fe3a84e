"""`labctl serve`: Tiled's server over the catalogue, for reading, with the follower beside it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from bluesky_tiled_plugins.exporters import json_seq_exporter
from tiled.access_control.access_policies import DummyAccessPolicy
from tiled.access_control.scopes import PUBLIC_SCOPES
from tiled.config import Authentication
from tiled.media_type_registration import default_serialization_registry
from tiled.server.app import build_app

from devices.errors import DataError
from labctl.catalog.follower import follow
from labctl.catalog.logs import log_to_file
from labctl.catalog.opened import tree_of
from labctl.catalog.place import Place, only_one
from labctl.catalog.reach import KEY, key_in
from labctl.config.documents import shown

CONNECTIONS = 5
"""Tiled's own number of connections to the catalogue's database."""


class ReadOnly(DummyAccessPolicy):  # type: ignore[misc]
    """Whoever has the key may read metadata and data, nothing else.

    Tiled's single-user key brings all scopes, writing and deleting too; what a policy does not allow takes precedence.
    """

    async def allowed_scopes(self, *args: Any, **kwargs: Any) -> Any:
        """Return the scopes of reading."""
        return PUBLIC_SCOPES


def app_of(place: Place, key: str) -> Any:
    """Return Tiled's web application over a catalogue."""
    registry = copy.deepcopy(default_serialization_registry)
    registry.register("BlueskyRun", "application/json-seq", json_seq_exporter)
    return build_app(
        tree_of(place, CONNECTIONS),
        Authentication(single_user_api_key=key),
        serialization_registry=registry,
        access_policy=ReadOnly(),
    )


def serve_catalogue(place: Place, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until a signal. Raises OwnershipError when another process has the catalogue, DataError."""
    if place.is_server:
        raise DataError(f"{place} is a server already; `labctl catalog --to` follows into it")
    with only_one(place):
        log_to_file(place)
        key, new = key_in(place.folder)
        server = uvicorn.Server(uvicorn.Config(app_of(place, key), host=host, port=port, log_level="warning"))
        over = threading.Event()
        follower = threading.Thread(target=follow, args=(place, over, tell), name="follower")
        follower.start()
        try:
            where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            tell(f"{where}  (from tiled.client import from_uri; from_uri({where!r}, api_key=...)")
            tell(f"key: {key}" if new else f"the key is in {shown(place.folder / KEY)}")
            server.run()
        finally:
            over.set()
            follower.join()
