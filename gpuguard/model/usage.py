"""What a resource uses, before any price is known: machines, how many, how bought, with which disks.

Made by `extract`, read by `price` and `advise`. Names of machine types and accelerators are the cloud's own,
as Terraform carries them; the catalog knows what they mean.
"""

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Literal

import msgspec

from gpuguard.model.price import PriceKind

PurchaseModel = Literal[
    "on_demand",
    "spot",
    "reserved",
    "savings_plan",
    "committed_use",
    "capacity_block",
    "flex_start",
    "capacity_reservation",
]
Term = Literal["1y", "3y"]
Payment = Literal["no_upfront", "partial_upfront", "all_upfront"]
OperatingSystem = Literal["linux", "windows", "rhel", "sles"]
Role = Literal["supply", "demand"]
ComponentKind = Literal[
    "compute", "gpu", "storage", "network", "license", "control_plane", "managed_service", "discount"
]
Pick = Literal["first", "cheapest", "dearest"]

HOURS_PER_MONTH = Decimal(730)
"""A month is 730 hours (365 × 24 ÷ 12) unless a schedule or the usage file says otherwise."""


class Unknown(msgspec.Struct, frozen=True):
    """A value that only `terraform apply` can tell. `reason` is for people; `code` starts with ``unknown-``."""

    reason: str
    code: str = "unknown-value"


class Units(msgspec.Struct, frozen=True):
    """How many units run: the scaling bounds and what the configuration asks for. None: only apply can tell."""

    min: Decimal | None
    expected: Decimal | None
    max: Decimal | None

    @classmethod
    def fixed(cls, count: Decimal | int | None) -> "Units":
        """The same number always."""
        number = None if count is None else Decimal(count)
        return cls(number, number, number)

    @property
    def sizes(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Minimum, expected and maximum."""
        return self.min, self.expected, self.max

    def map(self, change: Callable[[Decimal], Decimal]) -> "Units":
        """The same with every size changed; one that only apply can tell stays unknown."""
        return Units(*(None if size is None else change(size) for size in self.sizes))


class AttachedAccelerator(msgspec.Struct, frozen=True):
    """Accelerators put onto a machine that has none of its own, or declared again on one that has."""

    name: str
    count: Decimal


class Disk(msgspec.Struct, frozen=True):
    """One kind of disk on every unit. `size_gib` None: the image decides and the plan does not say.

    `disk_type` is the cloud's name (gp3, pd-ssd, Premium_LRS, local-ssd). `iops` and `throughput_mibps` are what is
    provisioned in all; what the price includes is taken off by the pricing engine. Where the service sizes a disk by the
    machine, `sizes_by_vcpus` holds (vCPUs from which on, GiB), ascending.
    """

    role: Literal["boot", "data", "local_ssd"]
    disk_type: str
    size_gib: Decimal | None
    count: int = 1
    iops: Decimal | None = None
    throughput_mibps: Decimal | None = None
    sizes_by_vcpus: tuple[tuple[int, int], ...] = ()


class MachineOption(msgspec.Struct, frozen=True):
    """One machine type a pool may start, and how many capacity units one machine of it brings.

    `machine` is the machine type behind a managed service's own name for it (``g5.xlarge`` behind ``ml.g5.xlarge``);
    None: `sku` is the machine type. `count` is how many of the type make one unit (four GPUs in one pod, where the cloud
    sells GPUs by the piece).
    """

    sku: str
    weight: Decimal = Decimal(1)
    spot_max_price: Decimal | None = None
    machine: str | None = None
    count: Decimal = Decimal(1)

    @property
    def machine_type(self) -> str:
        """The name under which the catalog knows what the machine is."""
        return self.machine or self.sku


class Charge(msgspec.Struct, frozen=True):
    """What a service bills for every unit, beside the machine's own price or instead of it.

    The price is the catalog's row of `kind` and `sku`, in which ``{machine}`` stands for the machine type that runs and
    ``{sku}`` for the service's name of it. `quantity` is for one unit and hour, or for one unit and month where `monthly`
    is set. `purchase_model` None: the pool's; `os` is that of the catalog's row. Without the price of an `essential` charge
    the whole pool is unpriced; `optional` ones (a surcharge that not every machine type has) are left out where the catalog
    has no row.
    """

    kind: PriceKind
    sku: str
    description: str
    quantity: Decimal = Decimal(1)
    unit: str = "hour"
    component: ComponentKind = "managed_service"
    purchase_model: PurchaseModel | None = None
    os: OperatingSystem = "linux"
    monthly: bool = False
    essential: bool = True
    optional: bool = False
    per_vcpu: bool = False


class Once(msgspec.Struct, frozen=True):
    """What is bought for a fixed time and paid once: `hours` in all, and its price where the configuration tells it.

    `price` is for all units together, in USD; None: the catalog's price of an hour. `source` says who told it.
    """

    hours: Decimal | None
    price: Decimal | None = None
    source: str = ""


class Attribute(msgspec.Struct, frozen=True):
    """Where in the configuration a fact stands, so that an edit can be proposed: resource address and dotted path."""

    address: str
    path: str


class PoolUsage(msgspec.Struct, frozen=True):
    """Machines of one kind, bought one way. Units count machines, or capacity units where options have weights.

    `options` is empty when only apply can tell the machine type; `unknown` then says why.
    `pick` says which of several options runs: ``first`` (prioritised), ``cheapest`` (lowest price) or
    ``dearest`` (nothing says which). `average` is how many machines are told to run on average, whatever their weight: it
    goes before `units.expected`. `hours_per_month` are those of minimum and expected size; `max_hours_per_month`
    those of the maximum: what is only expected to rest may still run all month.
    `machine_billed` False: the `charges` are all that is paid for a machine. `once` set: it is bought for a fixed time.
    """

    options: tuple[MachineOption, ...]
    units: Units
    average: Decimal | None = None
    purchase_model: PurchaseModel = "on_demand"
    pick: Pick = "first"
    term: Term | None = None
    payment: Payment | None = None
    os: OperatingSystem = "linux"
    role: Role = "supply"
    hours_per_month: Decimal = HOURS_PER_MONTH
    max_hours_per_month: Decimal = HOURS_PER_MONTH
    accelerators: tuple[AttachedAccelerator, ...] = ()
    disks: tuple[Disk, ...] = ()
    public_ipv4: int = 0
    spot_max_price: Decimal | None = None
    covered_by: str | None = None
    charges: tuple[Charge, ...] = ()
    machine_billed: bool = True
    once: Once | None = None
    unknown: Unknown | None = None
    machine_attribute: Attribute | None = None
    purchase_attribute: Attribute | None = None
    sensitive: bool = False


pool_key: Callable[[PoolUsage], tuple[object, ...]] = attrgetter(
    *(each for each in PoolUsage.__struct_fields__ if each not in ("machine_attribute", "purchase_attribute"))
)
"""All of a pool but the places it is written at: what two pools have in common that cost the same."""


class FixedUsage(msgspec.Struct, frozen=True):
    """Something billed by the hour beside the machines, whatever their number (a control plane)."""

    kind: Literal["control_plane", "license", "network", "managed_service"]
    sku: str
    description: str
    quantity: Decimal = Decimal(1)


class Usage(msgspec.Struct, frozen=True):
    """All that one resource uses on one side of the change. `region` None: not known, `region_unknown` says why."""

    cloud: str
    region: str | None
    pools: tuple[PoolUsage, ...]
    fixed: tuple[FixedUsage, ...] = ()
    via: tuple[str, ...] = ()
    region_unknown: Unknown | None = None
