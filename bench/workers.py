"""How do a measure's messages leave? By the real workers: RQ processes that fork for each round."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
from rq import Worker

from bench.stand import Place
from config import ROOT
from dashboard.cli import supervisor
from dashboard.jobs import queues

SECONDS_TO_START = 30
SECONDS_TO_STOP = 30
# A run that has not moved for so long will not end.
SECONDS_WITHOUT_PROGRESS = 60
SCHEDULER_SECONDS = 1.0
# How exactly the end of a run is known: 1 % of the shortest.
LOOK_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.25


class WorkersFailed(Exception):
    """They have not done what they were started for; says what they printed."""


class Workers:
    """Started, and waiting for a knock."""

    def __init__(self, place: Place, processes: list[subprocess.Popen[bytes]]) -> None:
        self.place = place
        self.processes = processes
        # Of all they did after they were ready, known once they have ended.
        self.cpu_seconds = 0.0

    def progress(self, look: Callable[[], list[int]], messages: int) -> Iterator[list[int]]:
        """Knock, and look until `look`, which counts outcomes, has seen all; yields what each look has seen.

        Looks are seldom at first, so that they cost nothing, and frequent towards the end. Raises WorkersFailed.
        """
        started = moved = knocked = time.monotonic()
        queues.work_later()
        queues.work_later()
        done = 0
        while done < messages:
            time.sleep(_pause(done, messages, time.monotonic() - started))
            seen = look()
            now = time.monotonic()
            if sum(seen) > done:
                done, moved = sum(seen), now
            if now - moved > SECONDS_WITHOUT_PROGRESS:
                raise WorkersFailed(f"{done} of {messages} messages have an outcome\n{_printed(self.place)}")
            if now - knocked >= SCHEDULER_SECONDS:
                queues.work_later()
                knocked = now
            yield seen

    def rss(self) -> int:
        """Bytes of the largest of their processes: a worker, or the child in which its round runs."""
        found = 0
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                for each in (parent, *parent.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        found = max(found, each.memory_info().rss)
        return found


@contextmanager
def running_workers(place: Place, count: int = 2) -> Iterator[Workers]:
    """Nobody knocks but the caller: `queues.work_later()`, as pages do, and as the scheduler does each second."""
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "FLASK_SKIP_DOTENV": "1"}
    command = [sys.executable, "-m", "flask", "--app", supervisor.WORKER, "worker", queues.SENDING]
    queues.connection().flushall()
    with (place.folder / "printed.txt").open("wb") as output:
        processes = [
            subprocess.Popen(command, cwd=ROOT, env=environ | place.environ, stdout=output, stderr=output)
            for _ in range(count)
        ]
        workers = Workers(place, processes)
        try:
            _wait_for(workers, count)
            before = cpu_of_ended() + sum(sum(psutil.Process(each.pid).cpu_times()[:2]) for each in processes)
            yield workers
        finally:
            _stop(processes)
        workers.cpu_seconds = cpu_of_ended() - before


def _pause(done: int, messages: int, elapsed: float) -> float:
    rest = elapsed * (messages - done) / done if done else 0.0
    return min(max(rest / 4, LOOK_SECONDS), LONGEST_PAUSE_SECONDS)


def _printed(place: Place) -> str:
    return (place.folder / "printed.txt").read_text()[-4000:]


def _wait_for(workers: Workers, count: int) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while Worker.count(connection=queues.connection()) < count:
        if time.monotonic() > give_up_at or any(process.poll() is not None for process in workers.processes):
            raise WorkersFailed(f"the workers have not started\n{_printed(workers.place)}")
        time.sleep(0.05)


def cpu_of_ended() -> float:
    """Seconds of CPU that ended children of this process have used, and their own children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
