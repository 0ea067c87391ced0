"""What came out of a run? A line of JSON, for `python -m tests.faults.report`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from dashboard import clock
from tests.faults.run import MESSAGES, Run


@contextmanager
def recorded(name: str, run: Run) -> Iterator[dict[str, Any]]:
    """Whatever the block adds is written too. FAULTS_RESULTS names the file; without it nothing is written."""
    line: dict[str, Any] = {
        "fault": name,
        "policy": run.policy,
        "database": run.database,
        "seed": run.seed,
        "messages": MESSAGES,
        "on": clock.now().isoformat(timespec="seconds"),
    }
    try:
        yield line
        line["failed"] = ""
    except BaseException as error:
        line["failed"] = f"{type(error).__name__}: {str(error)[:200]}"
        raise
    finally:
        line |= {"looks": run.looks, "resumed": resumed(run), "settled": settled(run)}
        print(json.dumps(line))
        if path := os.environ.get("FAULTS_RESULTS"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with Path(path).open("a") as file:
                file.write(json.dumps(line) + "\n")


def resumed(run: Run) -> float | None:
    """Seconds from the environment being whole again until the gateway had the next message."""
    if run.whole_on is None:
        return None
    since = [(at - run.whole_on) / timedelta(seconds=1) for _number, at in run.accepted() if at > run.whole_on]
    return round(min(since), 2) if since else None


def settled(run: Run) -> float | None:
    """Seconds from then until every message of the mailing had its last word; 0 if that was before."""
    if run.whole_at is None or run.finished_at is None:
        return None
    return round(max(0.0, run.finished_at - run.whole_at), 2)
