"""Does the table say what the runs have said?"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults import report


def line(**more: Any) -> str:
    told = {"fault": "FLUSHALL", "policy": "hold", "database": "sqlite", "on": "2026-11-21T13:00:00", "failed": ""}
    return json.dumps({**told, "settled": 4.0, "resumed": None, "unknown": 0, **more})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def test_runs_of_one_fault_make_one_row_with_the_least_the_median_and_the_greatest(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write_text("\n".join([line(settled=9.5), line(settled=4), line(settled=5, failed="AssertionError")]))

    report.main(str(results))

    printed = capsys.readouterr().out
    assert "Runs: 3, on 2026-11-21. Of these did not keep every promise: 1." in printed
    assert "| FLUSHALL | hold | 3 | 2 |  | 4 / 5 / 9.5 |  | 0 |  |" in printed


def test_the_table_takes_the_place_of_the_old_one_in_a_page(results: Path, tmp_path: Path) -> None:
    results.write_text(line())
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")

    report.main(str(results), str(page))

    written = page.read_text()
    assert written.startswith(f"before\n{report.BEGIN}\nRuns: 1, on 2026-11-21")
    assert written.endswith(f"{report.END}\nafter\n")
    assert "stale" not in written
