"""What would happen if this file were imported? The dry run: it reads everything and changes no client.

It leaves the rows that can be taken, sorted by phone, for the run that writes. A dry run that broke off begins
again; it takes seconds, and nothing but notes of its own has to be undone.
"""

import os
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ...database import db, end_reading, transaction
from ...models import ImportState
from . import files, leases, staging, workbook, writing
from .deciding import Target, plan
from .layout import FileLimits, Layout
from .leases import Held
from .mapping import Mapping
from .rows import BadRow, Row, RowReader
from .staging import StagedRows, StagingWriter
from .text import UnreadableError, filled_lines, open_text

# Rows between two looks at whether somebody has cancelled; a few tens of milliseconds.
BATCH = 5_000


class Stopped(Exception):
    """The worker was told to stop."""


def check(held: Held, folder: Path, limits: FileLimits, is_stopping: Callable[[], bool]) -> None:
    """Raises LeaseLostError, UnreadableError, FileNotFoundError, Stopped."""
    _Check(held, folder, limits, is_stopping).run()


class _Check:
    def __init__(self, held: Held, folder: Path, limits: FileLimits, is_stopping: Callable[[], bool]) -> None:
        self._held = held
        self._folder = folder
        self._limits = limits
        self._is_stopping = is_stopping
        row = held.row
        self._layout = Layout.from_json(row.layout or {})
        self._mapping = Mapping.from_json(row.mapping or {})
        self._target = Target(row.id, row.owner_id, row.timezone, row.known)
        self._seen: Counter[str] = Counter()

    def run(self) -> None:
        self._forget()
        source = self._text()
        half = files.half_staged(self._folder, self._held.import_id, self._held.token)
        try:
            with StagingWriter(half) as writer:
                self._read(source, writer)
                writer.sort()
            with StagedRows(half) as rows:
                self._compare(rows)
            staging.keep(half)
            with transaction() as session:
                leases.hold(session, self._held)
                half.replace(files.staged(self._folder, self._held.import_id))
                checked = {"state": ImportState.CHECKED, "rows_done": 0}
                following = leases.GO_AHEAD if self._held.row.starts_itself else checked
                leases.change(session, self._held, lease_until=None, **following)
        finally:
            half.unlink(missing_ok=True)

    def _forget(self) -> None:
        """What an earlier dry run has noted."""
        is_left = True
        while is_left:
            with transaction() as session:
                leases.hold(session, self._held)
                is_left = writing.forget_some(session, self._held.import_id)
        self._note([], rows_total=None, rows_done=0, bytes_read=0)

    def _text(self) -> Path:
        """The file as text; a workbook is written out once."""
        uploaded = files.uploaded(self._folder, self._held.import_id)
        if not self._layout.is_workbook:
            return uploaded
        text = files.text_of_workbook(self._folder, self._held.import_id)
        if not text.exists():
            half = text.with_name(f"{text.name}-{self._held.token}")
            try:
                for written in workbook.write_out(uploaded, half, self._limits.megabytes):
                    if written % BATCH == 0:
                        self._note([])
                half.replace(text)
            finally:
                half.unlink(missing_ok=True)
        return text

    def _read(self, source: Path, writer: StagingWriter) -> None:
        reader = RowReader(self._mapping, self._layout.delimiter, self._target.timezone)
        size = source.stat().st_size
        with open_text(source, self._layout.encoding) as file:
            lines = filled_lines(file)
            if self._mapping.has_header:
                next(lines, None)
            read = map(reader.row, lines)
            while batch := list(islice(read, BATCH)):
                good = [row for row in batch if isinstance(row, Row)]
                writer.add(good)
                bad = [row for row in batch if isinstance(row, BadRow)] if len(good) < len(batch) else []
                self._seen.update(rows_read=len(batch), bad=len(bad))
                if self._seen["rows_read"] > self._limits.rows:
                    raise UnreadableError("too_many_rows", self._limits.rows)
                share = os.lseek(file.fileno(), 0, os.SEEK_CUR) / size
                self._note(bad, bytes_read=int(self._held.row.size_bytes * share))
        self._note([], rows_total=self._seen["rows_read"], bytes_read=self._held.row.size_bytes)

    def _compare(self, rows: StagedRows) -> None:
        """With the clients as they are now, and with each other."""
        last, phone = 0, ""
        while batch := rows.after(last, BATCH):
            first, repeated = _apart(batch, phone)
            made = plan(db.session(), self._target, first, holds=False)
            end_reading()
            self._seen.update(created=made.created, updated=made.updated, unchanged=made.unchanged)
            self._seen.update(bad=len(made.bad), duplicates=len(repeated))
            last, phone = batch[-1].place, batch[-1].phone
            bad = [*repeated, *made.bad]
            self._note(bad, rows_done=last)
            left_out = {fault.line for fault in bad}
            rows.leave_out([row.place for row in batch if row.line in left_out])

    def _note(self, faults: list[BadRow], **values: int | None) -> None:
        """Problems, counters and the lease of one batch."""
        if self._is_stopping():
            raise Stopped
        counters = {name: self._seen[name] for name in ("rows_read", "bad", "duplicates", "created", "updated")}
        with transaction() as session:
            now = leases.hold(session, self._held)
            writing.note(session, self._held.import_id, faults)
            counters["unchanged"] = self._seen["unchanged"]
            leases.change(session, self._held, lease_until=now + leases.LEASE, **counters, **values)


def _apart(rows: list[Row], phone: str) -> tuple[list[Row], list[BadRow]]:
    """The first row of each phone, and the others as faults; `phone` stood just in front of these rows."""
    first: list[Row] = []
    repeated: list[BadRow] = []
    for row in rows:
        if row.phone == phone:
            repeated.append(BadRow(row.line, phone, "duplicate_in_file"))
        else:
            first.append(row)
            phone = row.phone
    return first, repeated
