"""What do the results of the fault tests look like as a table? `python -m tests.faults.report FILE [PAGE]`.

FILE is what FAULTS_RESULTS named. With PAGE, the table replaces what stands between that page's two marks.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"
TITLES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
HEAD = "| fault | policy | runs | kept | sending again, s | all decided, s | in doubt | unknown | repeats |"

Line = dict[str, Any]


def table(lines: Sequence[Line]) -> str:
    """A section for each database; the faults in the order in which they were run first."""
    parts = []
    for database, title in TITLES.items():
        mine = [line for line in lines if line["database"] == database]
        if not mine:
            continue
        parts += [f"### {title}", "", HEAD, "|---|---|--:|--:|--:|--:|--:|--:|--:|", *_rows(mine), ""]
    return "\n".join([_summary(lines), "", *parts])


def _summary(lines: Sequence[Line]) -> str:
    days = sorted({line["on"][:10] for line in lines})
    failed = sum(bool(line["failed"]) for line in lines)
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"Runs: {len(lines)}, on {span}. Of these did not keep every promise: {failed}."


def _rows(lines: Sequence[Line]) -> Iterable[str]:
    order = list(dict.fromkeys(_key(line) for line in lines))
    by_key = sorted(lines, key=lambda line: order.index(_key(line)))
    for (fault, policy), group in groupby(by_key, key=_key):
        runs = list(group)
        kept = sum(not line["failed"] for line in runs)
        figures = [_span(runs, name) for name in ("resumed", "settled", "in_doubt", "unknown", "repeats")]
        yield f"| {' | '.join([fault, policy, str(len(runs)), str(kept), *figures])} |"


def _key(line: Line) -> tuple[str, str]:
    return line["fault"], line["policy"]


def _span(runs: Iterable[Line], name: str) -> str:
    """Least, median and greatest; one figure where they are the same."""
    values = sorted(line[name] for line in runs if line.get(name) is not None)
    if not values:
        return ""
    if values[0] == values[-1]:
        return f"{round(values[0], 2):g}"
    return " / ".join(f"{round(value, 2):g}" for value in (values[0], median(values), values[-1]))


def main(results: str, page: str | None = None) -> None:
    lines = [json.loads(line) for line in Path(results).read_text().splitlines()]
    if page is None:
        print(table(lines))
        return
    before, rest = Path(page).read_text().split(BEGIN)
    after = rest.split(END)[1]
    Path(page).write_text(f"{before}{BEGIN}\n{table(lines)}{END}{after}")


if __name__ == "__main__":
    main(*sys.argv[1:])
