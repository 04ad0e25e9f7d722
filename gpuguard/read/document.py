"""A plan or state in memory: every resource known by address and type, its values left undecoded until asked for."""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from gpuguard.errors import InputError
from gpuguard.model.report import Action, Diagnostic, Input
from gpuguard.read.configuration import Configuration

JsonObject = dict[str, Any]
Side = Literal["before", "after"]
_JsonType = type[JsonObject] | type[bool]

NULL = msgspec.Raw(b"null")

_T = TypeVar("_T")

_decoder: "msgspec.json.Decoder[Any] | None" = None


def decode(raw: msgspec.Raw, place: str) -> Any:
    """Decode one undecoded JSON value; numbers as int and float. Raises InputError naming `place`."""
    global _decoder
    if _decoder is None:
        _decoder = msgspec.json.Decoder()
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InputError(f"{place}: {_reason(error)}") from None


def decode_frame(data: bytes, type_: type[_T], path: str, what: str) -> _T:
    """Decode the frame of a whole file. Raises InputError; `what` is "plan" or "state"."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not a valid Terraform {what}: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply to be a Terraform {what}") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply to be a Terraform value"
    if isinstance(error, UnicodeError):
        return "not valid UTF-8"
    return f"not valid JSON: {error}"


class Node(msgspec.Struct, kw_only=True, eq=False):
    """One resource instance of the document: its identity, the action, and both sides.

    `before` and `after` decode on first use and are None where the resource does not exist on that side.
    `after_unknown` mirrors `after`, True where only apply can tell. `index` is the count index or for_each key.
    What cannot be decoded reads as None and leaves the reason in `broken`: one damaged resource hides no other.
    """

    place: str
    address: str
    type: str
    name: str
    module_address: str = ""
    mode: str = "managed"
    index: str | int | None = None
    provider_name: str = ""
    deposed: str | None = None
    previous_address: str | None = None
    action: Action = "no-op"
    importing: bool = False
    forgets: bool = False
    deferred: bool = False
    raw_before: msgspec.Raw = NULL
    raw_after: msgspec.Raw = NULL
    raw_unknown: msgspec.Raw = NULL
    raw_before_sensitive: msgspec.Raw = NULL
    raw_after_sensitive: msgspec.Raw = NULL
    broken: str | None = None
    position: int = 0
    """Place in the order of the document."""
    _before: JsonObject | Literal[False] | None = False
    _after: JsonObject | Literal[False] | None = False
    _unknown: Any = False
    _sensitive: dict[Side, Any] | None = None

    def _decoded(self, raw: msgspec.Raw, what: str, *types: _JsonType) -> Any:
        """A decoded member of the change if it is null or of one of `types`; None and `broken` otherwise."""
        try:
            value = decode(raw, f"`{what}`")
        except InputError as error:
            self.broken = self.broken or error.message
            return None
        if value is not None and not isinstance(value, types):
            self.broken = self.broken or f"`{what}` must be an object, found {json_type(value)}"
            return None
        return value

    @property
    def before(self) -> JsonObject | None:
        """Attributes before the change."""
        if self._before is False:
            before: JsonObject | None = self._decoded(self.raw_before, "before", dict)
            self._before = before
            return before
        return self._before

    @property
    def after(self) -> JsonObject | None:
        """Attributes after the change, without what only apply can tell."""
        if self._after is False:
            after: JsonObject | None = self._decoded(self.raw_after, "after", dict)
            if after is None and self.broken is None and self.action in ("create", "update", "replace"):
                after = {}
            self._after = after
        return self._after

    @property
    def after_unknown(self) -> Any:
        """True, or an object that mirrors `after` with True at every unknown value."""
        if self._unknown is False:
            unknown = self._decoded(self.raw_unknown, "after_unknown", dict, bool)
            self._unknown = {} if unknown is None else unknown
        return self._unknown

    def sensitive(self, side: Side) -> Any:
        """Mirror of the side with True at every sensitive value; True where it cannot be read."""
        if self._sensitive is None:
            self._sensitive = {}
        if side not in self._sensitive:
            raw = self.raw_after_sensitive if side == "after" else self.raw_before_sensitive
            text = bytes(raw)
            if text.startswith(b"{") and b"true" not in text:
                self._sensitive[side] = {}  # nothing is marked, as in nearly every resource
                return self._sensitive[side]
            broken, self.broken = self.broken, None
            mirror = self._decoded(raw, f"{side}_sensitive", dict, bool)
            self._sensitive[side] = True if self.broken is not None else mirror
            self.broken = broken
        return self._sensitive[side]

    def values(self, side: Side) -> JsonObject | None:
        """The attributes on one side."""
        return self.after if side == "after" else self.before


def json_type(value: object) -> str:
    """JSON's name of a decoded value's type, for error messages (never the value: it may be secret)."""
    names: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


class Entry(Protocol):
    """A resource as it was decoded; a `Node` is made of it when something asks for its type."""

    @property
    def address(self) -> str:
        """Address of the instance."""

    @property
    def type(self) -> str:
        """Terraform type."""

    @property
    def deposed(self) -> str | None:
        """Key of a deposed object."""

    @property
    def module_address(self) -> str | None:
        """Address of the module instance."""

    @property
    def raw_before(self) -> msgspec.Raw:
        """Attributes before the change, undecoded."""

    @property
    def raw_after(self) -> msgspec.Raw:
        """Attributes after the change, undecoded."""


_E = TypeVar("_E", bound=Entry)


class Document:
    """A plan or state: what the extractors read.

    `entries` are its managed resources in order and `make` turns one into a `Node`: most resources of a large plan are of
    types that nobody asks for, and stay what they are. `modules` are the addresses of all module instances.
    """

    def __init__(
        self,
        *,
        meta: Input,
        entries: Iterable[_E],
        make: Callable[[_E], Node],
        configuration: Configuration,
        data_loader: "DataLoader",
        relevant_attributes: msgspec.Raw = NULL,
        diagnostics: list[Diagnostic] | None = None,
    ) -> None:
        self.meta = meta
        self.configuration = configuration
        self.diagnostics = diagnostics or []
        self._load_data = data_loader
        self._relevant = relevant_attributes
        self._relevant_decoded: frozenset[str] | None = None
        self._by_type: dict[str, list[Node]] = {}
        self._by_block: dict[str, dict[tuple[str, str], list[Node]]] = {}
        self._by_key: dict[tuple[str, str, str, bool], dict[str | int | None, list[Node]]] = {}
        self._data: dict[str, list[Node]] | None = None
        self.modules: dict[str, None] = {}
        waiting: dict[str, list[tuple[int, _E]]] = {}
        seen: set[tuple[str, str | None]] = set()
        position = 0
        for position, entry in enumerate(entries, 1):
            seen.add((entry.address, entry.deposed))
            listed = waiting.get(entry.type)
            if listed is None:
                listed = waiting[entry.type] = []
            listed.append((position, entry))
            if entry.module_address:
                self.modules[entry.module_address] = None
        if len(seen) < position:
            raise _told_twice((entry for listed in waiting.values() for _, entry in listed), meta.path)
        if ("", None) in seen:
            raise InputError(f"{meta.path}: a resource has no address")

        self._made: dict[int, Node] = {}
        made = self._made

        def nodes(type_: str, passes_over: Callable[[Entry], bool] | None = None) -> list[Node]:
            found = []
            for position, entry in waiting.get(type_, ()):
                if passes_over is not None and passes_over(entry):
                    continue
                node = made.get(position)
                if node is None:
                    node = made[position] = make(entry)
                    node.position = position
                found.append(node)
            return found

        self._nodes = nodes
        self._types = tuple(waiting)

    @property
    def project(self) -> str:
        """Name of the project this document belongs to."""
        return self.meta.project

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its managed resources, in the order in which they first occur."""
        return self._types

    def of_type(self, type_: str) -> list[Node]:
        """Managed resources of a type, deposed objects included, in document order."""
        nodes = self._by_type.get(type_)
        if nodes is None:
            nodes = self._by_type[type_] = self._nodes(type_)
        return nodes

    def of_types(
        self, types: Container[str], passes_over: Callable[[str], Callable[["Entry"], bool] | None]
    ) -> list[Node]:
        """Managed resources of several types, deposed objects included, in document order.

        `passes_over` gives, for a type, what tells of an entry that nobody needs it (None: all are needed).
        """
        found = [node for type_ in self._types if type_ in types for node in self._nodes(type_, passes_over(type_))]
        return sorted(found, key=lambda node: node.position)

    @property
    def asked_for(self) -> Iterator[Node]:
        """Every resource that something has asked for so far."""
        yield from sorted(self._made.values(), key=lambda node: node.position)

    def current(self, *types: str) -> Iterator[Node]:
        """Managed resources of these types, without deposed objects."""
        for type_ in types:
            for node in self.of_type(type_):
                if node.deposed is None:
                    yield node

    def instances(self, module_address: str, type_: str, name: str, *, data: bool = False) -> list[Node]:
        """All instances of one resource block in one module instance."""
        if data:
            return [node for node in self.data(type_) if node.module_address == module_address and node.name == name]
        by_block = self._by_block.get(type_)
        if by_block is None:
            by_block = self._by_block[type_] = {}
            for node in self.current(type_):
                by_block.setdefault((node.module_address, node.name), []).append(node)
        return by_block.get((module_address, name), [])

    def instances_of(
        self, module_address: str, type_: str, name: str, key: str | int | None, *, data: bool = False
    ) -> list[Node]:
        """The instances of one resource block that have this count index or for_each key: mostly one."""
        block = (module_address, type_, name, data)
        by_key = self._by_key.get(block)
        if by_key is None:
            by_key = self._by_key[block] = {}
            for node in self.instances(module_address, type_, name, data=data):
                by_key.setdefault(node.index, []).append(node)
        return by_key.get(key, [])

    def data(self, type_: str) -> list[Node]:
        """Data sources of a type that were read while planning (their values are in the prior state)."""
        if self._data is None:
            self._data = {}
            for node in self._load_data():
                self._data.setdefault(node.type, []).append(node)
        return self._data.get(type_, [])

    @property
    def relevant(self) -> frozenset[str]:
        """Addresses of resources that the plan lists as read by other expressions (`relevant_attributes`)."""
        if self._relevant_decoded is None:
            entries = decode(self._relevant, f"{self.meta.path}: relevant_attributes")
            self._relevant_decoded = frozenset(
                entry["resource"]
                for entry in (entries if isinstance(entries, list) else ())
                if isinstance(entry, dict) and isinstance(entry.get("resource"), str)
            )
        return self._relevant_decoded


def _told_twice(entries: Iterable[Entry], path: str) -> InputError:
    """The error for a file that lists one resource twice: no Terraform writes it, and which one counts nobody knows."""
    seen: set[tuple[str, str | None]] = set()
    address = ""
    for entry in entries:
        if (entry.address, entry.deposed) in seen:
            address = entry.address
            break
        seen.add((entry.address, entry.deposed))
    return InputError(
        f"{path}: {cut(address)} is listed twice", hint="the file was changed or put together; make it again"
    )


def cut(text: str) -> str:
    """The text, short enough for an error message."""
    return text if len(text) <= 200 else f"{text[:150]}…{text[-40:]}"


class DataLoader:
    """Reads the data sources of a document when first asked."""

    def __call__(self) -> list[Node]:
        """Return all data sources with their values; none by default."""
        return []
