"""What is in a backup's file, and how is it written and read?

A tar, compressed: `manifest.json` first, then the database (`database.sqlite`, or a file for each table in
PostgreSQL's own COPY format), then the files of imports. Nothing of it is executed, and no name leads out of its
folder.
"""

import gzip
import json
import os
import tarfile
import zlib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self, TypeAlias

FORMAT = 1
MANIFEST = "manifest.json"
# The last levels cost minutes for a few per cent.
COMPRESSION = 3
PIECE = 1 << 20


Kind: TypeAlias = Literal["sqlite", "postgresql"]


class NotABackup(Exception):
    """The file cannot be read as a backup; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`revision`: of the schema. `made_at`: what has left since then the backup does not know (ISO 8601, UTC)."""

    database: Kind
    revision: str
    made_at: str
    format: int = FORMAT

    @property
    def instant(self) -> datetime:
        return datetime.fromisoformat(self.made_at)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Raises NotABackup."""
        try:
            read = cls(**json.loads(text))
            datetime.fromisoformat(read.made_at)
        except (ValueError, TypeError) as error:
            raise NotABackup("its manifest cannot be read") from error
        if read.format != FORMAT or read.database not in ("sqlite", "postgresql"):
            raise NotABackup("it was made by another version of Vestnik")
        return read


def pack(manifest: Manifest, folder: Path, target: Path) -> None:
    """All of this folder into one file, readable by its owner only: it holds phones and texts."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest)))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION) as tar,
    ):
        tar.add(folder / MANIFEST, MANIFEST)
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != MANIFEST:
                tar.add(path, name)


def read_manifest(source: Path) -> Manifest:
    """Raises NotABackup."""
    try:
        with tarfile.open(source, "r:gz") as tar:
            first = tar.next()
            text = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
            if text is None:
                raise NotABackup("there is no manifest in it")
            return Manifest.parse(text.read())
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise NotABackup("it is no backup, or only a part of one") from error


def unpack(source: Path, folder: Path) -> None:
    """All of it, held against its checksum, which stands at the end. Raises NotABackup."""
    try:
        with gzip.open(source) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            tar.extractall(folder, filter="data")
            while stream.read(PIECE):
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise NotABackup("it is damaged, or there is no room to unpack it") from error
