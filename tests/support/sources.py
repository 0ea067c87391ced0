"""Our own sources, as Python reads them. Many tests of the house look at all of them."""

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """Read once for all tests of a process, which change nothing in it."""
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All of them, as ast.walk meets them."""
    return tuple(ast.walk(parsed(path)))
