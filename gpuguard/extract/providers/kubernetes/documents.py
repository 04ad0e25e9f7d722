"""YAML as Terraform carries it in texts, Helm's `set` paths, and Kubernetes quantities.

The texts come from anybody. Parser events are put together here, so that aliases share what they name and are never
copied, nesting and length have bounds, and tags mean nothing. Scalars stay the text they are written as; `true`, `false`
and null are told from text.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gpuguard.model.usage import Unknown

if TYPE_CHECKING:
    import yaml

Tree = dict[str, Any]
"""A decoded object: dicts, lists, texts, numbers, None, and `Unknown` where only apply can tell."""

LONGEST_TEXT: Final = 1_000_000
"""Characters of one text that is read: an object in a cluster has at most 1.5 MiB, and no manifest by hand is as long."""
_MOST_EVENTS: Final = 200_000
_MOST_COPIES: Final = 100_000
"""Entries that merge keys may bring into mappings, in all."""
_DEEPEST: Final = 60
_DOCUMENT_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_PLAIN: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_FLAGS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_QUANTITY: Final = re.compile(
    r"\+?(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)\Z"
)
_SUFFIXES: Final = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3), "M": Decimal(10**6),
    "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18), "Ki": Decimal(2**10),
    "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_MOST = Decimal(10) ** 24
"""Nothing in a cluster is larger than a yottabyte; larger numbers are mistakes."""
_MOST_PODS = Decimal(100_000_000)

_SET_STEP: Final = re.compile(r"((?:\\.|[^.\[\]\\])+)|\[(\d{1,4})\]")


def parts(text: str) -> list[str]:
    """The documents of a YAML text, unread: one that does not matter need not be parsed."""
    return [part for part in _DOCUMENT_START.split(text) if part.strip()]


def read_yaml(text: str) -> list[Any]:
    """The documents of a YAML (or JSON) text. Raises ValueError for what is no YAML, or more than anybody writes."""
    import yaml

    if len(text) > LONGEST_TEXT:
        raise ValueError("the text is too long")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for number, event in enumerate(yaml.parse(text, Loader=loader)):
            if number > _MOST_EVENTS:
                raise ValueError("the text holds too many values")
            builder.take(event)
    except yaml.YAMLError:
        raise ValueError("the text is no YAML") from None
    return builder.documents


class _Open(msgspec.Struct, eq=False):
    """A mapping or list that is being read; `key` is the one whose value comes next."""

    node: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    merged: list[Any] = msgspec.field(default_factory=list)


class _Builder:
    """Turns parser events into documents, without recursion. Of keys that are there twice, the last counts."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._copies = 0
        self._inside_key = 0

    def take(self, event: "yaml.Event") -> None:
        """The next event."""
        import yaml

        if self._inside_key:  # a list or mapping as a key: Kubernetes has none
            self._inside_key += isinstance(event, yaml.CollectionStartEvent)
            self._inside_key -= isinstance(event, yaml.CollectionEndEvent)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        elif isinstance(event, yaml.AliasEvent):
            self._value(self._anchors.get(event.anchor or ""))
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = value
            self._value(value)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()

    def _start(self, event: "yaml.CollectionStartEvent", node: dict[str, Any] | list[Any]) -> None:
        if len(self._open) >= _DEEPEST:
            raise ValueError("the text is nested too deeply")
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.node, dict) and top.key is None:
            self._value("")
            self._inside_key = 1
            return
        self._open.append(_Open(node, event.anchor))

    def _value(self, value: Any) -> None:
        if not self._open:
            self.documents.append(value)
            return
        top = self._open[-1]
        if isinstance(top.node, list):
            top.node.append(value)
        elif top.key is None:
            top.key = _key(value)
        elif top.key == "<<":
            top.merged.append(value)
            top.key = None
        else:
            top.node[top.key] = value
            top.key = None

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.node, dict):
            self._merge(done.node, done.merged)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._value(done.node)

    def _merge(self, into: dict[str, Any], sources: list[Any]) -> None:
        for source in sources:
            for mapping in source if isinstance(source, list) else [source]:
                for key, value in mapping.items() if isinstance(mapping, dict) else ():
                    self._copies += 1
                    if self._copies > _MOST_COPIES:
                        raise ValueError("the text merges too much")
                    into.setdefault(key, value)


