"""`python -m bench`: which measures, on which database? `python -m bench report` prints what was measured last."""

import argparse
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from bench import results
from bench.measures import MEASURES
from bench.programs import NoCompiler, build, running_gateway
from bench.results import Figure
from bench.stand import Plan, Stand, start_server
from tests.support.redis_server import running_redis


def main() -> int:
    if sys.argv[1:2] == ["report"]:
        paths = [Path(each) for each in sys.argv[2:]] or results.latest()
        print(results.table(results.stored(paths)))
        return 0
    asked = _asked()
    # Told to end, as by Ctrl-C: the servers and workers that were started end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    databases = list(results.DATABASES) if asked.database == "both" else [asked.database]
    figures: list[Figure] = []
    failed: list[str] = []
    try:
        for figure in measured(asked.measures or list(MEASURES), databases, Plan(asked.quick), failed):
            figures.append(figure)
            _print(figure)
    except NoCompiler as error:
        failed.append(str(error))
    finally:
        if figures:
            print(f"\n{results.table(figures)}\n\nKept in {results.store(figures, asked.quick)}")
    for each in failed:
        print(f"Failed: {each}", file=sys.stderr)
    return 1 if failed else 0


def _print(figure: Figure) -> None:
    reach = "" if figure.is_reached else f"  (reach: {figure.reach})"
    value = results.shown(figure.value) + reach
    print(f"{figure.database:9} {figure.measure:18} {figure.what:42} {value}", flush=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, epilog=f"Measures: {', '.join(MEASURES)}."
    )
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help="all of them, unless some are named")
    parser.add_argument("--database", choices=[*results.DATABASES, "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="a tenth, once: does it work at all?")
    asked = parser.parse_args()
    if unknown := set(asked.measures) - MEASURES.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    return asked


def measured(measures: list[str], databases: list[str], plan: Plan, failed: list[str]) -> Iterator[Figure]:
    """One after the other, so that nothing else runs on the cores. What went wrong joins `failed`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vestnik-bench-")))
        programs = build(folder)
        gateway = stack.enter_context(running_gateway(programs))
        redis_url = stack.enter_context(running_redis())
        for database in databases:
            server_url = start_server(token_hex(6)) if database == "postgres" else None
            stand = Stand(database, plan, folder, gateway, programs, redis_url, server_url)
            for measure in measures:
                try:
                    yield from MEASURES[measure](stand)
                except Exception:
                    traceback.print_exc()
                    failed.append(f"{measure} on {results.DATABASES[database]}, see above")


if __name__ == "__main__":
    sys.exit(main())
