"""Do the scripts of a page leave each other alone?"""

import re
from collections import Counter

from config import ROOT

# What stands at the beginning of a line is seen by every other script of the page.
GLOBAL_NAME = re.compile(r"^(?:async )?(?:function|const|let|var|class) (\w+)", re.MULTILINE)


def test_no_two_scripts_give_the_page_the_same_name() -> None:
    scripts = sorted((ROOT / "static" / "js").glob("*.js"))

    names = Counter(name for script in scripts for name in GLOBAL_NAME.findall(script.read_text()))

    assert names
    assert {name: n for name, n in names.items() if n > 1} == {}
