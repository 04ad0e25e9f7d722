"""Make a new catalog of what price APIs say today and what the present catalog knows besides.

`refresh` asks the sources part by part, replaces the rows of the scopes they list, and keeps all others. Nothing is
written when a source fails or the outcome is not plausible: the parts read so far stay in the work folder, so that the
next attempt goes on from there. The network is used by the sources alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from glob import escape
from pathlib import Path

import msgspec

import gpuguard
from gpuguard.errors import CatalogError, ConfigError, ServiceError, UsageError
from gpuguard.model.price import InstanceType
from gpuguard.price.catalog import EMBEDDED, Catalog
from gpuguard.price.compare import Comparison, differences
from gpuguard.price.names import storable
from gpuguard.price.schema import (
    APPLICATION_ID,
    COLUMNS,
    KINDS,
    OPERATING_SYSTEMS,
    PAYMENTS,
    PURCHASE_MODELS,
    TERMS,
    Row,
)
from gpuguard.price.sources.base import (
    MOST_NOTES,
    Context,
    FetchedPrice,
    FetchedType,
    Found,
    MachineFacts,
    Part,
    Scope,
    Source,
    Wanted,
)
from gpuguard.price.sources.http import Http
from gpuguard.price.store import Manifest, Rows, write
from gpuguard.price.work import Work

_MARK = "refresh-"
"""Beginning of the ids of sources that a refresh wrote."""


class Task(msgspec.Struct, frozen=True):
    """What to refresh and where the outcome goes. `endpoints` replaces the address of sources, by their name."""

    sources: Sequence[Source]
    output: Path
    folder: Path
    now: datetime
    wanted: Wanted = Wanted()
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)
    endpoints: Mapping[str, str] = msgspec.field(default_factory=dict)
    accept: bool = False
    resume: bool = True


class PartDone(msgspec.Struct, frozen=True):
    """One part that has been read. `how` is ``read``, ``kept`` (by an interrupted run) or ``unchanged``."""

    name: str
    how: str
    prices: int


class Outcome(msgspec.Struct, frozen=True):
    """What a refresh found. `manifest` is None when the outcome was refused: nothing was written then."""

    comparison: Comparison
    parts: tuple[PartDone, ...]
    notes: tuple[str, ...]
    manifest: Manifest | None
    resumed: bool


class Watcher:
    """Follows a refresh; the command line draws the progress."""

    def begin(self, part: str) -> None:
        """A part is asked for."""

    def moved(self, done: int, total: int | None) -> None:
        """So many bytes of it have come; `total` where the server says."""

    def end(self, done: PartDone) -> None:
        """The part is read."""


def refresh(task: Task, watcher: Watcher, connect: Callable[..., Http] = Http) -> Outcome:
    """Refresh the catalog. Raises `ServiceError` when a source fails; what was read until then is kept."""
    _check_output(task.output)
    work = Work(task.folder, gpuguard.__version__, task.now, resume=task.resume)
    read: list[tuple[Source, Part, Found]] = []
    parts: list[PartDone] = []
    with Catalog.open() as embedded, connect(progress=watcher.moved) as http:
        base, told = _base(embedded, task.output)
        known = _Known(embedded)
        for source in task.sources:
            context = Context(
                http=http,
                endpoint=task.endpoints.get(source.name, source.endpoint).rstrip("/"),
                wanted=task.wanted,
                known=known,
                environment=task.environment,
                today=task.now.date().isoformat(),
            )
            for part in source.parts(context):
                watcher.begin(part.name)
                found, how = work.read(part, context, partial(_check, part, today=task.now.date()))
                read.append((source, part, found))
                parts.append(PartDone(part.name, how, len(found.prices)))
                watcher.end(parts[-1])
        if not parts:
            raise UsageError(
                "no price API has anything of what is asked for", hint="look at --cloud, --region and --only"
            )
        merged, notes = _merge(base, read, known)
        origin = embedded.version
    comparison = differences(base, merged)
    notes = [*([told] if told else []), *notes]
    notes += [f"{part.name}: {note}" for _, part, found in read for note in found.notes]
    manifest = None
    if task.accept or not comparison.doubtful:
        task.output.parent.mkdir(parents=True, exist_ok=True)
        for leftover in task.output.parent.glob(f".{escape(task.output.name)}.*.tmp"):
            leftover.unlink(missing_ok=True)  # of a refresh that was killed while it wrote
        merged["price"] = [row for row in merged["price"] if _usd(row) > 0]  # nothing is free, whoever accepts it
        manifest = _write(task.output, _tidy(merged), origin)
        work.finish()
    return Outcome(comparison, tuple(parts), tuple(notes), manifest, work.resumed)


def _write(output: Path, rows: Rows, origin: str) -> Manifest:
    import sqlite3

    try:
        return write(output, rows, origin)
    except (OSError, sqlite3.Error) as error:
        # SQLite tells a full disk in words of its own
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(
            f"{output}: cannot be written: {reason}", hint="what was read is kept; run it again"
        ) from None


def _base(embedded: Catalog, output: Path) -> tuple[Rows, str]:
    """The rows to start from: an earlier refresh of the same embedded catalog, else the embedded one; a note on it.

    An earlier file counts only when it is what its manifest says: what was tampered with must not become the base of a
    catalog that verifies. After an update of gpuguard the embedded rows are the start, and what an earlier refresh found later than they are
    is carried over.
    """
    rows = embedded.rows()
    if not output.exists():
        return rows, ""
    try:
        with Catalog.open(output) as earlier:
            if wrong := earlier.problems():
                return rows, f"{output} is damaged ({wrong[0]}) and is not built on"
            old = earlier.rows()
            same = earlier.origin == embedded.version
    except CatalogError as error:
        return rows, f"{error.message}; it is not built on"
    return (old if same else _carried_over(rows, old)), ""


def _check_output(output: Path) -> None:
    """Refuse to write over what is no catalog of a refresh. Raises ConfigError before anything is asked."""
    if output.resolve() == EMBEDDED.resolve():
        raise ConfigError(
            "the catalog that came with gpuguard is never written over", hint="name another file with --out"
        )
    if not output.exists():
        return
    if not output.is_file():
        raise ConfigError(f"{output}: this is not a regular file", hint="name another file with --out")
    with output.open("rb") as stream:
        header = stream.read(72)
    if header and not (header.startswith(b"SQLite format 3\0") and header[68:72] == APPLICATION_ID.to_bytes(4, "big")):
        raise ConfigError(
            f"{output}: this is not a price catalog, and is not written over", hint="name another file with --out"
        )


def _carried_over(rows: Rows, old: Rows) -> Rows:
    dates = {row[0]: str(row[1]) for table in (rows, old) for row in table["source"]}

    def day(row: Row) -> str:
        return min(dates[name] for name in str(row[13]).split())

    prices = {row[:8]: row for row in rows["price"]}
    for row in old["price"]:
        present = prices.get(row[:8])
        if str(row[13]).startswith(_MARK) and (present is None or day(row) > day(present)):
            prices[row[:8]] = row
    sources = {row[0]: row for table in (old, rows) for row in table["source"]}
    types = {row[:2]: row for table in (old, rows) for row in table["instance_type"]}
    merged = {
        **rows,
        "price": list(prices.values()),
        "source": list(sources.values()),
        "instance_type": list(types.values()),
    }
    return _tidy(merged)


def _check(part: Part, found: Found, today: date) -> None:
    """Hold what a source says against the words of the catalog: a slip there must not become a price."""
    models = {(scope.kind, scope.purchase_model) for scope in part.scopes}
    # a publication may be dated in the time zone of its author
    if found.as_of > (today + timedelta(days=1)).isoformat():
        raise ServiceError(
            f"{part.name}: the answer is dated {found.as_of[:40]!r}, which is yet to come",
            hint="such a price would never seem old; nothing was written",
        )
    for price in found.prices:
        wrong = (
            price.kind not in KINDS
            or price.unit not in KINDS[price.kind]
            or price.os not in OPERATING_SYSTEMS
            or price.purchase_model not in PURCHASE_MODELS
            or price.term not in TERMS
            or price.payment not in PAYMENTS
            or (price.kind, price.purchase_model) not in models
            or not _storable(price.sku)
            or not _storable(price.region)
            or not price.usd.is_finite()
        )
        if wrong:
            raise ServiceError(
                f"{part.name}: the answer holds a price that cannot be: {price.sku[:80]!r} in {price.region[:80]!r}",
                hint="the price API may have changed; nothing was written",
            )


def _storable(name: str) -> bool:
    return bool(name) and name.isprintable() and storable(name)


def _merge(
    base: Rows, read: Sequence[tuple[Source, Part, Found]], known: "_Known"
) -> tuple[dict[str, list[Row]], list[str]]:
    """Put what was read in the place of what its scopes hold."""
    rows = {table: list(old) for table, old in base.items()}
    notes: list[str] = []
    scopes = [scope for _, part, _ in read for scope in part.scopes]
    holds = _covered(scopes)
    prices = {row[:8]: row for row in rows["price"] if not holds(row)}
    for source, part, found in read:
        id = f"{_MARK}{part.name.replace('/', '-').replace(' ', '-').lower()}-{found.as_of}"
        rows["source"] = [row for row in rows["source"] if row[0] != id]
        rows["source"].append((id, found.as_of, found.title))
        for price in found.prices:
            row = _price_row(source.cloud, price, id)
            other = prices.get(row[:8])
            # two parts may list the same thing; a guardrail errs high
            if other is None or not str(other[13]).startswith(_MARK) or price.usd > _usd(other):
                prices[row[:8]] = row
        new_types, unknown = _types(source.cloud, found.types, id, found.as_of, known, rows["instance_type"])
        rows["instance_type"] += new_types
        if unknown:
            shown = ", ".join(sorted(unknown)[:10]) + (" …" if len(unknown) > 10 else "")
            notes.append(f"{part.name}: machine types whose accelerator is not known: {shown}")
    rows["price"] = list(prices.values())
    listed = {(row[0], row[2]) for row in rows["price"] if row[1] == "machine" and row[5] == "on_demand"}
    rows["hole"] = [row for row in rows["hole"] if (row[0], row[1]) not in listed]
    regions = {(row[0], row[1]) for row in rows["region"]}
    strange = sorted(
        {f"{row[0]} {row[3]}" for row in rows["price"] if (row[0], row[3]) not in regions | {(row[0], "*")}}
    )
    notes += [f"region {name} is new to this gpuguard; its prices are kept, its place is not known" for name in strange]
    return _tidy(rows), notes[:MOST_NOTES]


def _covered(scopes: Iterable[Scope]) -> Callable[[Row], bool]:
    by_kind: dict[tuple[object, ...], list[Scope]] = {}
    for scope in scopes:
        by_kind.setdefault((scope.cloud, scope.kind, scope.purchase_model), []).append(scope)

    def holds(row: Row) -> bool:
        cloud, kind, sku, region, model = (str(row[index]) for index in (0, 1, 2, 3, 5))
        return any(scope.holds(cloud, kind, sku, region, model) for scope in by_kind.get((cloud, kind, model), ()))

    return holds


def _price_row(cloud: str, price: FetchedPrice, source: str) -> Row:
    low, high, upfront = (None if each is None else f"{each:f}" for each in (price.low, price.high, price.upfront))
    return (
        cloud, price.kind, price.sku, price.region, price.os, price.purchase_model, price.term, price.payment,
        price.unit, f"{price.usd:f}", low, high, upfront, source, price.note,
    )  # fmt: skip


def _types(
    cloud: str, types: Iterable[FetchedType], source: str, as_of: str, known: "_Known", present: Sequence[Row]
) -> tuple[list[Row], set[str]]:
    """Make rows of machine types the catalog lacks; a type whose accelerator cannot be told is named instead."""
    there = {(row[0], row[1]) for row in present}
    made: dict[str, Row] = {}
    unknown = set()
    for each in types:
        if (cloud, each.sku.lower()) in there or not _storable(each.sku):
            continue
        model = known.accelerator(each.gpu_name) if each.gpu_name else known.model_of_family(cloud, each.sku)
        if model is None or not each.gpu_count:
            unknown.add(each.sku)
            continue
        memory = known.memory_gib(model)
        made[each.sku.lower()] = (
            cloud, each.sku.lower(), each.sku, each.sku.partition(".")[0], each.vcpus, each.memory_gib, model,
            each.gpu_count, None if memory is None else memory * each.gpu_count, each.arch, "current", None, None,
            source, as_of,
        )  # fmt: skip
    return list(made.values()), unknown


def _tidy(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Leave out sources that no row names any more."""
    used: set[str] = set()
    for table in ("price", "instance_type", "accelerator", "discount"):
        place = COLUMNS[table].index("source")
        for row in rows[table]:
            used.update(str(row[place]).split())
    tidy = {table: list(each) for table, each in rows.items()}
    tidy["source"] = [row for row in rows["source"] if row[0] in used]
    return tidy


