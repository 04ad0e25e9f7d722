"""Azure Retail Prices: virtual machines with accelerators and the disks attached to them. No account is needed.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices documents the fields, the filters
(their values are case-sensitive since 2023-01-01-preview, the version that has savings plans) and the pages of at most
1,000 rows. What it does not say, and recorded answers show:

- One `armSkuName` stands in many rows: Linux and Windows (the end of `productName`), Spot and Low Priority (the end of
  `skuName` and `meterName`), Cloud Services and dedicated hosts (products of their own), Dev/Test.
- The `retailPrice` of a reservation is for its whole term, although `unitOfMeasure` is "1 Hour" there too. The prices in
  `savingsPlan` are per hour.
- `isPrimaryMeterRegion` is false in the only row of many a machine. By the documentation primary meters are the billed
  ones: it decides between two meters of one thing, and says nothing where there is one.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Context as Arithmetic
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from gpuguard.errors import ServiceError
from gpuguard.price.sources.base import (
    CHANGED,
    MOST_NOTES,
    Context,
    FetchedPrice,
    FetchedType,
    Found,
    Part,
    Scope,
    Source,
    Validators,
)
from gpuguard.price.sources.http import same_origin

ENDPOINT = "https://prices.azure.com/api/retail/prices"
API_VERSION = "2023-01-01-preview"
MAX_PAGES = 200
"""Pages of one question. A region lists a few hundred rows of its GPU sizes, and of disks; older pages had 100 rows."""

HOURS = {"1y": Decimal(8760), "3y": Decimal(26280)}
_TERMS = {"1 Year": "1y", "3 Years": "3y"}
_MONTH = Decimal(730)
_ONE = Decimal(1)
_ARITHMETIC = Arithmetic(prec=100)
_PLACES = Decimal("1E-12")
"""Fine enough that an hourly price times the hours of its term is the listed price again, to its last digit."""

_MODELS = ("on_demand", "spot", "reserved", "savings_plan")

_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_DIGITS = 12
"""A price has no more digits before the point, nor zeros after it."""
_NAME = re.compile(r"\w[\w-]{0,127}\Z", re.ASCII)

# Sold under serviceName "Virtual Machines" and not virtual machines: the old platform service, which uses the names of
# machine sizes at the price of Windows, and whole hosts. Both are written with and without the blank.
_OTHER_PRODUCTS = ("cloudservices", "dedicatedhost")

# How the products of virtual machines end that do not begin with "Virtual Machines": "NCads A100 v4 Series Linux".
_WINDOWS_ENDINGS = ("windows", "win")
_MACHINE_ENDINGS = ("linux", "series", *_WINDOWS_ENDINGS)

_TIERED = {"Premium SSD Managed Disks": "P", "Standard SSD Managed Disks": "E", "Standard HDD Managed Disks": "S"}
_TIER = re.compile(r"([PES]\d{1,2}) (LRS|ZRS)\Z", re.ASCII)
_PROVISIONED = {("Azure Premium SSD v2", "Premium LRS"): "PremiumV2_LRS", ("Ultra Disks", "Ultra LRS"): "UltraSSD_LRS"}
_METERS = {
    "Provisioned Capacity": ("storage", "GiB-month", {"1 GiB/Hour": _MONTH, "1 GiB/Month": _ONE}),
    "Provisioned IOPS": ("iops", "IOPS-month", {"1/Hour": _MONTH, "1/Month": _ONE}),
    "Provisioned Throughput (MBps)": ("throughput", "MiBps-month", {"1/Hour": _MONTH, "1/Month": _ONE}),
}
_PER_HOUR = "listed per hour; a month is 730 hours"


class _Plan(msgspec.Struct, rename="camel"):
    """One term of a savings plan; `unit_price` is per hour."""

    term: str
    unit_price: msgspec.Raw


class _Item(msgspec.Struct, rename="camel"):
    """One row of the list: the fields that are read. A price stays as it is written until it is known to be a number."""

    currency_code: str
    tier_minimum_units: float
    retail_price: msgspec.Raw
    arm_region_name: str
    meter_id: str
    meter_name: str
    sku_id: str
    product_name: str
    sku_name: str
    service_name: str
    unit_of_measure: str
    type: str
    is_primary_meter_region: bool
    arm_sku_name: str
    effective_start_date: datetime | None = None
    effective_end_date: datetime | None = None
    reservation_term: str | None = None
    savings_plan: list[_Plan] | None = None

    def ends(self, word: str) -> bool:
        """Whether the name of the SKU or of the meter ends in a word (``Spot``)."""
        return any(name.lower().endswith(f" {word}") for name in (self.sku_name.strip(), self.meter_name.strip()))


class _Page(msgspec.Struct, rename="pascal"):
    """One answer. On the last page the link is null; were it left out, nobody could tell the last page from the first."""

    items: list[_Item]
    count: int
    next_page_link: str | None


class _Key(NamedTuple):
    """What tells one price of a region from another."""

    kind: str
    sku: str
    os: str
    purchase_model: str
    term: str

    def __str__(self) -> str:
        bought = " ".join(word for word in (self.purchase_model.replace("_", " "), self.term) if word)
        return f"{self.sku} ({self.os}, {bought})" if self.kind == "machine" else f"{self.sku} ({self.kind})"


class _Offer(msgspec.Struct, frozen=True):
    """A price in force, since when, and whether its meter is the one that is billed."""

    price: FetchedPrice
    since: date
    primary: bool


class _Offers:
    """Collects the prices of one part and picks one for every key."""

    def __init__(self, context: Context, region: str) -> None:
        self.region = region
        self._known, self._bought = context.known, context.wanted.bought
        self._today = date.fromisoformat(context.today)
        self._lines: dict[tuple[_Key, str, str], list[_Offer]] = {}
        self._not_now: dict[_Key, str] = {}
        self._notes: dict[str, None] = {}

    def add(self, item: _Item, price: FetchedPrice) -> None:
        """Take a price; of one meter only what is in force today, and of that the latest."""
        if not self._bought(price.purchase_model):
            return
        if item.currency_code != "USD":
            self.note(f"{price.sku}: a price in {item.currency_code[:40]!r} instead of USD")
            return
        key = _Key(price.kind, price.sku, price.os, price.purchase_model, price.term)
        since = item.effective_start_date.date() if item.effective_start_date else date.min
        until = item.effective_end_date.date() if item.effective_end_date else date.max
        if since > self._today or until < self._today:
            self._not_now[key] = f"begins on {since}" if since > self._today else f"ended on {until}"
            return
        line = self._lines.setdefault((key, item.sku_id, item.meter_id), [])
        if line and since > line[0].since:
            line.clear()
        if not line or since == line[0].since:
            line.append(_Offer(price, since, item.is_primary_meter_region))

    def note(self, text: str) -> None:
        """Remember what was not understood; the same thing is said once."""
        self._notes.setdefault(text)

    def found(self, title: str, today: str) -> Found:
        """What was collected, sorted by key. Where meters disagree the primary ones count, then the dearest."""
        offers: dict[_Key, list[_Offer]] = {}
        for (key, _, _), line in self._lines.items():
            offers.setdefault(key, []).extend(line)
        prices = [self._chosen(key, offers[key]) for key in sorted(offers)]
        for key, when in self._not_now.items():
            if key not in offers:
                self.note(f"{key}: the only price {when}")
        notes = list(self._notes)
        if len(notes) > MOST_NOTES:
            notes[MOST_NOTES - 1 :] = [f"and {len(notes) - MOST_NOTES + 1} more"]
        machines = sorted({price.sku for price in prices if price.kind == "machine"})
        types = tuple(FetchedType(sku) for sku in machines if self._known.machine("azure", sku) is None)
        return Found(today, title, tuple(prices), types, tuple(notes))

    def _chosen(self, key: _Key, offers: Iterable[_Offer]) -> FetchedPrice:
        ranked = sorted(offers, key=lambda offer: (offer.primary, offer.price.usd), reverse=True)
        first = ranked[0]
        amounts = sorted({offer.price.usd for offer in ranked if offer.primary == first.primary})
        if len(amounts) > 1:
            told = ", ".join(f"{amount:f}" for amount in amounts)
            self.note(f"{key}: {len(amounts)} prices ({told}); the dearest is taken")
        return first.price


# --- virtual machines ----------------------------------------------------------------------------------------------------


def _machine_parts(context: Context) -> Iterator[Part]:
    """One part a region. `contains` is one of the filter functions in the documentation's examples."""
    models = [model for model in _MODELS if context.wanted.bought(model)]
    for region in _regions(context) if models else ():
        scopes = tuple(Scope("azure", "machine", model, (region,), "Standard_N*") for model in models)
        yield Part(f"azure-vm/{region}", scopes, partial(_read_machines, region))


