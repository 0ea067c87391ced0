"""How do the clients in a file get into the directory? A file, its mapping, a dry run, a run."""

from .files import discard, hear_out, received
from .layout import MOST_COLUMNS, FileLimits, Layout
from .mapping import Column, Mapping, Meaning
from .previews import PreviewRow, preview
from .running import run
from .uploads import (
    MappingDraft,
    Upload,
    begin,
    call_off,
    cancel,
    keep_mapping,
    map_columns,
    replace_file,
    start,
    sweep,
    unfinished,
)
from .views import (
    Columns,
    ImportView,
    ProblemsPage,
    ProblemView,
    all_problems,
    columns,
    get,
    held,
    page,
    problems,
    problems_page,
)

__all__ = [
    "MOST_COLUMNS",
    "Column",
    "Columns",
    "FileLimits",
    "ImportView",
    "Layout",
    "Mapping",
    "MappingDraft",
    "Meaning",
    "PreviewRow",
    "ProblemView",
    "ProblemsPage",
    "Upload",
    "all_problems",
    "begin",
    "call_off",
    "cancel",
    "columns",
    "discard",
    "get",
    "hear_out",
    "held",
    "keep_mapping",
    "map_columns",
    "page",
    "preview",
    "problems",
    "problems_page",
    "received",
    "replace_file",
    "run",
    "start",
    "sweep",
    "unfinished",
]
