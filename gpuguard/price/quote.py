"""All ways to buy one SKU in one region, side by side; what `catalog price` prints."""

import difflib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from gpuguard.errors import CatalogError, UsageError
from gpuguard.model.price import Price, PriceKey, PriceKind, Unpriced
from gpuguard.model.usage import HOURS_PER_MONTH
from gpuguard.price.catalog import Catalog
from gpuguard.price.rates import Rate, rate
from gpuguard.price.schema import COMMITMENTS, EVERYWHERE, KINDS, OPERATING_SYSTEMS, PURCHASE_MODELS

_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")


class Quote(msgspec.Struct, frozen=True):
    """One way. `usd` is the catalog's figure per `unit`, after the organisation's overrides; `list_usd` before them.

    `low` and `high` are the range over zones. Where only a discount range is known there is no figure: `usd` is None and
    the range is all there is. `upfront` is what is paid at the start, and stands in `usd` spread over the term.
    `monthly` is for 730 hours; `saving_percent` is against on demand.
    """

    cloud: str
    sku: str
    region: str
    kind: str
    os: str
    purchase_model: str
    term: str | None
    payment: str | None
    unit: str
    usd: Decimal | None
    list_usd: Decimal | None
    low: Decimal | None
    high: Decimal | None
    upfront: Decimal | None
    monthly: Decimal | None
    saving_percent: Decimal | None
    as_of: str
    source: str
    note: str


class Quotes(msgspec.Struct, frozen=True):
    """All of them, with a line that says what the SKU is, and notes."""

    title: str
    quotes: tuple[Quote, ...]
    notes: tuple[str, ...]


def quotes(catalog: Catalog, sku: str, region: str, cloud: str | None = None) -> Quotes:
    """Find all prices of a SKU in a region. Raises UsageError for names the catalog cannot place, CatalogError for none."""
    cloud = _cloud(catalog, sku, region, cloud)
    name = catalog.canonical_sku(cloud, sku)
    where = _region(catalog, cloud, name, region)
    kinds = catalog.kinds_of(cloud, name) or ("machine",)
    found = [quote for kind in sorted(kinds, key=_place) for quote in _of_kind(catalog, cloud, kind, name, where)]
    machine = catalog.instance_type(cloud, name)
    surcharges = machine is not None and machine.gpu_model is not None and all(each.kind == "license" for each in found)
    if not found or surcharges:
        missing = catalog.price(PriceKey(cloud, "machine", name, where))
        hint = missing.hint if isinstance(missing, Unpriced) else ""
        raise CatalogError(f"no price for {name[:80]} in {where} ({cloud})", hint=hint)
    return Quotes(_title(catalog, cloud, name, where), tuple(found), tuple(_notes(catalog, cloud, name, where, found)))


def _cloud(catalog: Catalog, sku: str, region: str, named: str | None) -> str:
    """The cloud that is meant: the one named, else the one that knows the SKU and the region."""
    if named is not None:
        if named not in catalog.clouds:
            raise UsageError(f"--cloud {named[:60]!r} is unknown", hint=f"expected one of {', '.join(catalog.clouds)}")
        return named
    names = {each: catalog.canonical_sku(each, sku) for each in catalog.clouds}
    knowing = [
        each
        for each, name in names.items()
        if catalog.kinds_of(each, name) or catalog.instance_type(each, name) is not None
    ]
    if not knowing:
        raise UsageError(f"the catalog knows no SKU {sku[:80]!r}", hint=catalog.similar(sku))
    there = [each for each in knowing if _known_region(catalog, each, names[each], region) is not None]
    if len(there) > 1:
        raise UsageError(f"{sku[:80]} is sold by {' and '.join(there)}", hint="name one with --cloud")
    return there[0] if there else knowing[0]


def _region(catalog: Catalog, cloud: str, sku: str, named: str) -> str:
    known = _known_region(catalog, cloud, sku, named)
    if known is None:
        names = sorted({each.name for each in catalog.regions(cloud)} | _regions_of(catalog, cloud, sku))
        near = difflib.get_close_matches(named[:60].lower(), names, 3, 0.6)
        hint = f"did you mean {', '.join(near)}?" if near else f"its regions: {', '.join(names)}"
        raise UsageError(f"{cloud} has no region {named[:60]!r}", hint=hint)
    return known


def _known_region(catalog: Catalog, cloud: str, sku: str, named: str) -> str | None:
    """The region's name, also for a zone; any name will do where a price holds in all regions and none are known."""
    name = catalog.region_of_zone(cloud, named) or named
    if place := catalog.region(cloud, name):
        return place.name
    regions = _regions_of(catalog, cloud, sku)
    anywhere = EVERYWHERE in regions and not catalog.regions(cloud)
    return name if name in regions or anywhere else None


def _regions_of(catalog: Catalog, cloud: str, sku: str) -> set[str]:
    kinds = catalog.kinds_of(cloud, sku)
    return {price.key.region for kind in kinds for price in catalog.prices_of(cloud, kind, sku)}


