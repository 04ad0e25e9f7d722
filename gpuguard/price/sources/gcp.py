"""Google Cloud: the SKUs of Compute Engine in the Cloud Billing Catalog API, and the machines they add up to.

https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list documents the fields and the pages, and that
without a time range the latest prices are given; an API key with the Cloud Billing API enabled in its project suffices
(https://cloud.google.com/billing/v1/how-tos/catalog-api). It is sent as a header, so that no address ever holds it.

A machine has no SKU. It is billed for its accelerators, vCPUs, memory and bundled local SSDs
(https://cloud.google.com/compute/docs/accelerator-optimized-machines), so its price is made of theirs. A machine one of
whose SKUs a region lacks has no price there. What the documentation leaves open, recorded answers show:

- Only the description tells which thing a SKU prices, and how it is bought. `usageType` tells OnDemand, Preemptible,
  Commit1Yr and Commit3Yr apart, but flex-start ("DWS Defined Duration") and calendar mode ("Reserved … in Calendar Mode")
  count as OnDemand, and so does the Spot price of A4.
- "Reserved …" without "in Calendar Mode" bills capacity that is held and not used. It is nobody's price of a machine.
- A3 Mega is A3Plus, its GPU "H100 80GB Mega", "H100 Mega 80GB" or "H100 80GB Plus"; A3 Ultra is A3Ultra.
- "A4 Nvidia B200 (1 gpu slice)" and "1/8 vGPU no lssd" (a machine with part of an RTX PRO 6000) cover vCPUs and memory.
- Things not sold in a region may be listed there at zero. Free allowances are a first tier at zero.
- A month of local SSD is spread over 730 hours: that gives the hourly prices of whole machines on Google's pages.

`serviceRegions` are by the documentation the regions a SKU is offered in; zones may follow later than prices.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Context as Arithmetic
from decimal import Decimal
from typing import Annotated, NamedTuple

import msgspec

from gpuguard.errors import ServiceError
from gpuguard.price.schema import EVERYWHERE
from gpuguard.price.sources.base import (
    CHANGED,
    MOST_NOTES,
    Context,
    FetchedPrice,
    Found,
    MachineFacts,
    Part,
    Scope,
    Source,
    Validators,
)

ENDPOINT = "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus"
"""The service is Compute Engine (https://cloud.google.com/skus)."""
KEYS = ("GPUGUARD_GCP_API_KEY", "GOOGLE_API_KEY")
"""Environment variables that may hold the API key; the first that is set counts."""
PAGE_SIZE = 5000
"""The most the API gives at once."""
MAX_PAGES = 200
"""Compute Engine has some 32,000 SKUs: seven pages."""

_TITLE = "Cloud Billing Catalog API: Compute Engine"
_MOST_NAMES = 5
_LONGEST = 300
"""Of a description only so much is looked at; real ones have a third of it."""

_ARITHMETIC = Arithmetic(prec=100)
_PLACES = Decimal("1E-12")
"""To how many places the part of a month's local SSD is rounded that falls to an hour."""
_NANO = Decimal("1E-9")
_ONE = Decimal(1)
_MONTH = Decimal(730)
_GIB = Decimal("1.073741824")
"""Gigabytes (GBy) in a gibibyte (GiBy)."""

_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+\d{1,2}\Z")
_TERM = re.compile(r"(?P<rest>.+) for (?P<years>\d{1,2}) years?\Z", re.ASCII)
_COMMITMENT, _RESERVED, _IN_CALENDAR = "commitment v1: ", "reserved ", " in calendar mode"
_PLACE = re.compile(r" (?:running )?in ")
_SERIES_PART = re.compile(r"[ag]\d+\w* (?:instance )?(?:core|cpu|ram)\b")
"""A vCPU or memory of an accelerator-optimised or graphics series."""


class _Bought(NamedTuple):
    """A purchase model and its term."""

    model: str
    term: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in (self.model.replace("_", " "), self.term) if word)


