"""Facts from the price catalog, as the pricing engine and the advisor see them."""

from decimal import Decimal
from typing import Literal

import msgspec

PriceKind = Literal[
    "machine",  # one hour of an instance type, bundled accelerators included
    "accelerator",  # one hour of one attached accelerator; sku is the catalog's GPU model
    "vcpu",  # one hour of one vCPU of a machine family
    "memory",  # one hour of one GiB of RAM of a machine family
    "storage",  # a month of one GiB of a disk type, or of one disk of a fixed size tier
    "iops",  # a month of one provisioned IOPS
    "throughput",  # a month of one provisioned MiB/s
    "file_system",  # a month of one GiB of a parallel or network file system
    "snapshot",  # a month of one GiB of a disk snapshot
    "license",  # one hour of an operating system licence; sku is a machine type or "per-vcpu"
    "network",  # one hour of a public IPv4 address and the like
    "transfer",  # one GiB moved: egress, between regions, through NAT
    "control_plane",  # one hour of a managed Kubernetes control plane
    "managed_service",  # one hour of a managed ML machine
]


class PriceKey(msgspec.Struct, frozen=True):
    """What is asked for. `purchase_model` on_demand unless bought otherwise; `os` linux where it makes no difference."""

    cloud: str
    kind: PriceKind
    sku: str
    region: str
    os: str = "linux"
    purchase_model: str = "on_demand"
    term: str | None = None
    payment: str | None = None


class Price(msgspec.Struct, frozen=True):
    """One row. `amount` is USD per `unit` before tax; `low`/`high` the range over zones or of a discount, else None.

    `source` names the public offer or data set the figure came from, `as_of` the day (or month, or year) of it.
    `note` says when the figure is derived, a mean or rounded.
    """

    key: PriceKey
    unit: str
    amount: Decimal
    source: str
    as_of: str
    low: Decimal | None = None
    high: Decimal | None = None
    upfront: Decimal | None = None
    note: str = ""


class Unpriced(msgspec.Struct, frozen=True):
    """No row. An answer, not an error: the policy decides what it means.

    `hint` is for people: nearest spelling, or what the SKU costs in the nearest region that has a price.
    """

    key: PriceKey
    hint: str = ""


class AcceleratorModel(msgspec.Struct, frozen=True):
    """Facts about one accelerator model, each figure for one accelerator.

    Bandwidth in GB/s; peak TFLOPS and TOPS without sparsity, those of 16 bits and less by tensor cores. `mig_profiles`
    are the slices it can be cut into, separated by blanks. `status` is current, previous or retired.
    """

    model: str
    vendor: str
    architecture: str
    launch_year: int | None
    memory_gib: float | None
    memory_bandwidth_gbps: float | None
    fp16_tflops: float | None
    fp32_tflops: float | None
    mig_max_instances: int | None
    source: str
    as_of: str
    status: str = "current"
    memory_type: str = ""
    fp64_tflops: float | None = None
    tf32_tflops: float | None = None
    bf16_tflops: float | None = None
    fp8_tflops: float | None = None
    int8_tops: float | None = None
    fp4_tflops: float | None = None
    tdp_watts: float | None = None
    interconnect: str = ""
    mig_profiles: str = ""


class InstanceType(msgspec.Struct, frozen=True):
    """Facts about one machine type. `gpu_model` None: it carries no accelerator. `gpu_count` may be a fraction.

    `gpu_memory_gib` is the memory of all its accelerators together; `status` is current, previous or retired;
    `network_gbps` the most its network moves, in Gbit/s.
    """

    cloud: str
    sku: str
    family: str
    vcpus: float | None
    memory_gib: float | None
    gpu_model: str | None
    gpu_count: float
    gpu_memory_gib: float | None
    arch: str
    status: str
    source: str
    as_of: str
    local_ssd_gib: float | None = None
    network_gbps: float | None = None


class Performance(msgspec.Struct, frozen=True):
    """Speed of one accelerator over another for a class of work; `basis` says how it is known."""

    ratio: float
    workload: str
    basis: Literal["measured", "chained", "proxy", "datasheet"]
    confidence: str
    low: float | None = None
    high: float | None = None


class DiscountRange(msgspec.Struct, frozen=True):
    """A discount on the on-demand price, in percent, that is only known as a range."""

    low_percent: Decimal
    high_percent: Decimal
    kind: Literal["observed", "published"]
    source: str
    as_of: str


class Region(msgspec.Struct, frozen=True):
    """A cloud region. `geography` groups regions of one continent; `utc_offset` is standard time, ``+01:00``."""

    cloud: str
    name: str
    display_name: str
    country: str
    geography: str
    utc_offset: str
    latitude: float | None
    longitude: float | None
