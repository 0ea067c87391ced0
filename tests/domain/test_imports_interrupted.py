"""Is an import whole and single, whatever breaks, stops or crosses it?"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DataError, OperationalError

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import imports
from dashboard.domain.errors import Conflict
from dashboard.domain.imports import (
    Column,
    Mapping,
    MappingDraft,
    Meaning,
    Upload,
    leases,
    running,
    staging,
)
from dashboard.domain.imports.rows import Row
from dashboard.models import Import, ImportState, KnownPhones
from tests.factories import make_actor
from tests.factories_clients import LIMITS, begin_check, begin_import, client_of, count_clients, numbered

pytestmark = pytest.mark.usefixtures("any_context")


class Killed(BaseException):
    """What a test does to a run: no handler of ours gets to see it, as with kill -9."""


def let_the_lease_lapse(import_id: int) -> None:
    with transaction() as session:
        session.execute(update(Import).where(Import.id == import_id).values(lease_until=clock.now()))


def kill_in_batch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the clients of this batch are written, before its transaction ends."""
    write, batches = running.writing.write, Counter[str]()

    def until_killed(*args: object) -> object:
        outcome = write(*args)  # type: ignore[arg-type]
        batches["written"] += 1
        if batches["written"] == number:
            raise Killed
        return outcome

    monkeypatch.setattr(running.writing, "write", until_killed)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_run_that_was_killed_is_taken_up_again_without_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(running, "batch_size", lambda: 4)
    actor = make_actor()
    lines = ["phone;tags;name", *(f"{numbered(number)};vip;Anna" for number in range(9)), "bad;vip"]
    import_id = begin_import(actor, tmp_path, "\n".join(lines))
    with monkeypatch.context() as patched:
        kill_in_batch(batch, patched)
        with pytest.raises(Killed):
            imports.run(import_id, tmp_path, LIMITS)
    written = imports.get(actor, import_id).created

    held = imports.run(import_id, tmp_path, LIMITS)
    let_the_lease_lapse(import_id)
    waiting = imports.unfinished()
    imports.run(import_id, tmp_path, LIMITS)

    view = imports.get(actor, import_id)
    assert (written, held, waiting) == (4 * (batch - 1), True, [import_id])
    assert (view.state, view.rows_read, view.created, view.bad) == ("finished", 10, 9, 1)
    assert [(problem.line, problem.code) for problem in imports.problems(actor, import_id)] == [
        (11, "phone_invalid"),
    ]
    assert count_clients() == 9
    assert not list(tmp_path.glob(f"{import_id}*"))


def test_a_run_lets_go_when_its_time_is_up_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "batch_size", lambda: 2)
    actor = make_actor()
    content = "phone\n" + "".join(f"{numbered(number)}\n" for number in range(5))
    import_id = begin_import(actor, tmp_path, content)

    ended = [imports.run(import_id, tmp_path, LIMITS, seconds=0) for _round in range(4)]

    assert ended == [False, False, False, True]
    assert imports.get(actor, import_id).created == 5


@pytest.mark.parametrize("step", ["check", "write"])
def test_a_run_that_is_told_to_stop_lets_go_at_once(tmp_path: Path, step: str) -> None:
    actor = make_actor()
    begin = begin_check if step == "check" else begin_import
    import_id = begin(actor, tmp_path, "phone\n79990000001\n")

    stopped = imports.run(import_id, tmp_path, LIMITS, is_stopping=lambda: True)
    waiting = imports.unfinished()
    imports.run(import_id, tmp_path, LIMITS)

    assert (stopped, waiting) == (False, [import_id])
    assert imports.get(actor, import_id).state is (
        ImportState.CHECKED if step == "check" else ImportState.FINISHED
    )


def test_a_dry_run_whose_columns_are_changed_meanwhile_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = make_actor()
    import_id = begin_check(actor, tmp_path, "phone;name\n79990000001;Anna\n")
    mapping = Mapping(True, (Column(Meaning.PHONE), Column(Meaning.TAGS)))
    keep = staging.keep

    def while_somebody_changes(path: Path) -> None:
        keep(path)
        imports.map_columns(actor, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "UTC"))

    with monkeypatch.context() as patched:
        patched.setattr(staging, "keep", while_somebody_changes)
        imports.run(import_id, tmp_path, LIMITS)
    between = imports.get(actor, import_id).state
    imports.run(import_id, tmp_path, LIMITS)
    imports.start(actor, import_id)
    imports.run(import_id, tmp_path, LIMITS)

    assert between is ImportState.CHECKING
    assert client_of(actor, "79990000001").tags == ("Anna",)


