"""What a disk is billed for: capacity, operations and throughput beyond what the price includes, or a size tier."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from gpuguard.model.price import InstanceType, PriceKind
from gpuguard.model.usage import Disk

GP3_INCLUDED_IOPS = Decimal(3000)
GP3_INCLUDED_MIBPS = Decimal(125)
"""Every gp3 volume includes these (https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html)."""

HYPERDISK_BALANCED_INCLUDED_IOPS = Decimal(3000)
HYPERDISK_BALANCED_INCLUDED_MIBPS = Decimal(140)
"""Every Hyperdisk Balanced volume includes these (https://cloud.google.com/compute/disks-image-pricing#disk)."""

IO2_TIERS = ((Decimal(32000), "io2"), (Decimal(64000), "io2-over-32000"), (None, "io2-over-64000"))
"""Up to how many IOPS of a volume each price holds; the last has no end (https://aws.amazon.com/ebs/pricing/)."""

PREMIUM_V2_INCLUDED_IOPS = Decimal(3000)
PREMIUM_V2_INCLUDED_MIBPS = Decimal(125)
"""https://learn.microsoft.com/azure/virtual-machines/disks-types#premium-ssd-v2"""

AZURE_TIERS = (
    (4, 1),
    (8, 2),
    (16, 3),
    (32, 4),
    (64, 6),
    (128, 10),
    (256, 15),
    (512, 20),
    (1024, 30),
    (2048, 40),
    (4096, 50),
    (8192, 60),
    (16384, 70),
    (32767, 80),
)
"""Largest size in GiB of each managed disk tier and its number: a disk is billed as the tier that holds it
(https://learn.microsoft.com/azure/virtual-machines/disks-types). Standard HDDs begin at S4."""

_AZURE_LETTER = {"premium": "P", "standardssd": "E", "standard": "S"}

# Machines of these families bring their local SSDs with them, in the price of the machine
# (https://cloud.google.com/compute/docs/accelerator-optimized-machines).
_WITH_LOCAL_SSD = ("a2-ultragpu-", "a3-", "a4-", "a4x-")


class DiskLine(msgspec.Struct, frozen=True):
    """One billed property of one disk on one machine, for a month.

    `otherwise` is the SKU whose price stands in, never a lower one, where a region has no row for `sku`.
    """

    kind: PriceKind
    sku: str
    quantity: Decimal
    unit: str
    description: str
    purchase_model: str = "on_demand"
    otherwise: str | None = None


def disk_lines(cloud: str, disk: Disk, machine: InstanceType | None, purchase_model: str) -> Iterator[DiskLine]:
    """What a disk of known size is billed for. A local SSD that the machine type brings along is free."""
    size = (disk.size_gib or Decimal(0)) * disk.count
    shape = f"{size.normalize():f} GiB {disk.disk_type}"
    if disk.role == "local_ssd":
        if machine is not None and machine.sku.startswith(_WITH_LOCAL_SSD):
            return
        bought = "spot" if purchase_model == "spot" else "on_demand"
        yield DiskLine("storage", disk.disk_type, size, "GiB-month", f"local SSD, {size.normalize():f} GiB", bought)
        return
    what = f"{disk.role} disk, {shape}"
    if cloud == "azure":
        yield from _azure(disk, what)
        return
    yield DiskLine("storage", disk.disk_type, size, "GiB-month", what)
    iops, throughput = disk.iops or Decimal(0), disk.throughput_mibps or Decimal(0)
    if cloud == "aws" and disk.disk_type == "gp3":
        iops, throughput = iops - GP3_INCLUDED_IOPS, throughput - GP3_INCLUDED_MIBPS
    elif cloud == "gcp" and disk.disk_type == "hyperdisk-balanced":
        iops -= HYPERDISK_BALANCED_INCLUDED_IOPS
        throughput -= HYPERDISK_BALANCED_INCLUDED_MIBPS
    elif cloud == "aws" and disk.disk_type == "io2":
        yield from _io2(disk, iops)
        return
    elif (cloud == "aws" and disk.disk_type != "io1") or (
        cloud == "gcp" and not disk.disk_type.startswith(("hyperdisk", "pd-extreme"))
    ):
        # the other types have no provisioned performance: what a state reports for them is informative
        return
    if iops > 0:
        yield DiskLine(
            "iops",
            disk.disk_type,
            iops * disk.count,
            "IOPS-month",
            f"{disk.role} disk, {iops.normalize():f} provisioned IOPS",
        )
    if throughput > 0 and disk.disk_type != "io1":
        yield DiskLine(
            "throughput",
            disk.disk_type,
            throughput * disk.count,
            "MiBps-month",
            f"{disk.role} disk, {throughput.normalize():f} MiB/s provisioned throughput",
        )


def _io2(disk: Disk, iops: Decimal) -> Iterator[DiskLine]:
    begin = Decimal(0)
    for end, sku in IO2_TIERS:
        part = (iops if end is None else min(iops, end)) - begin
        if part <= 0:
            return
        what = f"{part.normalize():f} provisioned IOPS"
        above = f" above {begin.normalize():f}" if begin else ""
        yield DiskLine(
            "iops",
            sku,
            part * disk.count,
            "IOPS-month",
            f"{disk.role} disk, {what}{above}",
            otherwise="io2" if begin else None,
        )
        begin = end or begin


def _azure(disk: Disk, what: str) -> Iterator[DiskLine]:
    family, _, redundancy = disk.disk_type.partition("_")
    letter = _AZURE_LETTER.get(family.lower())
    if letter is None:
        kind = (
            "PremiumV2_LRS"
            if family.lower() == "premiumv2"
            else "UltraSSD_LRS"
            if family.lower() == "ultrassd"
            else disk.disk_type
        )
        yield DiskLine("storage", kind, (disk.size_gib or Decimal(0)) * disk.count, "GiB-month", what)
        free = kind == "PremiumV2_LRS"
        iops = (disk.iops or Decimal(0)) - (PREMIUM_V2_INCLUDED_IOPS if free else 0)
        throughput = (disk.throughput_mibps or Decimal(0)) - (PREMIUM_V2_INCLUDED_MIBPS if free else 0)
        if iops > 0:
            yield DiskLine(
                "iops",
                kind,
                iops * disk.count,
                "IOPS-month",
                f"{disk.role} disk, {iops.normalize():f} provisioned IOPS",
            )
        if throughput > 0:
            yield DiskLine(
                "throughput",
                kind,
                throughput * disk.count,
                "MiBps-month",
                f"{disk.role} disk, {throughput.normalize():f} MiB/s provisioned throughput",
            )
        return
    size = disk.size_gib or Decimal(0)
    tier = next(
        (number for largest, number in AZURE_TIERS if size <= largest and (letter != "S" or number >= 4)),
        AZURE_TIERS[-1][1],
    )
    name = f"{letter}{tier}-{(redundancy or 'LRS').upper()}"
    yield DiskLine("storage", name, Decimal(disk.count), "disk-month", f"{what} ({name.partition('-')[0]})")
