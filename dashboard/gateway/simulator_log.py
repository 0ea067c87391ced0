"""Which messages has the simulated gateway accepted, in which order?"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

KEPT_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One acceptance. `number` counts from 1 without gaps; `at` is aware UTC in ISO format."""

    number: int
    id: int
    phone: str
    text: str
    at: str

    def as_json(self) -> dict[str, int | str]:
        # Written out: `dataclasses.asdict` copies deeply and takes ten times as long.
        return {"number": self.number, "id": self.id, "phone": self.phone, "text": self.text, "at": self.at}


class AcceptedLog:
    """Kept in memory and, given a file, appended to it line by line as JSON.

    Memory keeps the newest million entries (about 500 MB) and at most a tenth more; the counts, and whether a
    msgId was accepted, are of all. The file keeps everything.

    Each line is handed to the operating system before the call is answered, so the file outlives a kill -9 of
    the simulator; a log opened on an existing file goes on where it ended.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._entries: list[Entry] = []
        self._dropped = 0
        self._accepted: Counter[int] = Counter()
        self._file = None
        if path is not None:
            self._read(path)
            self._file = path.open("a", encoding="utf-8", buffering=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def accept(self, message_id: int, phone: str, text: str, at: datetime) -> None:
        entry = Entry(self._dropped + len(self._entries) + 1, message_id, phone, text, at.isoformat())
        self._remember(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry.as_json(), ensure_ascii=False) + "\n")

    def has(self, message_id: int) -> bool:
        return message_id in self._accepted

    def clear(self) -> None:
        self._entries.clear()
        self._dropped = 0
        self._accepted.clear()
        if self._file is not None:
            self._file.truncate(0)

    def page(self, after: int, limit: int) -> dict[str, Any]:
        """Entries numbered above `after`; `next` is the `after` of the next page, or None at the end.

        `kept_from` is the number at which the kept entries begin: 1 until the first are dropped.
        """
        start = max(after - self._dropped, 0)
        entries = self._entries[start : start + limit]
        more = start + len(entries) < len(self._entries)
        return {
            "entries": [entry.as_json() for entry in entries],
            "next": entries[-1].number if more else None,
            "kept_from": self._dropped + 1,
        }

    def counts(self) -> dict[str, int]:
        """`repeats`: acceptances beyond the first of the same msgId."""
        accepted, distinct = self._dropped + len(self._entries), len(self._accepted)
        return {"accepted": accepted, "distinct": distinct, "repeats": accepted - distinct}

    def _read(self, path: Path) -> None:
        if not path.exists():
            return
        whole_lines, end, _torn = path.read_bytes().rpartition(b"\n")
        for line in whole_lines.splitlines():
            self._remember(Entry(**json.loads(line)))
        # A line torn by a killed machine was never answered; the next one must begin on a line of its own.
        with path.open("r+b") as file:
            file.truncate(len(whole_lines) + len(end))

    def _remember(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._accepted[entry.id] += 1
        # Not one by one: taking the first away moves all the others.
        if len(self._entries) > KEPT_ENTRIES * 1.1:
            too_many = len(self._entries) - KEPT_ENTRIES
            del self._entries[:too_many]
            self._dropped += too_many