_ON_DEMAND, _SPOT = _Bought("on_demand"), _Bought("spot")
_FLEX, _CALENDAR = _Bought("flex_start"), _Bought("capacity_block")
_COMMITMENTS = {"Commit1Yr": _Bought("committed_use", "1y"), "Commit3Yr": _Bought("committed_use", "3y")}
_USAGE = {"OnDemand": _ON_DEMAND, "Preemptible": _SPOT, **_COMMITMENTS}
_ALL = (_ON_DEMAND, _SPOT, *_COMMITMENTS.values(), _FLEX, _CALENDAR)
_CLASSIC = _ALL[:4]
_BEGINNINGS = {
    "spot preemptible ": _SPOT,
    "dws defined duration ": _FLEX,
    "dws calendar mode ": _CALENDAR,
}
_HOSTS: dict[str, _Bought | None] = {
    **{name.strip(): bought for name, bought in _BEGINNINGS.items()},
    "sole tenancy": None,
}
"""Which machines a GPU is attached to; on nodes of their own they are billed otherwise."""
_OTHERWISE = ("sole tenancy", "custom", "premium", "overcommit", "suspended")
"""Words in descriptions of what is billed otherwise than by the machines of the catalog."""

# How a thing is measured, and for each usage unit of the API how many of them are in the catalog's: hours, GiB-hours,
# GiB-months, and months of what was provisioned. Recorded answers have h, GiBy.h, GiBy.mo and mo; memory of some other
# series has GBy.h, and Google's page of SKUs shows local SSD by the hour.
_MEASURES = {
    "time": {"h": _ONE},
    "memory": {"GiBy.h": _ONE, "GBy.h": _GIB},
    "disk": {"GiBy.mo": _ONE, "GiBy.h": _MONTH},
    "provisioned": {"mo": _ONE},
}

_SSD = "local SSD"
_EIGHTH = "1/8 RTX PRO 6000 GPU with vCPUs and memory"
_EIGHTHS = Decimal(8)


class _Series(NamedTuple):
    """Machine types by the beginning of their names: whose vCPUs and memory they are billed for, and whose GPU.

    No `series` means that the price of the GPU covers vCPUs and memory. `ssd` tells whether local SSDs are bundled; a
    name that ends in ``-nolssd`` has none all the same. `eighth` is what machines with a part of a GPU are billed for.
    """

    beginning: str
    series: str
    gpu: str
    ssd: bool = False
    eighth: str = ""


_MACHINES = (
    _Series("a2-highgpu-", "A2", "A100 40GB GPU"),
    _Series("a2-megagpu-", "A2", "A100 40GB GPU"),
    _Series("a2-ultragpu-", "A2", "A100 80GB GPU", ssd=True),
    _Series("a3-highgpu-", "A3", "H100 80GB GPU", ssd=True),
    _Series("a3-megagpu-", "A3Plus", "H100 80GB Mega GPU", ssd=True),
    _Series("a3-ultragpu-", "A3Ultra", "H200 141GB GPU", ssd=True),
    _Series("a4-highgpu-", "", "B200 GPU with vCPUs and memory"),
    _Series("g2-standard-", "G2", "L4 GPU"),
    _Series("g4-standard-", "G4", "RTX PRO 6000 GPU", eighth=_EIGHTH),
)
_IN_PARTS = ("ct", "tpu")
"""Beginnings of the names of TPU machine types: the catalog has the price of a chip."""