class _Known:
    """What the embedded catalog tells the sources."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._machines: dict[str, tuple[MachineFacts, ...]] = {}
        self._accelerated: dict[tuple[str, str], bool] = {}

    def accelerated(self, cloud: str, sku: str) -> bool:
        """Whether a machine type carries accelerators; asked for every row of an offer file, so remembered."""
        key = (cloud, sku)
        answer = self._accelerated.get(key)
        if answer is None:
            answer = self._accelerated[key] = self._catalog.looks_like_accelerator(cloud, sku)
        return answer

    def spelling(self, cloud: str, sku: str) -> str:
        """The catalog's spelling of a machine type, or the name as given."""
        return self._catalog.canonical_sku(cloud, sku)

    def regions(self, cloud: str) -> tuple[str, ...]:
        """The names of all known regions of a cloud."""
        return tuple(region.name for region in self._catalog.regions(cloud))

    def accelerator(self, name: str) -> str | None:
        """The catalog's name of an accelerator model by any name a cloud gives it."""
        found = self._catalog.accelerator(name)
        return found.model if found else None

    def memory_gib(self, model: str) -> float | None:
        """Memory of one accelerator of a model."""
        found = self._catalog.accelerator(model)
        return found.memory_gib if found else None

    def machine(self, cloud: str, sku: str) -> MachineFacts | None:
        """vCPUs, memory and accelerators of a known machine type with accelerators."""
        found = self._catalog.instance_type(cloud, sku)
        return _facts(found) if found and found.gpu_model else None

    def machines(self, cloud: str) -> tuple[MachineFacts, ...]:
        """All known machine types with accelerators of a cloud."""
        if cloud not in self._machines:
            self._machines[cloud] = tuple(_facts(each) for each in self._catalog.accelerated_types(cloud))
        return self._machines[cloud]

    def model_of_family(self, cloud: str, sku: str) -> str | None:
        """The accelerator that all known machine types of a new one's family share, or None."""
        family = sku.partition(".")[0]
        models = {each.gpu_model for each in self.machines(cloud) if each.sku.partition(".")[0] == family}
        return models.pop() if len(models) == 1 else None


def _facts(machine: InstanceType) -> MachineFacts:
    return MachineFacts(
        sku=machine.sku,
        family=machine.family,
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        gpu_model=machine.gpu_model or "",
        gpu_count=machine.gpu_count,
        local_ssd_gib=machine.local_ssd_gib,
    )


def _usd(row: Row) -> Decimal:
    return Decimal(str(row[9]))
