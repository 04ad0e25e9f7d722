"""Find what the clouds rent: every priced accelerator machine that fits, as one flat row each."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from gpuguard.model.price import InstanceType, Price
from gpuguard.price.catalog import Catalog
from gpuguard.price.schema import EVERYWHERE

SEARCHED = ("machine", "accelerator", "managed_service")
"""Kinds of price that rent an accelerator: whole machines, GPUs attached to one, machines of a managed service."""
_DIGITS = Decimal("0.000001")
_MANAGED = "ml."
"""SageMaker's names are those of EC2 with this in front (Amazon SageMaker AI: instance types)."""

Sort = Literal["price", "gpu-price", "sku", "region", "age"]


class Query(msgspec.Struct, frozen=True):
    """What is looked for; empty or None means anything. `gpu` is a model's catalog name.

    `region` and `sku` are patterns in any letter case. One price for all regions of a cloud fits where the pattern fits
    one of the regions that are known of the cloud, or where none are.
    """

    clouds: tuple[str, ...] = ()
    gpu: str | None = None
    min_gpus: Decimal = Decimal(0)
    max_gpus: Decimal | None = None
    min_gpu_memory_gib: Decimal = Decimal(0)
    region: str = "*"
    sku: str = "*"
    purchase_models: tuple[str, ...] = ()
    term: str | None = None
    os: str | None = "linux"
    retired: bool = False


class Offer(msgspec.Struct, frozen=True):
    """One way to rent one machine. Prices in USD per hour; `gpu_memory_gib` is that of all its accelerators."""

    cloud: str
    region: str
    sku: str
    kind: str
    gpu_model: str
    gpu_count: float
    gpu_memory_gib: float | None
    vcpus: float | None
    memory_gib: float | None
    status: str
    os: str
    purchase_model: str
    term: str | None
    payment: str | None
    usd_per_hour: Decimal
    usd_per_gpu_hour: Decimal
    low: Decimal | None
    high: Decimal | None
    as_of: str
    source: str
    note: str


def search(catalog: Catalog, query: Query) -> list[Offer]:
    """Return all offers that fit, cheapest first."""
    found = []
    sku, region = query.sku.lower(), query.region.lower()
    anywhere = {
        cloud
        for cloud in catalog.clouds
        if region == "*"
        or not (known := catalog.regions(cloud))
        or any(fnmatchcase(each.name.lower(), region) for each in known)
    }
    for price in catalog.all_prices(query.clouds, SEARCHED, query.purchase_models):
        key = price.key
        if (
            price.unit != "hour"
            or (query.os is not None and key.os != query.os)
            or (query.term is not None and key.term != query.term)
            or not (key.cloud in anywhere if key.region == EVERYWHERE else fnmatchcase(key.region.lower(), region))
            or not fnmatchcase(key.sku.lower(), sku)
        ):
            continue
        offer = _offer(catalog, price)
        if offer is not None and _fits(offer, query):
            found.append(offer)
    return sorted_by(found, "price")


def sorted_by(offers: list[Offer], by: Sort) -> list[Offer]:
    """Sort offers; what is equal stands in the order of its names."""
    keys: dict[Sort, Callable[[Offer], tuple[Decimal | str, ...]]] = {
        "price": lambda each: (each.usd_per_hour,),
        "gpu-price": lambda each: (each.usd_per_gpu_hour,),
        "sku": lambda each: (),
        "region": lambda each: (each.region,),
        "age": lambda each: (each.as_of,),
    }
    key = keys[by]
    return sorted(
        offers,
        key=lambda each: (
            *key(each), each.cloud, each.sku, each.region, each.os, each.purchase_model, each.term or "", each.payment or "",
        ),
    )  # fmt: skip


def _fits(offer: Offer, query: Query) -> bool:
    return (
        (query.gpu is None or offer.gpu_model == query.gpu)
        and (query.retired or offer.status != "retired")
        and Decimal(str(offer.gpu_count)) >= query.min_gpus
        and (query.max_gpus is None or Decimal(str(offer.gpu_count)) <= query.max_gpus)
        and Decimal(str(offer.gpu_memory_gib or 0)) >= query.min_gpu_memory_gib
    )


def _offer(catalog: Catalog, price: Price) -> Offer | None:
    key = price.key
    if key.kind == "accelerator":
        model = catalog.accelerator(key.sku.removesuffix("-pod"))
        if model is None:
            return None
        return _row(price, model.model, 1.0, model.memory_gib, None, model.status)
    machine = catalog.instance_type(key.cloud, key.sku.removeprefix(_MANAGED) if key.cloud == "aws" else key.sku)
    if machine is None or machine.gpu_model is None or machine.gpu_count <= 0:
        return None
    return _row(price, machine.gpu_model, machine.gpu_count, machine.gpu_memory_gib, machine, machine.status)


def _row(
    price: Price, model: str, count: float, memory: float | None, machine: InstanceType | None, status: str
) -> Offer:
    key = price.key
    return Offer(
        cloud=key.cloud,
        region=key.region,
        sku=key.sku,
        kind=key.kind,
        gpu_model=model,
        gpu_count=count,
        gpu_memory_gib=memory,
        vcpus=machine.vcpus if machine else None,
        memory_gib=machine.memory_gib if machine else None,
        status=status,
        os=key.os,
        purchase_model=key.purchase_model,
        term=key.term,
        payment=key.payment,
        usd_per_hour=price.amount,
        usd_per_gpu_hour=(price.amount / Decimal(str(count))).quantize(_DIGITS, ROUND_HALF_UP),
        low=price.low,
        high=price.high,
        as_of=price.as_of,
        source=price.source,
        note=price.note,
    )
