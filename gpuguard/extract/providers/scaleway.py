"""Scaleway: instances, Kapsule pools, managed inference, autoscaling groups.

https://registry.terraform.io/providers/scaleway/scaleway. Scaleway's list prices are in euros; the catalog has none of them.
"""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine, listed_tags
from gpuguard.extract.plain import behind, plain_machine, pool_of, provider_setting, scaled, size, stopped
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    machine_options,
    units_of,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, Charge, Disk, Units, Unknown

_ZONE = re.compile(r"(?P<region>[a-z]{2}-[a-z]{3})-\d+\Z")
_PLACED_ID = re.compile(r"(?P<place>[a-z]{2}-[a-z]{3})(?:-\d+)?/")
_NODE_TYPE = re.compile(r"(?P<model>[A-Z]+\d+S?)(?:-SXM)?(?:-(?P<count>\d{1,2}))?(?:-\d+G)?\Z")
"""Node types of managed inference: the GPU, then how many (``L4``, ``H100-2``, ``H100-SXM-4``)."""
_MODELS = {"H100": "H100-80GB"}
_TEMPLATE_LINK = TemplateLink(("template_id",), ("scaleway_autoscaling_instance_template",), ("id", "name"))
_MOST_VOLUMES = 100


def region_of_zone(zone: str | None) -> str | None:
    """``fr-par-2`` → fr-par."""
    match = _ZONE.match(zone or "")
    return match["region"] if match is not None else None


def region(view: View) -> str | None:
    """Own zone or region, that of the cluster, else the provider block's (https://registry.terraform.io/providers/scaleway/scaleway/latest/docs/guides/regions_and_zones)."""
    own = region_of_zone(view.string("zone")) or view.string("region")
    if own is None:
        placed = _PLACED_ID.match(view.string("cluster_id") or "")
        own = placed["place"] if placed is not None else None
    if own is None and view.node.type == "scaleway_k8s_pool":
        cluster = behind(view, "cluster_id", ("scaleway_k8s_cluster",), "id", "name")
        own = cluster.string("region") if cluster is not None else None
    return own or region_of_zone(provider_setting(view, "zone")) or provider_setting(view, "region")


def server(view: View) -> Extracted:
    """`scaleway_instance_server`: billed while it is on or in standby.

    https://www.scaleway.com/en/docs/instances/faq/
    """
    root = view.block("root_volume")
    disks: tuple[Disk, ...] = ()
    if root is not None:
        disks = (Disk("boot", root.string("volume_type") or "sbs_volume", root.known_number("size_in_gb")),)
    pools = pool_of(plain_machine(view, "type", disks=disks), Units.fixed(1))
    if (view.string("state") or "").lower() == "stopped" and pools:
        view.note("info", "stopped-instance", "state is stopped: only its volumes are billed")
        pools = tuple(stopped(pool) for pool in pools)
    return Extracted(pools)


def k8s_pool(view: View) -> Extracted:
    """`scaleway_k8s_pool`: `size` nodes; with autoscaling a start, and bounds that default to 1 and to `size`."""
    volume = view.known_number("root_volume_size_in_gb")
    disks = () if volume is None else (Disk("boot", view.string("root_volume_type") or "sbs_volume", volume),)
    machine = plain_machine(view, "node_type", disks=disks)
    own = size(view, "size")
    if not view.flag("autoscaling"):
        return Extracted(pool_of(machine, Units.fixed(units_of(own, Decimal(0)))))
    low, high = size(view, "min_size"), size(view, "max_size")
    least = Decimal(0) if own == 0 else Decimal(1)
    units = scaled(own, least if low is None else low, own if high is None else high)
    return Extracted(pool_of(machine, units))


def inference_deployment(view: View) -> Extracted:
    """`scaleway_inference_deployment`: nodes that are billed from when they are ready, at prices of their own.

    https://www.scaleway.com/en/docs/managed-inference/faq/
    """
    options, unknown = machine_options(view, "node_type")
    if not options and unknown is None:
        return Extracted(())
    name = options[0].sku if options else ""
    match = _NODE_TYPE.match(name.upper()[:40])
    attached = (AttachedAccelerator(name, Decimal(1)),) if name else ()
    if match is not None:
        attached = (AttachedAccelerator(_MODELS.get(match["model"], match["model"]), Decimal(match["count"] or 1)),)
    machine = Machine(
        options=options,
        unknown=unknown,
        accelerators=attached,
        machine_attribute=view.attribute("node_type"),
        sensitive=view.is_sensitive("node_type"),
    )
    low, high = size(view, "min_size"), size(view, "max_size")
    least = Decimal(1) if low is None else low
    units = scaled(least, least, least if high is None else high)
    charge = Charge("managed_service", "managed-inference-{sku}", f"managed inference, {name or 'node'}")
    return Extracted((machine.pool(units, charges=(charge,), machine_billed=False),))


