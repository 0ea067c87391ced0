"""How does the simulated gateway run: in the foreground for `flask gateway`, in a thread for tests?"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .simulator import Simulator
from .simulator_faults import Faults
from .simulator_log import AcceptedLog
from .simulator_wire import Connection


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that listens. `simulator` may be read while it runs; steer it over HTTP."""

    url: str
    token: str
    simulator: Simulator


class Listener:
    """Listens for a Simulator on one address, with interruptions when an outage is asked for."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        self._simulator = simulator
        self._host = host
        self._port = port
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._outage: asyncio.Task[None] | None = None
        simulator.cut_off = self._begin_outage

    async def open(self) -> int:
        """Returns the port (a free one if 0 was wished). Raises OSError if it is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._simulator.answer, self._connections),
            self._host,
            self._port,
            backlog=4096,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    def close(self) -> None:
        if self._outage is not None:
            self._outage.cancel()
        self._cut()

    def _begin_outage(self, seconds: float) -> None:
        if self._outage is not None:
            self._outage.cancel()
        self._outage = asyncio.get_running_loop().create_task(self._be_away(seconds))

    async def _be_away(self, seconds: float) -> None:
        # Whoever asked for the outage still gets the answer to that.
        await asyncio.sleep(0.02)
        self._cut()
        await asyncio.sleep(seconds)
        await self.open()

    def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.reset()


async def serve(simulator: Simulator, host: str, port: int, announce: Callable[[int], None]) -> None:
    """Runs until SIGTERM or SIGINT, then ends at once. Raises OSError if the port is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listener = Listener(simulator, host, port)
    announce(await listener.open())
    await stop.wait()
    listener.close()


@contextlib.contextmanager
def running_simulator(
    token: str = "a-token-for-tests",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    log_file: Path | None = None,
    faults: Faults | None = None,
    **options: Any,
) -> Iterator[RunningSimulator]:
    """A simulator in a thread of this process, on a free port. `options`: as for Simulator."""
    with AcceptedLog(log_file) as log, asyncio.Runner() as runner:
        simulator = Simulator(token, log, faults, **options)
        listener = Listener(simulator, host, port)
        port = runner.run(listener.open())
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="gateway-simulator", daemon=True)
        thread.start()
        try:
            yield RunningSimulator(f"http://{host}:{port}", token, simulator)
        finally:
            loop.call_soon_threadsafe(listener.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
