"""What came out, and was it enough? Figures, their table, and the file that keeps them."""

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@dataclass(frozen=True)
class Reach:
    """The figure that is asked for."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"≥ {shown(self.at_least)}"
        return f"≤ {shown(self.at_most)}" if self.at_most is not None else ""


@dataclass(frozen=True)
class Figure:
    """One number of one measure on one database. `runs` are what it is the median of."""

    measure: str
    database: str
    what: str
    value: float
    reach: Reach | None = None
    runs: Sequence[float] = field(default_factory=list)

    @property
    def is_reached(self) -> bool:
        return self.reach is None or self.reach.holds(self.value)


def median(runs: Sequence[float]) -> float:
    return statistics.median(runs)


def shown(value: float) -> str:
    """Three digits, or all of a large number."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """As Markdown: a line for each number, a column for each database."""
    lines: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        lines.setdefault((figure.measure, figure.what), {})[figure.database] = figure
    columns = [name for name in DATABASES if any(name in line for line in lines.values())]
    titles = ["measure", "figure", "reach", *(DATABASES[name] for name in columns)]
    rows = [titles, ["---", "---", "---", *("---:" for _ in columns)]]
    for (measure, what), line in lines.items():
        reaches = dict.fromkeys(str(line[name].reach or "") for name in columns if name in line)
        cells = [_cell(line[name]) if name in line else "" for name in columns]
        rows.append([f"`{measure}`", what, " / ".join(filter(None, reaches)), *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(figure: Figure) -> str:
    return shown(figure.value) if figure.is_reached else f"{shown(figure.value)} (not reached)"


def machine() -> dict[str, Any]:
    """What the figures depend on; nothing that names the machine."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def store(figures: Sequence[Figure], is_quick: bool, folder: Path = FOLDER) -> Path:
    """One file a run, named by its time."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%dT%H%M%S}.json"
    told = {
        "at": now.isoformat(timespec="seconds"),
        "quick": is_quick,
        "machine": machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return path


def stored(paths: Sequence[Path]) -> list[Figure]:
    """The figures of these files; where two hold the same one, the later file counts."""
    found: dict[tuple[str, str, str], Figure] = {}
    for path in paths:
        for told in json.loads(path.read_text())["figures"]:
            reach = Reach(**told.pop("reach")) if told["reach"] else told.pop("reach")
            figure = Figure(**told, reach=reach)
            found[figure.measure, figure.database, figure.what] = figure
    return list(found.values())


def latest(folder: Path = FOLDER) -> list[Path]:
    """The newest file, if there is one."""
    return sorted(folder.glob("*.json"))[-1:]
