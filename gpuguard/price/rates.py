"""Unit prices: which catalog row, which end of a range, and what caps it."""

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from gpuguard.model.price import Price, PriceKey, PriceKind, Unpriced

if TYPE_CHECKING:
    from gpuguard.price.catalog import Catalog

ONE_HUNDRED = Decimal(100)
_SPREAD = {"spot": Decimal(20)}
_SPREAD_OF_OTHERS = Decimal(2)
"""How wide, in percentage points, a discount that was observed elsewhere is taken to be at least: what is known of one
machine, region or day says nearly what another asks. Spot moves by steps of up to a fifth (Azure: spot pricing)."""
_MOST_PERCENT = Decimal(99)


class Rate(msgspec.Struct, frozen=True):
    """USD per `unit`. `price` is what is judged: the dear end of `span` where only a range is known.

    `list_price` is before commitments and discounts. `estimate` tells in words what the figure rests on when it is not
    simply a row of the catalog.
    """

    price: Decimal
    list_price: Decimal
    unit: str
    source: str
    as_of: str
    span: tuple[Decimal, Decimal] | None = None
    estimate: str = ""


def oldest_day(as_of: str) -> str:
    """The first day of a date that may be a year or month alone, so that age is never understated."""
    if len(as_of) == 4:
        return f"{as_of}-01-01"
    return f"{as_of}-01" if len(as_of) == 7 else as_of[:10]


def rate(prices: "Catalog", key: PriceKey, *, region_known: bool = True, cap: Decimal | None = None) -> Rate | Unpriced:
    """The unit price for a key: what the catalog says, under the overrides of the organisation.

    Without a known region it is the range over all regions. Spot is the dear end over zones, never above on demand nor
    the resource's own maximum price; a spot price that is agreed on is held by that maximum alone. A purchase model
    without a row falls back to the range of discounts known for it.
    """
    found = _found(prices, key, region_known)
    limits = _limits(prices, key, region_known, cap)
    listed = found if isinstance(found, Unpriced) else _capped(found, limits)
    override = prices.overlay.of(key)
    if override is None:
        return listed
    if isinstance(found, Unpriced) or isinstance(listed, Unpriced):
        agreed = override.agreed(key)
        return found if agreed is None else _capped(agreed, _maximum(key, cap))
    effective = _capped(override.applied(found), limits if override.price is None else _maximum(key, cap))
    return replace(effective, list_price=listed.list_price)


def _found(prices: "Catalog", key: PriceKey, region_known: bool) -> Rate | Unpriced:
    """What the catalog says, before anything caps it."""
    found = _row(prices, key) if region_known else _over_regions(prices, key)
    if isinstance(found, Unpriced) and key.purchase_model != "on_demand":
        return _from_discount(prices, key, region_known, found)
    return found


def _maximum(key: PriceKey, cap: Decimal | None) -> list[Decimal]:
    return [cap] if cap is not None and key.purchase_model == "spot" else []


def _limits(prices: "Catalog", key: PriceKey, region_known: bool, cap: Decimal | None) -> list[Decimal]:
    if key.purchase_model != "spot":
        return []
    on_demand = _found(prices, replace(key, purchase_model="on_demand"), region_known)
    return _maximum(key, cap) + ([on_demand.price] if isinstance(on_demand, Rate) else [])


def _capped(found: Rate, limits: list[Decimal]) -> Rate:
    limit = min(limits, default=None)
    if limit is None or max(found.price, found.list_price) <= limit:
        return found
    span = found.span
    if span is not None and span[1] > limit:
        span = (span[0], limit) if span[0] < limit else None
    return replace(found, price=min(found.price, limit), list_price=min(found.list_price, limit), span=span)


def _row(prices: "Catalog", key: PriceKey) -> Rate | Unpriced:
    price = prices.price(key)
    return price if isinstance(price, Unpriced) else _of(price)


def _of(price: Price) -> Rate:
    dear = price.amount if price.high is None else max(price.amount, price.high)
    span = (
        (price.low, price.high)
        if price.low is not None and price.high is not None and price.low != price.high
        else None
    )
    return Rate(dear, dear, price.unit, price.source, oldest_day(price.as_of), span)


def _over_regions(prices: "Catalog", key: PriceKey) -> Rate | Unpriced:
    found = prices.price_over_regions(key)
    if found is None:
        return Unpriced(key, "no region has a price for it")
    low, high = _of(found[0]), _of(found[1])
    cheap = low.span[0] if low.span else low.price
    span = (cheap, high.price) if cheap != high.price else None
    return replace(high, span=span, as_of=min(low.as_of, high.as_of), estimate="region unknown: the dearest region")


def _from_discount(prices: "Catalog", key: PriceKey, region_known: bool, missing: Unpriced) -> Rate | Unpriced:
    """On-demand price less the known range of discounts; judged at the least discount."""
    if key.kind != "machine":
        return missing
    base = _found(prices, replace(key, purchase_model="on_demand", term=None, payment=None), region_known)
    if isinstance(base, Unpriced):
        return missing
    machine = prices.instance_type(key.cloud, key.sku)
    family = machine.family if machine else None
    discount = prices.discount_range(
        key.cloud, family, key.sku, key.purchase_model, key.term, key.region if region_known else None, key.os
    )
    if discount is None:
        return missing
    least, most = discount.low_percent, discount.high_percent
    if discount.kind == "observed" and most - least < _SPREAD.get(key.purchase_model, _SPREAD_OF_OTHERS):
        # seen at other machines, in other regions or on other days: near it, but not a figure
        spread = _SPREAD.get(key.purchase_model, _SPREAD_OF_OTHERS) / 2
        middle = (least + most) / 2
        least, most = max(middle - spread, Decimal(0)), min(middle + spread, _MOST_PERCENT)
    low = base.price * (ONE_HUNDRED - most) / ONE_HUNDRED
    high = base.price * (ONE_HUNDRED - least) / ONE_HUNDRED
    span = _percent(least) if least == most else f"{_percent(least)} to {_percent(most)}"
    return Rate(
        high,
        high if key.purchase_model == "spot" else base.price,
        base.unit,
        discount.source,
        oldest_day(min(discount.as_of, base.as_of)),
        (low, high) if low != high else None,
        estimate=f"{discount.kind} discount of {span} on the on-demand price",
    )


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f} %"


def key_of(
    cloud: str, kind: PriceKind, sku: str, region: str | None, os: str = "linux", purchase_model: str = "on_demand"
) -> PriceKey:
    """A key whose region may be unknown (then ``""``, used only with `region_known=False`)."""
    return PriceKey(cloud, kind, sku, region or "", os, purchase_model)
