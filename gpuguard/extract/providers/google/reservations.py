"""Capacity that is paid for whether it is used or not: reservations, future reservations, sole-tenant nodes."""

import re
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine
from gpuguard.extract.providers.google.common import place, provider_place, region, region_at, tail
from gpuguard.extract.providers.google.compute import template_machine, with_accelerators
from gpuguard.extract.providers.google.consumption import (
    INSTANCE_TEMPLATES,
    NODE_TEMPLATES,
    TEMPLATE_BY,
    node_accelerator,
)
from gpuguard.extract.providers.google.tpu import tpu_pool
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    machine_options,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Charge,
    Disk,
    MachineOption,
    Once,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

_LINK = TemplateLink(("specific_reservation.0.source_instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY)
_FUTURE_LINK = TemplateLink(("specific_sku_properties.0.source_instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY)
_NODE_LINK = TemplateLink(("node_template",), NODE_TEMPLATES, ("self_link", "id", "name"))
_MOST_RESOURCES = 100


def _reserved(view: View, block: str, link: TemplateLink) -> Machine:
    """The machines that are reserved: their type, accelerators and local SSDs, written out or by a template."""
    properties = view.block(f"{block}.0.instance_properties")
    if properties is None or (properties.get("machine_type") is None and view.get(link.paths[0]) is not None):
        machine = followed_machine(view, link, template_machine)
        if machine is None:
            return Machine(unknown=Unknown("its instance template is not in the plan", "unknown-machine-type"))
        ssds = tuple(disk for disk in machine.disks if disk.role == "local_ssd")
        return replace(machine, disks=ssds, os="linux", public_ipv4=0)
    options, unknown = machine_options(properties, "machine_type")
    machine = Machine(
        options=options,
        unknown=unknown,
        disks=tuple(
            Disk("local_ssd", "local-ssd", each.known_number("disk_size_gb"))
            for each in properties.blocks("local_ssds")
        ),
        machine_attribute=properties.attribute("machine_type"),
        sensitive=properties.is_sensitive("machine_type"),
    )
    return with_accelerators(machine, properties, "guest_accelerators", "accelerator_type", "accelerator_count")


def reservation(view: View) -> Extracted:
    """A reservation: its machines, accelerators and local SSDs are billed as if they ran, used or not.

    https://cloud.google.com/compute/docs/instances/reservations-overview#billing
    """
    machine = _reserved(view, "specific_reservation", _LINK)
    count = view.number("specific_reservation.0.count")
    pool = machine.pool(Units.fixed(units_of(count, Decimal(0))), purchase_model="capacity_reservation")
    lasting = view.block("delete_after_duration")
    seconds = lasting.known_number("seconds") if lasting is not None else None
    if seconds:
        pool = replace(pool, once=Once(seconds / 3600))
    elif view.string("delete_at_time"):
        view.note("info", "ends", "it is deleted at a fixed time; counted as reserved all month")
    return Extracted((pool,), via=machine.via)


def future_reservation(view: View) -> Extracted:
    """Capacity from a later day on, billed from then as a reservation is, or at the price of calendar mode.

    https://cloud.google.com/compute/docs/instances/future-reservations-overview: a draft asks for nothing. Calendar mode
    ends with its time window; other reservations last until they are deleted, which can be left to Compute Engine.
    """
    model: PurchaseModel = "capacity_block" if view.string("reservation_mode") == "CALENDAR" else "capacity_reservation"
    once = _window(view, ends=model == "capacity_block")
    aggregate = view.block("aggregate_reservation")
    machine = _reserved(view, "specific_sku_properties", _FUTURE_LINK) if aggregate is None else Machine()
    if aggregate is not None:
        pools = _aggregate(aggregate, model, once)
    else:
        count = view.number("specific_sku_properties.0.total_count")
        pools = (machine.pool(Units.fixed(units_of(count, Decimal(0))), purchase_model=model, once=once),)
    if view.string("planning_status") == "DRAFT":
        view.note("info", "draft-reservation", "planning_status is DRAFT: nothing is reserved until it is submitted")
        pools = tuple(replace(pool, units=Units.fixed(0)) for pool in pools)
    return Extracted(pools, via=machine.via)


def _window(view: View, *, ends: bool) -> Once | None:
    """For how long capacity is paid, where it is known to end."""
    window = view.block("time_window")
    if window is None:
        return None
    if not ends and not view.flag("auto_delete_auto_created_reservations"):
        return None
    start = window.string("start_time")
    lasting = view.block("auto_created_reservations_duration") if not ends else None
    seconds = (lasting or window).known_number("seconds" if lasting is not None else "duration.0.seconds")
    if not seconds:
        deleted = view.string("auto_created_reservations_delete_time") if not ends else None
        seconds = _seconds_between(start, deleted or window.string("end_time"))
    return Once(seconds / 3600) if seconds else None


def _seconds_between(start: str | None, end: str | None) -> Decimal | None:
    try:
        seconds = (datetime.fromisoformat(end or "") - datetime.fromisoformat(start or "")).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return Decimal(round(seconds)) if seconds > 0 else None


_FAMILIES = {
    "CT3": "TPU-v3", "CT3P": "TPU-v3", "CT4P": "TPU-v4", "CT5L": "TPU-v5e", "CT5LP": "TPU-v5e", "CT5P": "TPU-v5p",
    "CT6E": "TPU-v6e", "TPU7X": "TPU-v7x",
}  # fmt: skip


def _aggregate(aggregate: View, model: PurchaseModel, once: Once | None) -> tuple[PoolUsage, ...]:
    """So many accelerators of a family, whatever the machines: TPU chips."""
    family = (aggregate.string("vm_family") or "").rpartition("_")[2].upper()
    pools: list[PoolUsage] = []
    for each in aggregate.blocks("reserved_resources")[:_MOST_RESOURCES]:
        block = each.block("accelerator")
        count = block.number("accelerator_count") if block is not None else None
        if block is None or count == 0:
            continue
        name = tail(block.string("accelerator_type") or family.lower())
        found = _FAMILIES.get(name.upper()) or _FAMILIES.get(family)
        if found is None or not isinstance(count, Decimal):
            reason = "which accelerators, or how many, the aggregate reservation holds is not known"
            unknown = Unknown(reason, "unknown-accelerator")
            pools.append(PoolUsage(options=(), units=Units.fixed(1), purchase_model=model, once=once, unknown=unknown))
        else:
            pools.append(tpu_pool(name, found, count, model, Units.fixed(1), once=once))
    return tuple(pools)


# -- sole-tenant nodes ----------------------------------------------------------------------------------------------------


def node_machine(view: View) -> Machine:
    """A sole-tenant node: its type, and the accelerators that it has."""
    found = node_accelerator(view)
    if found is None:
        return Machine(options=(MachineOption("node"),), accelerated=False)
    name, count = found
    if isinstance(count, Unknown):
        return Machine(unknown=Unknown(count.reason, "unknown-accelerator"), via=(view.address,))
    return Machine(
        options=(MachineOption(tail(view.string("node_type") or "sole-tenant node")),),
        accelerators=(AttachedAccelerator(name, count),),
        machine_attribute=view.attribute("node_type"),
        sensitive=view.is_sensitive("node_type"),
        via=(view.address,),
    )


def node_group(view: View) -> Extracted:
    """A group of sole-tenant nodes: every node is billed whole, whatever runs on it."""
    machine = followed_machine(view, _NODE_LINK, node_machine)
    if machine is None:
        return Extracted(())
    size = view.number("initial_size") if view.get("initial_size") is not None else view.number("size")
    policy = view.block("autoscaling_policy")
    units = Units.fixed(units_of(size, Decimal(0)))
    if policy is not None and policy.string("mode") not in (None, "OFF"):
        low, high = units_of(policy.number("min_nodes"), Decimal(0)), units_of(policy.number("max_nodes"), None)
        units = Units(low, within(units_of(size, low), low, high), high)
    node = Charge("machine", "{sku}", "sole-tenant node", component="compute")
    return Extracted((machine.pool(units, machine_billed=False, charges=(node,)),), via=machine.via)


_ZONE = re.compile(r"(?:^|/)zones/([^/]+)/")
_TOLD_BY = (
    "aggregate_reservation.0.reserved_resources.0.accelerator.0.accelerator_type",
    "specific_sku_properties.0.instance_properties.0.machine_type",
)


def future_region(view: View) -> str | None:
    """The region of a future reservation: of the zone that its resources are named in, else of its own."""
    named = (_ZONE.search(view.string(path) or "") for path in _TOLD_BY)
    written = next((match[1] for match in named if match), None)
    return region_at(view, written or place(view) or provider_place(view))


_PRICES = ("the machines or their vCPUs and memory", "attached GPUs", "local SSDs", "sustained use discounts")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_compute_reservation",
        cloud="gcp",
        extract=reservation,
        region=region,
        tags=lambda view: {},
        links=(_LINK,),
        reads=(
            "specific_reservation.count",
            "specific_reservation.instance_properties",
            "specific_reservation.source_instance_template",
            "specific_reservation_required",
            "delete_after_duration",
            "zone",
        ),
        prices=_PRICES,
        leaves_out=(
            "Commitments (google_compute_region_commitment) are discounts, no machines: name them in the configuration.",
        ),
        assumes=("It is billed at the on-demand price whether machines run in it or not.",),
        source="google provider: google_compute_reservation",
    ),
    ResourceSpec(
        type="google_compute_future_reservation",
        cloud="gcp",
        extract=future_reservation,
        region=future_region,
        tags=lambda view: {},
        links=(_FUTURE_LINK,),
        reads=(
            "specific_sku_properties",
            "aggregate_reservation",
            "time_window",
            "reservation_mode",
            "planning_status",
            "auto_delete_auto_created_reservations",
        ),
        prices=(*_PRICES, "TPU chips of an aggregate reservation"),
        assumes=(
            "In calendar mode the time window is paid once; otherwise it counts as a reservation that lasts, unless it is "
            "to be deleted automatically.",
            "A draft reserves nothing.",
        ),
        source="google-beta provider: google_compute_future_reservation",
    ),
    ResourceSpec(
        type="google_compute_node_template",
        cloud="gcp",
        extract=as_template(node_machine),
        region=region,
        tags=lambda view: {},
        template=True,
        reads=("node_type", "accelerators"),
        assumes=("Costs nothing by itself.",),
        source="google provider: google_compute_node_template",
    ),
    ResourceSpec(
        type="google_compute_node_group",
        cloud="gcp",
        extract=node_group,
        region=region,
        tags=lambda view: {},
        links=(_NODE_LINK,),
        reads=("node_template", "initial_size", "autoscaling_policy"),
        prices=("nothing: no prices of sole-tenant nodes are known, so that its GPUs are counted and unpriced",),
        leaves_out=("The price of sole-tenant nodes.",),
        assumes=("Machines bound to the group run on its nodes and cost nothing beside them.",),
        source="google provider: google_compute_node_group",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
