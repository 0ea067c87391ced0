"""Which settings does an installation have that lives in a test's own folder?"""

from pathlib import Path

from config import Settings

SECRET_KEY = "a-key-for-tests-of-thirty-two-characters"
# Tests that are not about it do not meet the API's limit.
NO_LIMIT = {"API_RATE_LIMIT": "999999999/second", "API_CREATE_RATE_LIMIT": "999999999/second"}


def make_settings(folder: Path, **environ: str) -> Settings:
    """Development, SQLite and the simulator in `folder`, unless `environ` says otherwise."""
    return Settings.from_environ({"DATA_DIR": str(folder), "SECRET_KEY": SECRET_KEY, **NO_LIMIT, **environ})
