"""AWS list prices from the public price list files: EC2, EBS, SageMaker and Savings Plans. No account is needed.

The files and their columns: AWS Billing User Guide, "Getting price list files", "Reading the service price list file
for an AWS service" and "… for a Savings Plan" (docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html).
An index names one file for every region; each is CSV: five rows about the file, one with the names of the columns, then
one row for every price. The columns are the union of the attributes of the products in the file, so one that no product
there has may be missing. The EC2 file of a large region has hundreds of megabytes: it is read line by line, and only
lines that name an accelerated machine type, or a provisioned property of a disk, are parsed.

Not in these files:
- China: cn-north-1 and cn-northwest-1 publish their own, in CNY. GovCloud is in them.
- What a Capacity Block costs. Its rows (MarketOption ``CapacityBlock``) are there at 0 USD, for the fee is paid
  beforehand and only DescribeCapacityBlockOfferings tells it; they are left out.
- Local Zones and Wavelength Zones have files of their own, which are not read.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache, partial
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

import msgspec

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
from gpuguard.price.sources.http import starting_over

CLOUD = "aws"
ENDPOINT = "https://pricing.us-east-1.amazonaws.com"

_EC2_INDEX = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
_SAGEMAKER_INDEX = "/offers/v1.0/aws/AmazonSageMaker/current/region_index.json"
_COMPUTE_PLANS_INDEX = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"
_SAGEMAKER_PLANS_INDEX = "/savingsPlan/v1.0/aws/AWSMachineLearningSavingsPlans/current/region_index.json"

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}\Z")
"""A region (us-east-1, us-gov-west-1); the index lists zones in cities besides (us-west-2-lax-1)."""
_FILE = re.compile(r"(?:/[A-Za-z0-9._-]+)+\.json\Z")
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d{1,18})?(?:[eE]-?\d{1,2})?\Z")

# How a line names a machine type: as a field of its own, after the usage (BoxUsage:g5.xlarge), or with the prefix ml.
_IN_FIELD = re.compile(rb',"?([a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30})[",]')
_IN_USAGE = re.compile(rb':([a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30})[",]')
_SAGEMAKER = re.compile(rb"(ml\.[a-z0-9-]{1,30}\.[a-z0-9]{1,30})")
_DISK = b"EBS:Volume"

_HOURS = {"1y": Decimal(8760), "3y": Decimal(26280)}
_TERMS = {"1yr": "1y", "3yr": "3y"}
_PAYMENTS = {"no upfront": "no_upfront", "partial upfront": "partial_upfront", "all upfront": "all_upfront"}
_HOURLY = frozenset({"hrs", "hours", "hour"})
_SIX_PLACES = Decimal("0.000001")

_MOST_HEAD_ROWS = 20
_MOST_PRICES = 200_000
"""Prices of accelerated machines in one file; a large region has a few thousand."""

_EC2_SYSTEMS = {
    "Linux": "linux",
    "Windows": "windows",
    "RHEL": "rhel",
    "SUSE": "sles",
    "Ubuntu Pro": "ubuntu-pro",
}

_USAGE_OPERATIONS = {
    "RunInstances": "linux",
    "RunInstances:0002": "windows",
    "RunInstances:0010": "rhel",
    "RunInstances:000g": "sles",
    "RunInstances:0g00": "ubuntu-pro",
}
"""Operating system by usage operation (EC2 User Guide, "AMI billing information fields"). Others carry SQL Server, high
availability or the user's own licence."""

_EC2_OTHER_SYSTEMS = frozenset({"Red Hat Enterprise Linux with HA", "NA"})

# What an instance on shared hardware, used and paid by the hour, has in these columns, and what other products have.
_EC2_ATTRIBUTES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "productfamily": (frozenset({"Compute Instance", "Compute Instance (bare metal)"}), frozenset({"Dedicated Host"})),
    "locationtype": (
        frozenset({"AWS Region"}),
        frozenset({"AWS Local Zone", "AWS Wavelength Zone", "AWS Outposts"}),
    ),
    "tenancy": (frozenset({"Shared"}), frozenset({"Dedicated", "Host", "Reserved", "NA"})),
    # An allocated reservation is listed at 0 USD: the instance in it pays; an unused one costs what the instance would.
    "capacitystatus": (
        frozenset({"Used"}),
        frozenset({"AllocatedCapacityReservation", "UnusedCapacityReservation", "AllocatedHost"}),
    ),
    "marketoption": (frozenset({"OnDemand", ""}), frozenset({"CapacityBlock"})),
    "licensemodel": (
        frozenset({"No License required"}),
        frozenset({"Bring your own license", "License Included - Infrastructure", "NA"}),
    ),
    "preinstalledsw": (frozenset({"NA"}), frozenset({"SQL Std", "SQL Ent", "SQL Web"})),
    "operatingsystem": (frozenset(_EC2_SYSTEMS), _EC2_OTHER_SYSTEMS),
}