def _read_machines(region: str, context: Context, validators: Validators | None) -> Found:
    """The prices of a region's machines; the API has no validators, so it is always asked."""
    offers = _Offers(context, region)
    for item in _items(context, "Virtual Machines", region, "contains(armSkuName, 'Standard_N')"):
        name = item.arm_sku_name.strip()
        if not context.known.accelerated("azure", name):
            continue
        if not _NAME.match(name):
            offers.note(f"{name[:80]!r} is no name of a machine type")
            continue
        _machine(item, context.known.spelling("azure", name), offers)
    return offers.found(f"Azure Retail Prices: virtual machines in {region}", context.today)


def _machine(item: _Item, sku: str, offers: _Offers) -> None:
    squeezed = item.product_name.replace(" ", "").lower()
    if item.type == "DevTestConsumption" or any(other in squeezed for other in _OTHER_PRODUCTS):
        return
    # Low Priority is another product than Spot, of Azure Batch. Machines that Terraform starts with the priority "Low"
    # are Spot machines by now (https://learn.microsoft.com/azure/batch/batch-spot-vms; the enumeration of priorities
    # says to use "Spot"), so its price is nobody's here. Meters that are no longer sold are called "… - Expired".
    if item.ends("low priority") or item.ends("expired"):
        return
    if not (item.product_name.startswith("Virtual Machines ") or _last_word(item) in _MACHINE_ENDINGS):
        offers.note(f"{sku}: a product that is not known, {item.product_name[:80]!r}")
    elif item.unit_of_measure != "1 Hour":
        offers.note(f"{sku}: priced per {item.unit_of_measure[:40]!r} instead of by the hour")
    elif item.tier_minimum_units:
        offers.note(f"{sku}: a price that begins at {item.tier_minimum_units:g} units")
    elif item.type == "Reservation":
        _reservation(item, sku, offers)
    elif item.type == "Consumption":
        _consumption(item, sku, offers)
    else:
        offers.note(f"{sku}: a price of the type {item.type[:40]!r}")