def template_machine(view: View) -> Machine:
    """`scaleway_autoscaling_instance_template`."""
    disks: list[Disk] = []
    for volume in view.blocks("volumes")[:_MOST_VOLUMES]:
        kind = volume.string("volume_type") or "sbs"
        made = volume.known_number("from_empty.0.size") or volume.known_number("from_snapshot.0.size")
        disks.append(Disk("boot" if volume.flag("boot") else "data", kind, made))
    return replace(plain_machine(view, "commercial_type", disks=tuple(disks)), via=(view.address,))


def instance_group(view: View) -> Extracted:
    """`scaleway_autoscaling_instance_group`: starts at its minimum; policies move it within the bounds."""
    machine = followed_machine(view, _TEMPLATE_LINK, template_machine)
    if machine is None:
        machine = Machine(unknown=Unknown("its instance template is not in the plan", "unknown-machine-type"))
    low, high = view.number("capacity.0.min_replicas"), view.number("capacity.0.max_replicas")
    if high is None:
        view.note("warning", "unbounded-autoscaling", "capacity.max_replicas is not set: nothing limits its cost")
    return Extracted(pool_of(machine, scaled(None, low, high)), via=machine.via)


_UNPRICED = ("list prices in euros",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="scaleway_instance_server",
        cloud="scaleway",
        extract=server,
        region=region,
        tags=listed_tags,
        reads=("type", "state", "root_volume", "zone"),
        prices=("the machine, where the configuration gives its price",),
        leaves_out=(*_UNPRICED, "additional volumes", "addresses"),
        assumes=("A stopped machine costs its volumes alone; one in standby is billed.",),
        source="scaleway provider: scaleway_instance_server; Scaleway: Instances FAQ",
    ),
    ResourceSpec(
        type="scaleway_k8s_pool",
        cloud="scaleway",
        extract=k8s_pool,
        region=region,
        tags=listed_tags,
        reads=(
            "node_type",
            "size",
            "min_size",
            "max_size",
            "autoscaling",
            "root_volume_size_in_gb",
            "zone",
            "cluster_id",
        ),
        prices=("the nodes, where the configuration gives their price",),
        leaves_out=_UNPRICED,
        assumes=("With autoscaling the bounds default to 1 and to the size, as in the provider.",),
        source="scaleway provider: scaleway_k8s_pool",
    ),
    ResourceSpec(
        type="scaleway_inference_deployment",
        cloud="scaleway",
        extract=inference_deployment,
        region=region,
        tags=listed_tags,
        reads=("node_type", "min_size", "max_size", "region"),
        prices=("the nodes, where the configuration gives their price",),
        leaves_out=_UNPRICED,
        assumes=("It starts at its minimum, one node unless told otherwise; without a maximum it stays there.",),
        source="scaleway provider: scaleway_inference_deployment; Scaleway: Managed Inference FAQ",
    ),
    ResourceSpec(
        type="scaleway_autoscaling_instance_template",
        cloud="scaleway",
        extract=as_template(template_machine),
        region=region,
        tags=listed_tags,
        template=True,
        reads=("commercial_type", "volumes"),
        assumes=("Costs nothing by itself.",),
        source="scaleway provider: scaleway_autoscaling_instance_template",
    ),
    ResourceSpec(
        type="scaleway_autoscaling_instance_group",
        cloud="scaleway",
        extract=instance_group,
        region=region,
        tags=listed_tags,
        links=(_TEMPLATE_LINK,),
        reads=("template_id", "capacity", "zone"),
        prices=("the machines, where the configuration gives their price",),
        leaves_out=_UNPRICED,
        assumes=("It starts at its minimum; its policies move it within the bounds.",),
        source="scaleway provider: scaleway_autoscaling_instance_group",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="scaleway_k8s_cluster",
        of=("scaleway_k8s_pool",),
        reads=("region",),
        says="where a pool is",
        source="scaleway provider: scaleway_k8s_cluster",
    ),
)