# What the descriptions say, in lower case and without the words for place and purchase model, "Nvidia" and "Tesla".
_THINGS = {
    **{
        f"{series.lower()}{instance} {word}": (f"{series} {part}", measure)
        for series in dict.fromkeys(each.series for each in _MACHINES if each.series)
        for instance in (" instance", "")
        for word, part, measure in (
            ("core", "vCPU", "time"),
            ("cpu", "vCPU", "time"),
            ("ram", "memory", "memory"),
        )
    },
    "a100 gpu": ("A100 40GB GPU", "time"),
    "a100 80gb gpu": ("A100 80GB GPU", "time"),
    "h100 80gb gpu": ("H100 80GB GPU", "time"),
    "h100 80gb mega gpu": ("H100 80GB Mega GPU", "time"),
    "h100 mega 80gb gpu": ("H100 80GB Mega GPU", "time"),
    "h100 80gb plus gpu": ("H100 80GB Mega GPU", "time"),
    "h200 141gb gpu": ("H200 141GB GPU", "time"),
    "a4 nvidia b200 (1 gpu slice)": ("B200 GPU with vCPUs and memory", "time"),
    "l4 gpu": ("L4 GPU", "time"),
    "rtx 6000 96gb": ("RTX PRO 6000 GPU", "time"),
    "1/8 vgpu no lssd": (_EIGHTH, "time"),
    "t4 gpu": ("T4 GPU", "time"),
    "p4 gpu": ("P4 GPU", "time"),
    "p100 gpu": ("P100 GPU", "time"),
    "v100 gpu": ("V100 GPU", "time"),
    "n1 predefined instance core": ("N1 vCPU", "time"),
    "n1 predefined instance ram": ("N1 memory", "memory"),
    "custom instance core": ("N1 custom vCPU", "time"),
    "custom instance ram": ("N1 custom memory", "memory"),
    **{
        name: (f"TPU {version} chip", "time")
        for version in ("v5e", "v5p", "v6e")
        for name in (f"tpu{version}", f"{version} tpu")
    },
    "tpu7x": ("TPU v7x chip", "time"),
    "7x tpu": ("TPU v7x chip", "time"),
    "ssd backed local storage": (_SSD, "disk"),
    "local ssd": (_SSD, "disk"),
    "storage pd capacity": ("pd-standard", "disk"),
    "ssd backed pd capacity": ("pd-ssd", "disk"),
    "balanced pd capacity": ("pd-balanced", "disk"),
    "extreme pd capacity": ("pd-extreme", "disk"),
    "regional storage pd capacity": ("pd-standard-regional", "disk"),
    "regional ssd backed pd capacity": ("pd-ssd-regional", "disk"),
    "regional balanced pd capacity": ("pd-balanced-regional", "disk"),
    "hyperdisk balanced capacity": ("hyperdisk-balanced", "disk"),
    "hyperdisk extreme capacity": ("hyperdisk-extreme", "disk"),
    "hyperdisk ml capacity": ("hyperdisk-ml", "disk"),
    "hyperdisk throughput capacity": ("hyperdisk-throughput", "disk"),
    "extreme pd iops": ("pd-extreme IOPS", "provisioned"),
    "hyperdisk balanced iops": ("hyperdisk-balanced IOPS", "provisioned"),
    "hyperdisk extreme iops": ("hyperdisk-extreme IOPS", "provisioned"),
    "hyperdisk balanced throughput": ("hyperdisk-balanced throughput", "provisioned"),
    "hyperdisk ml throughput": ("hyperdisk-ml throughput", "provisioned"),
    "hyperdisk throughput throughput": ("hyperdisk-throughput throughput", "provisioned"),
    "hyperdisk throughput throughput capacity": ("hyperdisk-throughput throughput", "provisioned"),
    "licensing fee for nvidia quadro virtual workstation (gpu cost)": ("RTX Virtual Workstation licence", "time"),
}
_COMMITTED_THINGS = {**_THINGS, "cpu": ("N1 vCPU", "time"), "ram": ("N1 memory", "memory")}
"""Under a commitment; those of N1 do not name the series."""
_WITHDRAWN = ("k80 gpu",)
"""GPUs that can no longer be had."""


class _Row(NamedTuple):
    """Rows of the catalog that one thing is the price of; under a commitment it may be `committed` instead."""

    kind: str
    sku: str
    unit: str
    thing: str
    bought: tuple[_Bought, ...] = (_ON_DEMAND,)
    committed: str = ""


_ROWS = (
    _Row("vcpu", "n1", "hour", "N1 vCPU", _CLASSIC),
    _Row("memory", "n1", "hour", "N1 memory", _CLASSIC),
    # One commitment covers predefined and custom machine types of N1.
    _Row("vcpu", "n1-custom", "hour", "N1 custom vCPU", _CLASSIC, "N1 vCPU"),
    _Row("memory", "n1-custom", "hour", "N1 custom memory", _CLASSIC, "N1 memory"),
    _Row("accelerator", "T4", "hour", "T4 GPU", (*_CLASSIC, _FLEX)),
    _Row("accelerator", "P4", "hour", "P4 GPU", (*_CLASSIC, _FLEX)),
    _Row("accelerator", "P100", "hour", "P100 GPU", (*_CLASSIC, _FLEX)),
    _Row("accelerator", "V100-16GB", "hour", "V100 GPU", (*_CLASSIC, _FLEX)),
    *(
        _Row("accelerator", f"TPU-{version}", "hour", f"TPU {version} chip", _ALL)
        for version in ("v5e", "v5p", "v6e", "v7x")
    ),
    _Row("storage", "local-ssd", "GiB-month", _SSD, _CLASSIC),
    *(
        _Row("storage", name, "GiB-month", name)
        for name in dict.fromkeys(thing for thing, measure in _THINGS.values() if measure == "disk" and thing != _SSD)
    ),
    *(
        _Row("iops", thing.removesuffix(" IOPS"), "IOPS-month", thing)
        for thing in dict.fromkeys(thing for thing, _ in _THINGS.values() if thing.endswith(" IOPS"))
    ),
    *(
        _Row("throughput", thing.removesuffix(" throughput"), "MiBps-month", thing)
        for thing in dict.fromkeys(thing for thing, _ in _THINGS.values() if thing.endswith(" throughput"))
    ),
    _Row("license", "rtx-vws", "hour", "RTX Virtual Workstation licence"),
)


