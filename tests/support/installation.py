"""How does a test start a whole Vestnik, as a person does with `make run`, and look at it from outside?"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import psutil
import requests

from config import ROOT

SECONDS_TO_START = 60
SECONDS_TO_STOP = 20


class Installation:
    """A context manager: started and healthy inside, stopped by Ctrl-C's signal at the end.

    `environ` holds settings; nothing of the developer's own ones gets through.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.port, self.simulator_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.simulator_url = f"http://127.0.0.1:{self.simulator_port}"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "FLASK_SKIP_DOTENV": "1",
            "DATA_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "SIMULATOR_PORT": str(self.simulator_port),
            **environ,
        }
        self._printed = folder / "printed.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self._beside: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def printed(self) -> str:
        """All that it and its processes have said so far."""
        return self._printed.read_text()

    @property
    def setup_link(self) -> str:
        match = re.search(r"http://\S+/setup/\S+", self.printed)
        assert match, self.printed
        return match.group()

    def start(self) -> None:
        self.process = self._open(["-m", "flask", "--app", "wsgi", "up"])
        try:
            self._wait_until_ready(self.process)
        except BaseException:
            self.stop()
            raise

    def start_beside(self, *python: str) -> subprocess.Popen[bytes]:
        """One more of its processes, which nobody watches: stopped at the end, before the rest."""
        self._beside.append(self._open([*python]))
        return self._beside[-1]

    def _open(self, python: list[str]) -> subprocess.Popen[bytes]:
        with self._printed.open("a") as printed:
            return subprocess.Popen(
                [sys.executable, *python], cwd=ROOT, env=self.environ, stdout=printed, stderr=subprocess.STDOUT
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert process.poll() is None, f"it ended with {process.returncode}:\n{self.printed}"
            try:
                if requests.get(f"{self.url}/readyz", timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"it is not ready after {SECONDS_TO_START} s:\n{self.printed}")

    def ask_simulator(self, method: str, path: str, **options: Any) -> requests.Response:
        """It may begin to listen a moment after the web server."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                return requests.request(method, f"{self.simulator_url}{path}", timeout=5, **options)
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def gateway_log(self) -> list[dict[str, Any]]:
        """Every message that the simulator has accepted, in order."""
        entries: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.ask_simulator("GET", f"/log?after={after}").json()
            entries += page["entries"]
            after = page["next"]
        return entries

    def stop(self, number: int = signal.SIGINT) -> int:
        """Returns the exit code. Raises TimeoutExpired if it takes longer than people are promised."""
        for beside in self._beside:
            beside.terminate()
            beside.wait(SECONDS_TO_STOP)
        self._beside.clear()
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def flask(self, *arguments: str, stdin: str = "") -> str:
        """What `flask …` prints in this installation."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, input=stdin, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self, *words: str) -> list[psutil.Process]:
        """Its programs whose command has all these words, like ("worker", "sending") or ("gateway",)."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children():
            try:
                if all(any(word in part for part in child.cmdline()) for word in words):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
