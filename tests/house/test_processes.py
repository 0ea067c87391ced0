"""Does somebody listen to every queue, and does every task that is knocked for exist?"""

import inspect
import re

from config import Settings
from dashboard.cli.supervisor import programs
from dashboard.jobs import queues, schedule, tasks


def test_every_queue_has_a_worker_of_its_own(settings: Settings) -> None:
    commands = [program.command for program in programs(settings)]

    watched = {command[-1] for command in commands if "worker" in command}

    assert watched == set(queues.QUEUES)


def test_every_knock_names_a_task_that_exists() -> None:
    knocked_for = set(re.findall(r'_knock\(\w+, "(\w+)"', inspect.getsource(queues)))
    written = {name for name, value in vars(tasks).items() if getattr(value, "__module__", "") == tasks.__name__}

    assert knocked_for
    assert knocked_for <= written


def test_every_scheduled_entry_only_knocks() -> None:
    knocks = {value for name, value in vars(queues).items() if name.endswith("_later")}

    assert {entry.knock for entry in schedule.SCHEDULE.values()} <= knocks