# Kind and SKU of the usage types of EBS. The API calls io1 "piops", and io2 has three steps of operations:
# up to 32,000, up to 64,000, and above (aws.amazon.com/ebs/pricing).
_DISK_USAGE: Mapping[str, tuple[str, str]] = {
    "EBS:VolumeUsage": ("storage", "standard"),
    "EBS:VolumeUsage.gp2": ("storage", "gp2"),
    "EBS:VolumeUsage.gp3": ("storage", "gp3"),
    "EBS:VolumeUsage.piops": ("storage", "io1"),
    "EBS:VolumeUsage.io2": ("storage", "io2"),
    "EBS:VolumeUsage.st1": ("storage", "st1"),
    "EBS:VolumeUsage.sc1": ("storage", "sc1"),
    "EBS:VolumeP-IOPS.gp3": ("iops", "gp3"),
    "EBS:VolumeP-IOPS.piops": ("iops", "io1"),
    "EBS:VolumeP-IOPS.io2": ("iops", "io2"),
    "EBS:VolumeP-IOPS.io2.tier2": ("iops", "io2-over-32000"),
    "EBS:VolumeP-IOPS.io2.tier3": ("iops", "io2-over-64000"),
    "EBS:VolumeP-Throughput.gp3": ("throughput", "gp3"),
}
# Units of the API in lower case, and how many of the catalog's unit one of them is. EBS sizes are in GiB whatever the
# API calls them.
_DISK_UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "storage": {"gb-mo": Decimal(1), "gb-month": Decimal(1)},
    "iops": {"iops-mo": Decimal(1)},
    "throughput": {"gibps-mo": Decimal(1024), "mibps-mo": Decimal(1)},
}
_UNITS = {"storage": "GiB-month", "iops": "IOPS-month", "throughput": "MiBps-month"}

_BOX = "BoxUsage"
_OTHER_USAGE = frozenset(
    {"DedicatedUsage", "UnusedBox", "UnusedDed", "HostBoxUsage", "HostUsage", "Reservation", "DedicatedRes"}
)
_EC2_USAGE_TYPE = re.compile(r"(?:[A-Z0-9]+-)?([A-Za-z]+):([a-z][a-z0-9-]*\.[a-z0-9-]+)\Z")
_SAGEMAKER_USAGE_TYPE = re.compile(r"(?:[A-Z]{2,4}\d?-)?(.+?)[:-]ml\.[a-z0-9-]+\.[a-z0-9]+\Z")

# Uses of a SageMaker machine that are not a rent by the hour at list price: training plans, managed spot training, the
# free trial, and the surcharge of geospatial processing.
_OTHER_USES = ("reserved", "trainingplan", "spot", "free", "geo")

# A Compute plan covers every family and region, so its rate is what a row without a note means.
_PLANS = {"ComputeSavingsPlans": "", "EC2InstanceSavingsPlans": "EC2 Instance Savings Plan"}

_Row = TypeVar("_Row", bound=msgspec.Struct)


class _RegionFile(msgspec.Struct, rename="camel"):
    current_version_url: str


class _RegionIndex(msgspec.Struct):
    regions: dict[str, _RegionFile]


class _PlanFile(msgspec.Struct, rename="camel"):
    region_code: str
    version_url: str


class _PlanIndex(msgspec.Struct):
    regions: list[_PlanFile]


# The columns read, by their names without case, spaces and signs; one with a default may be missing.


class _Ec2Row(msgspec.Struct):
    sku: str
    offertermcode: str
    termtype: str
    unit: str
    priceperunit: str
    currency: str
    productfamily: str
    locationtype: str
    instancetype: str
    tenancy: str
    operatingsystem: str
    licensemodel: str
    usagetype: str
    capacitystatus: str
    preinstalledsw: str
    regioncode: str
    marketoption: str = ""
    leasecontractlength: str = ""
    purchaseoption: str = ""
    offeringclass: str = ""
    vcpu: str = ""
    memory: str = ""
    gpu: str = ""
    physicalprocessor: str = ""


