"""A catalogue's database, made when it is not there: in this process, where no list of processes shows its URI."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import create_async_engine
from tiled.alembic_utils import UninitializedDatabase, check_database, stamp_head
from tiled.catalog.alembic_constants import ALEMBIC_DIR, ALEMBIC_INI_TEMPLATE_PATH
from tiled.catalog.core import ALL_REVISIONS, REQUIRED_REVISION, initialize_database
from tiled.utils import ensure_specified_sql_driver

ANSWERS = 10.0
"""Seconds within which a database answers, or is down."""


def make_database(uri: str) -> None:
    """Make Tiled's tables unless they are there. Raises TimeoutError, OSError, SQLAlchemyError and Tiled's own."""
    uri = ensure_specified_sql_driver(uri)
    if asyncio.run(_made(uri)):
        stamp_head(ALEMBIC_INI_TEMPLATE_PATH, ALEMBIC_DIR, uri)


async def _made(uri: str) -> bool:
    engine = create_async_engine(uri)
    try:
        async with asyncio.timeout(ANSWERS):
            try:
                await check_database(engine, REQUIRED_REVISION, ALL_REVISIONS)
            except UninitializedDatabase:
                await initialize_database(engine)
                return True
            return False
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {ANSWERS:.0f} s") from error
    finally:
        await engine.dispose()
