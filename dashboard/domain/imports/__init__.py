"""How do the clients in a file get into the directory?"""

from .running import run
from .uploads import ImportDraft, begin, cancel, sweep, unfinished
from .views import ImportView, ProblemView, all_problems, get, page, problems

__all__ = [
    "ImportDraft",
    "ImportView",
    "ProblemView",
    "all_problems",
    "begin",
    "cancel",
    "get",
    "page",
    "problems",
    "run",
    "sweep",
    "unfinished",
]
