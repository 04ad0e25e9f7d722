"""One side of one resource as the specs read it: attributes, blocks, what is unknown, and what it refers to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from gpuguard.model.hidden import SENSITIVE
from gpuguard.model.price import AcceleratorModel, InstanceType, Price, PriceKey, Unpriced
from gpuguard.model.report import Diagnostic, Level
from gpuguard.model.usage import Attribute, Unknown
from gpuguard.read.configuration import module_path
from gpuguard.read.document import Document, Node, Side, json_type
from gpuguard.read.references import Path, Resolver, is_marked, is_unknown, walk

__all__ = ["SENSITIVE", "Context", "Link", "View", "parse_path"]

_MAX_CANDIDATES = 100
"""Resources that share a name, or of which any may be meant; more of them stand only in a file made to be slow."""
_MAX_BESIDE = 500
"""Resources in one module among which one that is hidden is looked for."""
_MOST = 100_000_000
_MAX_NUMBER = Decimal(_MOST)
"""No size, count or limit of a machine is above a hundred million: larger is a mistake in the plan."""


Siblings = tuple[list[Node], dict[str | int | None, list[Node]]]
"""Resources in one module: all of them, and by their count index or for_each key."""


class Context(msgspec.Struct):
    """What all views of one document share."""

    document: Document
    resolver: Resolver
    default_regions: Mapping[str, str] = msgspec.field(default_factory=dict)
    region_of_zone: Callable[[str, str], str | None] = lambda cloud, zone: None
    by_value: dict[tuple[str, str, Side], dict[str, list[Node]]] = msgspec.field(default_factory=dict)
    secrets: set[str] = msgspec.field(default_factory=set)
    """Texts read so far that are marked sensitive."""
    machines: dict[tuple[object, int, Side], tuple[Any, list[Diagnostic]]] = msgspec.field(default_factory=dict)
    """By reader, template (identity of its node) and side: what was read of the template and the notes on it."""
    claims: Callable[[], frozenset[int]] = frozenset
    """Templates (by identity of their node) that some resource is known to use."""
    referrers: dict[tuple[str, str], dict[int, list[Node]]] = msgspec.field(default_factory=dict)
    by_module: dict[str, dict[str, list[Node]]] = msgspec.field(default_factory=dict)
    """Managed resources by type and address of their module."""
    beside: dict[tuple[tuple[str, ...], str, Side], "Siblings"] = msgspec.field(default_factory=dict)
    """Resources that exist on a side, by their types and module."""
    hidden: dict[tuple[str, str, str], dict[str | int | None, list[Node]]] = msgspec.field(default_factory=dict)
    """Resources of a type in a module whose reference (type, path, module) ends in a local, by their key."""
    keys: dict[tuple[str, str], dict[str | int | None, int]] = msgspec.field(default_factory=dict)
    """How many resources of a type in a module (type, module) have each key."""
    offers: Callable[[str, str], Sequence[InstanceType]] = lambda cloud, region: ()
    """The machine types with accelerators that a cloud's region has."""
    looks_accelerated: Callable[[str, str], bool] = lambda cloud, sku: False
    """Whether a machine type has accelerators, by the catalog or else by its name."""
    price: Callable[[PriceKey], Price | Unpriced] = lambda key: Unpriced(key, "no catalog")
    """Prices, for the selections that a cloud makes by them."""
    provider_regions: dict[str | None, str | None] = msgspec.field(default_factory=dict)
    """Region of a provider block (by its key) as told by what it manages and reads."""
    memo: dict[tuple[object, ...], Any] = msgspec.field(default_factory=dict)
    """What a provider's module works out once for the whole document; keys begin with who keeps it."""
    machine: Callable[[str, str], InstanceType | None] = lambda cloud, sku: None
    """The facts about a machine type, with or without accelerators."""
    accelerated: Callable[[str], Sequence[InstanceType]] = lambda cloud: ()
    """All machine types of a cloud that have accelerators, wherever they are offered."""
    accelerator: Callable[[str], AcceleratorModel | None] = lambda name: None
    """The accelerator model of a name, by any name that a cloud gives it."""
    accelerators: Callable[[], Sequence[AcceleratorModel]] = lambda: ()
    """All accelerator models."""
    names_machine: Callable[[str], bool] = lambda name: True
    """Whether a name is a machine type of any cloud, known or named like an accelerated one."""
    remarks: list[Diagnostic] = msgspec.field(default_factory=list)
    """What is told of resources whether they hold an accelerator or not (see `View.remark`)."""


