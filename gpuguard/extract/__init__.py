"""Resource changes → what they use: `usages` finds every resource that holds an accelerator, on either side."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from gpuguard.extract.registry import companions_for, specs_for
from gpuguard.extract.spec import Extracted, ResourceSpec
from gpuguard.extract.sweep import unsupported
from gpuguard.extract.view import Context, View
from gpuguard.model.report import Diagnostic
from gpuguard.model.usage import PoolUsage, Units, Unknown, Usage
from gpuguard.read.document import NULL, Document, Entry, Node, Side
from gpuguard.read.references import Resolver

if TYPE_CHECKING:
    from gpuguard.price.catalog import Catalog


class ResourceUsage(msgspec.Struct, frozen=True):
    """A resource that holds an accelerator before or after the change, and what it uses on each side.

    `secrets` are the texts behind it that the plan marks sensitive.
    """

    node: Node
    spec: ResourceSpec
    before: Usage | None
    after: Usage | None
    tags: dict[str, str]
    notes: tuple[Diagnostic, ...]
    secrets: frozenset[str] = frozenset()


def usages(
    document: Document, facts: "Catalog", default_regions: Mapping[str, str]
) -> Iterator[ResourceUsage | Diagnostic]:
    """Yield every resource of the document that holds an accelerator, in document order; then unused templates.

    `default_regions` (cloud → region) answers where nothing in the document does.
    """
    known = specs_for(document.types)
    context = Context(
        document=document,
        resolver=Resolver(document),
        region_of_zone=facts.region_of_zone,
        offers=facts.offers,
        looks_accelerated=facts.looks_like_accelerator,
        price=facts.price,
        default_regions=default_regions,
        machine=facts.instance_type,
        names_machine=facts.names_machine,
        accelerated=facts.accelerated_types,
        accelerator=facts.accelerator,
        accelerators=lambda: facts.accelerators,
    )
    context.claims = _Claims(context, known)
    used: set[str] = set()
    told: set[int] = set()
    types = {type_ for type_, spec in known.items() if not spec.template}
    for node in document.of_types(
        types, lambda type_: _Probe(known[type_], facts).rules_out if known[type_].probe else None
    ):
        spec = known[node.type]
        found = _usage(context, node, spec, facts)
        if node.broken is not None:
            found = _unreadable(context, node, spec)
            told.add(id(node))
        if found is not None:
            for usage in (found.before, found.after):
                used.update(usage.via if usage else ())
            yield found
    yield from _unused_templates(context, known, facts, used)
    yield from context.remarks
    yield from unsupported(document, known.keys() | companions_for(document.types), facts)
    for node in document.asked_for:
        if node.broken is not None and id(node) not in told:
            yield _diagnostic(context, node, "warning", "unreadable-resource", f"it cannot be read: {node.broken}")


def _unreadable(context: Context, node: Node, spec: ResourceSpec) -> ResourceUsage:
    """A resource whose values are damaged: it may hold any accelerator, so it counts as unknown."""
    note = _diagnostic(context, node, "error", "unreadable-resource", f"it cannot be read: {node.broken}")
    unknown = Unknown("its values in the plan cannot be read", "unknown-unreadable")
    usage = Usage(
        cloud=spec.cloud,
        region=context.default_regions.get(spec.cloud),
        pools=(PoolUsage(options=(), units=Units.fixed(None), unknown=unknown),),
    )
    before = usage if node.raw_before != NULL else None
    after = usage if node.raw_after != NULL or before is None else None
    return ResourceUsage(node, spec, before, after, {}, (note,))


class _Probe:
    """Reads only the attributes that decide whether a resource can hold an accelerator.

    In a plan of tens of thousands of machines nearly all are plain CPU types: this is what keeps them cheap.
    """

    def __init__(self, spec: ResourceSpec, facts: "Catalog") -> None:
        names = (*spec.probe, *spec.accelerator_attributes)
        fields = [(name, cast("type", Any), None) for name in names]
        self._decoder = msgspec.json.Decoder(cast("type", msgspec.defstruct("Probe", fields)) | None)
        self._spec, self._facts = spec, facts
        self._plain: dict[str, bool] = {}

    def rules_out(self, node: Entry) -> bool:
        """Whether neither side can hold an accelerator."""
        before, after = node.raw_before, node.raw_after
        if before == NULL:
            return after != NULL and self._is_plain(after)
        return self._is_plain(before) and (after == NULL or self._is_plain(after))

    def _is_plain(self, raw: msgspec.Raw) -> bool:
        try:
            values = self._decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return False  # the full decoding tells what is wrong
        if values is None:
            return False
        for name in self._spec.accelerator_attributes:
            if getattr(values, name):
                return False
        for name in self._spec.probe:  # noqa: SIM110 - a generator costs more than what it would save
            if not self._are_plain(getattr(values, name)):
                return False
        return True

    def _are_plain(self, names: object) -> bool:
        if isinstance(names, list):
            return bool(names) and all(self._is_plain_name(name) for name in names)
        return self._is_plain_name(names)

    def _is_plain_name(self, name: object) -> bool:
        if not isinstance(name, str) or not name:
            return False
        plain = self._plain.get(name)
        if plain is None:
            machine = self._facts.instance_type(self._spec.cloud, name)
            # a name the catalog does not know may be a new type, or no machine type at all: it is read in full
            plain = machine is not None and machine.gpu_model is None
            self._plain[name] = plain
        return plain


class _Claims:
    """Which templates are known to be used, found once when the first hidden reference asks."""

    def __init__(self, context: Context, known: Mapping[str, ResourceSpec]) -> None:
        self._context, self._known = context, known
        self._claimed: frozenset[int] | None = None

    def __call__(self) -> frozenset[int]:
        if self._claimed is None:
            claimed: set[int] = set()
            notes: list[Diagnostic] = []
            for spec in self._known.values():
                for link in spec.links:
                    for node in self._context.document.current(spec.type):
                        if node.after is None:
                            continue
                        view = View(self._context, node, "after", notes)
                        claimed.update(id(found) for found in view.exactly(link.paths, link.types))
                        if any(view.known(path) for path in link.paths):
                            claimed.update(
                                id(found.node) for found in view.follow(link.paths, link.types, link.by).views
                            )
            self._claimed = frozenset(claimed)
        return self._claimed


def _usage(context: Context, node: Node, spec: ResourceSpec, facts: "Catalog") -> ResourceUsage | None:
    notes: list[Diagnostic] = []
    context.secrets.clear()
    sides: dict[Side, Usage | None] = {}
    for side in ("before", "after"):
        sides[side] = _side(View(context, node, side, notes), spec, facts) if node.values(side) is not None else None
    before, after = sides["before"], sides["after"]
    if before is None and after is None:
        return None
    left = after is None and node.after is not None
    tags = spec.tags(View(context, node, "after" if node.after is not None else "before", notes))
    if node.deferred:
        notes.append(
            _diagnostic(
                context,
                node,
                "warning",
                "deferred",
                "Terraform defers this change to a later plan; it is judged as planned",
            )
        )
    if left:
        notes.append(
            _diagnostic(
                context,
                node,
                "info",
                "left-scope",
                "it holds no accelerator after the change; what it then costs is out of scope and not priced",
            )
        )
    elif before is None and node.before is not None and node.action in ("update", "replace"):
        notes.append(
            _diagnostic(
                context,
                node,
                "info",
                "entered-scope",
                "it held no accelerator before the change; what it cost then is out of scope and not priced",
            )
        )
    return ResourceUsage(node, spec, before, after, tags, _distinct(notes), secrets=frozenset(context.secrets))


def _distinct(notes: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each (code, message) once: both sides of an untouched resource say the same."""
    return tuple({(note.code, note.message): note for note in notes}.values())