def _consumption(item: _Item, sku: str, offers: _Offers) -> None:
    hourly = _hourly(item, sku, offers.region, _price(item.retail_price, "retailPrice", item))
    if item.ends("spot"):
        offers.add(item, replace(hourly, purchase_model="spot"))
        return
    offers.add(item, hourly)
    for plan in item.savings_plan or ():
        usd = _price(plan.unit_price, "unitPrice of a savings plan", item)
        if hourly.os == "windows":
            # Some rows list one that takes its percentage off the licence, too. By the documentation Windows is charged
            # besides (https://learn.microsoft.com/azure/cost-management-billing/savings-plan/, "software costs").
            offers.note(f"{sku}: a savings plan with Windows, which savings plans do not cover, is left out")
        elif plan.term in _TERMS:
            offers.add(item, replace(hourly, usd=usd, purchase_model="savings_plan", term=_TERMS[plan.term]))
        else:
            offers.note(f"{sku}: a savings plan of {plan.term[:40]!r}")


def _reservation(item: _Item, sku: str, offers: _Offers) -> None:
    """Spread the price over the hours of the term. It is paid at once or month by month: no way of payment is named.

    A reservation covers the machine, not Windows, which is charged besides
    (https://learn.microsoft.com/azure/cost-management-billing/manage/understand-vm-reservation-charges).
    """
    hourly = _hourly(item, sku, offers.region, _price(item.retail_price, "retailPrice", item))
    if item.reservation_term is None:
        raise _changed(item, "a reservation without reservationTerm")
    if hourly.os == "windows":
        return
    if item.reservation_term not in _TERMS:
        offers.note(f"{sku}: a reservation of {item.reservation_term[:40]!r}")
        return
    term = _TERMS[item.reservation_term]
    offers.add(item, replace(hourly, usd=per_hour(hourly.usd, term), purchase_model="reserved", term=term))


