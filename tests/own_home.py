"""A home and database of its own for a test that starts real processes, on whichever database the run is on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def environment_of(home: Path) -> Iterator[dict[str, str]]:
    """Environment of a process on a fresh home; its database is dropped again afterwards."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREWATT_")}
    environment = kept | {"PREWATT_HOME": str(home)}
    server = os.environ.get("PREWATT_TEST_PG")
    if server is None:
        yield environment
        return
    import psycopg
    from psycopg import sql

    name = f"own_{os.getpid()}_{abs(hash(str(home))) % 10**9}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield environment | {"PREWATT_DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}"))}
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
