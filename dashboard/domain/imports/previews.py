"""How would the first rows be understood under this mapping?"""

from dataclasses import dataclass

from .layout import Layout
from .mapping import Mapping, Meaning
from .rows import BadRow, RowReader


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """`cells` as they would be kept, or as they stand where the row is bad; then `fault` is the reason's code."""

    line: int
    cells: tuple[str, ...]
    fault: str | None


def preview(layout: Layout, mapping: Mapping, timezone: str) -> list[PreviewRow]:
    if mapping.position(Meaning.PHONE) is None:
        return _as_they_stand(layout, mapping)
    reader = RowReader(mapping, layout.delimiter, timezone)
    shown = []
    for raw in _as_they_stand(layout, mapping):
        row = reader.row_of(raw.line, [*raw.cells, ""])
        if isinstance(row, BadRow):
            shown.append(PreviewRow(raw.line, raw.cells, row.code))
            continue
        kept = {
            Meaning.PHONE: row.phone,
            Meaning.OPERATOR_CODE: row.operator_code,
            Meaning.TIMEZONE: row.timezone,
            Meaning.TAGS: row.tags.replace(",", ", "),
        }
        cells = tuple(
            kept.get(column.meaning, cell) or "" for column, cell in zip(mapping.columns, raw.cells, strict=True)
        )
        shown.append(PreviewRow(raw.line, cells, None))
    return shown


def _as_they_stand(layout: Layout, mapping: Mapping) -> list[PreviewRow]:
    first = 1 if mapping.has_header else 0
    rows = zip(layout.lines[first:], layout.rows[first:], strict=True)
    return [PreviewRow(line, cells, None) for line, cells in rows]
