"""How does a test come by a database in which `messages` lie in partitions?

By the very scripts that administrators run, with the real psql. With `PARTITION_MAILINGS=2` in the environment
every test on PostgreSQL runs on such a database, two mailings in a partition:
`PARTITION_MAILINGS=2 .venv/bin/python -m pytest tests/domain -m postgres`.
"""

import os
import subprocess

from flask import Flask

from config import ROOT
from tests.support.postgres import program

FOLDER = ROOT / "deploy" / "postgres"
# How many mailings to a partition; none: the table is whole.
VARIABLE = "PARTITION_MAILINGS"


def run_script(url: str, script: str, **variables: object) -> subprocess.CompletedProcess[str]:
    told = [f"--variable={name}={value}" for name, value in variables.items()]
    command = [str(program("psql")), "--no-psqlrc", f"--file={FOLDER / script}", *told, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def plain(app: Flask) -> str:
    """The address of its database, as psql takes it."""
    return str(app.config["SQLALCHEMY_DATABASE_URI"]).replace("postgresql+psycopg://", "postgresql://")


def partition(url: str, mailings: int = 2, ahead: int = 6) -> str:
    """What it said; by default tests with up to a dozen mailings reach all of the partitions, but not beyond."""
    done = run_script(url, "partition-messages.sql", mailings=mailings, ahead=ahead)
    assert done.returncode == 0, done.stderr
    return done.stdout


def partition_if_asked(url: str) -> None:
    if mailings := os.environ.get(VARIABLE):
        partition(url, int(mailings))
