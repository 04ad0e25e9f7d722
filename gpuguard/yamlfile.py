"""Read the part of YAML that a configuration file needs, with the place of every key and value.

Mappings, lists and text; no anchors, aliases, merge keys or tags, so that a file says what it seems to say and cannot
be a bomb. A scalar stays the text it is written as (None for nothing, ``~`` and ``null``): what it means, the
model of the file decides, and `no`, `1_000`, `012` or `12:30` never turn into something else.
"""

import codecs
import stat
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from gpuguard.errors import ConfigError

if TYPE_CHECKING:
    import yaml

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"
Path = tuple[str | int, ...]

MAX_BYTES = 1024 * 1024
MOST_SHOWN = 30
MAX_DEPTH = 12
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Place(msgspec.Struct, frozen=True, order=True):
    """Line and column in a file, both counted from 1."""

    line: int
    column: int


class Mistake(msgspec.Struct, frozen=True, order=True):
    """What is wrong, and where."""

    place: Place
    message: str


class Document(msgspec.Struct):
    """The content of a file with the places of its values and keys, and the mistakes found while reading it.

    `spoilt` are the paths whose value could not be read; no more need be said of them.
    """

    tree: Tree = None
    values: dict[Path, Place] = msgspec.field(default_factory=dict)
    keys: dict[Path, Place] = msgspec.field(default_factory=dict)
    mistakes: list[Mistake] = msgspec.field(default_factory=list)
    spoilt: set[Path] = msgspec.field(default_factory=set)

    def place(self, path: Path) -> Place:
        """Where a value stands, or the nearest thing around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))

    def is_spoilt(self, path: Path) -> bool:
        """Whether the value, or one around it, could not be read."""
        return any(path[:length] in self.spoilt for length in range(len(path) + 1))


def quoted(text: str, most: int = 60) -> str:
    """Text from a file for a message: in quotes, control characters escaped, cut if long."""
    return repr(text if len(text) <= most else f"{text[: most - 1]}…")


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean `x`?``, or nothing where nothing is near."""
    import difflib

    near = difflib.get_close_matches(word[:100].lower().replace("_", "-"), choices := list(known), 1, 0.6)
    near = near or difflib.get_close_matches(word[:100].lower(), choices, 1, 0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def content(path: FilePath, shown: str) -> bytes:
    """The file's bytes, at most one more than is allowed. Raises ConfigError for what cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{shown}: this is not a regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unreadable(shown, error) from None


def unreadable(shown: str, error: Exception) -> ConfigError:
    """What to raise when a file cannot be opened."""
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    return ConfigError(f"{shown}: cannot be read: {reason}", hint="Check the path and its permissions.")


def wrong(shown: str, mistakes: Iterable[Mistake], hint: str) -> ConfigError:
    """One error for all mistakes of a file, in their order."""
    lines = [f"{shown}:{one.place.line}:{one.place.column}: {one.message}" for one in sorted(set(mistakes))]
    if len(lines) == 1:
        return ConfigError(lines[0], hint=hint)
    more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    return ConfigError(f"{shown}: {len(lines)} mistakes", hint=hint, details=[*lines[:MOST_SHOWN], *more])


def parse(content: bytes) -> Document:
    """Read a file. What is wrong with it is in `mistakes`; a file that is no YAML at all has an empty tree."""
    document = Document()
    text = _text(content, document)
    if text is not None:
        _Builder(document, text).run()
    return document


def _text(content: bytes, document: Document) -> str | None:
    start, problem = Place(1, 1), ""
    if len(content) > MAX_BYTES:
        problem = f"the file is larger than {MAX_BYTES // 1024} KiB, which no configuration needs"
    elif content.startswith(_WIDE):
        problem = "the file is UTF-16 or UTF-32; save it as UTF-8"
    elif b"\0" in content:
        problem = "the file is binary, not YAML"
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = content[: error.start]
            start = Place(before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1)
            problem = "the file is not UTF-8 text"
    document.mistakes.append(Mistake(start, problem))
    return None


class _Stop(Exception):
    """Nothing after this place can be understood."""


class _Open(msgspec.Struct):
    """A mapping or list that is being read; `key` is the one whose value comes next."""

    node: dict[str, Tree] | list[Tree]
    path: Path
    key: str | None = None
    skip: bool = False


class _Builder:
    """Turns parser events into a tree, without recursion."""

    def __init__(self, document: Document, text: str) -> None:
        self.document, self.text = document, text
        self.open: list[_Open] = []
        self.ignored = 0  # depth inside a value that is not read

    def run(self) -> None:
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = 0
        try:
            for event in yaml.parse(self.text, Loader=loader):
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._stop(event, "the file is one YAML document; another one starts here")
                elif isinstance(event, yaml.NodeEvent):
                    self._node(event)
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._end()
        except _Stop:
            return
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
            return
        except yaml.YAMLError as error:
            place = self._position(getattr(error, "position", 0))
            self._mistake(place, "there is a character here that YAML does not allow")
            return
        if not documents or (self.document.tree is None and not self.document.mistakes):
            self._mistake(Place(1, 1), "the file is empty")

    def _node(self, event: "yaml.NodeEvent") -> None:
        import yaml

        place = _place(event.start_mark)
        if self.ignored:
            self.ignored += isinstance(event, yaml.CollectionStartEvent)
            return
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.node, dict) and top.key is None:
            self._key(top, event, place)
            return
        path = self._path(top)
        value, readable = self._value(event, place)
        if top is not None and top.skip:
            top.key, top.skip = None, False
        else:
            self._attach(top, value)
            self.document.values[path] = place
            if not readable:
                self.document.spoilt.add(path)
            elif isinstance(value, dict | list):
                self.open.append(_Open(value, path))
                return
        if isinstance(event, yaml.CollectionStartEvent):
            self.ignored = 1

    def _value(self, event: "yaml.NodeEvent", place: Place) -> tuple[Tree, bool]:
        import yaml

        if isinstance(event, yaml.AliasEvent):
            self._mistake(
                place, f"aliases (*{str(event.anchor)[:40]}) are not allowed; a pattern that starts with * needs quotes"
            )
            return None, False
        if event.anchor is not None:
            self._mistake(
                place, f"anchors (&{str(event.anchor)[:40]}) are not allowed; write the value where it is used"
            )
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self._mistake(place, f"tags ({quoted(tag)}) are not allowed; write the plain value")
            return None, False
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        if len(self.open) >= MAX_DEPTH:
            self._stop(event, f"this is nested more than {MAX_DEPTH} levels deep")
        return ({}, True) if isinstance(event, yaml.MappingStartEvent) else ([], True)

    def _scalar(self, event: "yaml.ScalarEvent", place: Place) -> tuple[Tree, bool]:
        text: str = event.value
        if _is_plain(event) and text in _NOTHING:
            return None, True
        if odd := next((char for char in text if not _showable(char)), None):
            self._mistake(place, f"the text holds the character U+{ord(odd):04X}, which cannot be shown")
            return None, False
        return text, True

    def _key(self, top: _Open, event: "yaml.NodeEvent", place: Place) -> None:
        import yaml

        if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag not in (None, "!"):
            what = "an alias" if isinstance(event, yaml.AliasEvent) else "a list, a mapping, an anchor or a tag"
            self._mistake(place, f"a key is plain text, not {what}")
            top.key, top.skip = "", True
            self.ignored = int(isinstance(event, yaml.CollectionStartEvent))
            return
        key = event.value
        top.key = key
        path = (*top.path, key)
        if key == "<<" and _is_plain(event):
            self._mistake(place, "merge keys (<<) are not allowed; write the settings out")
            top.skip = True
        elif path in self.document.keys:
            first = self.document.keys[path].line
            self._mistake(place, f"the key {quoted(key)} is there twice; the first is in line {first}")
            top.skip = True
        else:
            self.document.keys[path] = place

    def _path(self, top: _Open | None) -> Path:
        if top is None:
            return ()
        return (*top.path, len(top.node) if isinstance(top.node, list) else top.key or "")

    def _attach(self, top: _Open | None, value: Tree) -> None:
        if top is None:
            self.document.tree = value
        elif isinstance(top.node, list):
            top.node.append(value)
        else:
            top.node[top.key or ""] = value
            top.key = None

    def _end(self) -> None:
        if self.ignored:
            self.ignored -= 1
        else:
            self.open.pop()

    def _syntax(self, error: "yaml.MarkedYAMLError") -> None:
        place = _place(error.problem_mark or error.context_mark)
        line = next(iter(self.text.splitlines()[place.line - 1 : place.line]), "")
        if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
            self._mistake(place, "there is a tab where YAML wants spaces")
        else:
            self._mistake(place, f"this is not valid YAML: {error.problem or 'it ends too early'}")

    def _position(self, index: int) -> Place:
        before = self.text[:index]
        return Place(before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)

    def _mistake(self, place: Place, message: str) -> None:
        self.document.mistakes.append(Mistake(place, message))

    def _stop(self, event: "yaml.Event", message: str) -> None:
        self._mistake(_place(event.start_mark), message)
        raise _Stop


def _showable(char: str) -> bool:
    """Letters, signs, spaces and what joins emoji; nothing that moves the cursor or the direction of writing."""
    if char.isprintable() or char in "\n\t\u200c\u200d":
        return True
    import unicodedata

    return unicodedata.category(char) == "Zs"


def _is_plain(event: "yaml.ScalarEvent") -> bool:
    return event.style not in ("'", '"', "|", ">")  # the two parsers of PyYAML write plain style differently


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
