"""Which processes make up a running Vestnik, and who restarts them and stops them in the right order?

Circus does, told by the table `programs()` below. The table is Python and not a circus.ini because circusd
would stop all programs at the same instant, Redis with them, while workers still need it to end their jobs;
and because an ini file can neither leave a program out nor carry a folder's name with a blank in it.
"""

import ctypes
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from config import ROOT, Settings

from .. import clock

# A round that is told to stop begins nothing more; a call takes ten seconds at most, and the rest is for writing
# what came of it. Where GATEWAY_TIMEOUT_SECONDS gives calls more time, whoever calls is given more, too.
WORK_SECONDS_TO_STOP = 12
WRITING_SECONDS = 2
# Together with the work's, less than the 20 seconds after which people lose patience.
GROUND_SECONDS_TO_STOP = 5
REDIS_SECONDS_TO_START = 5
# Also the pause before something that died is started again.
LOOK_SECONDS = 1.0
# The application without pages and API.
WORKER = "dashboard:create_worker"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """`ground` programs are what the others stand on: started before them, stopped after them.

    `folder` is made before each start: somebody may have tidied it away, and without it no new one would start.
    """

    name: str
    command: list[str]
    processes: int = 1
    ground: bool = False
    seconds_to_stop: float = WORK_SECONDS_TO_STOP
    folder: Path | None = None


def programs(settings: Settings) -> list[Program]:
    calling = max(WORK_SECONDS_TO_STOP, settings.gateway_timeout_seconds + WRITING_SECONDS)
    senders, background = _flask("worker", "sending", app=WORKER), _flask("worker", "background", app=WORKER)
    table = [
        Program("scheduler", _flask("scheduler", app=WORKER)),
        Program("sender", senders, processes=settings.senders, seconds_to_stop=calling),
        # It calls the gateway with test messages.
        Program("background", background, seconds_to_stop=calling),
        Program("webhooks", _flask("worker", "webhooks")),
        Program("web", gunicorn(settings)),
    ]
    if settings.simulated:
        table.insert(0, Program("simulator", _flask("gateway", app=WORKER), ground=True))
    if settings.own_redis:
        table.insert(0, Program("redis", _redis(settings), ground=True, folder=settings.data_dir / "redis"))
    return table


def _flask(*arguments: str, app: str = "wsgi") -> list[str]:
    return [sys.executable, "-m", "flask", "--app", app, *arguments]


def gunicorn(settings: Settings) -> list[str]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return [
        *(sys.executable, "-m", "gunicorn", "wsgi:app"),
        *("--bind", f"{host}:{settings.port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(settings.web_threads)),
        *("--graceful-timeout", str(WORK_SECONDS_TO_STOP - 2), "--timeout", "60"),
        *("--log-level", "warning", "--no-control-socket"),
        *("--logger-class", "dashboard.cli.web_log.GunicornLog"),
    ]


def _redis(settings: Settings) -> list[str]:
    """One that nobody reaches over the network; it keeps a journal in the data folder."""
    return [
        redis_server() or "redis-server",
        *("--port", "0", "--unixsocket", str(_redis_socket(settings)), "--unixsocketperm", "700"),
        *("--dir", str(settings.data_dir / "redis"), "--logfile", "redis.log", "--loglevel", "warning"),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"),
    ]


def redis_server() -> str | None:
    """The machine's own, else the one that came as a wheel (for x86-64 only)."""
    return shutil.which("redis-server") or shutil.which("redis-server", path=str(Path(sys.executable).parent))


def _redis_socket(settings: Settings) -> Path:
    return settings.run_dir / "redis.sock"


def supervise(table: Iterable[Program], run_dir: Path) -> None:
    """Runs everything in the foreground until SIGINT, SIGTERM or SIGHUP, then stops it. Blocks till then."""
    # Not at the top: circus sets up logging on import, which is none of the other commands' business.
    from circus import logger

    logger.setLevel("WARNING")
    arbiter = _arbiter_class()(
        [_watcher(program, run_dir) for program in table],
        # Sockets instead of circus' usual TCP ports: two installations may run on one machine.
        endpoint=f"ipc://{run_dir / 'controller.sock'}",
        pubsub_endpoint=f"ipc://{run_dir / 'events.sock'}",
        check_delay=LOOK_SECONDS,
        proc_name="vestnik",
    )
    # A closed terminal ends everything; circus would start a second web server beside the first.
    arbiter.ctrl.sys_hdl.handle_hup = arbiter.ctrl.sys_hdl.quit
    arbiter.start()


def _watcher(program: Program, run_dir: Path) -> Any:
    hooks: dict[str, tuple[Callable[..., bool], bool]] = {"after_reap": (_announce_death, True)}
    if program.name == "redis":
        hooks["after_start"] = (lambda **_: _wait_for(run_dir / "redis.sock"), True)
    if folder := program.folder:
        hooks["before_spawn"] = (lambda **_: _make(folder), True)
    return _watcher_class()(
        program.name,
        shlex.quote(program.command[0]),
        args=program.command[1:],
        numprocesses=program.processes,
        working_dir=str(ROOT),
        env=dict(os.environ),
        priority=int(program.ground),
        graceful_timeout=GROUND_SECONDS_TO_STOP if program.ground else program.seconds_to_stop,
        stop_children=False,
        # Never give up: a machine short of memory has it back some time.
        max_retry=-1,
        hooks=hooks,
    )


def _announce_death(watcher: Any, exit_code: int | None = None, **_: object) -> bool:
    if not watcher.is_stopping() and not watcher.is_stopped():
        by = signal.Signals(-exit_code).name if exit_code and exit_code < 0 else f"code {exit_code}"
        print(f"{watcher.name} ended ({by}); starting it again", file=sys.stderr, flush=True)
    return True


def _make(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    return True


def _wait_for(path: Path) -> bool:
    """Until somebody answers at this socket: a worker that comes too early would die and be started again."""
    deadline = clock.monotonic() + REDIS_SECONDS_TO_START
    while clock.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                clock.sleep(0.02)
            else:
                return True
    print("redis does not answer; its log is redis/redis.log in DATA_DIR", file=sys.stderr, flush=True)
    return True


def _arbiter_class() -> Any:
    from circus.arbiter import Arbiter
    from tornado import gen

    class OrderlyArbiter(Arbiter):
        @gen.coroutine
        def _stop_watchers(self, close_output_streams: bool = False, watcher_iter_func: Any = None) -> Any:
            """Circus stops all at once; here each priority is gone before the next one is told to go."""
            if self._stopping:
                # Its look round would only complain that a stop is under way.
                self.ctrl.caller.stop()
            watchers = (watcher_iter_func or self.iter_watchers)(reverse=False)
            for _priority, together in groupby(watchers, key=attrgetter("priority")):
                yield gen.multi([watcher._stop(close_output_streams) for watcher in together])

    return OrderlyArbiter


def _watcher_class() -> Any:
    from circus.process import Process
    from circus.watcher import Watcher

    libc = ctypes.CDLL(None)

    class TiedProcess(Process):
        def _null_streams(self, streams: Any) -> None:
            """Circus calls this in the child before its program starts.

            It is the one place to say that a supervisor killed outright takes the child along, so that no
            orphan keeps the port. Only Linux knows how.
            """
            super()._null_streams(streams)
            if sys.platform == "linux":
                libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    class TiedWatcher(Watcher):
        _process_class = TiedProcess

    return TiedWatcher
