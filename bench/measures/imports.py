"""How long does it take to bring in a file of a million clients, and how much memory?"""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import psutil

from bench.neighbour import Beside, nothing
from bench.population import CODES, NUMBERS, STEP, ZONES
from bench.results import Figure, Reach, median
from bench.sending import WrongRun
from bench.stand import Stand
from dashboard.database import db, end_reading
from dashboard.domain import imports
from dashboard.domain.imports import FileLimits, MappingDraft, Upload
from dashboard.domain.imports.running import batch_size
from dashboard.models import ImportState, KnownPhones
from tests.support.apps import running_app

ROWS = 1_000_000
# The database's page cache in this process has filled by then; what comes later would grow with the file.
ROWS_TO_SETTLE = 50_000
HEADER = "Телефон;Теги;Часовой пояс;name;city"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """Seconds by the wall clock, of this process's processor time, and the bytes by which the process grew."""

    check_seconds: float
    write_seconds: float
    processor_seconds: float
    growth: int


def import_clients(stand: Stand) -> Iterator[Figure]:
    """A CSV in any order of phones, each with a tag and one of 11 zones: the dry run, then the import."""
    size = stand.plan.size(ROWS)
    runs = [one(stand, size) for _ in range(stand.plan.repeats)]
    reach = Reach(at_most=30 * size / ROWS)
    seconds = [run.write_seconds for run in runs]
    checks = [run.check_seconds for run in runs]
    processor = [run.processor_seconds for run in runs]
    growth = [run.growth / MEGABYTE for run in runs]
    name = import_clients.__name__
    yield Figure(name, stand.database, "seconds of the import", median(seconds), reach, seconds)
    yield Figure(name, stand.database, "seconds of the dry run before", median(checks), reach, checks)
    yield Figure(name, stand.database, "processor seconds of the worker, both", median(processor), None, processor)
    yield Figure(name, stand.database, "MB more after the first rows", max(growth), Reach(at_most=32), growth)


def one(stand: Stand, rows: int, *, beside: Beside = nothing) -> Run:
    """`beside`: what goes on while the worker works."""
    with stand.installation() as place:
        path = place.folder / "upload"
        _write_file(path, rows)
        limits = FileLimits(megabytes=1024, rows=rows)
        import_id = imports.begin(place.owner, Upload(path, "clients.csv"), "UTC", place.folder, limits)
        guessed = imports.columns(place.owner, import_id).mapping
        imports.map_columns(place.owner, import_id, MappingDraft(guessed, KnownPhones.UPDATE, "UTC"))
        end_reading()
        db.engine.dispose()
        # Spawned, not forked: memory that this process has freed would hide what is taken.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, beside(place.folder):
            run = pool.submit(_bring_in, place.folder, place.environ, import_id, place.owner, limits).result()
        view = imports.get(place.owner, import_id)
        if (view.state, view.created) != (ImportState.FINISHED, rows):
            raise WrongRun(f"the import has ended {view.state} with {view.created} new clients")
    return run


def _write_file(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}\r\n")
        for number in range(rows):
            phone = f"7{CODES[number % len(CODES)]}{number * STEP % NUMBERS:07}"
            zone = ZONES[number % len(ZONES)]
            file.write(f"{phone};tag {number % 10};{zone};Клиент {number};{zone}\r\n")


def _bring_in(folder: Path, environ: dict[str, str], import_id: int, owner: object, limits: FileLimits) -> Run:
    process = psutil.Process()
    with running_app(folder, **environ) as app, app.app_context():
        gc.freeze()  # as a worker does, whose children bring files in
        before = process.cpu_times()
        started = time.monotonic()
        imports.run(import_id, folder, limits)
        checked = time.monotonic()
        imports.start(owner, import_id)  # type: ignore[arg-type]
        sizes: list[int] = []

        def note_size() -> bool:
            """Asked after each batch; the answer is that nothing makes it stop."""
            sizes.append(process.memory_info().rss)
            return False

        while not imports.run(import_id, folder, limits, is_stopping=note_size):
            pass
        ended = time.monotonic()
        after = process.cpu_times()
        processor = after.user + after.system - before.user - before.system
        settled = max(sizes[: ROWS_TO_SETTLE // batch_size()])
        return Run(checked - started, ended - checked, processor, max(sizes) - settled)