class _Category(msgspec.Struct, rename="camel"):
    resource_group: str
    usage_type: str


class _Sku(msgspec.Struct, rename="camel"):
    """One SKU: the fields that are read. Its prices stay as they are written until it is known to matter."""

    sku_id: str
    description: str
    category: _Category
    service_regions: list[str]
    pricing_info: msgspec.Raw

    def __str__(self) -> str:
        return f"SKU {self.sku_id[:40]!r}, {self.description[:100]!r}"


class _Page(msgspec.Struct, rename="camel"):
    """One answer. On the last page the token is empty or left out."""

    skus: list[_Sku] | msgspec.UnsetType = msgspec.UNSET
    next_page_token: str = ""


class _Money(msgspec.Struct, rename="camel"):
    """google.type.Money: `units` is a 64-bit integer, which JSON has as a string; `nanos` are billionths."""

    currency_code: str
    units: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,9}$")] | msgspec.UnsetType = msgspec.UNSET
    nanos: Annotated[int, msgspec.Meta(gt=-1_000_000_000, lt=1_000_000_000)] | msgspec.UnsetType = msgspec.UNSET


class _Tier(msgspec.Struct, rename="camel"):
    unit_price: _Money


class _Expression(msgspec.Struct, rename="camel"):
    usage_unit: str
    tiered_rates: list[_Tier]


class _Pricing(msgspec.Struct, rename="camel"):
    effective_time: Annotated[datetime, msgspec.Meta(tz=True)]
    pricing_expression: _Expression


