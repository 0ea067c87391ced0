"""Can everything that the README tells people to type really be typed, and is there all that it shows?"""

import re
import shlex

import pytest
from flask import Flask

from config import ROOT

README = (ROOT / "README.md").read_text()


# Of a picture on a page that people open first, whatever their connection.
MOST_BYTES = 250_000
PICTURES = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)


def commands() -> list[str]:
    blocks = re.findall(r"```(?:sh|shell|console)\n(.*?)```", README, flags=re.DOTALL)
    spoken = re.findall(r"`((?:make|flask) [^`]+)`", README)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in [*lines, *spoken] if re.search(r"(^|\s|/)(make|flask) ", line)})


def test_there_are_commands_to_check() -> None:
    assert len(commands()) >= 5


@pytest.mark.parametrize("command", [command for command in commands() if re.search(r"(^|\s)make ", command)])
def test_every_make_target_exists(command: str) -> None:
    (target,) = re.findall(r"(?:^|\s)make ([a-z-]+)", command)

    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("command", [command for command in commands() if re.search(r"(^|/)flask ", command)])
def test_every_flask_command_exists(app: Flask, command: str) -> None:
    words = shlex.split(command[command.index("flask ") :])[1:]
    if words[:1] == ["--app"]:
        words = words[2:]
    group: object = app.cli
    for word in words:
        if word.startswith("-") or not hasattr(group, "commands"):
            break
        assert word in group.commands, f"{command}: there is no {word}"
        group = group.commands[word]


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_every_file_that_the_readme_links_to_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("words, path", PICTURES, ids=[path for _words, path in PICTURES])
def test_a_picture_is_light_and_told_in_words(words: str, path: str) -> None:
    content = (ROOT / path).read_bytes()
    width = int.from_bytes(content[16:20], "big")

    assert content.startswith(b"\x89PNG")
    assert len(content) <= MOST_BYTES
    assert width == 1280
    assert len(words.split()) > 5


def test_the_pictures_that_are_kept_are_those_that_are_shown() -> None:
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "screenshots").iterdir()}

    assert kept == {path for _words, path in PICTURES}
    assert len(kept) >= 4
