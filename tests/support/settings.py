"""Which settings does an installation have that lives in a test's own folder?"""

from pathlib import Path

from config import Settings

SECRET_KEY = "a-key-for-tests-of-thirty-two-characters"


def make_settings(folder: Path, **environ: str) -> Settings:
    """Development, SQLite and the simulator in `folder`, unless `environ` says otherwise."""
    return Settings.from_environ({"DATA_DIR": str(folder), "SECRET_KEY": SECRET_KEY, **environ})
