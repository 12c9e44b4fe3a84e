"""A catalogue opened for writing: a Tiled application in this process, or a server's client."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy.pool
from tiled.catalog import from_uri as tree_from_uri
from tiled.client import from_context
from tiled.client import from_uri as client_from_uri
from tiled.client.context import Context
from tiled.server.app import build_app

from labctl.catalog.making import make_database
from labctl.catalog.place import DATABASE, Place
from labctl.whole_file import whole_file

ROOT_SPEC = {"name": "CatalogOfBlueskyRuns", "version": "3.0"}

FOLLOWER_CONNECTIONS = 4
"""Another number than the server's 5: engines are shared by their settings, and one must not serve two event loops."""


def tree_of(place: Place, connections: int) -> Any:
    """Return the catalogue as Tiled's server tree, made when it is not there."""
    file = place.folder / DATABASE
    if not place.embedded:
        make_database(place.catalog)
    elif not file.exists():
        with whole_file(file) as temporary:
            make_database(f"sqlite:///{temporary}")
    tree = tree_from_uri(
        place.catalog,
        specs=[ROOT_SPEC],
        writable_storage=[place.tables, place.arrays],
        catalog_pool_size=connections,
    )
    for storage in tree.context.writable_storage.values():
        _give_each_user_a_connection(storage)
    return tree


def _give_each_user_a_connection(storage: Any) -> None:
    """Let threads have connections of their own to duckdb.

    Tiled 0.2.20 gives all threads one: a reader's rollback then undoes a writer's page, or the process dies
    (measured: segmentation fault within 300 appends beside four readers; none lost in this way).
    """
    if getattr(storage, "dialect", "") == "duckdb" and "_connection_pool" not in vars(storage):
        pool = sqlalchemy.pool.QueuePool(storage._adbc_connection.adbc_clone, pool_size=5, max_overflow=10)
        vars(storage)["_connection_pool"] = pool


@contextmanager
def opened(place: Place) -> Iterator[Any]:
    """Yield Tiled's client of the catalogue; everything is closed at the end."""
    if place.is_server:
        client = client_from_uri(place.uri)
        try:
            yield client
        finally:
            client.context.close()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of starlette's test client, which is how Tiled calls itself
        context = Context.from_app(build_app(tree_of(place, FOLLOWER_CONNECTIONS)))
    with context:
        yield from_context(context)