def _hourly(item: _Item, sku: str, region: str, usd: Decimal) -> FetchedPrice:
    return FetchedPrice("machine", sku, region, "hour", usd, os=_os(item))


def _os(item: _Item) -> str:
    """Windows stands at the end of a product, once abbreviated ("Virtual Machines NCCadsv5 Srs Win"); the rest is Linux."""
    return "windows" if _last_word(item) in _WINDOWS_ENDINGS else "linux"


def _last_word(item: _Item) -> str:
    return item.product_name.rstrip().rpartition(" ")[2].lower()


def per_hour(price: Decimal, term: str) -> Decimal:
    """The price of a whole term (``1y``, ``3y``) per hour, to twelve decimal places."""
    return _plain(_ARITHMETIC.quantize(_ARITHMETIC.divide(price, HOURS[term]), _PLACES))


# --- disks -----------------------------------------------------------------------------------------------------------------


def _disk_parts(context: Context) -> Iterator[Part]:
    """One part a region; disks are only bought on demand."""
    for region in _regions(context) if context.wanted.bought("on_demand") else ():
        scopes = tuple(Scope("azure", kind, "on_demand", (region,)) for kind in ("storage", "iops", "throughput"))
        yield Part(f"azure-disks/{region}", scopes, partial(_read_disks, region))


def _read_disks(region: str, context: Context, validators: Validators | None) -> Found:
    """The prices of a region's managed disks."""
    offers = _Offers(context, region)
    names = (*_TIERED, *(product for product, _ in _PROVISIONED))
    products = " or ".join(f"productName eq '{name}'" for name in names)
    for item in _items(context, "Storage", region, f"({products})"):
        if item.type != "Consumption":
            continue  # disks can be reserved, too; the catalog has no word for it
        if item.product_name in _TIERED:
            _tiered(item, offers)
        elif sku := _PROVISIONED.get((item.product_name, item.sku_name)):
            _provisioned(item, sku, offers)
    return offers.found(f"Azure Retail Prices: managed disks in {region}", context.today)


def _tiered(item: _Item, offers: _Offers) -> None:
    """A disk of a fixed size, by the month. Its other meters are operations, bursts, mounts on a second machine."""
    tier = _TIER.match(item.sku_name)
    if tier is None or tier[1][0] != _TIERED[item.product_name]:
        return
    # older meters leave the redundancy out and use the plural: "P10 Disks"
    if not re.match(rf"{tier[1]} (?:{tier[2]} )?Disks?\Z", item.meter_name):
        return
    sku = f"{tier[1]}-{tier[2]}"
    if item.unit_of_measure != "1/Month" or item.tier_minimum_units:
        offers.note(f"{sku}: priced per {item.unit_of_measure[:40]!r} from {item.tier_minimum_units:g} on")
        return
    usd = _price(item.retail_price, "retailPrice", item)
    offers.add(item, FetchedPrice("storage", sku, offers.region, "disk-month", usd))


