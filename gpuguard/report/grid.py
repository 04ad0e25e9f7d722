"""Rows of a listing as an aligned table, JSON or CSV; what `gpuguard catalog` prints."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import msgspec

from gpuguard.report.text import display_width, visible

T = TypeVar("T")

# Legal in JSON, but a terminal or an editor that shows the file would act on them; lone surrogates no file can hold.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, full-width signs included (OWASP: CSV injection)."""


class Column(msgspec.Struct, Generic[T], frozen=True):
    """One column: its heading, what stands in it as text, and whether figures stand to the right."""

    title: str
    text: Callable[[T], str]
    right: bool = False


def table(rows: Iterable[T], columns: Sequence[Column[T]], indent: int = 0) -> str:
    """Rows under headings, aligned by display width; columns that are empty in every row are left out."""
    cells = [[visible(column.text(row)) for column in columns] for row in rows]
    if not cells:
        return ""
    kept = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    lines = [[columns[index].title for index in kept], *([row[index] for index in kept] for row in cells)]
    widths = [max(display_width(line[place]) for line in lines) for place in range(len(kept))]
    text = []
    for line in lines:
        parts = []
        for place, cell in enumerate(line):
            space = " " * (widths[place] - display_width(cell))
            parts.append(space + cell if columns[kept[place]].right else cell + space)
        text.append(" " * indent + "  ".join(parts).rstrip())
    return "\n".join(text) + "\n"


def as_json(value: object) -> str:
    """JSON with money as decimal strings, as in every report; what is unsafe to print is written as a JSON escape."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    # All of these stand inside strings: between them there are spaces and newlines alone.
    for char in {char for char in set(text) - {"\n"} if unicodedata.category(char) in _UNSAFE}:
        text = text.replace(char, json.dumps(char)[1:-1])
    return text + "\n"


def as_csv(rows: Iterable[msgspec.Struct], fields: Sequence[str]) -> str:
    """CSV (RFC 4180) with a header, one line a row.

    A cell that a spreadsheet would run as a formula is quoted with an apostrophe, and what is unsafe to print is shown
    as its escape, as in a table.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(getattr(row, field)) for field in fields])
    return stream.getvalue()


def plain(value: object) -> Any:
    """Structs, tuples and amounts as what JSON knows; whole quantities are written as such."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return f"{value:f}" if isinstance(value, Decimal) else value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return f"{value:g}"
    text = visible(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