class Link(msgspec.Struct, frozen=True):
    """The resources behind a reference.

    `assumed` says how they were found when the trail was hidden; then `views` may hold several candidates.
    """

    views: tuple["View", ...] = ()
    assumed: str | None = None

    @property
    def first(self) -> "View | None":
        """The first resource, if any."""
        return self.views[0] if self.views else None


@lru_cache(maxsize=2048)
def parse_path(path: str) -> Path:
    """``a.b.0.c`` → ("a", "b", 0, "c"). The paths are those in the specs: few, and asked for all the time."""
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


class View:
    """One resource on one side of the change, or a block inside it (`prefix`).

    Reading gives the value, None when the attribute is not set or left to the provider, and `Unknown` when it is set
    to something only apply can tell. Values of the wrong type are told as a diagnostic and count as Unknown.
    """

    def __init__(self, context: Context, node: Node, side: Side, notes: list[Diagnostic], prefix: Path = ()) -> None:
        self.context, self.node, self.side, self.notes, self.prefix = context, node, side, notes, prefix
        self._values: dict[str, Any] = node.values(side) or {}

    def _below(self, prefix: Path) -> "View":
        return View(self.context, self.node, self.side, self.notes, prefix)

    @property
    def _unknown(self) -> Any:
        return self.node.after_unknown

    @property
    def _marks(self) -> Any:
        return self.node.sensitive(self.side)

    @property
    def address(self) -> str:
        """Address of the resource."""
        return self.node.address

    def note(self, level: Level, code: str, message: str, hint: str | None = None) -> None:
        """Tell the reader of the report something about this resource, once."""
        diagnostic = Diagnostic(
            level=level,
            code=code,
            project=self.context.document.project,
            address=self.node.address,
            message=message,
            hint=hint,
        )
        if diagnostic not in self.notes:
            self.notes.append(diagnostic)

    def remark(self, level: Level, code: str, message: str, hint: str | None = None) -> None:
        """Tell the reader something that matters even where this resource holds no accelerator.

        It is shown as it is: the message must not hold what the plan marks as sensitive.
        """
        diagnostic = Diagnostic(
            level=level,
            code=code,
            project=self.context.document.project,
            address=self.node.address,
            message=message,
            hint=hint,
        )
        if diagnostic not in self.context.remarks:
            self.context.remarks.append(diagnostic)

    # -- values -----------------------------------------------------------------------------------------------------

    def get(self, path: str, fits: Callable[[Any], bool] = lambda value: True) -> Any:
        """The decoded value at a path below this view, None, or Unknown.

        An unknown value is looked for behind the references of its expression; `fits` says which values found there
        can be it. An expression that refers only to what is known, and is not known itself, is null: the provider
        decides. Where one of several values may be it, or none is found, it stays Unknown.
        """
        full = (*self.prefix, *parse_path(path)) if self.prefix else parse_path(path)
        value = walk(self._values, full) if len(full) > 1 else self._values.get(path)
        if value is not None:
            return self._told(value, full) if self._marks else value
        if self.side == "before":
            return None
        unknown = self._unknown
        if not (is_unknown(unknown, full) if len(full) > 1 or unknown is True else unknown.get(path) is True):
            return None
        resolver = self.context.resolver
        resolution = resolver.resolve(self.node, full)
        if not (resolution.targets or resolution.ended):
            return None
        found = [value for value in resolver.values(self.node, full) if fits(value)]
        if len(found) == 1:
            return self._told(found[0], full)
        return Unknown(f"{path} is known only after apply")

    def _told(self, value: Any, full: Path) -> Any:
        """The value; its texts are remembered where the plan marks them sensitive."""
        if isinstance(value, (str, list)) and self._is_marked(full):
            self.context.resolver.secret_seen = True
            self.context.secrets.update(
                item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str) and item
            )
        return value

    def may_be_unset(self, path: str) -> bool:
        """Whether an unknown value may as well be null in the configuration: no resource it refers to could tell it.

        Modules write ``lookup(each.value, "node_count", null)``; where the trail ends in a local, the plan says no more.
        """
        full = (*self.prefix, *parse_path(path))
        if walk(self._values, full) is not None:
            return False  # it is set, to something that cannot be read
        targets = self.context.resolver.resolve(self.node, full).targets
        # of an object that a module is given, the plan tells all references together: ids beside sizes
        return all(attribute and attribute[-1] in _IDENTIFYING for _, attribute in targets)

    def candidates(self, path: str) -> list[str]:
        """The strings that an unknown value may turn out to be, as far as references tell."""
        full = (*self.prefix, *parse_path(path))
        if self.side == "before" or not is_unknown(self._unknown, full):
            return []
        fits = self._machine_like(path)
        found = [
            value
            for value in self.context.resolver.values(self.node, full)
            if isinstance(value, str) and value and fits(value)
        ]
        self._told(found, full)
        return found

    def machine_type(self, path: str) -> str | Unknown | None:
        """The name of a machine type: as `text`, but what an expression only mentions must be one to be taken for it."""
        value = self.get(path, self._machine_like(path))
        if value is None or isinstance(value, Unknown):
            return value
        if isinstance(value, str):
            return value or None
        return self._wrong(path, "a string", value)

    def machine_types(self, path: str) -> list[str] | Unknown:
        """Names of machine types: as `texts`, but what an expression only mentions must be one to be taken for it."""
        return self.texts(path, self._machine_like(path))

    def _machine_like(self, path: str) -> Callable[[Any], bool]:
        """Whether a text, or each of a list of texts, can be the machine type at a path."""
        full = (*self.prefix, *parse_path(path))

        def fits(value: Any) -> bool:
            texts = value if isinstance(value, list) else [value]
            if not all(isinstance(text, str) for text in texts):
                return False
            return not self.context.resolver.is_guess(self.node, full) or all(map(self.context.names_machine, texts))

        return fits

    def known(self, path: str) -> Any:
        """The value at a path if the plan itself has it, following no reference."""
        full = (*self.prefix, *parse_path(path))
        return self._told(walk(self._values, full), full)

    def text(self, path: str) -> str | Unknown | None:
        """A string; empty counts as not set."""
        value = self.get(path, _is_text)
        if value is None or isinstance(value, Unknown):
            return value
        if isinstance(value, str):
            return value or None
        return self._wrong(path, "a string", value)

    def string(self, path: str) -> str | None:
        """A string that is known; None otherwise."""
        value = self.get(path, _is_text)
        if isinstance(value, str):
            return value or None
        if value is not None and not isinstance(value, Unknown):
            self._wrong(path, "a string", value)
        return None

    def number(self, path: str) -> Decimal | Unknown | None:
        """A number ≥ 0, also when it is written as a string."""
        value = self.get(path, _is_number)
        if value is None or isinstance(value, Unknown):
            return value
        if type(value) is int and 0 <= value <= _MOST:
            return Decimal(value)
        number: Decimal | None = None
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            if value == "":
                return None
            try:
                number = Decimal(str(value).strip()[:64])
            except InvalidOperation:
                number = None
        if number is None or not number.is_finite():
            return self._wrong(path, "a number", value)
        if number < 0 or number > _MAX_NUMBER:
            self.note(
                "warning",
                "implausible-value",
                f"{path} is {'negative' if number < 0 else 'too large to be true'}; taken as unknown",
            )
            return Unknown(f"{path} is implausible", code="unknown-implausible")
        return number

    def known_number(self, path: str) -> Decimal | None:
        """A number that is known; None otherwise."""
        value = self.number(path)
        return value if isinstance(value, Decimal) else None

    def flag(self, path: str) -> bool:
        """A boolean; False when not set or unknown. Strings "true"/"false" count."""
        value = self.get(path)
        return value is True or (isinstance(value, str) and value.lower() == "true")

    def texts(self, path: str, fits: Callable[[Any], bool] = lambda value: True) -> list[str] | Unknown:
        """A list of strings; [] when not set. `fits` says which values found behind references can be it."""
        value = self.get(path, fits)
        if value is None:
            return []
        if isinstance(value, Unknown):
            return value
        if isinstance(value, list):
            texts = [item for item in value if isinstance(item, str) and item]
            if len(texts) == len(value):
                if (
                    self.side == "after"
                    and not texts
                    and is_unknown(self._unknown, (*self.prefix, *parse_path(path), 0))
                ):
                    return Unknown(f"{path} is known only after apply")
                return texts
            if all(item is None for item in value if not isinstance(item, str)):
                full = (*self.prefix, *parse_path(path))
                found = self.context.resolver.values(self.node, full)
                candidates = [item for item in found if isinstance(item, str) and fits(item)]
                self._told(candidates, full)
                return texts or candidates or Unknown(f"{path} is known only after apply")
        if isinstance(value, str):
            return [value]
        return self._wrong(path, "a list of strings", value)

    def _wrong(self, path: str, expected: str, value: object) -> Unknown:
        self.note(
            "warning", "unreadable-value", f"{path} must be {expected}, found {json_type(value)}; taken as unknown"
        )
        return Unknown(f"{path} is not {expected}", code="unknown-unreadable")

    def blocks(self, path: str) -> list["View"]:
        """Nested blocks, one view each; a single object counts as one block."""
        full = (*self.prefix, *parse_path(path))
        value = walk(self._values, full)
        if isinstance(value, dict):
            return [self._below(full)]
        if isinstance(value, list):
            return [self._below((*full, index)) for index, item in enumerate(value) if isinstance(item, dict)]
        return []

    def block(self, path: str) -> "View | None":
        """The first nested block, if there is one."""
        blocks = self.blocks(path)
        return blocks[0] if blocks else None

    def is_sensitive(self, path: str) -> bool:
        """Whether the plan marks the value, or part of it, as sensitive on this side or where it comes from."""
        return self._is_marked((*self.prefix, *parse_path(path)))

    def _is_marked(self, full: Path) -> bool:
        mask = self._marks
        if mask and is_marked(mask, full):
            return True
        if self.side == "before" or walk(self._values, full) is not None:
            return False
        return is_marked(self._unknown, full) and self.context.resolver.is_secret(self.node, full)

    def is_sensitive_map(self, path: str) -> bool:
        """Whether a map is marked as a whole."""
        return is_unknown(self._marks, (*self.prefix, *parse_path(path)))

    def is_sensitive_key(self, path: str, key: str) -> bool:
        """Whether one entry of a map is marked as sensitive (its key may hold dots)."""
        return is_unknown(self._marks, (*self.prefix, *parse_path(path), key))

    def attribute(self, path: str) -> Attribute:
        """Where the value stands, for edits."""
        return Attribute(self.node.address, ".".join(str(step) for step in (*self.prefix, *parse_path(path))))

    def embedded(self, path: str, parse: Callable[[str], Any]) -> list["View"]:
        """The documents that the text at a path holds (JSON, YAML), one view each; [] where there is none to read.

        `parse` gives the decoded documents, one or a list of them; whatever error it raises counts as unreadable and is
        told. A value that is an object already is one document.
        """
        value = self.get(path, lambda value: isinstance(value, str | dict))
        if isinstance(value, dict):
            return [Embedded(self, path, value)]
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
            return []
        try:
            found = parse(value)
        except (ValueError, RecursionError, ArithmeticError):
            self.note("warning", "unreadable-value", f"{path} cannot be read: it is not what it should hold")
            return []
        documents = found if isinstance(found, list) else [found]
        return [Embedded(self, path, document) for document in documents if isinstance(document, dict)]

    # -- references -------------------------------------------------------------------------------------------------

    def follow(self, paths: Iterable[str], types: tuple[str, ...], by: Iterable[str]) -> Link:
        """The resources of `types` that any of `paths` refers to.

        Known values are matched against the attributes `by` of those resources (ids, names, self links); unknown ones
        are followed through the configuration; where the trail is hidden, candidates are assumed (see `_assume`).
        """
        wanted = [(*self.prefix, *parse_path(path)) for path in paths]
        found: list[Node] = []
        hidden = False
        # What is unknown goes first: beside a new id, the old name may still stand there.
        for full in wanted if self.side == "after" else ():
            if walk(self._values, full) is not None or not is_unknown(self._unknown, full):
                continue
            resolution = self.context.resolver.resolve(self.node, full)
            found.extend(resolution.nodes(types))
            for value in resolution.constants:
                if isinstance(value, str):
                    found.extend(self._matching(types, by, value))
            hidden = hidden or resolution.ended or not resolution.configured
        if found:
            return self._of_same_key(found)
        for full in wanted:
            value = walk(self._values, full)
            if isinstance(value, str) and value:
                found = self._matching(types, by, value)
                if found or not hidden or self.context.resolver.resolve(self.node, full).configured:
                    return self._views(self._named(found, full, types)[:_MAX_CANDIDATES])
        return self._assume(types) if hidden else Link()

    def _of_same_key(self, nodes: Iterable[Node]) -> Link:
        """Of several that an expression mentions, those that bear this resource's key: ``{a = x.a.id, b = x.b.id}``."""
        found = list({id(node): node for node in nodes}.values())
        same = self._with_same_key(found)
        return Link(self._views(same).views, "of the same key") if same else self._views(found)

    def _with_same_key(self, nodes: list[Node]) -> list[Node]:
        """Those of several with the key of this resource or of a module it is in, or named like it; [] if that tells none."""
        if len(nodes) < 2:
            return []
        steps = (self.node.index, *(key for _, key in module_path(self.node.module_address)))
        keys = [key for key in steps if isinstance(key, str)]
        same = [node for node in nodes if node.index in keys] or [node for node in nodes if node.name in keys]
        return same if len(same) < len(nodes) else []

    def _named(self, found: list[Node], full: Path, types: tuple[str, ...]) -> list[Node]:
        """Of several with the same name, in several regions or modules, those that the configuration refers to."""
        if len(found) < 2:
            return found
        named = self.context.resolver.resolve(self.node, full).nodes(types)
        return [node for node in found if node in named] or found

    def of_same_key(self, paths: Iterable[str], types: tuple[str, ...]) -> Link:
        """Resources in other modules that bear the key of a module this one is in, and that nobody is known to use.

        For a reference that a local hides on its way from one module to the other: ``module.group["a"]`` uses what
        ``module.template["a"]`` holds. Nothing where the configuration tells what is referred to.
        """
        full = [(*self.prefix, *parse_path(path)) for path in paths]
        hidden = [each for each in full if walk(self._values, each) is None and is_unknown(self._unknown, each)]
        resolutions = [self.context.resolver.resolve(self.node, each) for each in hidden]
        if self.side == "before" or not any(each.ended or not each.configured for each in resolutions):
            return Link()
        place = ("of_same_key", types)
        by_key: dict[str, list[Node]] | None = self.context.memo.get(place)
        if by_key is None:
            by_key = self.context.memo[place] = {}
            claimed = self.context.claims()
            for node in self.context.document.current(*types):
                if node.values("after") is not None and id(node) not in claimed:
                    for key in _keys(node):
                        by_key.setdefault(key, []).append(node)
        found = [node for key in _keys(self.node) for node in by_key.get(key, ())]
        return Link(self._views(found).views, "of the same key") if len(found) <= _MAX_CANDIDATES else Link()

    def exactly(self, paths: Iterable[str], types: tuple[str, ...]) -> list[Node]:
        """The unknown references among `paths`, as far as the configuration names their target."""
        found: list[Node] = []
        for path in paths:
            full = (*self.prefix, *parse_path(path))
            if walk(self._values, full) is None and is_unknown(self._unknown, full):
                found.extend(self.context.resolver.resolve(self.node, full).nodes(types))
        return found

    def _matching(self, types: tuple[str, ...], by: Iterable[str], value: str) -> list[Node]:
        found: list[Node] = []
        for type_ in types:
            for attribute in by:
                index = self._index(type_, attribute)
                found.extend(index.get(value, ()) or index.get(value.rsplit("/", 1)[-1], ()))
                if found:
                    return found
        return found

    def _index(self, type_: str, attribute: str) -> dict[str, list[Node]]:
        key = (type_, attribute, self.side)
        index = self.context.by_value.get(key)
        if index is None:
            index = {}
            document = self.context.document
            for node in [*document.current(type_), *document.data(type_)]:
                values = node.values(self.side)
                value = values.get(attribute) if values else None
                if isinstance(value, str) and value:
                    index.setdefault(value, []).append(node)
                    if "/" in value:
                        index.setdefault(value.rsplit("/", 1)[-1], []).append(node)
            self.context.by_value[key] = index
        return index

    def _assume(self, types: tuple[str, ...]) -> Link:
        """Candidates where a local or a dynamic block hides the reference.

        Those in the same module instance, of the same key if there is one; narrowed by what the plan lists as
        relevant, by names that begin alike, and by leaving out what other resources are known to use. A module that has
        none of its own is given them by its caller.
        """
        document = self.context.document
        node = self.node
        beside, by_key = self._beside(types)
        local = beside
        how = "in the same module"
        if not local:
            local = self.context.resolver.call_arguments(node, types)
            how = "passed into its module"
        if len(local) > 1 and node.index is not None:
            same = by_key.get(node.index) if local is beside else [each for each in local if each.index == node.index]
            local = same or local
        if len(local) > _MAX_BESIDE:
            return Link()  # too many to tell anything: unknown
        local = self._with_same_key(local) or local
        if len(local) > 1:
            relevant = document.relevant
            local = [
                other for other in local if other.address in relevant or _without_key(other.address) in relevant
            ] or local
        if len(local) > 1:
            names = [name for name in (self._name(node), node.name) if name]
            local = [other for other in local if any(_alike(name, self._name(other) or "") for name in names)] or local
        if len(local) > 1:
            claimed = self.context.claims()
            local = [other for other in local if id(other) not in claimed] or local
        if not local or len(local) > _MAX_CANDIDATES:
            return Link()
        link = self._views(local)
        return Link(link.views, how)

    def _beside(self, types: tuple[str, ...]) -> "Siblings":
        """The resources of these types in the same module, all and by key: looked for once, not once for each."""
        place = (types, self.node.module_address, self.side)
        found = self.context.beside.get(place)
        if found is None:
            nodes = [
                node
                for type_ in types
                for node in self._in_module(type_, self.node.module_address)
                if node.values(self.side) is not None
            ]
            by_key: dict[str | int | None, list[Node]] = {}
            for node in nodes:
                by_key.setdefault(node.index, []).append(node)
            found = self.context.beside[place] = (nodes, by_key)
        return found

    def _name(self, node: Node) -> str | None:
        values = node.values(self.side) or {}
        for key in ("name", "name_prefix", "node_group_name", "node_group_name_prefix"):
            value = values.get(key)
            if isinstance(value, str) and value:
                return value.rstrip("-")
        return None

    def _views(self, nodes: Iterable[Node]) -> Link:
        distinct = {id(node): node for node in nodes}
        views = [
            View(self.context, node, self.side, self.notes)
            for node in distinct.values()
            if node.values(self.side) is not None
        ]
        return Link(tuple(views))

    def referring(self, types: tuple[str, ...], path: str) -> list["View"]:
        """Resources of `types` whose attribute `path` refers to this one (autoscalers, attachments), on this side.

        Where a local hides what they refer to, the only resource of this one's type in their module is assumed, or the
        only one of the same key.
        """
        found: dict[int, View] = {}
        for type_ in types:
            key = (type_, path)
            index = self.context.referrers.get(key)
            if index is None:
                index = {}
                for node in self.context.document.current(type_):
                    resolution = self.context.resolver.resolve(node, parse_path(path))
                    for target in resolution.targets:
                        index.setdefault(id(target[0]), []).append(node)
                    if resolution.ended and not resolution.targets and is_unknown(node.after_unknown, parse_path(path)):
                        place = (type_, path, node.module_address)
                        self.context.hidden.setdefault(place, {}).setdefault(node.index, []).append(node)
                self.context.referrers[key] = index
            assumed = self._meant_by(self.context.hidden.get((type_, path, self.node.module_address)))
            for node in assumed:
                self.note("info", "assumed-reference", f"the plan hides what {node.address} refers to: this is assumed")
            for node in (*index.get(id(self.node), ()), *assumed):
                if node.values(self.side) is not None:
                    found[id(node)] = View(self.context, node, self.side, self.notes)
            for own in ("id", "self_link", "name", "arn"):
                value = self._values.get(own)
                if isinstance(value, str) and value:
                    for node in self._naming(type_, path, own, value):
                        found[id(node)] = View(self.context, node, self.side, self.notes)
        return list(found.values())

    def _naming(self, type_: str, path: str, own: str, value: str) -> list[Node]:
        """Resources of a type whose attribute holds a value of this one.

        Of a name that several share (in two regions, two modules) those that mean another by the configuration are left
        out: they are told apart once for all that share it.
        """
        nodes = self._index_at(type_, path).get(value, [])
        if not nodes or len(self._index(self.node.type, own).get(value, ())) < 2:
            return nodes
        place = ("naming", type_, path, self.node.type, value, self.side)
        by_target: dict[int | None, list[Node]] | None = self.context.memo.get(place)
        if by_target is None:
            by_target = self.context.memo[place] = {}
            for node in nodes:
                named = self.context.resolver.resolve(node, parse_path(path)).nodes((self.node.type,))
                for target in dict.fromkeys(map(id, named)) or (None,):
                    by_target.setdefault(target, []).append(node)
        return [*by_target.get(id(self.node), ()), *by_target.get(None, ())]

    def _meant_by(self, hidden: dict[str | int | None, list[Node]] | None) -> list[Node]:
        """Of the resources in this one's module whose reference is hidden, by their key: those that can mean no other."""
        if not hidden or self.side == "before":
            return []
        place = (self.node.type, self.node.module_address)
        keys = self.context.keys.get(place)
        if keys is None:
            keys = self.context.keys[place] = {}
            for node in self._in_module(*place):
                if node.action not in ("delete", "forget"):
                    keys[node.index] = keys.get(node.index, 0) + 1
        if list(keys.values())[:2] == [1]:
            return [node for nodes in hidden.values() for node in nodes]
        own = self.node.index
        return hidden.get(own, []) if own is not None and keys.get(own) == 1 else []

    def _in_module(self, type_: str, module_address: str) -> list[Node]:
        by_module = self.context.by_module.get(type_)
        if by_module is None:
            by_module = self.context.by_module[type_] = {}
            for node in self.context.document.current(type_):
                by_module.setdefault(node.module_address, []).append(node)
        return by_module.get(module_address, [])

    def _index_at(self, type_: str, path: str) -> dict[str, list[Node]]:
        key = (type_, path, self.side)
        index = self.context.by_value.get(key)
        if index is None:
            index = {}
            steps = parse_path(path)
            for node in self.context.document.current(type_):
                value = walk(node.values(self.side), steps)
                if isinstance(value, str) and value:
                    index.setdefault(value, []).append(node)
            self.context.by_value[key] = index
        return index


