"""Do workers run without what only people and programs ask for?"""

import subprocess
import sys

import pytest

from config import ROOT
from dashboard.cli.supervisor import WORKER
from tests.support.installation import free_port

LOOK = """
import sys
from importlib import import_module
from dashboard import create_worker
from dashboard.jobs import queues
app = create_worker()
import_module(queues.TASKS)
print(sorted({each.partition(".")[2].partition(".")[0] for each in sys.modules if each.startswith("dashboard.")}))
print(sorted(app.cli.commands))
"""


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "", "FLASK_SKIP_DOTENV": "1", "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ | settings, capture_output=True, text=True, timeout=60
    )


def test_a_worker_has_neither_pages_nor_the_api_in_memory() -> None:
    told = run("-c", LOOK)

    rooms, commands = told.stdout.splitlines()
    assert "'jobs'" in rooms
    assert "'domain'" in rooms
    assert "'web'" not in rooms
    assert "'api'" not in rooms
    assert commands == "['alive', 'gateway', 'scheduler', 'worker']"


def test_letters_want_the_words_of_pages_so_their_queue_asks_for_the_whole() -> None:
    refused = run("-m", "flask", "--app", WORKER, "worker", "webhooks")

    assert refused.returncode == 2
    assert "start it with --app wsgi" in refused.stderr


@pytest.mark.parametrize("application", ["wsgi", WORKER])
def test_wrong_settings_are_named_and_nothing_starts(application: str) -> None:
    refused = run("-m", "flask", "--app", application, "worker", "sending", SENDERS="many")

    assert refused.returncode == 1
    assert "Vestnik cannot start, because of its settings" in refused.stderr
    assert "SENDERS: expected a whole number" in refused.stderr
    assert "Traceback" not in refused.stderr
