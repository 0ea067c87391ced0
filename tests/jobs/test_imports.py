"""Does an import come through its worker, also when the worker's child is killed in the middle?"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import imports
from dashboard.domain.imports import ImportView, running
from dashboard.domain.permissions import Actor
from dashboard.jobs import queues, tasks, worker
from dashboard.models import Import, ImportState
from tests.factories import make_actor
from tests.factories_clients import begin_check, count_clients, numbered

ROWS = 50


def work() -> None:
    worker.build(queues.BACKGROUND).work(burst=True, logging_level="CRITICAL")


def checked(app: Flask) -> tuple[Actor, int]:
    """An import whose dry run waits, and who owns it."""
    folder: Path = app.config["SETTINGS"].imports_dir
    folder.mkdir(parents=True)
    actor = make_actor()
    content = "phone;tags\n" + "".join(f"{numbered(number)};vip\n" for number in range(ROWS))
    return actor, begin_check(actor, folder, content)


def result(actor: Actor, import_id: int) -> ImportView:
    db.session.rollback()
    return imports.get(actor, import_id)


def test_a_worker_checks_and_then_writes(any_context: Flask) -> None:
    actor, import_id = checked(any_context)
    queues.import_later(import_id)

    work()
    after_check = result(actor, import_id)
    clients_then = count_clients()
    imports.start(actor, import_id)
    queues.import_later(import_id)
    work()

    assert (after_check.state, after_check.created, clients_then) == (ImportState.CHECKED, ROWS, 0)
    assert (result(actor, import_id).state, count_clients()) == (ImportState.FINISHED, ROWS)


@pytest.mark.parametrize("step", ["check", "write"])
def test_a_child_that_is_killed_in_the_middle_leaves_no_gap_and_no_double(any_context: Flask, step: str) -> None:
    actor, import_id = checked(any_context)
    if step == "write":
        tasks.run_import(import_id)
        imports.start(actor, import_id)
    db.session.rollback()
    queues.queue(queues.BACKGROUND).enqueue(f"{__name__}.run_and_be_killed", import_id)

    work()
    killed = result(actor, import_id)
    with transaction() as session:
        session.execute(update(Import).values(lease_until=clock.now()))
    tasks.resume()
    work()
    if step == "check":
        imports.start(actor, import_id)
        tasks.run_import(import_id)

    view = result(actor, import_id)
    assert killed.state is (ImportState.CHECKING if step == "check" else ImportState.RUNNING)
    assert killed.rows_done == (ROWS if step == "check" else 20)
    assert (view.state, view.created, view.rows_read, view.not_taken) == (ImportState.FINISHED, ROWS, ROWS, 0)
    assert count_clients() == ROWS
    assert list(current_app.config["SETTINGS"].imports_dir.glob(f"{import_id}*")) == []


def run_and_be_killed(import_id: int) -> None:
    """By the kernel, in the middle of a transaction: the third of those that write, the end of a dry run."""
    running.batch_size = lambda: 10
    write, batches = running.writing.write, []

    def until_killed(*args: Any) -> Any:
        made = write(*args)
        batches.append(made)
        if len(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    running.writing.write = until_killed
    running.checking.staging.keep = lambda _path: os.kill(os.getpid(), signal.SIGKILL)
    tasks.run_import(import_id)
