"""How much of what the clouds rent has a price: the numbers of `catalog info` and of docs/catalog.md.

A pair is one machine type with accelerators in one region. A cloud offers the pairs that any price of any purchase model
names, and those its own lists name: AWS' Spot Instance Advisor, the machine types of Compute Engine by zone. Retired
types do not count. A pair is priced where the purchase model has
a row of its own for Linux, and ranged where only a published or observed discount is known: then it prices as a range.
"""

from collections import defaultdict

import msgspec

from gpuguard.price.catalog import Catalog
from gpuguard.price.schema import COMMITMENTS, EVERYWHERE, PURCHASE_MODELS

Pair = tuple[str, str]


class Coverage(msgspec.Struct, frozen=True):
    """One cloud and purchase model: pairs offered, priced by a row, priced as a range; machine types; age of the rows."""

    cloud: str
    purchase_model: str
    term: str
    offered: int
    priced: int
    ranged: int
    skus_offered: int
    skus_priced: int
    oldest: str | None
    newest: str | None

    @property
    def percent(self) -> int:
        """Share of the pairs that have a row, rounded down: 100 means all of them."""
        return self.priced * 100 // self.offered if self.offered else 0


def offered_pairs(catalog: Catalog, cloud: str) -> set[Pair]:
    """The (machine type, region) pairs that a cloud is known to offer."""
    types = {each.sku for each in catalog.accelerated_types(cloud) if each.status != "retired"}
    pairs = {(price.key.sku, price.key.region) for price in catalog.all_prices((cloud,), ("machine",))}
    pairs |= {(sku, region) for sku, region, _ in catalog.offerings(cloud)}
    if cloud == "aws":
        pairs |= {(sku, region) for region, sku in catalog.interruptions()}
    return {pair for pair in pairs if pair[0] in types}


def coverage(catalog: Catalog) -> list[Coverage]:
    """Count every cloud and purchase model (commitments by term) that has at least one price or range."""
    found = []
    for cloud in catalog.clouds:
        offered = offered_pairs(catalog, cloud)
        rows: dict[tuple[str, str], dict[Pair, str]] = defaultdict(dict)
        for price in catalog.all_prices((cloud,), ("machine",)):
            pair = (price.key.sku, price.key.region)
            if price.key.os == "linux" and pair in offered:
                days = rows[price.key.purchase_model, price.key.term or ""]
                days[pair] = min(days.get(pair, price.as_of), price.as_of)
        listed = set(rows["on_demand", ""])
        for model in PURCHASE_MODELS:
            for term in ("1y", "3y") if model in COMMITMENTS else ("",):
                days = rows.get((model, term), {})
                ranged = sum(_ranged(catalog, cloud, pair, model, term) for pair in listed - set(days))
                if days or ranged:
                    found.append(
                        Coverage(
                            cloud=cloud,
                            purchase_model=model,
                            term=term,
                            offered=len(offered),
                            priced=len(days),
                            ranged=ranged,
                            skus_offered=len({sku for sku, _ in offered}),
                            skus_priced=len({sku for sku, _ in days}),
                            oldest=min(days.values(), default=None),
                            newest=max(days.values(), default=None),
                        )
                    )
    return found


def _ranged(catalog: Catalog, cloud: str, pair: Pair, model: str, term: str) -> bool:
    if model == "on_demand":
        return False
    sku, region = pair
    machine = catalog.instance_type(cloud, sku)
    family = machine.family if machine else None
    where = None if region == EVERYWHERE else region
    return catalog.discount_range(cloud, family, sku, model, term or None, where) is not None
