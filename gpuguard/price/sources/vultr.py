"""Vultr: cloud GPU and bare metal plans with GPUs, on demand and preemptible. No account is needed.

https://www.vultr.com/api/#tag/plans documents ``GET /v2/plans`` and ``GET /v2/plans-metal``, whose pages are linked by a
cursor in `meta.links.next`, an empty text on the last one. What it does not say in full, and recorded answers show:

- The plans of dedicated metal (type ``vdm``) carry no more of their GPU than its maker; type ``vcg`` alone would miss
  them, so plans of all types are asked for.
- `deploy_ondemand` and `deploy_preemptible` tell how a plan is sold now. A plan that is not sold on demand has an
  `hourly_cost` all the same, several times what it can be had for.
- `location_cost` holds the prices of the locations that differ.
- `gpu_count` of a share of a GPU is a fraction in words (``1/20``); `gpu_vram_gb` is the memory of the whole plan.
"""

import re
from decimal import Decimal

import msgspec

from gpuguard.errors import ServiceError
from gpuguard.price.sources.base import CHANGED, Context, FetchedType, Found, Known, Part, Scope, Source, Validators
from gpuguard.price.sources.http import ChangedMidwayError, starting_over
from gpuguard.price.sources.offers import Offers, exact, scoped

CLOUD = "vultr"
TITLE = "Vultr API: list of plans"
PAGE_SIZE = 500
MAX_PAGES = 20
"""Each list has a few hundred plans."""

_MODELS = ("on_demand", "spot")
_NULL = msgspec.Raw(b"null")
_MONTH = Decimal(730)
_FRACTION = re.compile(r"([1-9]\d{0,2})(?:/([1-9]\d{0,2}))?\Z", re.ASCII)
_CLOUD_GPU = re.compile(r"vcg-([a-z0-9]+)-\d+c-\d+g-\d+vram\Z", re.ASCII)


class _Cost(msgspec.Struct):
    """Prices in USD; the monthly one is for people to compare with."""

    hourly_cost: msgspec.Raw
    monthly_cost: msgspec.Raw = _NULL
    hourly_cost_preemptible: msgspec.Raw = _NULL


class _Plan(_Cost, kw_only=True):
    """One plan of either list; `ram` is in MiB, `gpu_vram_gb` in GB."""

    id: str
    ram: int
    locations: list[str]
    vcpu_count: int | None = None
    cpu_threads: int | None = None
    gpu_brand: str | None = None
    gpu_type: str | None = None
    gpu_count: int | str | None = None
    gpu_vram_gb: int | None = None
    deploy_ondemand: bool = True
    deploy_preemptible: bool | None = None
    location_cost: dict[str, _Cost] = {}


class _Links(msgspec.Struct):
    next: str


class _Meta(msgspec.Struct):
    total: int
    links: _Links


class _Plans(msgspec.Struct):
    plans: list[_Plan]
    meta: _Meta


class _Metal(msgspec.Struct):
    plans_metal: list[_Plan]
    meta: _Meta


def parts(context: Context) -> tuple[Part, ...]:
    """One part: both lists."""
    models = [model for model in _MODELS if context.wanted.bought(model)]
    regions = scoped(context.known.regions(CLOUD), context)
    scopes = tuple(Scope(CLOUD, "machine", model, regions) for model in models)
    return (Part("vultr/plans", scopes, _read),) if scopes else ()


def _read(context: Context, validators: Validators | None) -> Found:
    offers = Offers()
    plans = starting_over(lambda: _all(context, "/v2/plans", {"type": "all"}, _Plans))
    plans += starting_over(lambda: _all(context, "/v2/plans-metal", {}, _Metal))
    nowhere, waiting = [], []
    for plan in plans:
        if not (plan.gpu_brand or plan.gpu_type or context.known.accelerated(CLOUD, plan.id)):
            continue
        _take(offers, plan, context)
        if not any(plan.locations):
            nowhere.append(plan.id)
        elif not plan.deploy_ondemand:
            waiting.append(plan.id)
    for skus, what in ((nowhere, "no location has it now"), (waiting, "not sold on demand now")):
        for sku in sorted(skus):
            offers.note(f"{sku}: {what}")
    return offers.found(TITLE, context)


