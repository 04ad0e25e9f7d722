"""Oracle Cloud Infrastructure: GPU shapes at pay-as-you-go list prices. No account is needed.

https://docs.oracle.com/iaas/Content/Billing/Tasks/signingup_topic-Estimating_Costs.htm documents the price list,
``GET /pls/apex/cetools/api/v1/products/?currencyCode=USD``: products with a price per GPU and hour that is the same in
all commercial regions and includes the cores, the memory and the local disks of the shape. Shapes are not in the list.
A product is laid to the shapes the catalog knows by its name: ``… - Compute - GPU - H100`` to BM.GPU.H100.8, whose price
is that of eight. Products named after a generation of hardware instead of a GPU are those of `_GENERATIONS`.

Other products are counted per GPU and hour too and are no shapes: licences of NVIDIA AI Enterprise, and hardware in the
customer's own rooms (Cloud@Customer). Preemptible prices are not in the list; they are half of these by documentation.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from gpuguard.errors import ServiceError
from gpuguard.price.schema import EVERYWHERE
from gpuguard.price.sources.base import CHANGED, Context, Found, MachineFacts, Part, Scope, Source, Validators
from gpuguard.price.sources.offers import Offers, exact, scoped

CLOUD = "oci"
TITLE = "Oracle Cloud Infrastructure price list"
CURRENCY = "USD"
_PATH = "/pls/apex/cetools/api/v1/products/"

_METRIC = "GPU Per Hour"
_CATEGORY = "Compute - GPU"
_MODEL = "PAY_AS_YOU_GO"

_NAME = re.compile(
    r"(?:(?:OCI|Oracle Cloud Infrastructure)\s*-\s*)?Compute\s*-\s*"
    r"(?:(?P<place>Bare Metal|Virtual Machine) )?GPU(?: Standard)?\s*-\s*(?P<gpu>.+)\Z"
)
_PLACES = {"Bare Metal": "BM.", "Virtual Machine": "VM."}
_SHAPE = re.compile(r"(?P<place>BM|VM)\.(?P<series>GPU\d*)(?:\.(?P<gpu>.+))?\.\d+\Z")

_GENERATIONS = {"X7": "GPU2", "V2": "GPU3", "E3": "GPU4"}
"""Generations of hardware by the series of shapes they are sold as: what Oracle's cost estimator lays its parts B88517,
B88518 (X7), B89734 (V2) and B92740 (E3) to."""


class _Price(msgspec.Struct):
    model: str
    value: msgspec.Raw


class _Localization(msgspec.Struct, rename="camel"):
    currency_code: str
    prices: list[_Price]


class _Product(msgspec.Struct, rename="camel"):
    part_number: str
    display_name: str
    metric_name: str
    service_category: str
    currency_code_localizations: list[_Localization]

    def __str__(self) -> str:
        return f"{' '.join(self.display_name.split())} ({self.part_number})"


class _List(msgspec.Struct):
    """The whole list comes in one answer."""

    items: list[_Product]


def parts(context: Context) -> tuple[Part, ...]:
    """One part: the whole list. Its prices hold in every region, so they are replaced whatever region is asked for."""
    if not context.wanted.bought("on_demand"):
        return ()
    regions = scoped(context.known.regions(CLOUD), context)
    scope = Scope(CLOUD, "machine", "on_demand", (EVERYWHERE, *regions) if regions else ())
    return (Part("oci/products", (scope,), _read),)


def _read(context: Context, validators: Validators | None) -> Found:
    offers = Offers()
    url = f"{context.endpoint}{_PATH}"
    products = context.http.get(url, _List, params={"currencyCode": CURRENCY}).value.items
    machines = context.known.machines(CLOUD)
    priced: set[str] = set()
    for product in products:
        for machine, usd in _priced(product, machines, offers):
            offers.price(context.known.spelling(CLOUD, machine.sku), EVERYWHERE, usd)
            priced.add(machine.sku)
    if not priced:
        raise ServiceError(
            f"{url}: of {len(products)} products none is a GPU shape; "
            f"one with the metric {_METRIC!r} in the category {_CATEGORY!r} was expected",
            hint=CHANGED,
        )
    for machine in machines:
        if machine.sku not in priced:
            offers.note(f"{machine.sku}: no product of the list fits")
    return offers.found(TITLE, context)


def _priced(
    product: _Product, machines: tuple[MachineFacts, ...], offers: Offers
) -> Iterator[tuple[MachineFacts, Decimal]]:
    """The shapes a product is the price of, with their prices by the hour."""
    if product.metric_name != _METRIC or "NVIDIA AI Enterprise" in product.display_name:
        return
    if not product.service_category.startswith(_CATEGORY):
        if "Cloud@Customer" not in product.service_category:
            offers.note(f"{product}: priced per GPU in the category {product.service_category}, which is not known")
        return
    named = _NAME.match(product.display_name.strip())
    fitting = [machine for machine in machines if named and _fits(machine, named["place"], named["gpu"])]
    if not fitting:
        offers.note(f"{product}: no machine type of this gpuguard fits")
        return
    usd = _usd(product, offers)
    if usd is not None:
        yield from ((machine, (usd * Decimal(machine.gpu_count)).normalize()) for machine in fitting)


def _fits(machine: MachineFacts, place: str | None, gpu: str) -> bool:
    shape = _SHAPE.match(machine.sku)
    if shape is None or (place and f"{shape['place']}." != _PLACES[place]):
        return False
    generation = _GENERATIONS.get(gpu.strip())
    if generation or shape["gpu"] is None:
        return shape["series"] == generation
    return _bare(gpu) in (_bare(shape["gpu"]), _bare(machine.gpu_model))


def _bare(name: str) -> str:
    """A name without what is written now one way, now another: ``A100 - v2``, ``A100-v2``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _usd(product: _Product, offers: Offers) -> Decimal | None:
    """The price per GPU and hour in USD; of several the dearest."""
    found = []
    for localization in product.currency_code_localizations:
        for price in localization.prices if localization.currency_code == CURRENCY else ():
            if price.model != _MODEL:
                offers.note(f"{product}: the price model {price.model} is not known")
            elif (usd := exact(price.value, f"{TITLE}: {product.part_number!r}")) is not None:
                found.append(usd)
    if len(set(found)) > 1:
        offers.note(f"{product}: {len(found)} prices; the dearest is taken")
    if not found:
        offers.note(f"{product}: no pay-as-you-go price in {CURRENCY}")
        return None
    return max(found)


SOURCE = Source(name="oci", cloud=CLOUD, title=TITLE, endpoint="https://apexapps.oracle.com", parts=parts)