def _provisioned(item: _Item, sku: str, offers: _Offers) -> None:
    """What a disk of free size has been given, listed by the hour."""
    meter = _METERS.get(item.meter_name.removeprefix(f"{item.sku_name} "))
    if meter is None:
        return
    kind, unit, factors = meter
    price = _price(item.retail_price, "retailPrice", item)
    # Premium SSD v2 includes 3,000 IOPS and 125 MB/s: a row for them costs nothing, and the one above counts
    # (https://learn.microsoft.com/azure/virtual-machines/disks-types#premium-ssd-v2).
    included = sku == "PremiumV2_LRS" and kind != "storage"
    if included and not price:
        return
    factor = factors.get(item.unit_of_measure)
    if factor is None or (item.tier_minimum_units and not included):
        offers.note(f"{sku} ({kind}): priced per {item.unit_of_measure[:40]!r} from {item.tier_minimum_units:g} on")
        return
    monthly = _plain(_ARITHMETIC.multiply(price, factor))
    note = _PER_HOUR if factor == _MONTH else ""
    offers.add(item, FetchedPrice(kind, sku, offers.region, unit, monthly, note=note))


# --- asking ------------------------------------------------------------------------------------------------------------------


def _regions(context: Context) -> Iterator[str]:
    return (name for name in sorted(context.known.regions("azure")) if context.wanted.region(name))


def _items(context: Context, service: str, region: str, condition: str) -> Iterator[_Item]:
    """All rows of a service in a region, page by page.

    Raises `ServiceError` where the pages do not add up: a row that was not asked for, a page without some of its rows,
    a link that leads elsewhere, back, or on and on.
    """
    place = region.replace("'", "''")
    asked = f"serviceName eq '{service}' and armRegionName eq '{place}' and {condition}"
    url, params = context.endpoint, {"api-version": API_VERSION, "$filter": asked}
    links: set[str] = set()
    for _ in range(MAX_PAGES):
        page = context.http.get(url, _Page, params=params).value
        if page.count != len(page.items):
            raise _broken(region, f"a page says Count {page.count} and has {len(page.items)} rows")
        for item in page.items:
            if item.service_name != service or item.arm_region_name.lower() != region:
                raise _broken(region, f"asked for {service}, a row is of {_where(item)}: the filter was not heeded")
            yield item
        if not page.next_page_link:
            return
        url, params = same_origin(context.endpoint, page.next_page_link), {}
        if url in links:
            raise _broken(region, "the links to the next page lead in a circle")
        links.add(url)
    raise _broken(region, f"more than {MAX_PAGES} pages")


def _price(raw: msgspec.Raw, field: str, item: _Item) -> Decimal:
    """The number in a price field, digit by digit as it is written."""
    text = bytes(raw).decode(errors="replace")
    amount = Decimal(text) if _NUMBER.match(text) else None
    if amount is None or (amount and not -_DIGITS <= amount.adjusted() <= _DIGITS):
        raise _changed(item, f"{field} is {text[:40]!r}, expected a number")
    return _plain(amount) if amount else Decimal(0)


def _plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros or exponent."""
    text = f"{amount:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _where(item: _Item) -> str:
    return f"{item.service_name[:60]!r} in {item.arm_region_name[:60]!r}"


def _changed(item: _Item, what: str) -> ServiceError:
    return _broken(item.arm_region_name.lower(), f"{item.meter_name[:60]!r} of {item.product_name[:60]!r}: {what}")


def _broken(region: str, what: str) -> ServiceError:
    return ServiceError(f"Azure Retail Prices, {region}: {what}", hint=CHANGED)


SOURCES = (
    Source("azure-vm", "azure", "Azure Retail Prices: virtual machines", ENDPOINT, _machine_parts),
    Source("azure-disks", "azure", "Azure Retail Prices: managed disks", ENDPOINT, _disk_parts),
)