def _of_kind(catalog: Catalog, cloud: str, kind: PriceKind, sku: str, region: str) -> list[Quote]:
    rows: dict[tuple[str | None, ...], Price] = {}
    for price in sorted(catalog.prices_of(cloud, kind, sku), key=lambda price: price.key.region != EVERYWHERE):
        if price.key.region in (EVERYWHERE, region):
            # a price of the region stands in the place of one for all regions, as in every look-up
            rows[price.key.os, price.key.purchase_model, price.key.term, price.key.payment] = price
    listed = {price.key.os: price.amount for price in rows.values() if price.key.purchase_model == "on_demand"}
    found = [_from_row(catalog, price, region, listed.get(price.key.os)) for price in rows.values()]
    at_hand = {bought[:3] for bought in rows}
    for os in OPERATING_SYSTEMS:
        for model in PURCHASE_MODELS:
            for term in ("1y", "3y") if model in COMMITMENTS else (None,):
                if (os, model, term) not in at_hand:
                    key = PriceKey(cloud, kind, sku, region, os, model, term)
                    found.extend(_without_row(catalog, key, listed.get(os)))
    return sorted(found, key=_rank)


def _place(kind: PriceKind) -> int:
    return list(KINDS).index(kind) if kind in KINDS else len(KINDS)


def _rank(quote: Quote) -> tuple[bool, str, int, str, Decimal]:
    """Linux first; in the order of the purchase models; the cheapest way of payment first."""
    known = quote.purchase_model in PURCHASE_MODELS
    place = PURCHASE_MODELS.index(quote.purchase_model) if known else len(PURCHASE_MODELS)
    return quote.os != "linux", quote.os, place, quote.term or "", quote.usd or quote.high or Decimal(0)


def _from_row(catalog: Catalog, price: Price, region: str, listed: Decimal | None) -> Quote:
    span = (price.low, price.high) if price.low is not None and price.high is not None else None
    found = Rate(price.amount, price.amount, price.unit, price.source, price.as_of, span)
    # an override may name the region that is asked for where the price holds in all of them
    override = catalog.overlay.of(replace(price.key, region=region))
    if override is not None:
        found = override.applied(found)
    note = "" if override is not None and override.price is not None else price.note
    return _quote(price.key, found, found.price, found.list_price, listed, note, price.upfront or None)


def _without_row(catalog: Catalog, key: PriceKey, listed: Decimal | None) -> Iterator[Quote]:
    """The price that was agreed on, or the range that a known discount leads to."""
    found = rate(catalog, key)
    if isinstance(found, Unpriced):
        return
    override = catalog.overlay.of(key)
    if override is not None and override.price is not None:
        yield _quote(key, found, found.price, None, listed, "")
    elif found.estimate and key.os == "linux":
        ranged = replace(found, span=found.span or (found.price, found.price))
        yield _quote(key, ranged, None, None, None, found.estimate)


def _quote(
    key: PriceKey,
    found: Rate,
    usd: Decimal | None,
    list_usd: Decimal | None,
    listed: Decimal | None,
    note: str,
    upfront: Decimal | None = None,
) -> Quote:
    return Quote(
        **_key(key),
        unit=found.unit,
        usd=usd,
        list_usd=list_usd,
        low=found.span[0] if found.span else None,
        high=found.span[1] if found.span else None,
        upfront=upfront,
        monthly=_monthly(usd, found.unit),
        saving_percent=_saving(usd, listed),
        as_of=found.as_of,
        source=found.source,
        note=note,
    )


def _key(key: PriceKey) -> dict[str, Any]:
    return {
        "cloud": key.cloud,
        "sku": key.sku,
        "region": key.region,
        "kind": key.kind,
        "os": key.os,
        "purchase_model": key.purchase_model,
        "term": key.term,
        "payment": key.payment,
    }


def _monthly(usd: Decimal | None, unit: str) -> Decimal | None:
    if usd is None or unit not in ("hour", "month"):
        return None
    return (usd * HOURS_PER_MONTH if unit == "hour" else usd).quantize(_CENT, ROUND_HALF_UP)


def _saving(usd: Decimal | None, listed: Decimal | None) -> Decimal | None:
    if usd is None or not listed or usd >= listed:
        return None
    return ((listed - usd) / listed * 100).quantize(_TENTH, ROUND_HALF_UP)


def _title(catalog: Catalog, cloud: str, sku: str, region: str) -> str:
    place = catalog.region(cloud, region)
    where = f"{cloud} {region}" + (f" ({place.display_name})" if place else "")
    machine = catalog.instance_type(cloud, sku)
    if machine is None:
        return f"{sku}, {where}"
    parts = []
    if machine.gpu_model:
        memory = f" ({machine.gpu_memory_gib:g} GiB)" if machine.gpu_memory_gib else ""
        parts.append(f"{machine.gpu_count:g} × {machine.gpu_model}{memory}")
    if machine.vcpus:
        parts.append(f"{machine.vcpus:g} vCPU")
    if machine.memory_gib:
        parts.append(f"{machine.memory_gib:g} GiB")
    if machine.status != "current":
        parts.append(machine.status)
    return f"{sku}, {where}: {', '.join(parts)}"


def _notes(catalog: Catalog, cloud: str, sku: str, region: str, found: list[Quote]) -> Iterator[str]:
    if cloud == "aws" and (band := catalog.interruption(region, sku)):
        yield f"spot machines of it are taken back {band} of the time in a month"
    if reason := catalog.known_hole(cloud, sku):
        yield f"no list price: {reason}"
    if any(quote.low != quote.high for quote in found):
        yield "a range is judged at its dear end"