def _scalar(event: "yaml.ScalarEvent") -> Any:
    text: str = event.value
    if event.style in ("'", '"', "|", ">") or not event.implicit[0]:
        return text
    return _PLAIN[text] if text in _PLAIN else _FLAGS.get(text, text)


def _key(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value).lower()


# -- values ---------------------------------------------------------------------------------------------------------------


def mapping(value: Any) -> Tree:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def inside(tree: Any, *steps: str) -> Any:
    """The value at a path of keys; None where there is none."""
    for step in steps:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree


def text_of(value: Any) -> str | None:
    """A text that is not empty; numbers and flags as they are written in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) and value else None


def is_true(value: Any) -> bool:
    """Whether a flag is set, also as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def quantity(value: Any) -> Decimal | Unknown | None:
    """A Kubernetes quantity (``2``, ``500m``, ``16Gi``), not negative; None where there is none to read.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    if isinstance(value, Unknown):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = _QUANTITY.match(str(value).strip()[:80])
    if match is None:
        return None
    try:
        number = Decimal(match[1] + (match[2] or "")) * _SUFFIXES[match[3] or ""]
    except InvalidOperation:
        return None
    return number if number <= _MOST else None


def count(value: Any) -> Decimal | Unknown | None:
    """A number of pods or nodes; None where there is none that can be meant."""
    number = quantity(value)
    if isinstance(number, Decimal) and (number > _MOST_PODS or number != number.to_integral_value()):
        return None
    return number


# -- Helm -----------------------------------------------------------------------------------------------------------------


def merge(base: Any, over: Any, _done: dict[tuple[int, int], Tree] | None = None) -> Any:
    """Helm's way to put values together: mappings are merged, all else of the later replaces the earlier."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    done = {} if _done is None else _done
    pair = id(base), id(over)
    if pair not in done:  # aliases let the same two meet many times
        merged = done[pair] = dict(base)
        for key, value in over.items():
            merged[key] = merge(merged[key], value, done) if key in merged else value
    return done[pair]


def set_steps(name: str) -> list[str | int]:
    """The path that the name of a `set` means: dots part it, a backslash keeps the next character, ``[0]`` is an index.

    https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
    """
    found: list[str | int] = []
    for text, index in _SET_STEP.findall(name[:1000]):
        found.append(int(index) if index else re.sub(r"\\(.)", r"\1", text))
    return found


def assign(tree: Tree, steps: list[str | int], value: Any) -> None:
    """Put a value into values, with all mappings and lists on the way to it."""
    current: Any = tree
    for step, following in zip_longest(steps, steps[1:]):
        new: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int) and isinstance(current, list):
            current.extend([None] * (step + 1 - len(current)))
            if following is None or not isinstance(current[step], type(new)):
                current[step] = new
        elif isinstance(step, str) and isinstance(current, dict):
            if following is None or not isinstance(current.get(step), type(new)):
                current[step] = new
        else:
            return
        current = current[step]


def walk(tree: Any, most: int = 50_000) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value with its path, outer ones first; at most so many, for aliases make large trees of short texts."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    for _ in range(most):
        if not pending:
            return
        path, value = pending.pop()
        yield path, value
        if len(path) >= _DEEPEST:
            continue
        if isinstance(value, dict):
            pending.extend(((*path, key), item) for key, item in reversed(value.items()))
        elif isinstance(value, list):
            pending.extend(((*path, index), item) for index, item in reversed(list(enumerate(value))))