class _Listed:
    """Collects the prices of things, by purchase model and region, and what was not understood."""

    def __init__(self, context: Context) -> None:
        self._wanted, self._today = context.wanted, date.fromisoformat(context.today)
        self._known = frozenset(context.known.regions("gcp"))
        self._prices: dict[tuple[str, _Bought], dict[str, Decimal]] = {}
        self._notes: dict[tuple[str, str], tuple[str, set[str]]] = {}
        self.recognised = 0

    def read(self, sku: _Sku) -> None:
        """Take a SKU, or leave it where it prices nothing the catalog has."""
        what, bought = _understood(sku)
        if what in _COMMITTED_THINGS:
            self.recognised += 1
        elif what in _WITHDRAWN or any(word in what for word in _OTHERWISE) or not _accelerated(sku, what):
            return
        if bought is None:
            return
        if isinstance(bought, str):
            self._note(sku, f"{what[:80]!r} is {bought}")
        elif self._wanted.bought(bought.model):
            things = _COMMITTED_THINGS if bought.term else _THINGS
            if what in things:
                self._add(sku, *things[what], bought)
            else:
                self._note(sku, f"{what[:80]!r} ({bought}) is not known")

    def of(self, thing: str, bought: _Bought) -> Mapping[str, Decimal]:
        """The prices of a thing by region."""
        return self._prices.get((thing, bought), {})

    def note(self, what: str, end: str, regions: Iterable[str]) -> None:
        """Remember what was not understood or is not there; it is told once for all regions."""
        if found := set(regions):
            self._notes.setdefault((what, end), ("", set()))[1].update(found)

    def notes(self) -> list[str]:
        """All of that, one line each."""
        return [
            f"{what}{f' in {_some(sorted(regions))}' if regions else ''}{first}{end}"
            for (what, end), (first, regions) in self._notes.items()
        ]

    def _note(self, sku: _Sku, what: str, end: str = "", regions: Iterable[str] | None = None) -> None:
        """Remember something about a SKU; only the first of a kind is named."""
        found = set(self._regions(sku) if regions is None else regions)
        if found:
            self._notes.setdefault((what, end), (f" (SKU {sku.sku_id[:40]!r})", set()))[1].update(found)

    def _regions(self, sku: _Sku) -> Iterator[str]:
        """The regions of a SKU that are wanted. Under a pattern only known ones are: the scopes cannot name others."""
        for name in sku.service_regions:
            if name == "global":
                name = EVERYWHERE
            elif not _REGION.match(name):
                continue
            if not self._wanted.regions or (name in self._known and self._wanted.region(name)):
                yield name

    def _add(self, sku: _Sku, thing: str, measure: str, bought: _Bought) -> None:
        regions = list(self._regions(sku))
        pricing = self._in_force(sku, thing) if regions else None
        if pricing is None:
            return
        expression = pricing.pricing_expression
        factor = _MEASURES[measure].get(expression.usage_unit)
        if factor is None:
            self._note(sku, f"{thing} ({bought}) is priced per {expression.usage_unit[:40]!r}")
            return
        price = self._price(sku, thing, expression)
        if price is None:
            return
        if not price:
            self._note(sku, f"{thing} ({bought}) is listed at zero", ": taken as not sold there")
            return
        amount = _ARITHMETIC.multiply(price, factor)
        prices = self._prices.setdefault((thing, bought), {})
        for region in regions:
            other = prices.setdefault(region, amount)
            if other != amount:
                prices[region] = max(other, amount)
                self._note(sku, f"{thing} ({bought}) has several prices", ": the dearest is taken", [region])

    def _in_force(self, sku: _Sku, thing: str) -> _Pricing | None:
        """The latest price that has begun."""
        try:
            timeline = msgspec.json.decode(sku.pricing_info, type=list[_Pricing])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            told = str(error) if isinstance(error, msgspec.ValidationError) else "invalid JSON"
            raise _broken(f"{sku}: pricingInfo has another form than documented: {told[:200]}") from None
        begun = [each for each in timeline if each.effective_time.date() <= self._today]
        if begun:
            return max(begun, key=lambda each: each.effective_time)
        first = min((each.effective_time.date() for each in timeline), default=None)
        self._note(sku, f"{thing}: a price that begins on {first}" if first else f"{thing}: a SKU without a price")
        return None

    def _price(self, sku: _Sku, thing: str, expression: _Expression) -> Decimal | None:
        """The price of the first tier that costs something, else zero; None where it is not in USD."""
        for tier in expression.tiered_rates:
            money = tier.unit_price
            if money.currency_code != "USD":
                self._note(sku, f"{thing}: a price in {money.currency_code[:40]!r} instead of USD")
                return None
            if amount := _amount(sku, money):
                return amount
        return Decimal(0)


def _accelerated(sku: _Sku, what: str) -> bool:
    """Whether a SKU is of accelerators or of machines that carry them."""
    return sku.category.resource_group in ("GPU", "TPU") or _SERIES_PART.match(what) is not None


def _understood(sku: _Sku) -> tuple[str, _Bought | str | None]:
    """What a SKU prices, and how it is bought: None where no machine of the catalog is, words where it is not clear."""
    text = " ".join(sku.description[:_LONGEST].lower().split())
    own = _USAGE.get(sku.category.usage_type)
    committed = text.startswith(_COMMITMENT)
    text, years = text.removeprefix(_COMMITMENT), ""
    if term := _TERM.match(text):
        text, years = term["rest"], term["years"]
    marks = set[_Bought | None]()
    calendar = text.endswith(_IN_CALENDAR)
    text = text.removesuffix(_IN_CALENDAR)
    if text.startswith(_RESERVED):
        text = text.removeprefix(_RESERVED)
        marks.add(_CALENDAR if calendar else None)
    for beginning, bought in _BEGINNINGS.items():
        if text.startswith(beginning):
            text = text.removeprefix(beginning)
            marks.add(bought)
    text, _, host = _PLACE.split(text, maxsplit=1)[0].partition(" attached to ")
    what = text.removeprefix("nvidia ").removeprefix("tesla ")
    if host:
        host = host.removesuffix("s").removesuffix(" vm")
        if host not in _HOSTS:
            return what, f"attached to {host[:40]!r}"
        marks.add(_HOSTS[host])
    if None in marks:
        return what, None
    if not marks:
        if own is None or (committed or bool(years)) != bool(own.term) or (years and own.term != f"{years}y"):
            return what, f"of the usage type {sku.category.usage_type[:40]!r} and described otherwise"
        return what, own
    mark = marks.pop()
    if marks or committed or years or own not in (_ON_DEMAND, mark):
        return what, f"bought in two ways at once ({sku.category.usage_type[:40]!r})"
    return what, mark


