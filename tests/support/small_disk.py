"""How does a test get a disk that it may fill? A small tmpfs; only root may mount one, and not everywhere."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (64 * 1024, 1024, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int, owner: str | None = None) -> Iterator[SmallDisk]:
    """Raises OSError where mounting is not allowed."""
    if os.geteuid() != 0:
        raise PermissionError("only root may mount a tmpfs")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "vestnik-test", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        if owner:
            shutil.chown(folder, owner)
        yield SmallDisk(folder)
    finally:
        # Lazily: whoever still has a file open there does not keep the folder.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