class Embedded(View):
    """A document inside a text attribute. Nothing in it is unknown; it is as sensitive as the attribute that holds it."""

    def __init__(self, outer: View, path: str, values: dict[str, Any], prefix: Path = ()) -> None:
        super().__init__(outer.context, outer.node, outer.side, outer.notes, prefix)
        self._outer, self._path, self._values = outer, path, values

    def _below(self, prefix: Path) -> View:
        return Embedded(self._outer, self._path, self._values, prefix)

    @property
    def _unknown(self) -> Any:
        return {}

    @property
    def _marks(self) -> Any:
        return True if self._outer.is_sensitive(self._path) else {}

    def attribute(self, path: str) -> Attribute:
        """Where the value stands: the attribute that holds the document, then the place in it."""
        inner = ".".join(str(step) for step in (*self.prefix, *parse_path(path)))
        return self._outer.attribute(f"{self._path}.{inner}")


_LONGEST_TEXT = 1_000_000
"""Characters of an embedded document; no manifest is longer."""
_IDENTIFYING = ("id", "arn", "name", "self_link", "latest_version", "default_version")
"""Attributes that no size is ever taken from."""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _keys(node: Node) -> set[str]:
    """The texts among the keys of the modules that a resource is in."""
    return {key for _, key in module_path(node.module_address) if isinstance(key, str)}


def _without_key(address: str) -> str:
    return address[: address.rindex("[")] if address.endswith("]") and "[" in address else address


def _alike(one: str, other: str) -> bool:
    return bool(one) and bool(other) and (one.startswith(other) or other.startswith(one))