def _amount(sku: _Sku, money: _Money) -> Decimal:
    if money.units is msgspec.UNSET and money.nanos is msgspec.UNSET:
        raise _broken(f"{sku}: unitPrice has neither units nor nanos")
    units = Decimal(0 if money.units is msgspec.UNSET else money.units)
    nanos = Decimal(0 if money.nanos is msgspec.UNSET else money.nanos)
    amount = _ARITHMETIC.add(units, _ARITHMETIC.multiply(nanos, _NANO))
    if amount < 0:
        # the price of a machine it is a part of could still be above zero, and would be believed
        raise _broken(f"{sku}: a price below zero")
    return amount


# --- machines --------------------------------------------------------------------------------------------------------------


class _Machine(NamedTuple):
    """A machine type and how much of which things it is billed for; the accelerator comes first."""

    sku: str
    series: _Series
    things: tuple[tuple[str, Decimal], ...]


def _machines(context: Context) -> Iterator[_Machine]:
    """The machine types that can be made of SKUs."""
    for facts in context.known.machines("gcp"):
        for series in _MACHINES:
            if facts.sku.startswith(series.beginning) and (things := _things(facts, series)):
                yield _Machine(facts.sku, series, things)


def _things(facts: MachineFacts, series: _Series) -> tuple[tuple[str, Decimal], ...]:
    """What a machine type is billed for; nothing where too little of it is known."""
    count = Decimal(str(facts.gpu_count))
    if series.eighth and 0 < count < 1:
        return ((series.eighth, count * _EIGHTHS),)
    things = [(series.gpu, count)]
    if series.series:
        if facts.vcpus is None or facts.memory_gib is None:
            return ()
        things.append((f"{series.series} vCPU", Decimal(str(facts.vcpus))))
        things.append((f"{series.series} memory", Decimal(str(facts.memory_gib))))
    if series.ssd and not facts.sku.endswith("-nolssd"):
        if not facts.local_ssd_gib:
            return ()
        things.append((_SSD, Decimal(str(facts.local_ssd_gib))))
    return tuple(things) if count else ()


def _composed(machine: _Machine, bought: _Bought, listed: _Listed) -> Iterator[FetchedPrice]:
    """The prices of a machine type wherever its accelerator is sold."""
    for region in listed.of(machine.things[0][0], bought):
        total, lacking = Decimal(0), []
        for thing, quantity in machine.things:
            price = listed.of(thing, bought).get(region)
            if price is None:
                lacking.append(thing)
                continue
            part = _ARITHMETIC.multiply(price, quantity)
            if thing == _SSD:
                part = _ARITHMETIC.quantize(_ARITHMETIC.divide(part, _MONTH), _PLACES)
            total = _ARITHMETIC.add(total, part)
        if lacking:
            what = f"{machine.series.beginning}* ({bought}): no {' and no '.join(lacking)}"
            listed.note(what, ": not priced there", [region])
        else:
            yield FetchedPrice(
                "machine", machine.sku, region, "hour", _plain(total), purchase_model=bought.model, term=bought.term
            )


def _without_accelerator(listed: _Listed, bought: _Bought) -> None:
    """Note where a series has vCPUs and none of its accelerators: one may go by a new name."""
    accelerators: dict[str, set[str]] = {}
    for each in _MACHINES:
        if each.series:
            accelerators.setdefault(each.series, set()).update(listed.of(each.gpu, bought))
    for series, regions in accelerators.items():
        lacking = listed.of(f"{series} vCPU", bought).keys() - regions
        listed.note(f"{series} ({bought}): vCPUs, but no accelerator that is known", "", lacking)


# --- asking ------------------------------------------------------------------------------------------------------------------


