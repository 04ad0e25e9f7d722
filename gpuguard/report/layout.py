"""Lines of styled text in a terminal of a given width: wrapped by words, aligned by display width."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from gpuguard.report.text import cut_middle, display_width, split_columns

Style = Literal[
    "", "bold", "dim", "red", "green", "yellow", "magenta", "bold red", "bold green", "bold yellow", "bold magenta"
]

_SGR: Final[dict[str, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
}
NARROWEST: Final = 20
"""Below this many columns no figure fits on a line; the page is laid out for this width all the same."""
WIDEST: Final = 120
"""The eye loses the line between an address and its amount when they are further apart."""


class Span(NamedTuple):
    """A run of safe text (see `gpuguard.report.text.visible`) in one style."""

    text: str
    style: Style = ""


class Page:
    """Lines under construction. `width` is in columns; without `color` styles leave no trace."""

    def __init__(self, width: int, *, color: bool) -> None:
        self.width = min(max(width, NARROWEST), WIDEST)
        self._color = color
        self._lines: list[str] = []

    @property
    def narrow(self) -> bool:
        """Whether columns side by side have no room."""
        return self.width < 60

    def blank(self) -> None:
        """One empty line, never two, and none at the top."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def add(self, *spans: Span, indent: int = 0, hang: int | None = None, right: Span | None = None) -> None:
        """Spans one after the other, on one line where they fit, else wrapped by words.

        `indent` is the first line's, `hang` that of the lines after it (the first line's unless told).
        `right` stands at the right margin: of the last line where there is room, else on a line of its own.
        """
        # Half the line at least is left for text, whatever the columns before it took.
        rest = min(indent if hang is None else hang, self.width // 2)
        lines = self._wrapped(spans, indent, rest)
        if right is not None and right.text:
            self._put_right(lines, right, rest)
        self._lines.extend(self._painted(_trimmed(line)) for line in lines)

    def _wrapped(self, spans: Sequence[Span], indent: int, hang: int) -> list[list[Span]]:
        if indent + _width(spans) <= self.width:
            return [[Span(" " * indent), *spans]]
        lines: list[list[Span]] = []
        line, used, start = [Span(" " * indent)], indent, indent
        for spaces, word in _words(spans):
            gap = 0 if used == start and lines else spaces
            if used + gap + display_width(word.text) > self.width and used > start:
                lines.append(line)
                line, used, start, gap = [Span(" " * hang)], hang, hang, 0
            elif used + gap + display_width(word.text) > self.width:
                gap = 0
            room = self.width - (start if display_width(word.text) <= self.width - start else max(start, hang))
            *full, last = split_columns(word.text, room) or [""]
            for piece in full:
                lines.append([*line, Span(piece, word.style)])
                line, used, start, gap = [Span(" " * hang)], hang, hang, 0
            # Spaces between words of one style wear it too: fewer escapes, and an unbroken run for the eye.
            line += [Span(" " * gap, word.style if line[-1].style == word.style else ""), Span(last, word.style)]
            used += gap + display_width(last)
        return [*lines, line]

    def _put_right(self, lines: list[list[Span]], right: Span, hang: int) -> None:
        room = self.width - _width(lines[-1]) - display_width(right.text)
        if room >= 2:
            lines[-1] = [*lines[-1], Span(" " * room), right]
            return
        room = self.width - display_width(right.text)
        if room >= hang:
            lines.append([Span(" " * room), right])
        else:
            lines.extend(self._wrapped([right], hang, hang))

    def columns(self, parts: Iterable[Sequence[Span]], *, separator: str, hang: int) -> None:
        """Parts with a separator between them, broken between parts where the line is too short."""
        lines: list[list[Span]] = []
        for part in parts:
            longer = [*lines[-1], Span(separator, "dim"), *part] if lines else []
            if longer and _width(longer) <= self.width - (hang if len(lines) > 1 else 0):
                lines[-1] = longer
            else:
                lines.append(list(part))
        for index, line in enumerate(lines):
            self.add(*line, indent=hang if index else 0, hang=hang)

    def title(self, *before: Span, address: str, style: Style, right: Span | None) -> None:
        """A line for an address, cut in its middle where it is longer than the line; `right` below it if need be."""
        indent = _width(before)
        self.add(*before, Span(cut_middle(address, self.width - indent), style), hang=indent, right=right)

    def text(self) -> str:
        """The page, each line ended by a newline and without trailing spaces."""
        return "".join(f"{line}\n" for line in self._lines)

    def _painted(self, spans: Iterable[Span]) -> str:
        painted: list[str] = []
        for span in spans:
            if self._color and span.style and span.text.strip():
                codes = ";".join(_SGR[name] for name in span.style.split())
                painted.append(f"\x1b[{codes}m{span.text}\x1b[0m")
            else:
                painted.append(span.text)
        return "".join(painted)


def _width(spans: Iterable[Span]) -> int:
    return sum(display_width(span.text) for span in spans)


def _trimmed(spans: Sequence[Span]) -> Sequence[Span]:
    """The spans without spaces at the end."""
    kept = list(spans)
    while kept and not kept[-1].text.strip(" "):
        kept.pop()
    return [*kept[:-1], Span(kept[-1].text.rstrip(" "), kept[-1].style)] if kept else kept


def _words(spans: Iterable[Span]) -> Iterable[tuple[int, Span]]:
    """The words of the spans, each with the number of spaces before it.

    Text of two spans without a space between them is one word in the first one's style.
    """
    word, style, spaces, before = "", Span("").style, 0, 0
    for span in spans:
        for char_run in re.findall(" +|[^ ]+", span.text):
            if char_run[0] == " ":
                if word:
                    yield before, Span(word, style)
                    word = ""
                spaces += len(char_run)
            elif word:
                word += char_run
            else:
                word, style, before, spaces = char_run, span.style, spaces, 0
    if word:
        yield before, Span(word, style)
