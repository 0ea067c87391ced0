"""Which files belong to an import? They lie in one folder and go when it has ended."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .layout import FileLimits

_MEGABYTE = 1024 * 1024
# Who sends more than so many times what is allowed may find the connection closed.
_HEARD_OUT = 4


@contextmanager
def received(sent: IO[bytes], folder: Path) -> Iterator[Path]:
    """What is sent, on the disk under a name of its own. It goes at the end, unless an import has taken it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(sent, copy)
            copy.flush()
            os.fsync(copy.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def hear_out(stream: IO[bytes], announced: int, limits: FileLimits) -> None:
    """Read a file that is too large, of `announced` bytes, and forget it.

    Few browsers and programs read an answer before they have sent everything.
    """
    left = min(announced, _HEARD_OUT * limits.megabytes * _MEGABYTE)
    while left > 0 and (piece := stream.read(min(left, _MEGABYTE))):
        left -= len(piece)


def uploaded(folder: Path, import_id: int) -> Path:
    """As it was sent in."""
    return folder / str(import_id)


def text_of_workbook(folder: Path, import_id: int) -> Path:
    return folder / f"{import_id}.csv"


def staged(folder: Path, import_id: int) -> Path:
    """The rows that the dry run has read, sorted."""
    return folder / f"{import_id}.rows"


def half_staged(folder: Path, import_id: int, token: str) -> Path:
    """The same while one dry run writes it; another that has taken over writes another."""
    return folder / f"{import_id}.rows-{token}"


def owner_of(path: Path) -> str:
    """The number of the import that a file belongs to; of an upload under way, its own name."""
    return path.name.partition(".")[0]


def discard(folder: Path, import_id: int) -> None:
    for path in (uploaded(folder, import_id), *folder.glob(f"{import_id}.*")):
        path.unlink(missing_ok=True)


def begin_anew(folder: Path, import_id: int) -> None:
    """Another file has come in place of the one they were made from."""
    for path in folder.glob(f"{import_id}.*"):
        path.unlink(missing_ok=True)
