"""What does a fault test start? A whole installation, the servers it stands on, and a gateway beside it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path

import pytest

from config import Settings
from dashboard import create_app
from dashboard.gateway.simulator_server import running_simulator
from tests.faults.fault import Fault
from tests.faults.run import Run, let_go
from tests.support.installation import Installation
from tests.support.killable import KillablePostgres, KillableRedis
from tests.support.small_disk import SmallDisk, small_disk

USUAL = {"GATEWAY_CONNECTIONS": "4", "SENDERS": "2"}
USUAL_LATENCY_MS = [10, 30]
DISK_MEGABYTES = 96
_numbers = count(1)


@pytest.fixture(scope="session")
def killable_postgres() -> Iterator[KillablePostgres]:
    server = KillablePostgres()
    yield server
    server.remove()


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Fault, str, str], Run]]:
    """start(fault, policy, database): all that runs, before the mailing; stopped at the end of the test."""
    with ExitStack() as stack:

        def start(fault: Fault, policy: str, database: str) -> Run:
            seed = f"{os.environ.get('FAULTS_SEED', '1')} {fault.name} {policy} {database}"
            run = Run(seed, policy, database, stack.enter_context(running_simulator()))
            if database == "postgres":
                run.postgres = request.getfixturevalue("killable_postgres")
            if "disk" in fault.needs:
                run.disk = stack.enter_context(disk_for(run, tmp_path))
            run.redis = stack.enter_context(KillableRedis())
            environ = {
                **USUAL,
                **fault.settings,
                "GATEWAY_ON_UNCERTAIN": policy,
                "GATEWAY_URL": run.gateway.url,
                "GATEWAY_TOKEN": run.gateway.token,
                "REDIS_URL": run.redis.url,
                "DATABASE_URL": database_url(run, tmp_path, stack),
            }
            run.order(latency_ms=USUAL_LATENCY_MS)
            run.installation = stack.enter_context(Installation(tmp_path, **environ))
            app = create_app(Settings.from_environ(run.installation.environ))
            stack.enter_context(app.app_context())
            stack.callback(let_go)
            return run

        yield start


def disk_for(run: Run, folder: Path) -> AbstractContextManager[SmallDisk]:
    owner = run.postgres.user if run.postgres else None
    parent = run.postgres.folder if run.postgres else folder
    return small_disk(parent / f"disk{next(_numbers)}", DISK_MEGABYTES, owner)


def database_url(run: Run, folder: Path, stack: ExitStack) -> str:
    if run.postgres:
        name = f"fault_{next(_numbers)}"
        stack.callback(run.postgres.drop, name)
        return run.postgres.create(name, run.disk and run.disk.folder)
    return f"sqlite:///{(run.disk.folder if run.disk else folder) / 'vestnik.db'}"