class _SageMakerRow(msgspec.Struct):
    termtype: str
    unit: str
    priceperunit: str
    currency: str
    productfamily: str
    locationtype: str
    usagetype: str
    regioncode: str
    instancename: str = ""
    instancetype: str = ""
    component: str = ""
    platoinstancetype: str = ""


class _PlanRow(msgspec.Struct):
    unit: str
    discountedrate: str
    currency: str
    discountedservicecode: str
    discountedusagetype: str
    discountedoperation: str
    purchaseoption: str
    leasecontractlength: str
    leasecontractlengthunit: str
    productfamily: str
    discountedregioncode: str


class _File(Generic[_Row]):
    """One price list file as its lines come.

    `name` stands in messages. `published` is the day, `version` and `offer` what the file says of itself. Raises
    `ServiceError` with the line where a file is not of the documented form.
    """

    def __init__(self, lines: Iterable[bytes], row: type[_Row], name: str) -> None:
        self._name, self._row = name, row
        self._lines = enumerate(lines, 1)
        about: dict[str, str] = {}
        for number, line in self._lines:
            cells = self._cells(line, number)
            if _squeezed(cells[0]) == "sku":
                self._width = len(cells)
                self._pick = self._columns(cells, number)
                break
            if number > _MOST_HEAD_ROWS:
                raise self.wrong(number, "the row with the names of the columns is missing")
            about[_squeezed(cells[0])] = cells[1] if len(cells) > 1 else ""
        else:
            raise ServiceError(f"{name}: the file ends before the names of its columns", hint=CHANGED)
        form = about.get("formatversion", "")
        if not form.startswith("v1."):
            raise ServiceError(f"{name}: the file has format version {_shown(form)}, expected v1", hint=CHANGED)
        self.published = _day(about.get("publicationdate", ""), name)
        self.version, self.offer = _shown(about.get("version", "")), about.get("offercode", "")

    def rows(self, wanted: Callable[[bytes], bool]) -> Iterator[tuple[int, _Row]]:
        """The rows whose line is wanted, with its number."""
        width, pick, row = self._width, self._pick, self._row
        for number, line in self._lines:
            if not wanted(line):
                continue
            cells = self._cells(line, number)
            if len(cells) != width:
                raise self.wrong(number, f"{len(cells)} fields, expected {width}")
            cells.append("")
            yield number, row(*pick(cells))

    def amount(self, text: str, number: int) -> Decimal:
        """A price, without superfluous zeros."""
        if not _AMOUNT.match(text):
            raise self.wrong(number, f"the price {_shown(text)} is no number")
        return _tidy(Decimal(text))

    def wrong(self, number: int, what: str) -> ServiceError:
        """The error to raise about a line."""
        return ServiceError(f"{self._name}, line {number}: {what}", hint=CHANGED)

    def _cells(self, line: bytes, number: int) -> list[str]:
        if line.count(b'"') % 2:
            raise self.wrong(number, "a quoted field goes on over the end of the line, or a quote is missing")
        try:
            cells = next(csv.reader([line.decode()], strict=True), None)
        except (csv.Error, UnicodeDecodeError):
            raise self.wrong(number, "the row is no valid CSV in UTF-8") from None
        return cells or [""]

    def _columns(self, names: list[str], number: int) -> Callable[[list[str]], tuple[str, ...]]:
        places: dict[str, int] = {}
        squeezed = [_squeezed(name) for name in names]
        lacking = []
        for field in msgspec.structs.fields(self._row):
            match squeezed.count(field.name):
                case 1:
                    places[field.name] = squeezed.index(field.name)
                case 0 if not field.required:
                    places[field.name] = len(names)  # an empty cell is put at the end of every row
                case 0:
                    lacking.append(field.name)
                case _:
                    raise self.wrong(number, f"the column {field.name} is there twice")
        if lacking:
            raise self.wrong(number, f"the file lacks the columns {', '.join(lacking)} (names without case and signs)")
        return itemgetter(*places.values())


