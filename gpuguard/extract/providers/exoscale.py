"""Exoscale: GPU instances, instance pools and the node pools of its Kubernetes service."""

from decimal import Decimal

from gpuguard.extract.common import string_tags
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, Units

_LOCAL_DISK = "local-disk"
"""Every instance has a disk of a size of its own, billed apart (https://www.exoscale.com/pricing/)."""


def _machine(view: View, attribute: str, disk: Decimal | None) -> Machine:
    options, unknown = machine_options(view, attribute)
    size = view.known_number("disk_size")
    return Machine(
        options=options,
        unknown=unknown,
        disks=(Disk("boot", _LOCAL_DISK, size if size is not None else disk),),
        machine_attribute=view.attribute(attribute),
        sensitive=view.is_sensitive(attribute),
    )


def instance(view: View) -> Extracted:
    """`exoscale_compute_instance`."""
    if view.string("state") == "stopped":
        view.note("info", "stopped", "it is to be stopped; it is counted as if it ran, which is the most it can cost")
    return Extracted((_machine(view, "type", None).pool(Units.fixed(1)),))


def instance_pool(view: View) -> Extracted:
    """`exoscale_instance_pool`: a fixed number of instances; `service_offering` is the old name of the type."""
    attribute = "instance_type" if view.get("instance_type") is not None else "service_offering"
    units = Units.fixed(units_of(view.number("size"), Decimal(0)))
    return Extracted((_machine(view, attribute, None).pool(units),))


def node_pool(view: View) -> Extracted:
    """`exoscale_sks_nodepool`; its disks have 50 GiB unless it says otherwise."""
    units = Units.fixed(units_of(view.number("size"), Decimal(0)))
    return Extracted((_machine(view, "instance_type", Decimal(50)).pool(units),))


def _zone(view: View) -> str | None:
    return view.string("zone")


def _labels(view: View) -> dict[str, str]:
    return string_tags(view, "labels")


_PRICED = ("the instances with their GPUs", "their disks, where the catalog has the price")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="exoscale_compute_instance",
        cloud="exoscale",
        extract=instance,
        region=_zone,
        tags=_labels,
        probe=("type",),
        reads=("type", "disk_size", "zone", "state"),
        prices=_PRICED,
        leaves_out=("block storage volumes", "elastic IP addresses"),
        assumes=("It runs all month, also where its state is to be stopped.",),
        source="exoscale provider: exoscale_compute_instance",
    ),
    ResourceSpec(
        type="exoscale_instance_pool",
        cloud="exoscale",
        extract=instance_pool,
        region=_zone,
        tags=_labels,
        reads=("instance_type", "service_offering", "size", "disk_size", "zone"),
        prices=_PRICED,
        leaves_out=("elastic IP addresses",),
        assumes=("The size is fixed: what changes it later is not in the plan.",),
        source="exoscale provider: exoscale_instance_pool",
    ),
    ResourceSpec(
        type="exoscale_sks_nodepool",
        cloud="exoscale",
        extract=node_pool,
        region=_zone,
        tags=_labels,
        probe=("instance_type",),
        reads=("instance_type", "size", "disk_size", "zone"),
        prices=_PRICED,
        assumes=(
            "The size is fixed: what changes it later is not in the plan.",
            "Nodes have 50 GiB of disk unless the configuration says otherwise.",
        ),
        source="exoscale provider: exoscale_sks_nodepool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