def _diagnostic(context: Context, node: Node, level: Any, code: str, message: str) -> Diagnostic:
    return Diagnostic(
        level=level, code=code, project=context.document.project, address=node.address, message=message, hint=None
    )


def _side(view: View, spec: ResourceSpec, facts: "Catalog") -> Usage | None:
    """What the resource uses on one side; None when no pool of it can hold an accelerator."""
    extracted = spec.extract(view)
    cloud = extracted.cloud or spec.cloud
    pools = tuple(pool for pool in extracted.pools if holds_accelerator(pool, cloud, facts))
    if not pools:
        return None
    return _with_region(view, spec, extracted, pools)


def _with_region(view: View, spec: ResourceSpec, extracted: Extracted, pools: tuple[PoolUsage, ...]) -> Usage:
    cloud = extracted.cloud or spec.cloud
    resolver = view.context.resolver
    resolver.secret_seen = False
    region = spec.region(view)
    if resolver.secret_seen and isinstance(region, str):
        view.context.secrets.add(region)  # also where it is made of a sensitive zone
    name: str | None = None
    reason: Unknown | None = None
    if isinstance(region, str):
        name = region
    elif any(pool.role == "supply" for pool in pools):  # what is not billed needs no place
        name = view.context.default_regions.get(cloud)
        reason = None if name else Unknown("the plan does not tell the region", code="unknown-region")
    return Usage(cloud=cloud, region=name, pools=pools, fixed=extracted.fixed, via=extracted.via, region_unknown=reason)


def holds_accelerator(pool: PoolUsage, cloud: str, facts: "Catalog") -> bool:
    """Whether a pool has, or may turn out to have, an accelerator."""
    if any(accelerator.count > 0 for accelerator in pool.accelerators) or not pool.options:
        return True
    return any(facts.looks_like_accelerator(cloud, option.machine_type) for option in pool.options)


def _unused_templates(
    context: Context, known: Mapping[str, ResourceSpec], facts: "Catalog", used: set[str]
) -> Iterator[Diagnostic]:
    """Templates with accelerators that nothing in the document uses: they cost nothing by themselves."""
    for spec in known.values():
        if not spec.template:
            continue
        for node in context.document.current(spec.type):
            if node.address in used or node.action == "delete" or node.after is None:
                continue
            usage = _side(View(context, node, "after", []), spec, facts)
            if usage is None or not usage.pools[0].options:
                continue
            if id(node) in context.claims():
                continue
            yield _diagnostic(
                context,
                node,
                "info",
                "unused-template",
                "this template holds an accelerator and nothing in the plan uses it; by itself it costs nothing",
            )