class _Notes:
    """What was met and not understood: each thing once, with the first machine it was met at."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._more = 0

    def __call__(self, what: str, sku: str) -> None:
        if what in self._first:
            return
        if len(self._first) < MOST_NOTES - 1:
            self._first[what] = sku
        else:
            self._more += 1

    def lines(self) -> tuple[str, ...]:
        """The notes, one line each."""
        told = [f"{what}: left out (first at {sku})" for what, sku in self._first.items()]
        return (*told, f"and {self._more} more") if self._more else tuple(told)


class _Prices:
    """The prices of one file, one for every key; of two the dearer stays."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._prices: dict[tuple[str, ...], FetchedPrice] = {}
        self._twice: dict[str, str] = {}

    def add(self, price: FetchedPrice) -> None:
        """Take one price."""
        key = (price.kind, price.sku, price.region, price.os, price.purchase_model, price.term, price.payment)
        present = self._prices.get(key)
        if present is None or price.usd > present.usd:
            self._prices[key] = price
        if present is not None and present.usd != price.usd and len(self._twice) < MOST_NOTES:
            dear, cheap = max(present.usd, price.usd), min(present.usd, price.usd)
            named = " ".join(filter(None, (price.os, price.purchase_model, price.term, price.payment)))
            self._twice.setdefault(price.sku, f"{price.sku}: two prices for {named}, {dear:f} taken and not {cheap:f}")
        if len(self._prices) > _MOST_PRICES:
            raise ServiceError(f"{self._file}: more than {_MOST_PRICES} prices of accelerated machines", hint=CHANGED)

    def all(self) -> tuple[FetchedPrice, ...]:
        """The prices, sorted by key."""
        return tuple(price for _, price in sorted(self._prices.items()))

    def notes(self, notes: _Notes) -> tuple[str, ...]:
        """What is to be said of the file, of doubles too."""
        return (*notes.lines(), *self._twice.values())[:MOST_NOTES]


class _Use(NamedTuple):
    """One of several prices of the same machine, and what it is rented for."""

    usd: Decimal
    name: str