def test_two_runs_never_work_on_one_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79991234567\n")
    write, seconds = running.writing.write, []

    def while_another_tries(*args: object) -> object:
        seconds.append(imports.unfinished())
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(running.writing, "write", while_another_tries)
    first = leases.take(import_id)
    second = imports.run(import_id, tmp_path, LIMITS)
    let_the_lease_lapse(import_id)
    third = imports.run(import_id, tmp_path, LIMITS)

    assert first is not None
    assert (second, third, seconds) == (True, True, [[]])
    with pytest.raises(leases.LeaseLostError):
        running._write_batch(first, [Row(numbered(9), 9, None, None, "", "{}", None, None)])
    assert imports.get(actor, import_id).created == 1


def test_a_run_that_was_overtaken_writes_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "batch_size", lambda: 1)
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79990000001\n79990000002\n")
    write = running._write_batch

    def overtaken_after_the_first(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        let_the_lease_lapse(import_id)
        monkeypatch.setattr(running, "_write_batch", write)
        imports.run(import_id, tmp_path, LIMITS)

    monkeypatch.setattr(running, "_write_batch", overtaken_after_the_first)
    imports.run(import_id, tmp_path, LIMITS)

    view = imports.get(actor, import_id)
    assert (view.state, view.rows_read, view.created, view.bad) == ("finished", 2, 2, 0)


def test_cancelling_keeps_what_was_written_and_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "batch_size", lambda: 2)
    actor = make_actor()
    content = "phone\n" + "".join(f"{numbered(number)}\n" for number in range(6))
    import_id = begin_import(actor, tmp_path, content)
    imports.run(import_id, tmp_path, LIMITS, seconds=0)

    imports.cancel(actor, import_id, tmp_path)
    ended = imports.run(import_id, tmp_path, LIMITS)

    view = imports.get(actor, import_id)
    assert (ended, view.state, view.created, count_clients()) == (True, ImportState.CANCELLED, 2, 2)
    assert imports.unfinished() == []
    assert not (tmp_path / str(import_id)).exists()
    with pytest.raises(Conflict, match="import_ended"):
        imports.cancel(actor, import_id, tmp_path)


def test_a_cancel_in_the_middle_of_a_run_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "batch_size", lambda: 1)
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79990000001\n79990000002\n")
    write = running._write_batch

    def then_cancel(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        imports.cancel(actor, import_id, tmp_path)

    monkeypatch.setattr(running, "_write_batch", then_cancel)
    ended = imports.run(import_id, tmp_path, LIMITS)

    assert ended
    assert (imports.get(actor, import_id).state, count_clients()) == (ImportState.CANCELLED, 1)
    assert not (tmp_path / str(import_id)).exists()


def test_an_import_whose_file_is_gone_says_so(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79991234567\n")
    (tmp_path / f"{import_id}.rows").unlink()

    imports.run(import_id, tmp_path, LIMITS)

    view = imports.get(actor, import_id)
    assert (view.state, view.failure) == ("failed", "file_lost")
    assert imports.unfinished() == []


@pytest.mark.parametrize("fault", [ZeroDivisionError(), DataError("INSERT", {}, Exception("out of range"))])
def test_a_fault_of_ours_ends_the_import_instead_of_repeating_it_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79991234567\n")
    monkeypatch.setattr(running.writing, "write", failing_with(fault))

    with pytest.raises(type(fault)):
        imports.run(import_id, tmp_path, LIMITS)

    assert imports.get(actor, import_id).failure == "unexpected"
    assert imports.unfinished() == []


def test_a_database_that_was_away_for_a_while_does_not_end_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79991234567\n")
    with monkeypatch.context() as patched:
        patched.setattr(running.writing, "write", failing_with(OperationalError("INSERT", {}, Exception("gone"))))
        with pytest.raises(OperationalError):
            imports.run(import_id, tmp_path, LIMITS)
    let_the_lease_lapse(import_id)

    imports.run(import_id, tmp_path, LIMITS)

    assert imports.get(actor, import_id).state is ImportState.FINISHED
    assert count_clients() == 1


def failing_with(fault: Exception) -> Callable[..., None]:
    def write(*_args: object) -> None:
        raise fault

    return write


def test_an_import_that_could_not_begin_leaves_no_row(tmp_path: Path) -> None:
    actor = make_actor()
    upload = tmp_path / "upload"
    upload.write_text("phone\n79991234567\n")

    with pytest.raises(FileNotFoundError):
        imports.begin(actor, Upload(upload, "a.csv"), "UTC", tmp_path / "no folder", LIMITS)

    assert imports.page(actor).items == []


def test_files_that_nobody_needs_are_swept_away(tmp_path: Path) -> None:
    import os

    actor = make_actor()
    waiting = begin_import(actor, tmp_path, "phone\n79991234567\n")
    for name in ("upload-broken-off", "99999", "99999.rows-token", "upload-under-way"):
        (tmp_path / name).write_text("")
    for name in ("upload-broken-off", "99999", "99999.rows-token", str(waiting), f"{waiting}.rows"):
        os.utime(tmp_path / name, (0, 0))

    gone = imports.sweep(tmp_path)

    assert gone == 3
    assert {path.name for path in tmp_path.iterdir()} >= {str(waiting), f"{waiting}.rows", "upload-under-way"}