def _all(context: Context, path: str, params: dict[str, str], form: type[_Plans] | type[_Metal]) -> list[_Plan]:
    """The plans of all pages of a list."""
    found: list[_Plan] = []
    url, cursor = f"{context.endpoint}{path}", ""
    for _ in range(MAX_PAGES):
        asked = {**params, "per_page": str(PAGE_SIZE), **({"cursor": cursor} if cursor else {})}
        page: _Plans | _Metal = context.http.get(url, form, params=asked).value
        found += page.plans if isinstance(page, _Plans) else page.plans_metal
        cursor = page.meta.links.next
        if not cursor:
            if len(found) != page.meta.total:
                raise ChangedMidwayError(
                    f"{url}: {page.meta.total} plans are announced and {len(found)} came", hint=CHANGED
                )
            return found
    raise ServiceError(f"{url}: more than {MAX_PAGES} pages", hint=CHANGED)


def _take(offers: Offers, plan: _Plan, context: Context) -> None:
    sku = context.known.spelling(CLOUD, plan.id)
    for location in dict.fromkeys(plan.locations):
        if not location or not context.wanted.region(location):
            continue
        cost = plan.location_cost.get(location, plan)
        where = f"{TITLE}: {plan.id!r} in {location!r}"
        if plan.deploy_ondemand and context.wanted.bought("on_demand"):
            usd = exact(cost.hourly_cost, where)
            if usd is None:
                offers.note(f"{plan.id}: no hourly price in {location}")
            else:
                offers.price(sku, location, usd, note=_month(usd, exact(cost.monthly_cost, where)))
        preemptible = exact(cost.hourly_cost_preemptible, where)
        if _interruptible(plan, preemptible) and context.wanted.bought("spot"):
            if preemptible is None:
                offers.note(f"{plan.id}: no preemptible price in {location}")
            else:
                offers.price(sku, location, preemptible, purchase_model="spot")
    offers.type(_facts(sku, plan, context.known))


def _interruptible(plan: _Plan, price: Decimal | None) -> bool:
    """Whether a plan is sold preemptible; a list that does not say so gives a price only to those that are."""
    return plan.deploy_preemptible if plan.deploy_preemptible is not None else bool(price)


def _month(usd: Decimal, monthly: Decimal | None) -> str:
    """A monthly price worth telling: one that is a percent or more below 730 hours."""
    return f"listed at {monthly:f} USD a month" if monthly and monthly < usd * _MONTH * Decimal("0.99") else ""


def _facts(sku: str, plan: _Plan, known: Known) -> FetchedType:
    count: float | None = None
    if fraction := _FRACTION.match(str(plan.gpu_count)):
        count = int(fraction[1]) / int(fraction[2] or 1)
    return FetchedType(
        sku=sku,
        vcpus=plan.vcpu_count or plan.cpu_threads,
        memory_gib=plan.ram / 1024,
        gpu_name=_gpu(plan, count, known),
        gpu_count=count,
    )


def _gpu(plan: _Plan, count: float | None, known: Known) -> str:
    """The catalog's name of the GPU; one that is made with more than one size of memory is told by its memory."""
    named = _CLOUD_GPU.match(plan.id)
    word = (plan.gpu_type or (named[1] if named else "")).upper()
    for prefix in ("NVIDIA_", "AMD_"):
        word = word.removeprefix(prefix)
    word = word.removesuffix("_SXM").removesuffix("_PCIE")
    if not word:
        return ""
    sized = f"{word}-{round(plan.gpu_vram_gb / count)}GB" if plan.gpu_vram_gb and count else word
    return known.accelerator(sized) or known.accelerator(word) or plan.gpu_type or word


SOURCE = Source(name="vultr", cloud=CLOUD, title=TITLE, endpoint="https://api.vultr.com", parts=parts)