class _Dearest:
    """The dearest of the prices that the catalog does not tell apart, by key."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._uses: dict[tuple[str, ...], _Use] = {}
        self._differ: set[tuple[str, ...]] = set()

    def add(self, key: tuple[str, ...], usd: Decimal, name: str) -> None:
        """Take one price. Of equal ones the name first in the alphabet stays."""
        present = self._uses.setdefault(key, _Use(usd, name))
        if usd != present.usd:
            self._differ.add(key)
        if usd > present.usd or (usd == present.usd and name < present.name):
            self._uses[key] = _Use(usd, name)
        if len(self._uses) > _MOST_PRICES:
            raise ServiceError(f"{self._file}: more than {_MOST_PRICES} prices of accelerated machines", hint=CHANGED)

    def all(self) -> Iterator[tuple[tuple[str, ...], _Use, bool]]:
        """Key, dearest price, and whether there are others."""
        for key, use in self._uses.items():
            yield key, use, key in self._differ


class _Reservation(msgspec.Struct):
    """One way to reserve one machine: AWS lists the fee for the term and the price per hour in two rows."""

    type: str
    os: str
    term: str
    payment: str
    hourly: Decimal | None = None
    upfront: Decimal | None = None


# --- EC2 and EBS ---


def _ec2_parts(context: Context) -> Iterator[Part]:
    models = [model for model in ("on_demand", "reserved") if context.wanted.bought(model)]
    if not models:
        return
    for region, path in _region_files(context, _EC2_INDEX):
        scopes = [Scope(CLOUD, "machine", model, (region,)) for model in models]
        if "on_demand" in models:
            scopes += [Scope(CLOUD, kind, "on_demand", (region,), sku) for kind, sku in _DISK_USAGE.values()]
        yield Part(f"aws-ec2/{region}", tuple(scopes), partial(_again(_read_ec2), region=region, path=path))


def _read_ec2(context: Context, validators: Validators | None, *, region: str, path: str) -> Found:
    """Read the EC2 file of a region: on demand, standard reservations, disks; facts of types the catalog lacks."""
    name = f"AWS price list AmazonEC2 {region}"
    notes, prices = _Notes(), _Prices(name)
    reserved: dict[tuple[str, str], _Reservation] = {}
    types: dict[str, FetchedType] = {}
    on_demand_wanted, reserved_wanted = context.wanted.bought("on_demand"), context.wanted.bought("reserved")
    named = _naming(_IN_FIELD, context)

    def wanted(line: bytes) -> bool:
        return named(line) or (on_demand_wanted and _DISK in line)

    with context.http.lines(context.endpoint + path, validators=validators) as lines:
        file = _File(lines, _Ec2Row, name)
        _same_offer(file.offer, "AmazonEC2", name)
        for number, row in file.rows(wanted):
            if not row.instancetype:
                if disk := _disk(row, region, file, number, notes):
                    prices.add(disk)
                continue
            if not context.known.accelerated(CLOUD, row.instancetype):
                continue
            if not _plain_instance(row, region, notes):
                continue
            sku = context.known.spelling(CLOUD, row.instancetype)
            if sku not in types and context.known.machine(CLOUD, sku) is None:
                types[sku] = _type(row, sku)
            system = _EC2_SYSTEMS[row.operatingsystem]
            usd = file.amount(row.priceperunit, number)
            if row.termtype == "OnDemand":
                if row.unit.lower() not in _HOURLY:
                    raise file.wrong(number, f"{_shown(sku)} is priced per {_shown(row.unit)}, expected Hrs")
                if on_demand_wanted:
                    prices.add(FetchedPrice("machine", sku, region, "hour", usd, system))
            elif row.termtype == "Reserved":
                if reserved_wanted:
                    _reserve(row, sku, system, usd, reserved, file, number, notes)
            else:
                notes(f"terms of type {_shown(row.termtype)}", sku)
        seen = lines.validators
    for reservation in reserved.values():
        if price := _reserved_price(reservation, region, notes):
            prices.add(price)
    return _found(file, f"AmazonEC2, {region}", prices, notes, seen, tuple(types.values()))


def _plain_instance(row: _Ec2Row, region: str, notes: _Notes) -> bool:
    """Whether a row is about a running instance on shared hardware without extra software, priced in USD."""
    for column, (right, other) in _EC2_ATTRIBUTES.items():
        value = getattr(row, column)
        if value in right:
            continue
        if value not in other:
            notes(f"{column} {_shown(value)}", row.instancetype)
        return False
    return _in_place(row.regioncode, row.currency, region, row.instancetype, notes)


def _in_place(code: str, currency: str, region: str, sku: str, notes: _Notes) -> bool:
    if code != region:
        notes(f"prices of the region {_shown(code)} in the file of another", sku)
        return False
    if currency != "USD":
        notes(f"prices in {_shown(currency)}", sku)
        return False
    return True


def _reserve(
    row: _Ec2Row,
    sku: str,
    system: str,
    usd: Decimal,
    reserved: dict[tuple[str, str], _Reservation],
    file: _File[_Ec2Row],
    number: int,
    notes: _Notes,
) -> None:
    """Note the fee or the hourly price of a reservation. Convertible ones cost more and are another thing to buy."""
    if row.offeringclass != "standard":
        if row.offeringclass != "convertible":
            notes(f"offering class {_shown(row.offeringclass)}", sku)
        return
    term = _TERMS.get(row.leasecontractlength.replace(" ", ""))
    payment = _PAYMENTS.get(row.purchaseoption.lower())
    if term is None or payment is None:
        notes(f"reservations for {_shown(row.leasecontractlength)}, {_shown(row.purchaseoption)}", sku)
        return
    key = (row.sku, row.offertermcode)
    present = reserved.setdefault(key, _Reservation(sku, system, term, payment))
    if (present.type, present.os, present.term, present.payment) != (sku, system, term, payment):
        raise file.wrong(number, "two rows of one reservation disagree on what is reserved")
    if row.unit.lower() in _HOURLY:
        other, present.hourly = present.hourly, usd if present.hourly is None else max(present.hourly, usd)
    elif row.unit == "Quantity":
        other, present.upfront = present.upfront, usd if present.upfront is None else max(present.upfront, usd)
    else:
        raise file.wrong(number, f"a reservation is priced per {_shown(row.unit)}, expected Hrs or Quantity")
    if other is not None and other != usd:
        notes("the cheaper of two amounts for one reservation", sku)
    if len(reserved) > _MOST_PRICES:
        raise file.wrong(number, f"more than {_MOST_PRICES} reservations of accelerated machines")


def _reserved_price(reservation: _Reservation, region: str, notes: _Notes) -> FetchedPrice | None:
    hourly, upfront = reservation.hourly, reservation.upfront
    if reservation.payment == "no_upfront":
        upfront = Decimal(0) if upfront is None else upfront
    elif reservation.payment == "all_upfront":
        hourly = Decimal(0) if hourly is None else hourly
    if hourly is None or upfront is None:
        lacking = "hourly price" if hourly is None else "upfront fee"
        notes(f"{reservation.term} {reservation.payment} reservations without their {lacking}", reservation.type)
        return None
    usd = hourly
    if upfront:
        usd = _tidy((hourly + upfront / _HOURS[reservation.term]).quantize(_SIX_PLACES, ROUND_HALF_EVEN))
    return FetchedPrice(
        kind="machine",
        sku=reservation.type,
        region=region,
        unit="hour",
        usd=usd,
        os=reservation.os,
        purchase_model="reserved",
        term=reservation.term,
        payment=reservation.payment,
        upfront=upfront,
    )


def _disk(row: _Ec2Row, region: str, file: _File[_Ec2Row], number: int, notes: _Notes) -> FetchedPrice | None:
    """A price of EBS, or None for what is not provisioned: requests, snapshots, zones outside the region."""
    _, mark, rest = row.usagetype.partition("EBS:")
    found = _DISK_USAGE.get(mark + rest)
    if found is None or row.locationtype != "AWS Region" or row.termtype != "OnDemand":
        return None
    kind, sku = found
    if not _in_place(row.regioncode, row.currency, region, sku, notes):
        return None
    units = _DISK_UNITS[kind].get(row.unit.lower())
    if units is None:
        expected = " or ".join(_DISK_UNITS[kind])
        raise file.wrong(number, f"{kind} of {sku} is priced per {_shown(row.unit)}, expected {expected}")
    usd = file.amount(row.priceperunit, number)
    return FetchedPrice(kind, sku, region, _UNITS[kind], usd if units == 1 else _tidy(usd / units))


def _type(row: _Ec2Row, sku: str) -> FetchedType:
    """Facts of a machine type; the file does not name its accelerators."""
    processor = row.physicalprocessor
    arch = "arm64" if "Graviton" in processor else "x86_64" if "Intel" in processor or "AMD" in processor else ""
    memory = row.memory.removesuffix("GiB")
    return FetchedType(sku, vcpus=_number(row.vcpu), memory_gib=_number(memory), gpu_count=_number(row.gpu), arch=arch)


# --- SageMaker ---


def _sagemaker_parts(context: Context) -> Iterator[Part]:
    if not context.wanted.bought("on_demand"):
        return
    for region, path in _region_files(context, _SAGEMAKER_INDEX):
        scope = Scope(CLOUD, "managed_service", "on_demand", (region,), "ml.*")
        yield Part(f"aws-sagemaker/{region}", (scope,), partial(_again(_read_sagemaker), region=region, path=path))


def _read_sagemaker(context: Context, validators: Validators | None, *, region: str, path: str) -> Found:
    """Read the SageMaker file of a region; of the uses of one machine type the dearest counts."""
    name = f"AWS price list AmazonSageMaker {region}"
    notes = _Notes()
    uses = _Dearest(name)
    with context.http.lines(context.endpoint + path, validators=validators) as lines:
        file = _File(lines, _SageMakerRow, name)
        _same_offer(file.offer, "AmazonSageMaker", name)
        for number, row in file.rows(_naming(_SAGEMAKER, context)):
            sku = _sagemaker_type(row.instancename, row.instancetype, row.usagetype)
            if sku is None or not context.known.accelerated(CLOUD, sku):
                continue
            if row.productfamily != "ML Instance":
                notes(f"product family {_shown(row.productfamily)}", sku)
                continue
            if row.locationtype != "AWS Region" or not _in_place(row.regioncode, row.currency, region, sku, notes):
                continue
            if row.termtype != "OnDemand":
                notes(f"terms of type {_shown(row.termtype)}", sku)
                continue
            if _other_use(row.component, row.platoinstancetype):
                continue
            if row.unit.lower() not in _HOURLY:
                raise file.wrong(number, f"{_shown(sku)} is priced per {_shown(row.unit)}, expected Hrs")
            usd = file.amount(row.priceperunit, number)
            uses.add((context.known.spelling(CLOUD, sku),), usd, _shown(row.component or row.platoinstancetype))
        seen = lines.validators
    prices = _Prices(name)
    for (sku,), use, differ in uses.all():
        prices.add(FetchedPrice("managed_service", sku, region, "hour", use.usd, note=_dearest_note(use, differ)))
    return _found(file, f"AmazonSageMaker, {region}", prices, notes, seen)


def _sagemaker_type(*texts: str) -> str | None:
    """The machine type: a name alone, or with the use behind it (``ml.g5.xlarge-Hosting``)."""
    for text in texts:
        if found := _SAGEMAKER.search(text.encode()):
            return found[1].decode()
    return None


def _dearest_note(use: _Use, differ: bool) -> str:
    return f"dearest of its uses: {use.name}" if differ else ""


def _other_use(*names: str) -> bool:
    return any(mark in _squeezed(name) for name in names for mark in _OTHER_USES)


# --- Savings Plans ---


def _plan_parts(context: Context) -> Iterator[Part]:
    if not context.wanted.bought("savings_plan"):
        return
    for region, path in _plan_files(context, _COMPUTE_PLANS_INDEX):
        scope = Scope(CLOUD, "machine", "savings_plan", (region,))
        read = partial(_again(_read_compute_plans), region=region, path=path)
        yield Part(f"aws-savings-plans/compute/{region}", (scope,), read)
    for region, path in _plan_files(context, _SAGEMAKER_PLANS_INDEX):
        scope = Scope(CLOUD, "managed_service", "savings_plan", (region,), "ml.*")
        read = partial(_again(_read_sagemaker_plans), region=region, path=path)
        yield Part(f"aws-savings-plans/sagemaker/{region}", (scope,), read)


def _read_compute_plans(context: Context, validators: Validators | None, *, region: str, path: str) -> Found:
    """Read the rates of EC2 instances under Compute and EC2 Instance Savings Plans.

    The catalog does not tell the two apart, so the dearer rate stands: that of the Compute plan, which covers every
    family and region. A row that is of the other plan says so in its note.
    """
    name = f"AWS Savings Plans for compute {region}"
    notes = _Notes()
    rates = _Dearest(name)
    with context.http.lines(context.endpoint + path, validators=validators) as lines:
        file = _File(lines, _PlanRow, name)
        for number, row in file.rows(_naming(_IN_USAGE, context)):
            found = _EC2_USAGE_TYPE.match(row.discountedusagetype)
            if found is None or not context.known.accelerated(CLOUD, found[2]):
                continue
            usage, sku = found.groups()
            if usage != _BOX:
                if usage not in _OTHER_USAGE:
                    notes(f"usage {_shown(usage)}", sku)
                continue
            system = _USAGE_OPERATIONS.get(row.discountedoperation)
            if system is None:
                if not row.discountedoperation.startswith("RunInstances:"):
                    notes(f"operation {_shown(row.discountedoperation)}", sku)
                continue
            if kept := _plan_rate(row, "AmazonEC2", region, sku, file, number, notes):
                usd, term, payment = kept
                plan = _PLANS.get(row.productfamily, _shown(row.productfamily))
                rates.add((context.known.spelling(CLOUD, sku), system, term, payment), usd, plan)
        seen = lines.validators
    prices = _Prices(name)
    for (sku, system, term, payment), use, _ in rates.all():
        prices.add(
            FetchedPrice("machine", sku, region, "hour", use.usd, system, "savings_plan", term, payment, note=use.name)
        )
    return _found(file, f"Compute Savings Plans, {region}", prices, notes, seen)


def _read_sagemaker_plans(context: Context, validators: Validators | None, *, region: str, path: str) -> Found:
    """Read the rates of SageMaker machines under SageMaker Savings Plans; of the uses of one type the dearest counts."""
    name = f"AWS Savings Plans for SageMaker {region}"
    notes = _Notes()
    rates = _Dearest(name)
    with context.http.lines(context.endpoint + path, validators=validators) as lines:
        file = _File(lines, _PlanRow, name)
        for number, row in file.rows(_naming(_SAGEMAKER, context)):
            sku = _sagemaker_type(row.discountedusagetype)
            if sku is None or not context.known.accelerated(CLOUD, sku):
                continue
            named = _SAGEMAKER_USAGE_TYPE.match(row.discountedusagetype)
            use_name = named[1] if named else row.discountedusagetype
            if _other_use(use_name):
                continue
            if kept := _plan_rate(row, "AmazonSageMaker", region, sku, file, number, notes):
                usd, term, payment = kept
                rates.add((context.known.spelling(CLOUD, sku), term, payment), usd, _shown(use_name))
        seen = lines.validators
    prices = _Prices(name)
    for (sku, term, payment), use, differ in rates.all():
        note = _dearest_note(use, differ)
        prices.add(
            FetchedPrice(
                "managed_service", sku, region, "hour", use.usd, "linux", "savings_plan", term, payment, note=note
            )
        )
    return _found(file, f"SageMaker Savings Plans, {region}", prices, notes, seen)


def _plan_rate(
    row: _PlanRow, service: str, region: str, sku: str, file: _File[_PlanRow], number: int, notes: _Notes
) -> tuple[Decimal, str, str] | None:
    """Rate per hour, term and way of payment of a plan; the rate is the same whenever it is paid."""
    if row.discountedservicecode != service:
        notes(f"service {_shown(row.discountedservicecode)}", sku)
        return None
    if not _in_place(row.discountedregioncode, row.currency, region, sku, notes):
        return None
    term = _TERMS.get(f"{row.leasecontractlength}yr") if row.leasecontractlengthunit.rstrip("s") == "year" else None
    payment = _PAYMENTS.get(row.purchaseoption.lower())
    if term is None or payment is None:
        length = f"{row.leasecontractlength} {row.leasecontractlengthunit}"
        notes(f"plans for {_shown(length)}, {_shown(row.purchaseoption)}", sku)
        return None
    if row.unit.lower() not in _HOURLY:
        raise file.wrong(number, f"{_shown(sku)} is priced per {_shown(row.unit)}, expected Hrs")
    return file.amount(row.discountedrate, number), term, payment


# --- what all files have in common ---


def _region_files(context: Context, index: str) -> Iterator[tuple[str, str]]:
    """Region and path of the CSV files of a service that are wanted."""
    listed = context.http.get(context.endpoint + index, _RegionIndex).value.regions
    yield from _wanted_files(context, {region: file.current_version_url for region, file in listed.items()}, index)


def _plan_files(context: Context, index: str) -> Iterator[tuple[str, str]]:
    """Region and path of the CSV files of a kind of Savings Plans that are wanted."""
    listed = context.http.get(context.endpoint + index, _PlanIndex).value.regions
    yield from _wanted_files(context, {file.region_code: file.version_url for file in listed}, index)


def _wanted_files(context: Context, paths: Mapping[str, str], index: str) -> Iterator[tuple[str, str]]:
    regions = sorted(region for region in paths if _REGION.match(region))
    if not regions:
        raise ServiceError(f"AWS price list, {index}: the index lists no region", hint=CHANGED)
    for region in regions:
        if not context.wanted.region(region):
            continue
        if not _FILE.match(paths[region]):
            raise ServiceError(
                f"AWS price list, {index}: the file of {region} is given as {_shown(paths[region])}, expected the path"
                " of a .json file",
                hint=CHANGED,
            )
        yield region, paths[region].removesuffix(".json") + ".csv"


def _naming(pattern: re.Pattern[bytes], context: Context) -> Callable[[bytes], bool]:
    """A quick test whether a line names an accelerated machine type, before anything of it is parsed."""
    search, known = pattern.search, context.known

    @lru_cache(maxsize=8192)
    def accelerated(name: bytes) -> bool:
        return known.accelerated(CLOUD, name.decode("ascii"))

    def named(line: bytes) -> bool:
        found = search(line)
        return found is not None and accelerated(found[1])

    return named


def _found(
    file: _File[_Row],
    what: str,
    prices: _Prices,
    notes: _Notes,
    validators: Validators,
    types: tuple[FetchedType, ...] = (),
) -> Found:
    return Found(
        as_of=file.published,
        title=f"AWS price list: {what}, version {file.version}",
        prices=prices.all(),
        types=types,
        notes=prices.notes(notes),
        validators=validators,
    )


def _again(read: Callable[..., Found]) -> Callable[..., Found]:
    """Read a file anew that was replaced while it was read."""
    return lambda context, validators, **more: starting_over(lambda: read(context, validators, **more))


def _same_offer(offer: str, expected: str, name: str) -> None:
    if offer != expected:
        raise ServiceError(f"{name}: the file is of the offer {_shown(offer)}, expected {expected}", hint=CHANGED)


def _day(text: str, name: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ServiceError(f"{name}: the publication date {_shown(text)} is no date", hint=CHANGED) from None


def _squeezed(name: str) -> str:
    """A name without case, spaces and signs: AWS writes ``Instance Type`` in one file and ``instanceType`` in another."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _shown(text: str) -> str:
    """Text of a file that is fit for a message: one line, printable, short."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text[:80])
    return plain or "(empty)"


def _tidy(amount: Decimal) -> Decimal:
    """The same amount without zeros at its end and without an exponent."""
    return Decimal(f"{amount.normalize():f}")


def _number(text: str) -> float | None:
    """A count or size, or None where the file gives none (``NA``)."""
    plain = text.strip().replace(",", "")
    return float(plain) if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", plain) else None


SOURCES = (
    Source("aws-ec2", CLOUD, "AWS price list: EC2 and EBS", ENDPOINT, _ec2_parts),
    Source("aws-sagemaker", CLOUD, "AWS price list: SageMaker", ENDPOINT, _sagemaker_parts),
    Source("aws-savings-plans", CLOUD, "AWS price list: Savings Plans", ENDPOINT, _plan_parts),
)