def missing(environment: Mapping[str, str]) -> str:
    """What is lacking to ask, in words."""
    return "" if _key(environment) else f"an API key of Google Cloud (in {' or '.join(KEYS)})"


def _key(environment: Mapping[str, str]) -> str:
    return next((key for name in KEYS if (key := environment.get(name, "").strip())), "")


def _parts(context: Context) -> Iterator[Part]:
    """One part: the API has one list for all regions and purchase models."""
    regions: tuple[str, ...] = ()
    if context.wanted.regions:
        regions = tuple(name for name in sorted(context.known.regions("gcp")) if context.wanted.region(name))
        if not regions:
            return
    rows = [("machine", machine.sku, bought) for machine in _machines(context) for bought in _ALL]
    rows += [(row.kind, row.sku, bought) for row in _ROWS for bought in row.bought]
    scopes = dict.fromkeys(
        Scope("gcp", kind, bought.model, regions, sku)
        for kind, sku, bought in rows
        if context.wanted.bought(bought.model)
    )
    if scopes:
        yield Part("gcp-compute/skus", tuple(scopes), _read)


def _read(context: Context, validators: Validators | None) -> Found:
    """The prices of Compute Engine; the API has no validators, so it is always asked."""
    listed = _Listed(context)
    for sku in _skus(context):
        listed.read(sku)
    if not listed.recognised:
        raise _broken("none of its SKUs is one that is known")
    prices = [
        FetchedPrice(row.kind, row.sku, region, row.unit, _plain(usd), purchase_model=bought.model, term=bought.term)
        for row in _ROWS
        for bought in row.bought
        for region, usd in listed.of((row.committed if bought.term else "") or row.thing, bought).items()
        if region != EVERYWHERE or row.kind == "license"
    ]
    machines = tuple(_machines(context))
    for bought in _ALL:
        for machine in machines:
            prices += _composed(machine, bought, listed)
        _without_accelerator(listed, bought)
    prices.sort(key=lambda price: (price.kind, price.sku, price.region, price.purchase_model, price.term))
    notes = listed.notes()
    made = {machine.sku for machine in machines}
    names = sorted(each.sku for each in context.known.machines("gcp") if each.sku not in made)
    if unmade := [name for name in names if not name.startswith(_IN_PARTS)]:
        notes.append(f"not priced, for what they are billed for is not known: {_some(unmade)}")
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES - 1 :] = [f"and {len(notes) - MOST_NOTES + 1} more"]
    return Found(context.today, _TITLE, tuple(prices), notes=tuple(notes))


def _skus(context: Context) -> Iterator[_Sku]:
    """All SKUs, page by page. Raises `ServiceError` where the pages lead in a circle, on and on, or hold none."""
    headers = {"X-Goog-Api-Key": _key(context.environment)}
    params = {"pageSize": str(PAGE_SIZE), "currencyCode": "USD"}
    seen = {""}
    for number in range(MAX_PAGES):
        page = _page(context, params, headers)
        if page.skus is not msgspec.UNSET:
            yield from page.skus
        elif page.next_page_token or not number:
            raise _broken("a page has no skus")
        if not page.next_page_token:
            return
        if page.next_page_token in seen:
            raise _broken("the pages lead in a circle")
        seen.add(page.next_page_token)
        params["pageToken"] = page.next_page_token
    raise _broken(f"more than {MAX_PAGES} pages")


def _page(context: Context, params: Mapping[str, str], headers: Mapping[str, str]) -> _Page:
    try:
        return context.http.get(context.endpoint, _Page, params=params, headers=headers).value
    except ServiceError as error:
        # Google answers an invalid key with 400, a missing or restricted one with 403
        # (https://cloud.google.com/docs/authentication/api-keys).
        if not re.search(r": status 40[013]\b", error.message):
            raise
        raise ServiceError(
            error.message,
            hint=f"Check the API key in {' or '.join(KEYS)}, its restrictions, and that the Cloud Billing API is enabled "
            "in its project.",
        ) from None


def _plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros or exponent."""
    text = f"{amount:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def _broken(what: str) -> ServiceError:
    return ServiceError(f"{_TITLE}: {what}", hint=CHANGED)


SOURCES = (Source("gcp-compute", "gcp", f"{_TITLE} SKUs", ENDPOINT, _parts, missing),)
