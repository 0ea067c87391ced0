"""What does a person read or hear of a page? Texts and the attributes that are spoken or shown."""

from collections.abc import Iterator
from html.parser import HTMLParser

# Nothing to read, or the words of people and programs: files, answers of the gateway, what was typed.
UNREAD = {"script", "style", "code", "pre", "datalist", "textarea"}
SPOKEN = {"aria-label", "alt", "placeholder", "title", "data-label", "data-from", "data-word"}
# Words that a script shows, one for each code.
WORDS = "data-word-"
VOID = {"input", "meta", "link", "br", "hr", "img", "wbr", "source"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language: str | None = None
        # Open elements, innermost last, and whether each is read.
        self._open: list[tuple[str, bool]] = []

    @property
    def _is_read(self) -> bool:
        return all(read for _tag, read in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang")
        # A language's own name is written in that language.
        is_foreign = values.get("lang", self.language) != self.language
        is_read = tag not in UNREAD and not is_foreign
        if self._is_read and not is_foreign:
            spoken = (text for name, text in values.items() if name in SPOKEN or name.startswith(WORDS))
            self.texts.extend(text for text in spoken if text.strip())
        if tag not in VOID:
            self._open.append((tag, is_read))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_read and data.strip():
            self.texts.append(" ".join(data.split()))


def visible_texts(text: str, is_html: bool) -> Iterator[str]:
    """Piece by piece; all of it where it is no HTML."""
    if not is_html:
        yield text
        return
    reader = _Reader()
    reader.feed(text)
    yield from reader.texts
