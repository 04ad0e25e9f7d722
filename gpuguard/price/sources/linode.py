"""Linode (Akamai Cloud): GPU plans of the public list of types. No account is needed.

https://techdocs.akamai.com/linode-api/reference/get-linode-types documents ``GET /v4/linode/types``: pages of 25 to 500
types, each with its `price` in USD and `region_prices` for the regions that differ. What it does not say, and recorded
answers show: types that are announced and not sold yet have an `hourly` of null, and GPU plans have no monthly price
since July 2026, so only the hourly one is read.
"""

import re

import msgspec

from gpuguard.errors import ServiceError
from gpuguard.price.schema import EVERYWHERE
from gpuguard.price.sources.base import CHANGED, Context, FetchedType, Found, Known, Part, Scope, Source, Validators
from gpuguard.price.sources.http import ChangedMidwayError, starting_over
from gpuguard.price.sources.offers import Offers, exact, scoped

CLOUD = "linode"
TITLE = "Linode API: list of types"
PAGE_SIZE = 500
MAX_PAGES = 20
"""The list has fewer than a hundred types."""
_PATH = "/v4/linode/types"

_STEM = re.compile(r"(.*\D)\d+(?:-[a-z]+)?\Z", re.ASCII)
"""A plan without the number of its GPUs and its size: ``g2-gpu-rtx4000a`` of ``g2-gpu-rtx4000a1-s``."""


class _Price(msgspec.Struct):
    hourly: msgspec.Raw


class _RegionPrice(msgspec.Struct):
    id: str
    hourly: msgspec.Raw


class _Type(msgspec.Struct):
    """One type; `memory` is in MiB."""

    id: str
    gpus: int
    vcpus: int
    memory: int
    price: _Price
    region_prices: list[_RegionPrice]


class _Page(msgspec.Struct):
    data: list[_Type]
    page: int
    pages: int
    results: int


def parts(context: Context) -> tuple[Part, ...]:
    """One part: the whole list. Its base price holds in every region, so it is replaced whatever region is asked for."""
    if not context.wanted.bought("on_demand"):
        return ()
    regions = scoped(context.known.regions(CLOUD), context)
    scope = Scope(CLOUD, "machine", "on_demand", (EVERYWHERE, *regions) if regions else ())
    return (Part("linode/types", (scope,), _read),)


def _read(context: Context, validators: Validators | None) -> Found:
    offers = Offers()
    for each in starting_over(lambda: _types(context)):
        if each.gpus > 0 or context.known.accelerated(CLOUD, each.id):
            _take(offers, each, context)
    return offers.found(TITLE, context)


def _types(context: Context) -> list[_Type]:
    found: list[_Type] = []
    url = f"{context.endpoint}{_PATH}"
    number, pages = 1, 1
    while number <= pages:
        params = {"page": str(number), "page_size": str(PAGE_SIZE)}
        page = context.http.get(url, _Page, params=params).value
        pages = page.pages
        if page.page != number or not 1 <= pages <= MAX_PAGES:
            raise ServiceError(f"{url}: page {number} was asked for, page {page.page} of {pages} came", hint=CHANGED)
        found += page.data
        if number == pages and len(found) != page.results:
            raise ChangedMidwayError(f"{url}: {page.results} types are announced and {len(found)} came", hint=CHANGED)
        number += 1
    return found


def _take(offers: Offers, each: _Type, context: Context) -> None:
    sku = context.known.spelling(CLOUD, each.id)
    base = exact(each.price.hourly, f"{TITLE}: {each.id!r}")
    if base is not None:
        offers.price(sku, EVERYWHERE, base)
    elif not each.region_prices:
        offers.note(f"{each.id}: no hourly price")
    for special in each.region_prices:
        usd = exact(special.hourly, f"{TITLE}: {each.id!r} in {special.id!r}")
        if usd is None:
            offers.note(f"{each.id}: no hourly price in {special.id}")
        elif context.wanted.region(special.id):
            offers.price(sku, special.id, usd)
    offers.type(
        FetchedType(
            sku=sku,
            vcpus=each.vcpus,
            memory_gib=each.memory / 1024,
            gpu_name=_gpu(each.id, context.known),
            gpu_count=each.gpus,
        )
    )


def _gpu(sku: str, known: Known) -> str:
    """The GPU of a plan by the plans the catalog knows of the same name: the list has the number of GPUs alone."""
    stem = _STEM.match(sku)
    models = {
        machine.gpu_model
        for machine in known.machines(CLOUD)
        if stem and (other := _STEM.match(machine.sku)) and other[1] == stem[1]
    }
    return models.pop() if len(models) == 1 else ""


SOURCE = Source(name="linode", cloud=CLOUD, title=TITLE, endpoint="https://api.linode.com", parts=parts)
