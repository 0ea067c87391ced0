"""How does a machine with nothing but Python get everything Vestnik needs?

Run by make with the machine's own Python, so: standard library only, and a syntax that Python 3.6 can still
parse, because an old Python has to get as far as saying that it is too old. Whatever is missing is said in
one sentence with the way out. pip follows the user's own configuration, whose addresses are never repeated.
"""

import importlib.util
import os
import platform
import re
import subprocess
import sys
from typing import Callable, List, Sequence  # noqa: F401 - for the type comments

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
OLDEST, NEWEST = (3, 11), (3, 12)
# Packages of pure Python that are published as source only. For everything else a ready-made build is
# demanded: compiling would need compilers and headers, and fail late in a wall of text.
SOURCE_ONLY = "crontab"


def main(arguments):
    # type: (List[str]) -> int
    lock = "requirements-dev.txt" if "--dev" in arguments else "requirements.txt"
    problem = python_problem(sys.version_info[:2]) or venv_problem(importlib.util.find_spec)
    if not problem:
        problem = make_venv() or install(lock)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def python_problem(version):
    # type: (Sequence[int]) -> str
    if OLDEST <= tuple(version) <= NEWEST:
        return ""
    return (
        "Vestnik needs Python 3.11 or 3.12, and this is %d.%d: install one of them and run "
        "`make PYTHON=/path/to/python3.12 ...`." % tuple(version)
    )


def venv_problem(find_spec):
    # type: (Callable[[str], object]) -> str
    """Debian and Ubuntu keep what makes a virtual environment in a package of its own."""
    if find_spec("venv") and find_spec("ensurepip"):
        return ""
    package = "python%d.%d-venv" % sys.version_info[:2]
    return (
        "This Python cannot make a virtual environment: install the package %s "
        "(on Debian and Ubuntu: sudo apt install %s) and run make again." % (package, package)
    )


def make_venv():
    # type: () -> str
    """Keeps an environment that works; one that was moved, or whose Python is gone, is made anew."""
    python = os.path.join(VENV, "bin", "python")
    check = "import pip, sys; sys.exit(not %r <= sys.version_info[:2] <= %r)" % (OLDEST, NEWEST)
    if _runs([python, "-c", check]):
        return ""
    print("Making the virtual environment .venv ...", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", VENV]
    made = subprocess.run(command, capture_output=True, text=True)  # fixed here  # nosec B603
    if made.returncode:
        return "The virtual environment .venv could not be made: %s" % _last_line(made.stdout + made.stderr)
    return ""


def _runs(command):
    # type: (List[str]) -> bool
    try:
        return subprocess.run(command, capture_output=True, cwd=ROOT).returncode == 0  # fixed here  # nosec B603
    except OSError:
        return False


def install(lock):
    # type: (str) -> str
    print("Installing the Python packages of %s; the first time takes a minute or two ..." % lock, flush=True)
    command = [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--require-hashes"]
    command += ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY]
    command += ["--disable-pip-version-check", "--quiet", "-r", os.path.join(ROOT, lock)]
    pip = subprocess.run(command, capture_output=True, text=True)  # fixed here  # nosec B603
    return install_problem(pip.stdout + pip.stderr) if pip.returncode else ""


def install_problem(output):
    # type: (str) -> str
    """What pip's output means, in one sentence."""
    system = (platform.system(), platform.machine()) + sys.version_info[:2]
    machine = "%s on %s with Python %d.%d" % system
    missing = re.search(r"No matching distribution found for ([\w.-]+)==([\w.]+)", output)
    if re.search(r"ConnectionError|ConnectTimeout|Temporary failure in name resolution|timed out", output):
        return "The package index cannot be reached: check the network and pip's settings, then try again."
    if missing:
        return (
            "There is no ready-made build of %s %s for this machine (%s): use Linux on x86-64 with "
            "Python 3.11 or 3.12, or a package index that has it." % (missing.groups() + (machine,))
        )
    if "DO NOT MATCH THE HASHES" in output:
        return "A package differs from the one in the lock file: run `pip cache purge` and try again."
    if "No space left on device" in output:
        return "The disk is full: make room (about 1 GB) and run make again."
    return "The Python packages could not be installed: %s" % _last_line(output)


def _last_line(output):
    # type: (str) -> str
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason was given"]
    return re.sub(r"\b\w{1,20}://\S+", "<address>", lines[-1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
